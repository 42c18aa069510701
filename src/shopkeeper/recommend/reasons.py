"""Why an item is shown, in codes with facts and in sentences, English and Chinese.

A code is chosen from what carried the item: the source with the largest share of its score,
and the history or cart item that led to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn.contracts import Reason
from shopkeeper.recommend.catalogue import UNKNOWN
from shopkeeper.recommend.features import PURCHASE, LiveFeatures
from shopkeeper.recommend.schema import Prediction

SENTENCES: dict[str, tuple[str, str]] = {
    "bought_together": ("Often bought together with {title}", "常与「{title}」一起购买"),
    "because_you_bought": ("Because you bought {title}", "因为您买过「{title}」"),
    "because_you_viewed": ("Because you looked at {title}", "因为您看过「{title}」"),
    "buy_again": (
        "You bought this {times} times, last {ago}",
        "您买过 {times} 次，上次是{ago_zh}",
    ),
    "buy_again_due": (
        "You buy this about every {every}, last {ago}",
        "您大约每 {interval} 天买一次，上次是{ago_zh}",
    ),
    "bought_before": ("You bought this {ago}", "您{ago_zh}买过"),
    "similar_text": ("Similar to {title}", "与「{title}」相似"),
    "new_like": ("New, and close to {title}", "新品，与「{title}」相近"),
    "popular_in_category": ("Popular in {category}", "{category} 热卖"),
    "trending": ("Selling fast this week", "本周热卖"),
    "popular": ("Popular in this shop", "本店热卖"),
    "popular_like_you": ("Popular with customers like you", "与您情况相近的顾客常买"),
    "new_item": ("New in this shop", "本店新品"),
    "picked": ("Picked by the shop", "店家精选"),
    "for_you": ("Matches what you like", "符合您的喜好"),
}
NEW_DAYS = 14
MOST_REASONS = 3
LEAST_SHARE = 0.15  # of the score, for a second reason
_HABIT = ("frequency", "buy_again", "repeat")
_TEXT = ("text",)
_NEW = ("content",)
_POPULAR = ("popularity", "category", "fallback", "backfill", "attributes")


def sentence(reason: Reason, language: str = "en") -> str:
    """Return the reason as one sentence, ``en`` or ``zh``.

    >>> sentence(Reason(code="bought_together", facts={"title": "Mug"}))
    'Often bought together with Mug'
    """
    english, chinese = SENTENCES[reason.code]
    return (chinese if language == "zh" else english).format(**reason.facts, **_spans(reason.facts))


def told(reason: Reason) -> tuple[str, str]:
    """Return the reason's sentence in English and in Chinese."""
    return _told(reason.code, tuple(reason.facts.items()))


@lru_cache(maxsize=10_000)
def _told(code: str, facts: tuple[tuple[str, Any], ...]) -> tuple[str, str]:
    # Most slates say what was said before: "popular", "3 days ago", the titles that sell.
    reason = Reason(code=code, facts=dict(facts))
    return sentence(reason, "en"), sentence(reason, "zh")


def _spans(facts: Mapping[str, Any]) -> dict[str, str]:
    """Return the facts that are days as people say them."""
    said: dict[str, str] = {}
    if (days := facts.get("days")) is not None:
        said["ago"] = "today" if days == 0 else f"{days} day{'s' * (days != 1)} ago"
        said["ago_zh"] = "今天" if days == 0 else f" {days} 天前"
    if (interval := facts.get("interval")) is not None:
        said["every"] = "day" if interval == 1 else f"{interval} days"
    return said


def reasons_for(
    features: LiveFeatures, prediction: Prediction, places: Sequence[int]
) -> list[tuple[Reason, ...]]:
    """Return why the candidates at some places of a prediction are shown: the main reason first."""
    # What the trees add is no source: it moves items up and down that a source has proposed.
    named = [at for at, name in enumerate(prediction.sources) if name != "ranker"]
    parts = prediction.parts[np.asarray(places, dtype=np.intp)][:, named]
    best = np.argsort(-parts, axis=1, kind="stable")[:, :MOST_REASONS].tolist()
    rows = prediction.item[list(places)].tolist()
    habits = _habits(features, rows)
    near = _near(features)
    found = []
    for row, columns, shares, whole in zip(
        rows, best, parts.tolist(), parts.sum(axis=1).tolist(), strict=True
    ):
        reasons: list[Reason] = []
        for column in columns:
            share = shares[column] / (whole or 1.0)
            if share < LEAST_SHARE and reasons:
                break
            source = prediction.sources[named[column]]
            code, facts = _code(features, prediction, row, source, habits.get(row), near)
            if all(known.code != code for known in reasons):
                reasons.append(Reason(code=code, facts=facts, share=round(share, 4)))
        found.append(tuple(reasons))
    return found


def backfill_reason(features: LiveFeatures, row: int) -> tuple[Reason, ...]:
    """Return why an item fills a slate that the model left short."""
    code, facts = _popular(features, row, _near(features))
    return (Reason(code=code, facts=facts),)


def _code(
    features: LiveFeatures,
    prediction: Prediction,
    row: int,
    source: str,
    habit: tuple[str, Mapping[str, Any]] | None,
    near: set[int],
) -> tuple[str, Mapping[str, Any]]:
    if habit and (source in _HABIT or features.placement == "buy_again"):
        return habit
    if source in _POPULAR:
        code, facts = _popular(features, row, near)
        like_you = source == "attributes" and code in ("popular", "trending")
        return ("popular_like_you", {}) if like_you else (code, facts)
    cause = prediction.because.get(row)
    if not cause:
        return habit or ("for_you", {})
    led_by = cause[0][0]
    if led_by == row:
        return habit or ("for_you", {})
    facts = {"item_id": features.item_ids[led_by], "title": features.catalogue.title(led_by)}
    if source in _NEW:
        # Here the product or what led to it has no buyers that training knew.
        return ("new_like" if _fresh(features, row) else "similar_text"), facts
    if source in _TEXT:
        return "similar_text", facts
    if led_by in features.context:
        return "bought_together", facts
    bought = led_by in features.bought
    return ("because_you_bought" if bought else "because_you_viewed"), facts


def _habits(
    features: LiveFeatures, rows: Sequence[int]
) -> dict[int, tuple[str, Mapping[str, Any]]]:
    """Return how often and how long ago the customer bought each of some items, if ever."""
    history = features.history
    wanted = np.zeros(len(features.item_ids), dtype=np.bool_)
    wanted[rows] = True
    times: dict[int, set[int]] = {}
    bought = np.flatnonzero(wanted[history.item] & (history.kind == PURCHASE))
    lines = zip(history.item[bought].tolist(), history.at_us[bought].tolist(), strict=True)
    for row, at in lines:
        times.setdefault(row, set()).add(at)
    return {row: _habit(sorted(at_us), features.as_of_us) for row, at_us in times.items()}


def _habit(at_us: Sequence[int], as_of_us: int) -> tuple[str, Mapping[str, Any]]:
    days = max(0, round((as_of_us - at_us[-1]) / DAY_US))
    if len(at_us) == 1:
        return "bought_before", {"days": days}
    if len(at_us) == 2:
        return "buy_again", {"times": 2, "days": days}
    interval = max(1, round(median(b - a for a, b in pairwise(at_us)) / DAY_US))
    return "buy_again_due", {"interval": interval, "days": days, "times": len(at_us)}


def _fresh(features: LiveFeatures, row: int) -> bool:
    created = int(features.catalogue.column("created")[row])
    return (features.as_of_us - created) / DAY_US < NEW_DAYS


def _near(features: LiveFeatures) -> set[int]:
    """Return the codes of the categories on the page, else of what the customer met last."""
    near = features.context if len(features.context) else features.history.item[-3:]
    codes = set(features.catalogue.column("category")[near].tolist())
    return codes - {UNKNOWN}


def _popular(features: LiveFeatures, row: int, near: set[int]) -> tuple[str, Mapping[str, Any]]:
    if _fresh(features, row) and features.popularity[row] < 1.0:
        return "new_item", {}
    if features.placement == "trending":
        return "trending", {}
    code = int(features.catalogue.column("category")[row])
    if code in near:
        category = features.catalogue.categories.ids[code]
        return "popular_in_category", {"category": category.rsplit(" > ", 1)[-1]}
    return "popular", {}
