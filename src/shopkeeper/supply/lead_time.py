"""How long a supplier takes: a distribution learned from deliveries, orders still open included.

Every past delivery votes with a weight: all of them a little, those of the same supplier (and
lane, mode, item) more, the more of them there are (shrinkage); old ones less. An open order is
censored: it says "at least so long", which the product-limit estimator uses as it stands. With a
promised date, what is learned is the lateness against it.

Source: Kaplan and Meier, Nonparametric estimation from incomplete observations, JASA 53 (1958).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply.schema import LeadTime

# Days between ordering and the promised date, in bins: a date close by is kept otherwise.
_PROMISE_BINS = (1, 15, 45, 90, 150)
PROMISE_BIN = "promise_bin"
WEEKDAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """Past orders by day ordered; days count from any one origin. NaN: open, not promised.

    ``keys`` holds text columns (n,) by name; "supplier" must be there.
    """

    keys: Mapping[str, np.ndarray]
    ordered: np.ndarray
    received: np.ndarray
    promised: np.ndarray

    def __len__(self) -> int:
        return len(self.ordered)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How votes are weighed.

    levels          which orders count as alike, from wide to narrow: tuples of key names
    strength        orders of a narrower level that weigh as much as all wider ones together
    half_life_days  age at which a vote counts half; None: never fades
    lateness        learn days against the promised date, not days since ordering
    """

    levels: tuple[tuple[str, ...], ...] = (("supplier",),)
    strength: float = 5.0
    half_life_days: float | None = 365.0
    lateness: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A distribution function on whole days: P(X <= days[k]) = cdf[k]."""

    days: np.ndarray
    cdf: np.ndarray
    observed: int  # deliveries of the narrowest level that has any
    source: str

    def at(self, level: float) -> float:
        """Return the smallest value that covers ``level``."""
        place = int(np.searchsorted(self.cdf, level - 1e-12))
        return float(self.days[min(place, len(self.days) - 1)])

    def below(self, value: float) -> tuple[float, float]:
        """Return (P(X < value), P(X <= value))."""
        left = int(np.searchsorted(self.days, value, "left"))
        right = int(np.searchsorted(self.days, value, "right"))
        low = float(self.cdf[left - 1]) if left else 0.0
        return low, (float(self.cdf[right - 1]) if right else 0.0)


class Learned(Protocol):
    """What was learned, by one model or by a committee."""

    @property
    def settings(self) -> Settings: ...

    def curve(self, keys: Mapping[str, str]) -> Curve: ...


@dataclass(slots=True)
class Fitted:
    """What was learned up to a day; ask it for one order at a time. Curves are kept."""

    settings: Settings
    as_of: int
    codes: Mapping[tuple[str, ...], tuple[Mapping[tuple[str, ...], int], np.ndarray]]
    days: np.ndarray
    observed: np.ndarray
    recency: np.ndarray
    _kept: dict[tuple[int, ...], Curve] = field(default_factory=dict)

    def curve(self, keys: Mapping[str, str]) -> Curve:
        """Return the distribution for an order with these keys (lateness, or lead time)."""
        cells = tuple(
            self.codes[level][0].get(tuple(keys.get(name, "") for name in level), -1)
            for level in self.settings.levels
        )
        if cells not in self._kept:
            self._kept[cells] = self._learn(cells)
        return self._kept[cells]

    def _learn(self, cells: tuple[int, ...]) -> Curve:
        weight = self.recency / self.recency.sum()
        known, source = int(self.observed.sum()), "all suppliers"
        for level, cell in zip(self.settings.levels, cells, strict=True):
            mine = np.where(self.codes[level][1] == cell, self.recency, 0.0)
            total = mine.sum()
            if cell < 0 or total <= 0:
                continue
            # Kish's effective count: ten faded votes are not ten.
            count = total**2 / (mine**2).sum()
            share = count / (count + self.settings.strength)
            weight = (1 - share) * weight + share * mine / total
            known = int((self.observed & (mine > 0)).sum())
            source = " + ".join(level)
        days, cdf = product_limit(self.days, self.observed, weight)
        return Curve(days=days, cdf=cdf, observed=known, source=source)


def product_limit(
    days: np.ndarray, observed: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return (days rising, cdf) of the weighted product-limit estimator.

    What the last, censored orders leave open is put on the last day, so that the cdf ends in 1.

    >>> days, cdf = product_limit(
    ...     np.array([1.0, 2.0, 3.0]), np.array([True, False, True]), np.ones(3)
    ... )
    >>> cdf.round(3).tolist()
    [0.333, 0.333, 1.0]
    """
    # At a tie deliveries come before censored orders, which were still open that day.
    order = np.lexsort((~observed, days))
    days, observed, weight = days[order], observed[order], weight[order]
    at_risk = np.cumsum(weight[::-1])[::-1]
    hazard = np.divide(weight, at_risk, out=np.zeros_like(weight), where=observed & (at_risk > 0))
    cdf = 1 - np.cumprod(1 - np.clip(hazard, 0, 1))
    last = np.append(days[1:] != days[:-1], True)
    days, cdf = days[last], cdf[last]
    cdf[-1] = 1.0
    return days, cdf


def fit(deliveries: Deliveries, settings: Settings, as_of: int) -> Fitted:
    """Learn from what is known at the start of day ``as_of``: later orders and receipts are not.

    Raises
    ------
    BadInput
        If nothing was ordered before, or lateness is asked and nothing was promised.
    """
    known = deliveries.ordered < as_of
    if settings.lateness:
        known &= np.isfinite(deliveries.promised)
    if not known.any():
        raise BadInput(
            "There is no earlier order to learn a lead time from.",
            hint="Give deliveries ordered before the day asked for, with a promised day if asked.",
            field="as_of",
            value=int(as_of),
        )
    ordered = deliveries.ordered[known].astype(float)
    received = deliveries.received[known]
    observed = np.isfinite(received) & (received < as_of)
    start = deliveries.promised[known] if settings.lateness else ordered
    until = np.where(observed, received, as_of) - start
    age = as_of - ordered
    half = settings.half_life_days
    recency = np.ones(len(age)) if half is None else 0.5 ** (age / half)
    keys = {name: values[known] for name, values in with_bins(deliveries).items()}
    return Fitted(
        settings=settings,
        as_of=as_of,
        codes={level: _codes(keys, level) for level in settings.levels},
        days=until,
        observed=observed,
        recency=recency,
    )


def quantile(
    fitted: Learned, keys: Mapping[str, str], level: float, *, promised_days: float | None = None
) -> float:
    """Return the days from ordering that ``level`` of such orders need at most."""
    if not 0 < level < 1:
        raise BadInput(
            f"level must lie between 0 and 1, but is {level}.", field="level", value=level
        )
    keys = bin_key(keys, promised_days)
    base = _base(fitted, promised_days)
    return max(0.0, base + fitted.curve(keys).at(level))


def lead_time(
    fitted: Learned, keys: Mapping[str, str], *, promised_days: float | None = None
) -> LeadTime:
    """Return the whole distribution of days from ordering to receiving."""
    curve = fitted.curve(bin_key(keys, promised_days))
    days = np.maximum(0.0, np.rint(_base(fitted, promised_days) + curve.days))
    mass = np.diff(curve.cdf, prepend=0.0)
    values, place = np.unique(days, return_inverse=True)
    probability = np.bincount(place, weights=mass)
    keep = probability > 0
    return LeadTime(
        days=values[keep],
        probability=probability[keep] / probability[keep].sum(),
        source=curve.source,
        observed=curve.observed,
    )


def with_bins(deliveries: Deliveries) -> dict[str, np.ndarray]:
    """Return the keys and, from the promised day, how far ahead it lay."""
    ahead = deliveries.promised - deliveries.ordered
    number = np.digitize(np.nan_to_num(ahead), _PROMISE_BINS).astype(str)
    bins = np.where(np.isfinite(ahead), number, "none")
    return {**deliveries.keys, PROMISE_BIN: bins}


def bin_key(keys: Mapping[str, str], promised_days: float | None) -> dict[str, str]:
    """Return the keys with the bin of the promised days."""
    ahead = np.nan if promised_days is None else promised_days
    return {**keys, PROMISE_BIN: _bin(ahead)}


def on_open_days(
    lead: LeadTime, start: np.datetime64, closed_weekdays: Sequence[int], closed: Sequence[str]
) -> LeadTime:
    """Return the lead time with every arrival moved to the receiver's next open day.

    ``closed_weekdays``: 0 Monday … 6 Sunday; ``closed``: ISO days (holidays).

    >>> lead = LeadTime(days=np.array([1.0]), probability=np.array([1.0]))
    >>> on_open_days(lead, np.datetime64("2026-11-27"), [5, 6], ["2026-11-30"]).days.tolist()
    [4.0]
    """
    mask = [day not in closed_weekdays for day in range(WEEKDAYS)]
    if not any(mask):
        raise BadInput(
            "A calendar with every weekday closed has no day to receive on.",
            field="closed_weekdays",
            value=list(closed_weekdays),
        )
    holidays = np.array(list(closed), dtype="datetime64[D]")
    arrive = start.astype("datetime64[D]") + np.rint(lead.days).astype(int)
    moved = np.busday_offset(arrive, 0, roll="forward", weekmask=mask, holidays=holidays)
    days = (moved - start.astype("datetime64[D]")).astype(float)
    values, place = np.unique(days, return_inverse=True)
    return LeadTime(
        days=values,
        probability=np.bincount(place, weights=lead.probability),
        source=lead.source,
        observed=lead.observed,
    )


def working_days(
    start: np.ndarray, end: np.ndarray, closed_weekdays: Sequence[int], closed: Sequence[str]
) -> np.ndarray:
    """Return the supplier's open days from start to end (datetime64[D]), the first not counted."""
    mask = [day not in closed_weekdays for day in range(WEEKDAYS)]
    holidays = np.array(list(closed), dtype="datetime64[D]")
    found: np.ndarray = np.busday_count(start, end, weekmask=mask, holidays=holidays)
    return found


def _base(fitted: Learned, promised_days: float | None) -> float:
    if not fitted.settings.lateness:
        return 0.0
    if promised_days is None or not np.isfinite(promised_days):
        raise BadInput(
            "This model learned lateness against a promise, but no promised day is given.",
            hint="Give promised_days, or use a model without lateness.",
            field="promised_days",
        )
    return float(promised_days)


def _bin(ahead: float) -> str:
    return "none" if not np.isfinite(ahead) else str(int(np.digitize(ahead, _PROMISE_BINS)))


def _codes(
    keys: Mapping[str, np.ndarray], level: tuple[str, ...]
) -> tuple[dict[tuple[str, ...], int], np.ndarray]:
    missing = [name for name in level if name not in keys]
    if missing:
        raise BadInput(
            f"Level {level} needs the key '{missing[0]}', which the deliveries do not have.",
            field="levels",
            value=missing[0],
            allowed=", ".join(keys),
        )
    rows = list(zip(*(keys[name].tolist() for name in level), strict=True))
    table: dict[tuple[str, ...], int] = {}
    code = np.array([table.setdefault(row, len(table)) for row in rows])
    return table, code
