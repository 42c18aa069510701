"""What the ranker knows of one subject's candidates: the same table trains and serves.

A row per candidate, a column per name of ``columns(sources)``. Source scores come scaled to the
subject's best and as ranks, so that a source fitted on more data means the same; ages are days.
Unknown is NaN, which trees take as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.histories import PURCHASE, Histories
from shopkeeper.recommend.schema import Training

_ITEM = ("trend", "lines", "repeat_share", "gap_days", "price")
_PAIR = ("pair_lines", "pair_age", "pair_gap", "pair_age_over_gap", "pair_recent", "looked_age")
_SHELF = ("shelf_share", "shelf_age", "shelf_lines")
_SUBJECT = ("price_against_usual", "subject_lines", "subject_baskets", "subject_age")
# Last, so that trees taught before there were these columns read the ones they know.
_TOLD = ("review_feeling", "review_count")
RECENT_DAYS = 30.0
SHRINK = 5


def columns(sources: Sequence[str]) -> list[str]:
    """Return the names of the table's columns for some sources.

    >>> columns(["ease"])[:4]
    ['blend', 'blend_rank', 'ease', 'ease_rank']
    """
    own = [name for source in ("blend", *sources) for name in (source, f"{source}_rank")]
    return [*own, "habit", *_ITEM, *_PAIR, *_SHELF, *_SUBJECT, *_TOLD]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What training knew of each item, arrays (n_items,)."""

    trend: np.ndarray  # how present it is now against its whole past
    lines: np.ndarray  # log of purchased lines
    repeat_share: np.ndarray  # buyers who came back for it, shrunk
    gap_days: np.ndarray  # usual days between two purchases, NaN where nobody came back
    price: np.ndarray  # log price, NaN where unknown
    shelf: np.ndarray  # category code, -1 where unknown
    review_feeling: np.ndarray  # of what reviews say, -1 to 1, shrunk; NaN where none is judged
    review_count: np.ndarray  # log of judged reviews


def item_facts(data: Training, trend: np.ndarray) -> ItemFacts:
    """Return the facts of every item as of ``data.as_of_us``."""
    log = data.interactions
    n_items = len(log.item_ids)
    past = histories.group(log, data.as_of_us)
    _, item, number = past.pairs(n_items)
    mine = number >= 0
    pair, age = number[mine], past.age_days()[mine]
    lines = np.bincount(pair, minlength=len(item))
    last = np.full(len(item), np.inf)
    first = np.zeros(len(item))
    np.minimum.at(last, pair, age)
    np.maximum.at(first, pair, age)
    again = (lines > 1) & (first > last)
    steps = np.bincount(item[again], weights=lines[again] - 1, minlength=n_items)
    span = np.bincount(item[again], weights=(first - last)[again], minlength=n_items)
    buyers = np.bincount(item, minlength=n_items)
    back = np.bincount(item, weights=lines > 1, minlength=n_items)
    price = np.full(n_items, np.nan)
    if data.item_price_minor is not None:
        known = data.item_price_minor > 0
        price[known] = np.log(data.item_price_minor[known])
    shelf = np.full(n_items, -1)
    if any(data.item_category):
        _, code = np.unique(np.array(data.item_category, dtype=str), return_inverse=True)
        shelf = np.where([bool(name) for name in data.item_category], code, -1)
    reviews = np.full((n_items, 2), np.nan) if data.item_reviews is None else data.item_reviews
    felt = np.where(reviews[:, 1] > 0, reviews[:, 0], np.nan)
    return ItemFacts(
        trend=trend.astype(np.float32),
        lines=np.log1p(np.bincount(item, weights=lines, minlength=n_items)).astype(np.float32),
        repeat_share=(back / (buyers + SHRINK)).astype(np.float32),
        gap_days=_ratio(span, steps),
        price=price.astype(np.float32),
        shelf=shelf.astype(np.int32),
        review_feeling=felt.astype(np.float32),
        review_count=reviews[:, 1].astype(np.float32),
    )


def table(
    facts: ItemFacts,
    asked: Histories,
    picked: np.ndarray,
    blend: np.ndarray,
    raws: Mapping[str, np.ndarray],
) -> np.ndarray:
    """Return (n_picked, n_columns) float64 of one subject's candidates.

    Parameters
    ----------
    asked
        One subject's history.
    picked
        Model rows of the candidates, best of the blend first.
    blend
        (n_picked,) blended scores.
    raws
        source -> (n_items,) raw scores, in the order of the columns.
    """
    n = len(picked)
    scores = np.empty((len(raws) + 1, n))
    scores[0] = blend / (float(blend.max(initial=0)) or 1.0)
    habit = np.zeros(n)
    for at, (name, raw) in enumerate(raws.items(), start=1):
        scores[at] = raw[picked] / (float(raw.max(initial=0)) or 1.0)
        if name == "buy_again":
            habit = raw[picked]
    # One subject and a batch differ in the last digit of a sum; ranks must not turn on it.
    scores = np.round(scores, 5)
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.empty_like(scores)
    np.put_along_axis(rank, order, np.arange(n, dtype=float)[None, :], axis=1)
    rank[scores <= 0] = n
    sourced = np.stack([scores, rank], axis=1).reshape(2 * len(scores), n)
    item = [getattr(facts, name)[picked] for name in _ITEM]
    reviews = [getattr(facts, name)[picked] for name in _TOLD]
    told = [*sourced, habit, *item, *_history(facts, asked, picked), *reviews]
    return np.stack(told, axis=1)


def _history(facts: ItemFacts, asked: Histories, picked: np.ndarray) -> list[np.ndarray]:
    """Return the columns of _PAIR, _SHELF and _SUBJECT."""
    n = len(picked)
    known = asked.item >= 0
    bought = known & (asked.kind == PURCHASE)
    age = np.maximum(asked.as_of_us[0] - asked.at_us, 0) / DAY_US
    item, bought_age = asked.item[bought], age[bought]
    weight = np.exp(-bought_age / RECENT_DAYS)
    lines, last, first, recent = _found(item, bought_age, weight, picked)
    gap = np.where(lines > 1, (first - last) / np.maximum(lines - 1, 1), np.nan)
    usual = np.where(np.isnan(gap), facts.gap_days[picked], gap)
    looked = known & ~bought
    looked_age = _found(asked.item[looked], age[looked], None, picked)[1]
    shelf = facts.shelf[picked]
    near = _found(facts.shelf[item], bought_age, weight, shelf)
    unknown = shelf < 0
    shelf_lines, shelf_age = np.where(unknown, np.nan, near[0]), np.where(unknown, np.nan, near[1])
    shelf_share = shelf_lines / max(len(item), 1)
    prices = facts.price[item]
    prices = prices[~np.isnan(prices)]
    against = facts.price[picked] - (prices.mean() if len(prices) else np.nan)
    baskets = len(np.unique(asked.basket[bought]))
    youngest = bought_age[-1] if len(bought_age) else np.nan
    subject = [np.full(n, value) for value in (np.log1p(len(item)), np.log1p(baskets), youngest)]
    over = last / np.maximum(usual, 1.0)
    pair = [lines, last, gap, over, recent, looked_age]
    return [*pair, shelf_share, shelf_age, shelf_lines, against, *subject]


def _found(
    code: np.ndarray, age: np.ndarray, weight: np.ndarray | None, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (rows, youngest age, oldest age, summed weight) per wanted code; rows oldest first."""
    order = np.argsort(code, kind="stable")
    held = code[order]
    low, high = np.searchsorted(held, wanted), np.searchsorted(held, wanted, side="right")
    rows = (high - low).astype(float)
    here = rows > 0
    youngest, oldest = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
    youngest[here] = age[order[high[here] - 1]]
    oldest[here] = age[order[low[here]]]
    summed = np.zeros(len(wanted))
    if weight is not None:
        running = np.concatenate([[0.0], np.cumsum(weight[order])])
        summed = running[high] - running[low]
    return rows, youngest, oldest, summed


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    out = np.full(len(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out.astype(np.float32)


def to_arrays(facts: ItemFacts) -> dict[str, np.ndarray]:
    """Return the facts as arrays by name, for an artefact."""
    return {one.name: getattr(facts, one.name) for one in fields(facts)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> ItemFacts:
    """Return the facts of an artefact; those that an older one lacks are unknown."""
    unknown = np.full(len(arrays["trend"]), np.nan, dtype=np.float32)
    return ItemFacts(**{one.name: arrays.get(one.name, unknown) for one in fields(ItemFacts)})
