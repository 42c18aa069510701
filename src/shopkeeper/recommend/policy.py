"""Which candidates make the slate: the shop's rules on top, filters with the last word.

Reads a Prediction and the live facts; knows no model. One array says for every item of the
shop whether this subject may see it here and why not; nothing enters a slate around it, pins of
the shop included. arrange.py puts the slate together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from shopkeeper.learn.contracts import Choice, Reason
from shopkeeper.recommend.arrange import BACKFILLED, RULED, Caps, Order, Slate, arrange
from shopkeeper.recommend.catalogue import BLOCK_CODES
from shopkeeper.recommend.features import LiveFeatures
from shopkeeper.recommend.merchandise import Rule
from shopkeeper.recommend.reasons import backfill_reason, reasons_for, told
from shopkeeper.recommend.schema import Prediction, Request

# Why an item may not be in this slate: the catalogue's codes first, then ours.
_OURS = ("outside_category", "bought", "in_cart", "disliked", "excluded", "ruled_out")
FORBIDDEN = (*BLOCK_CODES, *_OURS)
_OUTSIDE, _BOUGHT, _IN_CART, _DISLIKED, _EXCLUDED, _RULED_OUT = range(
    len(BLOCK_CODES), len(FORBIDDEN)
)
TRACED = 20


DEFAULT_CAPS = Caps()


def choose(
    request: Request, features: LiveFeatures, prediction: Prediction, caps: Caps = DEFAULT_CAPS
) -> Choice:
    """Return the slate with reasons per item, full if the shop has enough to show."""
    rules = acting_rules(request, features)
    prediction = ruled_scores(prediction, rules)
    why_not = forbidden(request, features, rules)
    order = Order(rows=prediction.item, why_not=why_not, score=prediction.score)
    slate = arrange(request, features, order, caps, rules)
    assert not why_not[slate.rows].any()
    items = _items(features, prediction, slate)
    value = {
        "placement": request.placement,
        "items": items,
        "trace": _trace(features, prediction, why_not, slate, rules),
    }
    if slate.chance and features.exploration is not None:
        value["explored"] = _explored(features, prediction, slate, features.exploration.share)
    return Choice(
        subject=features.subject,
        value=value,
        reasons=_overall(items),
        # Nine digits are enough to weigh by; sixteen in a row look like a card number.
        propensity=float(f"{math.prod(slate.chance.values()):.9g}") if slate.chance else None,
    )


def acting_rules(request: Request, features: LiveFeatures) -> dict[str, tuple[Rule, np.ndarray]]:
    """Return the merchandising rules that act on a request, each with the mask of its items."""
    found = features.merchandise.acting(
        features.as_of_us, request.placement, request.customer_id, len(features.bought)
    )
    return {
        rule.rule_id: (
            rule,
            features.merchandise.named(rule, features.catalogue, features.as_of_us),
        )
        for rule in found
    }


def ruled_scores(
    prediction: Prediction, rules: Mapping[str, tuple[Rule, np.ndarray]]
) -> Prediction:
    """Return the prediction with boosts and buries in its scores, shares and order."""
    if not rules:
        return prediction
    factor = np.ones(len(prediction.item), dtype=np.float32)
    for rule, mask in rules.values():
        if rule.action in ("boost", "bury"):
            factor[mask[prediction.item]] *= np.float32(rule.factor)
    if (factor == 1).all():
        return prediction
    score = prediction.score * factor
    order = np.argsort(-score, kind="stable")
    return replace(
        prediction,
        item=prediction.item[order],
        score=score[order],
        parts=(prediction.parts * factor[:, None])[order],
    )


def forbidden(
    request: Request,
    features: LiveFeatures,
    rules: Mapping[str, tuple[Rule, np.ndarray]] | None = None,
) -> np.ndarray:
    """Return (n_items,) int8: 0 may be shown, else the FORBIDDEN code that says why not."""
    catalogue = features.catalogue
    why_not = catalogue.column("blocked")[: len(features.popularity)].copy()
    if request.category is not None:
        open_ = why_not == 0
        why_not[open_ & ~catalogue.within(request.category)[: len(why_not)]] = _OUTSIDE
    if not again(request):
        bought = features.bought
        once = catalogue.column("replenishable")[bought] != 1
        _mark(why_not, bought[once] if request.include_bought is None else bought, _BOUGHT)
    _mark(why_not, features.cart, _IN_CART)
    _mark(why_not, features.context, _IN_CART)
    _mark(why_not, features.disliked, _DISLIKED)
    excluded = catalogue.index.rows(request.exclude)
    if excluded:
        _mark(why_not, np.array(excluded, dtype=np.int64), _EXCLUDED)
    for rule, mask in (acting_rules(request, features) if rules is None else rules).values():
        if rule.action == "filter":
            _mark(why_not, np.flatnonzero(mask[: len(why_not)]), _RULED_OUT)
    return why_not


def again(request: Request) -> bool:
    """Return whether what was bought before may be shown here."""
    if request.include_bought is None:
        return request.placement == "buy_again"
    return request.include_bought


def _mark(why_not: np.ndarray, rows: np.ndarray, code: int) -> None:
    if not len(rows):
        return
    why_not[rows[why_not[rows] == 0]] = code


def _items(features: LiveFeatures, prediction: Prediction, slate: Slate) -> list[dict[str, Any]]:
    """Return the slate's items with what carried each of them."""
    led = [place for place in slate.places if place >= 0]
    why = dict(zip(led, reasons_for(features, prediction, led), strict=True))
    scores = dict(zip(led, prediction.score[led].tolist(), strict=True))
    parts = dict(zip(led, prediction.parts[led].tolist(), strict=True))
    prices = features.catalogue.column("price")[slate.rows].tolist()
    items = []
    for position, (row, place) in enumerate(zip(slate.rows, slate.places, strict=True)):
        score, sources = 0.0, {"rule" if place == RULED else "backfill": 1.0}
        if place >= 0:
            reasons = why[place]
            score = round(scores[place], 6)
            sources = {
                name: round(part, 6)
                for name, part in zip(prediction.sources, parts[place], strict=True)
                if part != 0
            }
        elif place == RULED:
            reasons = (Reason(code="picked"),)
        else:
            reasons = backfill_reason(features, row)
        ruled: dict[str, Any] = {"rule": slate.ruled[row]} if row in slate.ruled else {}
        if row in slate.chance:
            ruled["propensity"] = round(slate.chance[row], 9)
        items.append(
            {
                **ruled,
                "item_id": features.item_ids[row],
                "title": features.catalogue.titles[row],
                "price_minor": prices[position] if prices[position] >= 0 else None,
                "position": position,
                "score": score,
                "sources": sources,
                "reasons": [_plain(reason) for reason in reasons],
            }
        )
    return items


def _plain(reason: Reason) -> dict[str, Any]:
    english, chinese = told(reason)
    return {
        "code": reason.code,
        "facts": dict(reason.facts),
        "share": reason.share,
        "text": english,
        "text_zh": chinese,
    }


def _trace(
    features: LiveFeatures,
    prediction: Prediction,
    why_not: np.ndarray,
    slate: Slate,
    rules: Mapping[str, tuple[Rule, np.ndarray]],
) -> dict[str, Any]:
    """Return what was considered and taken out: the best TRACED removed candidates by code."""
    codes = why_not[prediction.item]
    removed: dict[str, list[str]] = {}
    gone = np.flatnonzero(codes)
    first = gone[:TRACED]
    for code, row in zip(codes[first].tolist(), prediction.item[first].tolist(), strict=True):
        removed.setdefault(FORBIDDEN[code], []).append(features.item_ids[row])
    return {
        "candidates": len(prediction.item),
        "forbidden": len(gone),
        "removed": removed,
        "capped": [features.item_ids[row] for row in slate.capped[:TRACED]],
        "backfilled": slate.places.count(BACKFILLED),
        "rules": [
            {
                "rule": rule_id,
                "action": rule.action,
                "candidates": int(mask[prediction.item].sum()),
                "shown": int(mask[slate.rows].sum()) if slate.rows else 0,
            }
            for rule_id, (rule, mask) in rules.items()
        ],
    }


def _explored(
    features: LiveFeatures, prediction: Prediction, slate: Slate, share: float
) -> dict[str, Any]:
    """Return all that could have stood in each drawn place, so that other policies can be judged.

    ``pool`` and ``scores`` are the candidates of all places; each draw names its position in the
    slate, the candidate that stands (``at``), its chance, and those it was drawn among, best first.
    """
    pool: dict[int, int] = {}
    draws = []
    for position, row in enumerate(slate.rows):
        if row not in slate.chance:
            continue
        among = [pool.setdefault(place, len(pool)) for place in slate.among[row]]
        at = pool[slate.places[position]]
        chance = round(slate.chance[row], 9)
        draws.append({"position": position, "at": at, "chance": chance, "among": among})
    places = list(pool)
    return {
        "share": share,
        "pool": [features.item_ids[int(row)] for row in prediction.item[places]],
        "scores": [round(score, 6) for score in prediction.score[places].tolist()],
        "draws": draws,
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
