"""What other policies would have earned on the shop's own slates, and whether that can be said.

The report is the object of ``evaluate``: per policy the estimates of learn/offpolicy.py, the
effective sample size, a verdict against the policy that ran, or what is missing for one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data import slate_log
from shopkeeper.learn.offpolicy import (
    LEAST_EFFECTIVE,
    LEAST_REWARDS,
    REFUSED,
    Comparison,
    Logged,
    compare,
)
from shopkeeper.recommend.offpolicy import asked
from shopkeeper.recommend.offpolicy.places import REWARDS, Places, of_record

ASKED = ("greedy", "explore_0.05", "explore_0.3", "uniform", "learned")
MISSING = {
    "no_slates": "no slate is on record: ask for recommendations and let their answers stand",
    "no_draws": "no place was drawn by chance: set explore_share, for example to 0.1",
    "no_impressions": "no impression names a slate: send impression events with decision_id; "
    "until then every place counts as seen",
    "no_rewards": "nothing came of any drawn place: put decision_id on clicks and purchases",
}
MOST_SLATES = 20_000
HOUR_US = 3_600_000_000
_DIGITS = 6


def of_shop(
    warehouse: Any,
    *,
    reward: str = "click",
    days: int = 90,
    within_hours: float = 24.0,
    shares: Sequence[float] = (),
    seed: int = 7,
    now_us: int | None = None,
    most: int = MOST_SLATES,
) -> dict[str, Any]:
    """Return the report on the slates of the last ``days``, the latest ``most`` of them."""
    _check(reward, days, within_hours)
    now = clock.now_us() if now_us is None else now_us
    window = int(within_hours * HOUR_US)
    since, until = now - days * clock.DAY_US, now - window
    counts = slate_log.counts(warehouse, since, until)
    slates = slate_log.drawn(warehouse, since, until, most=most)
    seen = slate_log.seen(warehouse, since)
    places = of_record(
        slates,
        seen,
        slate_log.taken(warehouse, since),
        reward=reward,
        window_us=window,
    )
    names = (*ASKED, *(f"explore_{share:g}" for share in shares))
    return {
        "capability": "recommend",
        "data": {
            "source": "log",
            "slates": counts["slates"],
            "slates_drawn": counts["drawn"],
            "slates_seen": counts["seen"],
            "places": len(places.at),
            "rewarded": int(np.count_nonzero(places.reward)),
            "places_by_chance": int(np.count_nonzero(places.at > 0)),
        },
        "protocol": {
            "reward": reward,
            "days": days,
            "within_hours": within_hours,
            "seen": "impressions" if seen else "assumed: every place",
            "unit": "place, with those above it as they were; slates drawn again together",
            "seed": seed,
        },
        "missing": missing(counts, places, impressions=bool(seen)),
        "models": judged(places, tuple(dict.fromkeys(names)), seed),
        "baseline": "logged",
    }


def _check(reward: str, days: int, within_hours: float) -> None:
    if reward not in REWARDS:
        raise BadInput(
            f"There is no reward '{reward}'.",
            field="reward",
            value=reward,
            allowed=", ".join(REWARDS),
        )
    if not 0 < within_hours <= 24 * 30 or not 1 <= days <= 3650:
        wrong = ("days", days) if not 1 <= days <= 3650 else ("within_hours", within_hours)
        raise BadInput(
            f"{wrong[0]} must be within bounds, but is {wrong[1]}.",
            field=wrong[0],
            value=wrong[1],
            allowed="days from 1 to 3650, within_hours above 0 and up to 720",
        )


def judged(places: Places, names: Sequence[str], seed: int) -> dict[str, Any]:
    """Return each policy's estimates beside what the running one earned; none without places."""
    if not len(places.at):
        return {}
    predicted = asked.expected(places, np.random.default_rng(seed))
    found: dict[str, Any] = {"logged": _ran(places, seed)}
    ran = asked.chances("logged", places, predicted)
    for name in names:
        chances = asked.chances(name, places, predicted)
        if name.startswith("explore_") and np.allclose(chances, ran):
            continue  # what ran itself: the rewards tell it, and no estimate is needed
        told = compare(
            Logged(
                reward=places.reward,
                action=places.at,
                propensity=places.propensity,
                policy=chances,
                predicted=predicted,
                request=places.request,
            ),
            np.random.default_rng(seed),
        )
        found[name] = printed(told)
    return found


def printed(told: Comparison) -> dict[str, Any]:
    """Return a comparison as the report holds it."""
    more = needed(told)
    return {
        "metrics": {n: round(one.value, _DIGITS) for n, one in told.estimates.items()},
        "interval_95": {
            n: [round(side, _DIGITS) for side in one.interval_95]
            for n, one in told.estimates.items()
        },
        "effective": round(told.effective),
        "against_baseline": {
            "by": told.judged_by,
            "difference": round(told.estimates[told.judged_by].value - told.logged, _DIGITS),
            "interval_95": [round(side, _DIGITS) for side in told.difference],
        },
        "verdict": told.verdict,
        "why": list(told.why),
        **({"rows_needed": more} if more else {}),
    }


def needed(told: Comparison) -> int | None:
    """Return how many rows like these a verdict would need, about; None where it cannot be said."""
    if told.verdict != REFUSED:
        return None
    grow = max(
        LEAST_EFFECTIVE / max(told.effective, 1e-9),
        LEAST_REWARDS / max(told.rewards, 1e-9),
        1.0,
    )
    # At 1 it is one row that weighs too much, and no number of rows says when it will not.
    return math.ceil(told.rows * grow) if 1 < grow <= 1e6 else None


def missing(
    counts: Mapping[str, int], places: Places, *, impressions: bool
) -> list[dict[str, str]]:
    """Return what the record lacks: a code, and what to do about it."""
    found = []
    if not counts["slates"]:
        found.append("no_slates")
    elif not counts["drawn"]:
        found.append("no_draws")
    if counts["drawn"] and not impressions:
        found.append("no_impressions")
    if counts["drawn"] and not np.count_nonzero(places.reward):
        found.append("no_rewards")
    return [{"code": code, "says": MISSING[code]} for code in found]


def _ran(places: Places, seed: int) -> dict[str, Any]:
    """Return what the policy that ran earned, with its interval over slates."""
    number = np.unique(places.request, return_inverse=True)[1]
    n = int(number.max()) + 1
    earned = np.bincount(number, weights=places.reward, minlength=n)
    rows = np.bincount(number, minlength=n)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(500):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        drawn.append(float(times @ earned) / max(float(times @ rows), 1e-300))
    low, high = np.percentile(drawn, (2.5, 97.5))
    return {
        "metrics": {"mean": round(float(places.reward.mean()), _DIGITS)},
        "interval_95": {"mean": [round(float(low), _DIGITS), round(float(high), _DIGITS)]},
        "effective": len(places.reward),
    }
