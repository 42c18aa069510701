"""Learn the ranker on the last periods of a history, from sources that had not seen it."""

from __future__ import annotations

from collections.abc import Sequence

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.progress import stage
from shopkeeper.recommend.models import fusion, holdout
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.ranker import ENOUGH_GROUPS, Period, Ranker
from shopkeeper.recommend.schema import Training

PERIODS = 2
CUSTOMERS = 1200  # of each period


def learn(
    chosen: Study,
    data: Training,
    *,
    protocol: str = "time",
    limit: int = CUSTOMERS,
    tasks: Sequence[str] = fusion.TASKS,
    seed: int = 7,
) -> Ranker:
    """Return the trees that order the candidates of a blend with frozen choices.

    The last period is the one that the study judged on; at most ``limit`` customers teach in each.
    With too few of them the ranker has no trees.
    """
    horizon_us = int(holdout.horizon_days(data) * DAY_US)
    splits: list[tuple[Training, fusion.Judged]] = []
    for _ in range(PERIODS):
        if protocol == "time":
            data, target = holdout.cut_at(data, data.as_of_us - horizon_us)
        else:
            data, target = holdout.last_out(data)
        splits.insert(0, (data, holdout.judge(data, target, limit=limit, seed=seed)))
    if min(judged.asked.n_subjects for _, judged in splits) < ENOUGH_GROUPS:
        return Ranker(seed)
    with stage("learn to rank"):
        periods = [
            Period(blend=Blend(chosen, protocol=protocol).fit(past), data=past, judged=judged)
            for past, judged in splits
        ]
        return Ranker(seed).fit(periods, tasks)
