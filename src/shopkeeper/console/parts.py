"""Parts of a page that stand or fall alone: a fault in one is shown there and logged.

A part is built by a plain function. What it can raise without being our crash is listed in
FAULTS; anything else is a bug that ends the whole page with an error id.
"""

from __future__ import annotations

import secrets
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import duckdb
from sqlalchemy.exc import SQLAlchemyError

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError
from shopkeeper.console.speech import say

FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    SQLAlchemyError,
    duckdb.Error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What a person reads where a part failed."""

    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a page: its data, or why there is none."""

    data: Any = None
    error: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One page of a long list. ``before`` and ``after`` are offsets, None at the ends."""

    rows: list[Any]
    key: str
    number: int
    before: int | None
    after: int | None


def part(language: str, build: Callable[..., Any], *given: Any, **named: Any) -> Part:
    """Build a part; a fault becomes its own message and leaves the page standing."""
    try:
        return Part(data=build(*given, **named))
    except ShopError as problem:
        return Part(error=Fault(message=problem.message, hint=problem.hint))
    except FAULTS as problem:
        error_id = note_fault(getattr(build, "__name__", "part"), problem)
        return Part(error=Fault(message=say(language, "fault.logged", id=error_id)))


def note_fault(where: str, problem: BaseException) -> str:
    """Log a fault of ours under a new id and return the id."""
    error_id = f"err_{secrets.token_hex(6)}"
    log.error(
        "console.fault",
        error_id=error_id,
        where=where,
        kind=type(problem).__name__,
        traceback="".join(traceback.format_exception(problem)),
    )
    return error_id


def leaf(found: list[Any], key: str, offset: int, limit: int) -> Leaf:
    """Return one page of a list whose query asked for one row more than it shows."""
    return Leaf(
        rows=found[:limit],
        key=key,
        number=offset // limit + 1,
        before=max(0, offset - limit) if offset else None,
        after=offset + limit if len(found) > limit else None,
    )
