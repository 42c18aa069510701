"""Whether promises are kept as often as they say, per carrier and lane.

A promise at level 0.9 should be met by nine orders in ten. Judged are promises whose day is over,
parcels that never came included, so a carrier that loses parcels does not look punctual. A lane is
alarming when so few kept promises would be rarer than ALARM if its promises were right; the limit
is shared among all lanes judged, so a shop of a hundred lanes is not alarmed by chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

from shopkeeper.base.clock import DAY_US
from shopkeeper.supply.scorecards import wilson

ALARM = 0.01
LEAST = 30  # judged promises below which nothing is said
CAUTIOUS = 0.08  # share beyond the level from which a promise gives days away
WEEK_US = 7 * DAY_US
VERDICTS = ("right", "too_rarely", "too_cautious", "too_few")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promised:
    """One parcel: its lane, the day promised, when it came (None: not yet), the level meant."""

    carrier: str
    location_id: str
    promised_us: int
    delivered_us: int | None
    level: float

    @property
    def kept(self) -> bool:
        """Whether it came in time."""
        return self.delivered_us is not None and self.delivered_us <= self.promised_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How a carrier (``location_id`` '' ), or one of its lanes, kept its promises lately."""

    carrier: str
    location_id: str
    level: float
    judged: int
    kept: int
    interval_95: tuple[float, float]
    chance: float  # of so few kept, were the promises right
    verdict: str  # one of VERDICTS

    @property
    def share(self) -> float:
        """Kept of judged; NaN of none."""
        return self.kept / self.judged if self.judged else float("nan")


def lanes(rows: Sequence[Promised], now_us: int, *, days: int = 28) -> list[Lane]:
    """Return carriers and their lanes over the promises of the last ``days``, worst first."""
    since = now_us - days * DAY_US
    judged = [row for row in rows if since <= row.promised_us < now_us]
    groups: dict[tuple[str, str], list[Promised]] = {}
    for row in judged:
        groups.setdefault((row.carrier, ""), []).append(row)
        groups.setdefault((row.carrier, row.location_id), []).append(row)
    tested = sum(len(some) >= LEAST for some in groups.values())
    found = [_lane(key, some, ALARM / max(1, tested)) for key, some in groups.items()]
    return sorted(found, key=lambda lane: (lane.chance, lane.carrier, lane.location_id))


def weeks(rows: Sequence[Promised], now_us: int) -> list[tuple[int, str, int, int]]:
    """Return (week, carrier, judged, kept) by the week of the promised day, oldest first."""
    counts: dict[tuple[int, str], list[int]] = {}
    for row in rows:
        if row.promised_us < now_us:
            one = counts.setdefault((row.promised_us // WEEK_US, row.carrier), [0, 0])
            one[0] += 1
            one[1] += row.kept
    return [(week, carrier, n, kept) for (week, carrier), (n, kept) in sorted(counts.items())]


def _lane(key: tuple[str, str], some: Sequence[Promised], limit: float) -> Lane:
    count, kept = len(some), sum(row.kept for row in some)
    level = sum(row.level for row in some) / count
    chance = float(special.bdtr(kept, count, level))
    if count < LEAST:
        verdict = "too_few"
    elif chance < limit:
        verdict = "too_rarely"
    elif wilson(kept, count)[0] > level and kept / count >= level + CAUTIOUS:
        verdict = "too_cautious"
    else:
        verdict = "right"
    return Lane(
        carrier=key[0],
        location_id=key[1],
        level=round(level, 4),
        judged=count,
        kept=kept,
        interval_95=wilson(kept, count),
        chance=chance,
        verdict=verdict,
    )
