"""Who is always let through and who never: lists by identifier, with an end and two pairs of eyes.

An entry names one identifier by its kind and its key: the keyed HMAC for what identifies a
person, the id itself for a customer, a country or a card's BIN. Entries are ``rule`` events like
rules. A block counts at once; an allow opens the gate for whoever holds the identifier, so it
counts only when a second person has approved it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput, Conflict

LISTS = ("block", "allow")
# Kinds of identifier; those of a person travel as a keyed HMAC, never in clear.
PERSONAL = ("card_fingerprint", "device_id", "ip", "email", "phone", "address")
PLAIN = ("customer_id", "card_bin", "country", "email_domain")
KINDS = PERSONAL + PLAIN
MOST_DAYS = 730
DEFAULT_DAYS = {"block": 180, "allow": 90}
MOST_ENTRIES = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One identifier on one list. ``status``: proposed, live or off."""

    list_name: str
    kind: str
    key: str
    status: str
    ends_us: int
    operator: str
    why: str = ""
    second: str | None = None  # who approved an allow
    changed_us: int = 0

    @property
    def entry_id(self) -> str:
        """Return the name under which the entry's events are found; never the whole key."""
        return f"list/{self.list_name}/{self.kind}/{self.key[:40]}"


@dataclass(slots=True)
class Lists:
    """The entries in force, for one look-up per identifier of a request."""

    _entries: dict[str, Entry] = field(default_factory=dict)
    _found: dict[tuple[str, str], dict[str, Entry]] = field(default_factory=dict)

    def put(self, entry: Entry) -> None:
        """Take an entry as it stands now."""
        self._entries[entry.entry_id] = entry
        here = self._found.setdefault((entry.kind, entry.key), {})
        if entry.status == "live":
            here[entry.list_name] = entry
        else:
            here.pop(entry.list_name, None)
            if not here:
                del self._found[(entry.kind, entry.key)]

    def any(self) -> bool:
        """Return whether any entry is live."""
        return bool(self._found)

    def look_up(self, keys: Mapping[str, str | None], at_us: int) -> Entry | None:
        """Return the entry that decides a request, None without one; a block beats an allow."""
        allow = None
        for kind, key in keys.items():
            if not key:
                continue
            here = self._found.get((kind, key))
            if here is None:
                continue
            block = here.get("block")
            if block is not None and at_us < block.ends_us:
                return block
            one = here.get("allow")
            if one is not None and at_us < one.ends_us:
                allow = allow or one
        return allow

    def get(self, entry_id: str) -> Entry | None:
        """Return an entry by its name."""
        return self._entries.get(entry_id)

    def all(self) -> list[Entry]:
        """Return every entry, the latest changed first."""
        return sorted(self._entries.values(), key=lambda e: (-e.changed_us, e.entry_id))


def propose(
    *,
    list_name: str,
    kind: str,
    key: str,
    operator: str,
    now_us: int,
    days: int | None = None,
    why: str = "",
) -> Entry:
    """Return a new entry: a block is live at once, an allow waits for a second person.

    Raises
    ------
    BadInput
        If the list, the kind, the key or the number of days is not one there is.
    """
    if list_name not in LISTS:
        raise _bad("list", list_name, ", ".join(LISTS))
    if kind not in KINDS:
        raise _bad("kind", kind, ", ".join(KINDS))
    if not isinstance(key, str) or not 0 < len(key) <= 128:
        raise _bad("value", key, "a text of 1 to 128 characters")
    days = DEFAULT_DAYS[list_name] if days is None else days
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        raise _bad("days", days, f"a whole number from 1 to {MOST_DAYS}")
    if not isinstance(why, str) or len(why) > 400:
        raise _bad("why", why, "a text of up to 400 characters")
    return Entry(
        list_name=list_name,
        kind=kind,
        key=key,
        status="live" if list_name == "block" else "proposed",
        ends_us=now_us + days * DAY_US,
        operator=operator,
        why=why,
        changed_us=now_us,
    )


def approve(entry: Entry, *, operator: str, now_us: int) -> Entry:
    """Return a proposed entry made live by a second person.

    Raises
    ------
    Conflict
        If the entry does not wait for that, or the same person proposed it.
    """
    if entry.status != "proposed":
        raise Conflict(
            f"The entry is {entry.status}, not proposed.",
            hint="Only a proposed entry of the allow list waits for a second person.",
            field="status",
            value=entry.status,
            allowed="proposed",
        )
    if operator == entry.operator:
        raise Conflict(
            f"{operator} proposed this entry and cannot approve it too.",
            hint="The allow list needs two people: let somebody else approve it.",
            field="operator",
            value=operator,
            code="two_people",
        )
    return replace(entry, status="live", second=operator, changed_us=now_us)


def end(entry: Entry, *, operator: str, now_us: int) -> Entry:
    """Return an entry taken off its list; one person is enough, also for an allow."""
    return replace(entry, status="off", operator=operator, second=None, changed_us=now_us)


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {value!r}."[:300],
        hint="docs/how-to/review-fraud.md describes lists.",
        field=name,
        value=value,
        allowed=allowed,
    )
