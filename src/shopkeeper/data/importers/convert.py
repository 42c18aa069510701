"""Cells to field values: text, numbers, money, times, yes and no; a bad cell says why.

A column is converted at once and each distinct cell only once, since real columns repeat
themselves. Empty cells are None. What an amount means depends on its row's currency, so money
has a method of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from shopkeeper.base import clock
from shopkeeper.base.errors import shorten
from shopkeeper.data.importers.kinds import PLACE, SIGNED, TARIFF, TERM_NUMBERS
from shopkeeper.data.importers.mapping import PERSON, Mapping
from shopkeeper.data.importers.money import to_minor, to_whole

TIMES = ("occurred_at", "starts_at", "ends_at", "promised_at")
NUMBERS = ("quantity", "rating", "score")
WHOLE = ("position",)
YES_NO = ("available", "hidden", "replenishable", "returnable")
_YES = {"1", "true", "t", "yes", "y", "in stock", "in_stock", "instock"}
_NO = {"0", "false", "f", "no", "n", "out of stock", "out_of_stock", "outofstock"}
_CACHE = 100_000

Bad = dict[int, tuple[str, str, str]]  # place in the chunk -> (code, field, message)


class NotAllowed(ValueError):
    """A cell that cannot be the value of its field; carries the code of the reason."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Columns:
    """Converts the columns of one import; remembers what it has converted."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._zone = ZoneInfo(mapping.timezone) if mapping.timezone != "UTC" else UTC
        self._seen: dict[str, dict[Any, Any]] = {}

    def values(self, name: str, cells: Sequence[Any], bad: Bad) -> list[Any]:
        """Return the values of a field for a chunk's cells; faults go into ``bad``."""
        convert = self._converter(name)
        seen = self._seen.setdefault(name, {})
        if len(seen) > _CACHE:
            seen.clear()
        values: list[Any] = []
        add = values.append
        for place, cell in enumerate(cells):
            if cell is None or cell == "":
                add(None)
                continue
            try:
                add(seen[cell])
            except (KeyError, TypeError):  # not seen yet, or a list, which nothing remembers
                try:
                    value = convert(cell)
                    seen[cell] = value
                    add(value)
                except NotAllowed as problem:
                    add(None)
                    said = "must be text" if name in PERSON else str(problem)
                    bad.setdefault(place, (problem.code, name, f"{name} {said}"))
        return values

    def money(
        self,
        name: str,
        cells: Sequence[Any],
        currencies: Sequence[Any],
        bad: Bad,
        *,
        minor: bool,
    ) -> list[Any]:
        """Return whole minor units for a chunk; ``minor`` says that the cells are that already."""
        seen = self._seen.setdefault(name, {})
        if len(seen) > _CACHE:
            seen.clear()
        values: list[Any] = []
        for place, (cell, currency) in enumerate(zip(cells, currencies, strict=True)):
            if cell is None or cell == "":
                values.append(None)
                continue
            value = seen.get((cell, currency))
            if value is None:
                try:
                    value = self._amount(cell, currency, minor=minor)
                except ValueError as problem:
                    code = "not_a_number" if _is_nan(cell) else "wrong_value"
                    bad.setdefault(place, (code, name, f"{name}: {problem}"))
                else:
                    seen[cell, currency] = value
            values.append(value)
        return values

    def _amount(self, cell: Any, currency: Any, *, minor: bool) -> int:
        if isinstance(cell, bool) or not isinstance(cell, str | int | float | Decimal):
            raise ValueError(f"{shorten(cell)!r} is no amount")
        if isinstance(cell, str):
            cell = cell.strip()
        amount = to_whole(cell) if minor else self._major(cell, currency)
        if amount < 0:
            raise ValueError(f"must not be negative, but is {cell}")
        return amount

    def _major(self, cell: Any, currency: Any) -> int:
        if not isinstance(currency, str):
            raise ValueError("an amount needs a currency")
        return to_minor(cell, currency, decimal=self._mapping.decimal)

    def _converter(self, name: str) -> Callable[[Any], Any]:
        if name in TIMES:
            return self._time
        if name in NUMBERS:
            return self._number
        if name in WHOLE:
            return lambda cell: int(self._number(cell))
        if name in YES_NO:
            return _yes_no
        if name in SIGNED:
            return self._number
        if name in (*TERM_NUMBERS, *PLACE, *TARIFF, "distance_km"):
            return self._no_less_than_nothing
        return _text

    def _number(self, cell: Any) -> float:
        try:
            if isinstance(cell, str) and self._mapping.decimal == ",":
                cell = cell.replace(",", ".")
            value = float(cell)
        except (TypeError, ValueError):
            raise NotAllowed("wrong_value", f"must be a number, but is {shorten(cell)!r}") from None
        if not math.isfinite(value):
            raise NotAllowed("not_a_number", f"must be a finite number, but is {cell}")
        return value

    def _no_less_than_nothing(self, cell: Any) -> float:
        value = self._number(cell)
        if value < 0:
            raise NotAllowed("wrong_value", f"must be 0 or more, but is {shorten(cell)}")
        return value

    def _time(self, cell: Any) -> datetime:
        try:
            at = self._parse_time(cell)
        except (ValueError, OverflowError, TypeError):
            form = self._mapping.date_format
            wanted = f"a time in the form {form}" if form else "an ISO 8601 time or a Unix stamp"
            raise NotAllowed("bad_time", f"must be {wanted}, but is {shorten(cell)!r}") from None
        if at.tzinfo is None:
            at = at.replace(tzinfo=self._zone)
        return at.astimezone(UTC)

    def _parse_time(self, cell: Any) -> datetime:
        if isinstance(cell, datetime):
            return cell
        if isinstance(cell, date):
            return datetime.combine(cell, time())
        if isinstance(cell, str):
            text = cell.strip()
            if self._mapping.date_format:
                # A form with %z brings its own zone; otherwise the mapping's zone is added later.
                return datetime.strptime(text, self._mapping.date_format)  # noqa: DTZ007
            # A date alone of eight digits is ISO too, and a Unix stamp has ten.
            if len(text) < 9 or not text.replace(".", "", 1).isdigit():
                return datetime.fromisoformat(text)
            cell = Decimal(text)
        return _from_stamp(cell)


def _from_stamp(stamp: int | float | Decimal) -> datetime:
    """Return the time of Unix seconds, milli- or microseconds, told apart by their size."""
    if isinstance(stamp, bool) or not math.isfinite(stamp):
        raise ValueError("no stamp")
    for low, scale in ((10**8, 1_000_000), (10**11, 1_000), (10**14, 1)):
        if low <= stamp < low * 1000:
            return clock.from_us(int(Decimal(str(stamp)) * scale))
    raise ValueError("no stamp")


def _text(cell: Any) -> str | None:
    """Return an id or text; a number that a table made of an id becomes its digits again."""
    if isinstance(cell, str):
        return cell.strip() or None
    if isinstance(cell, float):
        if math.isnan(cell):
            return None  # how Parquet from pandas writes that there is no id
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, int | Decimal | date):
        return str(cell)
    raise NotAllowed("wrong_value", f"must be text, but is {shorten(cell)!r}")


def _yes_no(cell: Any) -> bool:
    word = str(cell).strip().lower()
    if word in _YES or word in _NO:
        return word in _YES
    raise NotAllowed("wrong_value", f"must be true or false, but is {shorten(cell)!r}")


def _is_nan(cell: Any) -> bool:
    try:
        return not math.isfinite(float(cell))
    except (TypeError, ValueError):
        return False
