"""Places filled by chance and what came of them, as arrays, from the shop's own record.

One row per drawn place that was seen: which candidates could have stood there, which stood, with
what chance, and what it earned within a window. Slates younger than the window are left out: what
has not come yet is not nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.explore import DEPTH

REWARDS = ("click", "cart", "purchase", "revenue")
# What counts as each; who buys at once has also clicked.
_LABELS = {
    "click": ("select_item", "view_item", "add_to_cart", "purchase"),
    "cart": ("add_to_cart", "purchase"),
    "purchase": ("purchase",),
    "revenue": ("purchase",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Rows (n,) in order of time; candidates (n, DEPTH), best first, padded with -1 and 0.

    at          which candidate stood
    propensity  its chance
    share       share of places drawn by chance when it was
    position    its place in the slate, from 0
    request     number of its slate
    item        candidates as numbers into ``item_ids``
    score       their scores by the ranker that ran
    reward      what the place earned
    """

    at: np.ndarray
    propensity: np.ndarray
    share: np.ndarray
    position: np.ndarray
    request: np.ndarray
    item: np.ndarray
    score: np.ndarray
    reward: np.ndarray
    item_ids: Sequence[str]

    @property
    def open(self) -> np.ndarray:
        """Return (n, DEPTH) which candidates there are."""
        return self.item >= 0


def of_record(
    drawn: Sequence[Mapping[str, Any]],
    seen: Mapping[tuple[str, str], int],
    taken: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    *,
    reward: str = "click",
    window_us: int,
) -> Places:
    """Return the places of recorded slates; see data/slate_log.py for what goes in.

    Where a shop sends impressions, only places that were seen count; without any, all do.
    """
    earned = earner(reward, taken, window_us)
    looked = {decision for decision, _ in seen}
    number: dict[str, int] = {}
    rows: list[tuple[int, float, float, int, int, float]] = []
    items: list[list[int]] = []
    scores: list[list[float]] = []
    for request, slate in enumerate(drawn):
        told = slate["explored"]
        decision, at_us = slate["decision_id"], slate["occurred_us"]
        if looked and decision not in looked:
            continue
        pool = [number.setdefault(name, len(number)) for name in told["pool"]]
        for draw in told["draws"]:
            name = told["pool"][draw["at"]]
            if looked and (decision, name) not in seen:
                continue
            among = draw["among"]
            rows.append(
                (
                    among.index(draw["at"]),
                    draw["chance"],
                    told["share"],
                    draw["position"],
                    request,
                    earned(decision, name, at_us),
                )
            )
            items.append([pool[i] for i in among] + [-1] * (DEPTH - len(among)))
            scores.append([told["scores"][i] for i in among] + [0.0] * (DEPTH - len(among)))
    columns = zip(*rows, strict=True) if rows else ((),) * 6
    at, chance, share, position, request_, gain = (np.asarray(one) for one in columns)
    return Places(
        at=at.astype(np.int64),
        propensity=chance.astype(np.float64),
        share=share.astype(np.float64),
        position=position.astype(np.int64),
        request=request_.astype(np.int64),
        item=np.asarray(items, dtype=np.int64).reshape(-1, DEPTH),
        score=np.asarray(scores, dtype=np.float64).reshape(-1, DEPTH),
        reward=gain.astype(np.float64),
        item_ids=list(number),
    )


def earner(
    reward: str, taken: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]], window_us: int
) -> Callable[[str, str, int], float]:
    """Return (decision, item, moment) -> what the item earned there within the window."""
    if reward not in REWARDS:
        raise BadInput(
            f"There is no reward '{reward}'.",
            field="reward",
            value=reward,
            allowed=", ".join(REWARDS),
        )
    labels = _LABELS[reward]

    def earned(decision: str, item: str, at_us: int) -> float:
        mine = [
            one
            for one in taken.get((decision, item), ())
            if one["label"] in labels and one["occurred_us"] <= at_us + window_us
        ]
        if reward == "revenue":
            return sum(one["value_minor"] for one in mine) / 100
        return float(bool(mine))

    return earned
