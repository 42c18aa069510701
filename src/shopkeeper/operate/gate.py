"""May a new model go live? Not worse than what is live, nor than the baseline, beyond doubt.

Compared are the quality metrics that both reports hold, each by its 95 % interval: worse means
that the new interval lies wholly below the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Higher is better for all of these; other metrics (coverage, novelty, times) do not gate.
GATING = ("ndcg_at_10", "recall_at_10", "recall_at_20")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a model may go live, and the facts that decided it."""

    passed: bool
    facts: tuple[str, ...]


def judge(new: Mapping[str, Any], old: Mapping[str, Any] | None) -> Verdict:
    """Compare a training report with its own baseline and with the live champion's report.

    >>> judge({"models": {}, "champion": "a", "baseline": "b"}, None).passed
    True
    """
    fresh = champion_of(new)
    rivals = [("baseline", dict(new.get("models", {})).get(new.get("baseline", ""), {}))]
    if old:
        rivals.append(("champion", champion_of(old)))
    facts: list[str] = []
    for rival, entry in rivals:
        facts += [f"worse than the {rival}: {fault}" for fault in _worse(fresh, entry)]
    if facts:
        return Verdict(passed=False, facts=tuple(facts))
    return Verdict(passed=True, facts=("not worse than " + " or ".join(r for r, _ in rivals),))


def champion_of(report: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the report's entry of the model that it names champion; empty if it has none."""
    entry: Mapping[str, Any] = dict(report.get("models", {})).get(report.get("champion", ""), {})
    return entry


def _worse(new: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    faults = []
    for name, (low, _) in _intervals(old).items():
        mine = _intervals(new).get(name)
        if mine is not None and mine[1] < low:
            faults.append(f"{name} at most {mine[1]:.4f}, but it had at least {low:.4f}")
    return faults


def _intervals(entry: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return gating metric -> (low, high); names may carry a task, ``repeat.ndcg_at_10``."""
    found = {}
    for name, interval in dict(entry.get("interval_95", {})).items():
        if name.endswith(GATING) and interval and None not in tuple(interval):
            low, high = interval
            found[name] = (float(low), float(high))
    return found
