"""Every error a user can meet: the fact with its value, the next step, a stable code.

    ShopError                     code               HTTP  exit
    ├── BadInput                  bad_input           400     2
    │   ├── MissingColumns        missing_columns     400     2
    │   └── TooLarge              too_large           413     2
    ├── NotSignedIn               not_signed_in       401     2
    ├── NotAllowed                not_allowed         403     2
    ├── NotFound                  not_found           404     2
    ├── Conflict                  conflict            409     2
    ├── TooBusy                   too_busy            429     1
    ├── RequestTimeout            request_timeout     408     1
    ├── ShopLocked                shop_locked         409     1
    ├── PortInUse                 port_in_use         409     1
    ├── StoreUnavailable          store_unavailable   503     1   (disk full, log unreadable)
    ├── ModelUnavailable          model_unavailable   503     1   (no answer of a language model)
    └── ArtefactBroken            artefact_broken     503     1   (corrupt model or lake file)

Raise the most exact one. Nothing else is shown to a user with its own words; any other
exception is our fault and becomes a 500 with code ``internal``.
"""

from __future__ import annotations

from typing import Any


class ShopError(Exception):
    """A fact, a hint and a code; knows its HTTP status and its exit status."""

    code = "shop_error"
    http_status = 500
    exit_status = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        field: str | None = None,
        value: Any = None,
        allowed: str | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.field = field
        self.value = value
        self.allowed = allowed
        if code:
            self.code = code

    def to_dict(self) -> dict[str, Any]:
        """Return the error as the API prints it; keys without a value are left out."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.hint:
            body["hint"] = self.hint
        if self.field is not None:
            body["field"] = self.field
            body["value"] = shorten(self.value)
        if self.allowed is not None:
            body["allowed"] = self.allowed
        return body


class BadInput(ShopError):
    """The caller sent something that no retry will make right."""

    code = "bad_input"
    http_status = 400
    exit_status = 2


class MissingColumns(BadInput):
    """A file lacks columns that the import needs."""

    code = "missing_columns"


class TooLarge(BadInput):
    """A body, batch or field is above its limit."""

    code = "too_large"
    http_status = 413


class NotSignedIn(ShopError):
    """No key or session, or one that nobody knows."""

    code = "not_signed_in"
    http_status = 401
    exit_status = 2


class NotAllowed(ShopError):
    """A known caller without the scope."""

    code = "not_allowed"
    http_status = 403
    exit_status = 2


class NotFound(ShopError):
    """The thing named does not exist."""

    code = "not_found"
    http_status = 404
    exit_status = 2


class Conflict(ShopError):
    """The same id with other content, or a state that forbids the change."""

    code = "conflict"
    http_status = 409
    exit_status = 2


class TooBusy(ShopError):
    """A bounded queue is full or a rate is above its limit; try again later."""

    code = "too_busy"
    http_status = 429

    def __init__(self, message: str, *, retry_after_seconds: float = 1.0, **more: Any) -> None:
        super().__init__(message, **more)
        self.retry_after_seconds = retry_after_seconds


class RequestTimeout(ShopError):
    """The caller did not finish sending in time."""

    code = "request_timeout"
    http_status = 408


class ShopLocked(ShopError):
    """Another server holds this shop folder."""

    code = "shop_locked"
    http_status = 409


class PortInUse(ShopError):
    """Another program listens where this server should."""

    code = "port_in_use"
    http_status = 409


class StoreUnavailable(ShopError):
    """The log cannot be written or read just now: disk full, file damaged."""

    code = "store_unavailable"
    http_status = 503


class ModelUnavailable(ShopError):
    """The language model did not answer in time; callers go on with the grammar."""

    code = "model_unavailable"
    http_status = 503


class ArtefactBroken(ShopError):
    """A model or lake file does not match its recorded hash or shape."""

    code = "artefact_broken"
    http_status = 503


def shorten(value: Any, limit: int = 120) -> Any:
    """Return value fit for a message: long text is cut, so one field cannot flood a log."""
    if value is None or isinstance(value, bool | int | float):
        # NaN and infinity have no JSON; their names do.
        if isinstance(value, float) and (value != value or value in (float("inf"), -float("inf"))):
            return str(value)
        return value
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"
