"""Which candidates make the slate: order, variety, full shelves, and filters with the last word.

Reads a Prediction and the live facts; knows no model. One array says for every item of the
shop whether this subject may see it here and why not; nothing enters a slate around it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.learn.contracts import Choice, Reason
from shopkeeper.recommend.catalogue import BLOCK_CODES
from shopkeeper.recommend.features import LiveFeatures
from shopkeeper.recommend.reasons import backfill_reason, reasons_for, sentence
from shopkeeper.recommend.schema import Prediction, Request

# Why an item may not be in this slate: the catalogue's codes first, then ours.
FORBIDDEN = (*BLOCK_CODES, "outside_category", "bought", "in_cart", "disliked", "excluded")
_OUTSIDE, _BOUGHT, _IN_CART, _DISLIKED, _EXCLUDED = range(len(BLOCK_CODES), len(FORBIDDEN))
TRACED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Shares of a slate that one category or one brand may fill at most, where variety counts."""

    category_share: float = 0.34
    brand_share: float = 0.5
    # A brand above this share of the catalogue is a house brand, not a sameness.
    house_brand_share: float = 0.05
    varied: tuple[str, ...] = ("home", "trending", "cart")


DEFAULT_RULES = Rules()


@dataclass(slots=True)
class _Slate:
    """The slate while it is made: places in the prediction, or -1 for a backfilled item."""

    rows: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    capped: list[int] = field(default_factory=list)

    def take(self, row: int, place: int) -> None:
        self.rows.append(row)
        self.places.append(place)


def choose(
    request: Request, features: LiveFeatures, prediction: Prediction, rules: Rules = DEFAULT_RULES
) -> Choice:
    """Return the slate with reasons per item, full if the shop has enough to show."""
    why_not = forbidden(request, features)
    rows = prediction.item
    allowed = np.flatnonzero(why_not[rows] == 0)
    slate = _Slate()
    _fill(slate, allowed.tolist(), rows, request, features, rules)
    candidates = len(slate.rows)
    # An empty "buy again" shelf is honest; other shelves are never left with gaps.
    if candidates < request.limit and request.placement != "buy_again":
        _backfill(slate, why_not, request.limit, features)
    assert all(why_not[row] == 0 for row in slate.rows)
    items = [
        _item(features, prediction, row, place, position)
        for position, (row, place) in enumerate(zip(slate.rows, slate.places, strict=True))
    ]
    value = {
        "placement": request.placement,
        "items": items,
        "trace": _trace(features, prediction, why_not, slate),
    }
    return Choice(subject=features.subject, value=value, reasons=_overall(items))


def forbidden(request: Request, features: LiveFeatures) -> np.ndarray:
    """Return (n_items,) int8: 0 may be shown, else the FORBIDDEN code that says why not."""
    catalogue = features.catalogue
    why_not = catalogue.column("blocked")[: len(features.popularity)].copy()
    open_ = why_not == 0
    if request.category is not None:
        why_not[open_ & ~catalogue.within(request.category)[: len(why_not)]] = _OUTSIDE
    if not _again(request):
        bought = features.bought
        once = catalogue.column("replenishable")[bought] != 1
        _mark(why_not, bought[once] if request.include_bought is None else bought, _BOUGHT)
    _mark(why_not, features.cart, _IN_CART)
    _mark(why_not, features.context, _IN_CART)
    _mark(why_not, features.disliked, _DISLIKED)
    excluded = catalogue.index.rows(request.exclude)
    _mark(why_not, np.array(excluded, dtype=np.int64), _EXCLUDED)
    return why_not


def _again(request: Request) -> bool:
    if request.include_bought is None:
        return request.placement == "buy_again"
    return request.include_bought


def _mark(why_not: np.ndarray, rows: np.ndarray, code: int) -> None:
    why_not[rows[why_not[rows] == 0]] = code


def _fill(
    slate: _Slate,
    places: Iterable[int],
    rows: np.ndarray,
    request: Request,
    features: LiveFeatures,
    rules: Rules,
) -> None:
    """Walk the candidates best first; what a cap holds back comes in only if slots stay free."""
    varied = request.placement in rules.varied and request.category is None
    most_category = max(1, math.ceil(request.limit * rules.category_share))
    most_brand = max(1, math.ceil(request.limit * rules.brand_share))
    category, brand = features.catalogue.column("category"), features.catalogue.column("brand")
    house = features.catalogue.house_brands(rules.house_brand_share)
    of_category: dict[int, int] = {}
    of_brand: dict[int, int] = {}
    held: list[int] = []
    for place in places:
        if len(slate.rows) == request.limit:
            break
        row = int(rows[place])
        if varied:
            shelf, maker = int(category[row]), int(brand[row])
            full = shelf >= 0 and of_category.get(shelf, 0) >= most_category
            branded = maker >= 0 and maker not in house
            if full or (branded and of_brand.get(maker, 0) >= most_brand):
                held.append(place)
                continue
            of_category[shelf] = of_category.get(shelf, 0) + 1
            of_brand[maker] = of_brand.get(maker, 0) + 1
        slate.take(row, place)
    for place in held[: request.limit - len(slate.rows)]:
        slate.take(int(rows[place]), place)
    taken = set(slate.rows)
    slate.capped = [row for place in held if (row := int(rows[place])) not in taken]


def _backfill(slate: _Slate, why_not: np.ndarray, limit: int, features: LiveFeatures) -> None:
    """Fill free slots with what sells; where nothing sells yet, with what is newest."""
    missing = limit - len(slate.rows)
    free = why_not == 0
    free[slate.rows] = False
    rows = np.flatnonzero(free)
    if len(rows) > 20 * missing:
        sales = features.popularity[rows]
        border = np.partition(sales, len(rows) - missing)[len(rows) - missing]
        rows = rows[sales >= border]
    created = features.catalogue.column("created")[rows]
    order = np.lexsort((rows, -created, -features.popularity[rows]))
    for row in rows[order[:missing]].tolist():
        slate.take(row, -1)


def _item(
    features: LiveFeatures, prediction: Prediction, row: int, place: int, position: int
) -> dict[str, Any]:
    if place < 0:
        reasons = backfill_reason(features, row)
        score, sources = 0.0, {"backfill": 1.0}
    else:
        reasons = reasons_for(features, prediction, place)
        score = round(float(prediction.score[place]), 6)
        parts = prediction.parts[place].tolist()
        sources = {
            name: round(part, 6)
            for name, part in zip(prediction.sources, parts, strict=True)
            if part != 0
        }
    price = int(features.catalogue.column("price")[row])
    return {
        "item_id": features.item_ids[row],
        "title": features.catalogue.titles[row],
        "price_minor": price if price >= 0 else None,
        "position": position,
        "score": score,
        "sources": sources,
        "reasons": [
            {
                "code": reason.code,
                "facts": dict(reason.facts),
                "share": reason.share,
                "text": sentence(reason, "en"),
                "text_zh": sentence(reason, "zh"),
            }
            for reason in reasons
        ],
    }


def _trace(
    features: LiveFeatures, prediction: Prediction, why_not: np.ndarray, slate: _Slate
) -> dict[str, Any]:
    """Return what was considered and taken out: the best TRACED removed candidates by code."""
    codes = why_not[prediction.item]
    removed: dict[str, list[str]] = {}
    for place in np.flatnonzero(codes)[:TRACED].tolist():
        name = FORBIDDEN[int(codes[place])]
        removed.setdefault(name, []).append(features.item_ids[int(prediction.item[place])])
    return {
        "candidates": len(prediction.item),
        "forbidden": int(np.count_nonzero(codes)),
        "removed": removed,
        "capped": [features.item_ids[row] for row in slate.capped[:TRACED]],
        "backfilled": slate.places.count(-1),
    }


def _overall(items: list[dict[str, Any]]) -> tuple[Reason, ...]:
    """Return the main reasons of the slate, most frequent first; at least one."""
    counts: dict[str, int] = {}
    for item in items:
        code = item["reasons"][0]["code"]
        counts[code] = counts.get(code, 0) + 1
    if not counts:
        return (Reason(code="nothing_to_show"),)
    order = sorted(counts, key=lambda code: -counts[code])
    return tuple(Reason(code=code, facts={"items": counts[code]}) for code in order)
