"""Learn the ranker on the last periods of a history, from sources that had not seen it."""

from __future__ import annotations

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.progress import stage
from shopkeeper.recommend.models import fusion, holdout
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.ranker import Period, Ranker
from shopkeeper.recommend.schema import Training

PERIODS = 2


def learn(
    chosen: Study,
    data: Training,
    *,
    protocol: str = "time",
    limit: int = fusion.MAX_SUBJECTS,
    seed: int = 7,
) -> Ranker:
    """Return the trees that order the candidates of a blend with frozen choices.

    The last period is the one that the study judged on; at most ``limit`` customers teach in each.
    """
    periods: list[Period] = []
    horizon_us = int(holdout.horizon_days(data) * DAY_US)
    with stage("learn to rank"):
        for _ in range(PERIODS):
            if protocol == "time":
                data, target = holdout.cut_at(data, data.as_of_us - horizon_us)
            else:
                data, target = holdout.last_out(data)
            if not len(data.interactions.item):
                break
            judged = holdout.judge(data, target, limit=limit, seed=seed)
            blend = Blend(chosen, protocol=protocol).fit(data)
            periods.insert(0, Period(blend=blend, data=data, judged=judged))
        return Ranker(seed).fit(periods)
