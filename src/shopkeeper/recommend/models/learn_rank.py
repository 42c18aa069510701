"""Learn the ranker on the last periods of a history, from sources that had not seen it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.progress import stage
from shopkeeper.recommend.models import fusion, holdout, ranking
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.ranker import ENOUGH_GROUPS, Group, Period, Ranker, best_of
from shopkeeper.recommend.models.shown import Slates
from shopkeeper.recommend.schema import Interactions, Training

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
    slates: Slates | None = None,
) -> Ranker:
    """Return the trees that order the candidates of a blend with frozen choices.

    The last period is the one that the study judged on; at most ``limit`` customers teach in each.
    With too few of them the ranker has no trees. ``slates`` by the numbers of ``data``.
    """
    log, whole_until = data.interactions, data.as_of_us
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
        periods = []
        ends = [*(past.as_of_us for past, _ in splits[1:]), whole_until]
        for (past, judged), until in zip(splits, ends, strict=True):
            blend = Blend(chosen, protocol=protocol).fit(past)
            shown: list[Group] = []
            if slates is not None and protocol == "time":
                shown = groups_of(slates.between(past.as_of_us, until), blend, past, log)
            periods.append(Period(blend=blend, data=past, judged=judged, shown=shown))
        return Ranker(seed).fit(periods, tasks)


def groups_of(slates: Slates, blend: Blend, data: Training, log: Interactions) -> list[Group]:
    """Return slates as the trees see them: rows of the same table that serves, grades, places.

    ``blend`` was fitted on ``data``, before the slates; ``log`` tells what each customer had done
    by the moment of hers. Slates of which nothing came teach no order and are left out.
    """
    sources = tuple(sorted(blend.sources_))
    facts = ranking.item_facts(data, blend.trend_)
    asked, n_items = slates.asked(log), len(blend.trend_)
    found = []
    for first, last in fusion.chunks(len(slates.user), n_items * len(sources)):
        part = asked.chunk(first, last)
        raws = {name: blend.sources_[name].scores(part) for name in sources}
        fused = blend.fused(raws, "all")
        for row in range(last - first):
            span = slice(*slates.start[first + row : first + row + 2])
            item, grade = slates.item[span].astype(np.int64), slates.grade[span]
            if not grade.any():
                continue
            # Ranks and scales are among all candidates, as in serving; then what was shown.
            picked = best_of(fused[row])
            picked = np.concatenate([picked, np.setdiff1d(item, picked)])
            rows = ranking.table(
                facts,
                part.chunk(row, row + 1),
                picked,
                fused[row, picked],
                {name: raw[row] for name, raw in raws.items()},
            )
            place = {int(one): at for at, one in enumerate(picked.tolist())}
            found.append(
                Group(
                    rows=rows[[place[int(one)] for one in item]].astype(np.float32),
                    label=grade,
                    targets=int(np.count_nonzero(grade)),
                    position=slates.position[span],
                )
            )
    return found
