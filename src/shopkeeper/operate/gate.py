"""May a new model go live? Not worse than what is live, nor than the baseline, beyond doubt.

Compared are the metrics that the capability's card names as gating and both reports hold, each
by its 95 % interval: worse means that the new interval lies wholly on the bad side of the old
one. Metrics that a card does not name (coverage, novelty, times) do not gate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a model may go live, and the facts that decided it."""

    passed: bool
    facts: tuple[str, ...]


def judge(
    new: Mapping[str, Any], old: Mapping[str, Any] | None, gating: Mapping[str, int]
) -> Verdict:
    """Compare a training report with its own baseline and with the live champion's report.

    ``gating`` metric -> +1 where higher is better, -1 where lower is.

    >>> judge({"models": {}, "champion": "a", "baseline": "b"}, None, {"wape": -1}).passed
    True
    """
    fresh = champion_of(new)
    rivals = [("baseline", dict(new.get("models", {})).get(new.get("baseline", ""), {}))]
    if old:
        rivals.append(("champion", champion_of(old)))
    facts: list[str] = []
    for rival, entry in rivals:
        facts += [f"worse than the {rival}: {fault}" for fault in _worse(fresh, entry, gating)]
    if facts:
        return Verdict(passed=False, facts=tuple(facts))
    return Verdict(passed=True, facts=("not worse than " + " or ".join(r for r, _ in rivals),))


def champion_of(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the report's entry of the model that it names champion; empty if it has none."""
    entry: Mapping[str, Any] = dict(report.get("models", {})).get(report.get("champion", ""), {})
    return entry


def sign_of(metric: str, gating: Mapping[str, int]) -> int:
    """Return +1 or -1 for a gating metric, 0 for another; ``repeat.ndcg_at_10`` is a task's own.

    >>> sign_of("repeat.ndcg_at_10", {"ndcg_at_10": 1})
    1
    """
    return gating.get(metric.rpartition(".")[2], 0)


def _worse(new: Mapping[str, Any], old: Mapping[str, Any], gating: Mapping[str, int]) -> list[str]:
    faults = []
    theirs, mine = _intervals(old), _intervals(new)
    for name in theirs.keys() & mine.keys():
        (low, high), (my_low, my_high) = theirs[name], mine[name]
        sign = sign_of(name, gating)
        if sign > 0 and my_high < low:
            faults.append(f"{name} at most {my_high:.4f}, but it had at least {low:.4f}")
        elif sign < 0 and my_low > high:
            faults.append(f"{name} at least {my_low:.4f}, but it had at most {high:.4f}")
    return sorted(faults)


def _intervals(entry: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    found = {}
    for name, interval in dict(entry.get("interval_95", {})).items():
        if interval and None not in tuple(interval):
            low, high = interval
            found[name] = (float(low), float(high))
    return found
