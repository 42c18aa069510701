"""Will this customer buy this item again within the horizon? A logistic regression over pairs.

For each (customer, item) pair already bought: how often, how lately against its own usual gap,
how busy the customer, how repeatable and how present the item is. All times are measured in
horizons, so one set of features fits a grocer and a furniture shop. Learned from the last
windows of the training period: features at the window's start, label = bought inside it.

Measured against counting (Complete Journey, December 2017): see docs/explain/recommend-models.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.histories import PURCHASE, Histories
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Interactions, Training

FEATURES = (
    "log_lines",
    "log_age",
    "log_lines_half",
    "log_lines_one",
    "log_lines_two",
    "log_lines_three",
    "log_decayed_one",
    "log_decayed_three",
    "log_decayed_six",
    "log_customer_baskets",
    "log_customer_lines",
    "log_customer_lines_one",
    "log_item_repeat_share",
    "log_item_lines_per_buyer",
    "log_item_lines_one",
    "log_item_lines_quarter",
    "log_item_lines",
    "log_gap",
    "log_age_over_gap",
    "log_lines_per_basket",
    "log_first_age",
)
WINDOWS = 3
# Below this many repeats a regression would learn noise: counting is used, and said.
ENOUGH_REPEATS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStats:
    """What all customers together say of each item, arrays (n_items,)."""

    repeat_share: np.ndarray
    lines_per_buyer: np.ndarray
    lines: np.ndarray
    lines_one: np.ndarray  # within one horizon
    lines_quarter: np.ndarray  # within a quarter of one


class BuyAgain(Source):
    """Probability of a repeat purchase within one horizon, zero for what was never bought."""

    name = "buy_again"

    def __init__(self, horizon_days: float | None = None) -> None:
        self.horizon_days = horizon_days

    def fit(self, data: Training) -> Self:
        """Learn from the last windows before ``data.as_of_us``."""
        log = data.interactions
        self.item_ids_ = log.item_ids
        bought = log.at_us[log.kind == PURCHASE]
        span_days = (data.as_of_us - bought.min()) / DAY_US if len(bought) else 0.0
        self.horizon_days_ = self.horizon_days or float(np.clip(span_days / 8, 1.0, 30.0))
        blocks, labels = [], []
        for window in range(1, WINDOWS + 1):
            x, y = self._window(log, data.as_of_us - int(window * self.horizon_days_ * DAY_US))
            blocks.append(x)
            labels.append(y)
        self.stats_ = item_stats(
            histories.group(log, data.as_of_us), self.n_items, self.horizon_days_
        )
        self._regress(np.concatenate(blocks), np.concatenate(labels))
        return self

    def _window(self, log: Interactions, at_us: int) -> tuple[np.ndarray, np.ndarray]:
        """Return features at ``at_us`` and labels of one horizon, customers who came back only."""
        before = log.at_us < at_us
        inside = ~before & (log.at_us < at_us + int(self.horizon_days_ * DAY_US))
        inside &= log.kind == PURCHASE
        if not before.any() or not inside.any():
            return np.zeros((0, len(FEATURES))), np.zeros(0, dtype=bool)
        asked = histories.group(_take(log, before), at_us)
        stats = item_stats(asked, self.n_items, self.horizon_days_)
        subject, item, x = pair_features(asked, stats, self.horizon_days_)
        wanted = log.user[inside].astype(np.int64) * self.n_items + log.item[inside]
        label = np.isin(subject * np.int64(self.n_items) + item, wanted)
        came_back = np.isin(subject, log.user[inside])
        return x[came_back], label[came_back]

    def _regress(self, x: np.ndarray, y: np.ndarray) -> None:
        self.learned_ = bool(y.sum() >= ENOUGH_REPEATS and (~y).sum() >= ENOUGH_REPEATS)
        self.centre_ = np.zeros(len(FEATURES))
        self.scale_ = np.ones(len(FEATURES))
        self.weight_ = np.zeros(len(FEATURES))
        # Counting, ties by how present the item is: what to believe before there are repeats.
        self.weight_[FEATURES.index("log_lines")] = 1.0
        self.weight_[FEATURES.index("log_item_lines_one")] = 0.1
        self.bias_ = -3.0
        if not self.learned_:
            return
        self.centre_, self.scale_ = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
        model = LogisticRegression(max_iter=300).fit((x - self.centre_) / self.scale_, y)
        self.weight_, self.bias_ = model.coef_[0], float(model.intercept_[0])

    # What was answered last: ``because`` asks again for what ``score_one`` just computed.
    _held: tuple[Histories, tuple[np.ndarray, np.ndarray, np.ndarray]] | None = None

    def pair_scores(self, asked: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (subject, item, probability) of every pair bought before."""
        held = self._held
        if held is None or held[0] is not asked:
            held = self._held = (asked, self._pair_scores(asked))
        return held[1]

    def _pair_scores(self, asked: Histories) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        subject, item, x = pair_features(asked, self.stats_, self.horizon_days_)
        logit = ((x - self.centre_) / self.scale_) @ self.weight_ + self.bias_
        return subject, item, (1.0 / (1.0 + np.exp(-logit))).astype(np.float32)

    def scores(self, asked: Histories) -> np.ndarray:
        """Return probabilities (n_subjects, n_items), zero where never bought."""
        dense = np.zeros((asked.n_subjects, self.n_items), dtype=np.float32)
        subject, item, probability = self.pair_scores(asked)
        dense[subject, item] = probability
        return dense

    def because(self, asked: Histories, items: np.ndarray) -> np.ndarray:
        """Return each purchase's equal share of its own item's probability."""
        _, item, probability = self.pair_scores(asked)
        chance = np.zeros(self.n_items, dtype=np.float32)
        chance[item] = probability
        items = np.asarray(items)
        same = (asked.item[:, None] == items[None, :]) & (asked.kind == PURCHASE)[:, None]
        return same * (chance[items] / np.maximum(same.sum(axis=0), 1))[None, :]

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        stats = {f"stats_{name}": getattr(self.stats_, name) for name in ItemStats.__slots__}
        arrays = {"weight": self.weight_, "centre": self.centre_, "scale": self.scale_, **stats}
        facts = {
            "bias": self.bias_,
            "horizon_days": self.horizon_days_,
            "learned": self.learned_,
            "features": list(FEATURES),
        }
        return arrays, facts

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        self.weight_, self.centre_, self.scale_ = (
            arrays[name] for name in ("weight", "centre", "scale")
        )
        self.stats_ = ItemStats(**{n: arrays[f"stats_{n}"] for n in ItemStats.__slots__})
        self.bias_, self.learned_ = facts["bias"], facts["learned"]
        self.horizon_days_ = facts["horizon_days"]


def item_stats(asked: Histories, n_items: int, horizon_days: float) -> ItemStats:
    """Return each item's repeat share (shrunk), lines per buyer, and lines by age."""
    _, item, number = asked.pairs(n_items)
    mine = number >= 0
    per_pair = np.bincount(number[mine], minlength=len(item))
    buyers = np.bincount(item, minlength=n_items)
    again = np.bincount(item, weights=per_pair > 1, minlength=n_items)
    age = asked.age_days()[mine] / horizon_days
    rows = asked.item[mine]

    def lines(limit: float) -> np.ndarray:
        return np.bincount(rows, weights=age < limit, minlength=n_items)

    total = lines(np.inf)
    return ItemStats(
        repeat_share=again / (buyers + 5),
        lines_per_buyer=total / (buyers + 1),
        lines=total,
        lines_one=lines(1.0),
        lines_quarter=lines(0.25),
    )


def pair_features(
    asked: Histories, stats: ItemStats, horizon_days: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (subject, item, features (n_pairs, len(FEATURES))) of every pair bought before."""
    n_items = len(stats.lines)
    subject, item, number = asked.pairs(n_items)
    n = len(subject)
    mine = number >= 0
    pair = number[mine]
    age = asked.age_days()[mine] / horizon_days
    lines = np.bincount(pair, minlength=n).astype(float)
    last = np.full(n, np.inf)
    np.minimum.at(last, pair, age)
    first = np.zeros(n)
    np.maximum.at(first, pair, age)

    def within(limit: float) -> np.ndarray:
        return np.log1p(np.bincount(pair, weights=age < limit, minlength=n))

    def decayed(scale: float) -> np.ndarray:
        return np.log(np.bincount(pair, weights=np.exp(-age / scale), minlength=n) + 1e-3)

    # Customer totals count purchases of known items, the same rows as the pairs.
    who = asked.subject[mine]
    customer_lines = np.bincount(who, minlength=asked.n_subjects)
    customer_recent = np.bincount(who, weights=age < 1.0, minlength=asked.n_subjects)
    baskets = np.unique(who * np.int64(1 << 32) + asked.basket[mine]) >> 32
    customer_baskets = np.bincount(baskets, minlength=asked.n_subjects)
    gap = np.where(lines > 1, (first - last) / np.maximum(lines - 1, 1), 2.0)
    log_age, log_gap = np.log1p(last * 30), np.log1p(gap * 30)
    columns = (
        np.log(lines),
        log_age,
        within(0.5),
        within(1.0),
        within(2.0),
        within(3.0),
        decayed(1.0),
        decayed(3.0),
        decayed(6.0),
        np.log1p(customer_baskets[subject]),
        np.log1p(customer_lines[subject]),
        np.log1p(customer_recent[subject]),
        np.log(stats.repeat_share[item] + 0.02),
        np.log(stats.lines_per_buyer[item] + 0.02),
        np.log1p(stats.lines_one[item]),
        np.log1p(stats.lines_quarter[item]),
        np.log1p(stats.lines[item]),
        log_gap,
        log_age - log_gap,
        np.log(lines / np.maximum(customer_baskets[subject], 1)),
        np.log1p(first * 30),
    )
    return subject, item, np.stack(columns, axis=1)


def _take(log: Interactions, rows: np.ndarray) -> Interactions:
    return Interactions(
        user=log.user[rows],
        item=log.item[rows],
        at_us=log.at_us[rows],
        kind=log.kind[rows],
        quantity=log.quantity[rows],
        basket=log.basket[rows],
        user_ids=log.user_ids,
        item_ids=log.item_ids,
    )
