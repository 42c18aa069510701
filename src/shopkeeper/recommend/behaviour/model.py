"""When a customer comes back, whether she has left, and what she will spend.

Three answers to each: trees over what her orders say, BG/NBD and Pareto/NBD (with Gamma-Gamma for
money). Trees learn the chance of an order within h days with h as a column that may only raise it,
so that chances of all horizons agree and the next date is where the curve crosses a half. Which
answer serves is chosen by the last period of the history: purchases by log loss over the
horizons, money by mean absolute error. The others stay inside, for comparison.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.behaviour import orders as book
from shopkeeper.recommend.behaviour.btyd import BgNbd, GammaGamma, ParetoNbd
from shopkeeper.recommend.behaviour.orders import FEATURES, Known, Orders

HORIZONS = (1, 3, 7, 14, 28, 56, 84)
VALUE_DAYS = 84
WINDOWS = 10  # moments that teach the trees, STEP_DAYS apart, the last ones a value period ago
STEP_DAYS = 14
ENOUGH_ROWS = 2_000  # below, trees would learn noise
BTYD_CUSTOMERS = 1_000  # four parameters need no more
WAYS = ("trees", "bg_nbd", "pareto_nbd")
ROUNDS = 120
SETTINGS: dict[str, Any] = {
    "num_leaves": 15,
    "learning_rate": 0.06,
    "min_data_in_leaf": 100,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What to learn from: orders before ``as_of_us``; ``chosen``: question -> way, frozen."""

    orders: Orders
    as_of_us: int
    chosen: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What is foretold of one customer; no ``ways``: nothing is known of her."""

    horizons: tuple[int, ...]
    chance: np.ndarray  # (horizons,) of an order within each
    days: np.ndarray  # (1,) to the next order, if one comes within the longest horizon
    value: np.ndarray  # (1,) money within value_days
    value_days: float = 0.0
    alive: np.ndarray = field(default_factory=lambda: np.zeros(1))
    adds: tuple[tuple[str, float], ...] = ()  # fact -> what it adds to the logit within 28 days
    ways: dict[str, str] = field(default_factory=dict)


class Behaviour:
    """Fitted on orders before a moment; answers by the chosen way, or by one that is named."""

    name = "behaviour"

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed

    def fit(self, data: Past) -> Self:
        """Learn from orders before ``data.as_of_us``, forgetting earlier fits."""
        as_of_us = data.as_of_us
        past = data.orders.before(as_of_us)
        span = (as_of_us - int(past.at_us.min())) / DAY_US
        # A horizon needs a period to learn it on and as much history before that.
        self.horizons_ = tuple(h for h in HORIZONS if h <= span / 3) or HORIZONS[:1]
        self.value_days_ = float(min(VALUE_DAYS, self.horizons_[-1]))
        now = book.known_at(past, as_of_us)
        rng = np.random.default_rng(self.seed)
        some = rng.permutation(len(now.x))[:BTYD_CUSTOMERS]
        x, t_x, t, mean = now.x[some], now.t_x[some], now.t[some], now.mean_value[some]
        self.bg_nbd_ = BgNbd.fit(x, t_x, t)
        self.pareto_nbd_ = ParetoNbd.fit(x, t_x, t)
        paid = mean > 0
        self.money_ = GammaGamma.fit(x[paid] + 1, mean[paid])
        self.trees_: dict[str, Any] = {}
        self._grow(past, as_of_us)
        self.chosen_ = dict(data.chosen or self._choose(past, as_of_us))
        return self

    def chance(self, known: Known, days: float, way: str | None = None) -> np.ndarray:
        """Return (m,) chances of an order within ``days``, up to the longest horizon."""
        way = way or self.chosen_["purchase"]
        if way == "bg_nbd":
            return self.bg_nbd_.chance(days, known.x, known.t_x, known.t)
        if way == "pareto_nbd":
            return self.pareto_nbd_.chance(days, known.x, known.t_x, known.t)
        days = min(days, float(self.horizons_[-1]))
        at = int(np.searchsorted(self.horizons_, days))
        if self.horizons_[at] == days:
            return self._at_horizon(known, days)
        # Between two horizons the chance of none falls as at a steady rate.
        low = 0.0 if at == 0 else self.horizons_[at - 1]
        high = self.horizons_[at]
        part = (days - low) / max(high - low, 1e-9)
        none_low = np.zeros(len(known.x)) if at == 0 else _none(self._at_horizon(known, low))
        found: np.ndarray = -np.expm1(
            none_low + part * (_none(self._at_horizon(known, high)) - none_low)
        )
        return found

    def value(self, known: Known, way: str | None = None) -> np.ndarray:
        """Return (m,) money expected within ``value_days_``."""
        way = way or self.chosen_["value"]
        if way == "trees":
            told = self.trees_["value"].predict(known.features, num_threads=1)
            return np.asarray(told) * self.scale_
        model = self.bg_nbd_ if way == "bg_nbd" else self.pareto_nbd_
        count = model.expected(self.value_days_, known.x, known.t_x, known.t)
        return count * self.money_.expected(known.x + 1, np.maximum(known.mean_value, 0))

    def next_days(self, known: Known, way: str | None = None) -> np.ndarray:
        """Return (m,) days until the next order, if one comes within the longest horizon.

        The median of that: where the chance reaches half of what the longest horizon gives.
        """
        longest = float(self.horizons_[-1])
        nodes = np.array([0.0, *self.horizons_])
        curve = np.stack(
            [np.zeros(len(known.x)), *(self.chance(known, h, way) for h in self.horizons_)], axis=1
        )
        half = curve[:, -1:] / 2
        at = np.maximum((curve >= half).argmax(axis=1), 1)
        low, high = curve[np.arange(len(at)), at - 1], curve[np.arange(len(at)), at]
        part = (half[:, 0] - low) / np.maximum(high - low, 1e-12)
        found: np.ndarray = nodes[at - 1] + np.clip(part, 0, 1) * (nodes[at] - nodes[at - 1])
        return np.clip(found, 1.0, longest)

    def adds(self, known: Known, days: float) -> list[tuple[str, float]]:
        """Return what each fact of one customer adds to the logit (TreeSHAP), largest first."""
        if "purchase" not in self.trees_:
            return []
        rows = np.column_stack([known.features, np.full(len(known.x), days)])
        found = np.asarray(self.trees_["purchase"].predict(rows, pred_contrib=True, num_threads=1))
        pairs = zip(FEATURES, found[0, : len(FEATURES)].tolist(), strict=True)
        return sorted(pairs, key=lambda pair: -abs(pair[1]))

    def _at_horizon(self, known: Known, days: float) -> np.ndarray:
        rows = np.column_stack([known.features, np.full(len(known.x), float(days))])
        return np.asarray(self.trees_["purchase"].predict(rows, num_threads=1))

    def _grow(self, past: Orders, as_of_us: int) -> None:
        """Fit the trees on customers as they stood at earlier moments."""
        import lightgbm

        rows, labels, worth_rows, worth = [], [], [], []
        for step in range(1, WINDOWS + 1):
            room = step * STEP_DAYS
            cut_us = as_of_us - room * DAY_US
            earlier = past.before(cut_us)
            if not len(earlier.at_us):
                continue
            known = book.known_at(earlier, cut_us)
            days = book.came_after(past, known.customer, cut_us)
            for horizon in self.horizons_:
                if horizon <= room:
                    rows.append(
                        np.column_stack([known.features, np.full(len(days), float(horizon))])
                    )
                    labels.append(days <= horizon)
            if room >= self.value_days_:
                worth_rows.append(known.features)
                worth.append(book.spent_after(past, known.customer, cut_us, self.value_days_))
        self.scale_ = 1.0
        if not worth_rows or sum(map(len, labels)) < ENOUGH_ROWS:
            return
        settings = {**SETTINGS, "seed": self.seed}
        rising = {"monotone_constraints": [*([0] * len(FEATURES)), 1]}
        data = lightgbm.Dataset(np.concatenate(rows), np.concatenate(labels).astype(np.int32))
        purchase = {**settings, **rising, "objective": "binary"}
        self.trees_["purchase"] = lightgbm.train(purchase, data, num_boost_round=ROUNDS)
        money = np.maximum(np.concatenate(worth), 0)
        self.scale_ = float(money.mean()) or 1.0
        data = lightgbm.Dataset(np.concatenate(worth_rows), money / self.scale_)
        value = {**settings, "objective": "tweedie", "tweedie_variance_power": 1.5}
        self.trees_["value"] = lightgbm.train(value, data, num_boost_round=ROUNDS)

    def _choose(self, past: Orders, as_of_us: int) -> dict[str, str]:
        """Return the best way for each question on the last period, models ending before it."""
        cut_us = as_of_us - int(self.value_days_ * DAY_US)
        earlier = past.before(cut_us)
        if len(earlier.at_us) == 0 or not self.trees_:
            return {"purchase": "bg_nbd", "value": "bg_nbd"}
        undecided = {"purchase": "", "value": ""}
        inner = Behaviour(self.seed).fit(Past(orders=past, as_of_us=cut_us, chosen=undecided))
        known = book.known_at(earlier, cut_us)
        days = book.came_after(past, known.customer, cut_us)
        worth = book.spent_after(past, known.customer, cut_us, inner.value_days_)
        ways = WAYS if inner.trees_ else WAYS[1:]
        losses = {
            way: np.mean(
                [log_loss(inner.chance(known, h, way), days <= h).mean() for h in inner.horizons_]
            )
            for way in ways
        }
        errors = {way: np.abs(inner.value(known, way) - worth).mean() for way in ways}
        return {
            "purchase": min(losses, key=losses.__getitem__),
            "value": min(errors, key=errors.__getitem__),
        }

    def predict(self, features: Any) -> Outlook:
        """Return the outlook of one customer, ``features`` as known_at gives them for her."""
        known: Known = features.known
        if not len(known.x):
            none = np.zeros(len(self.horizons_))
            return Outlook(horizons=self.horizons_, chance=none, days=none[:1], value=none[:1])
        return Outlook(
            horizons=self.horizons_,
            chance=np.array([self.chance(known, float(h))[0] for h in self.horizons_]),
            days=self.next_days(known),
            value=self.value(known),
            value_days=self.value_days_,
            alive=self.pareto_nbd_.alive(known.x, known.t_x, known.t),
            adds=tuple(self.adds(known, 28.0 if 28 in self.horizons_ else self.horizons_[-1])[:4]),
            ways=dict(self.chosen_),
        )

    def to_artefact(self) -> Artefact:
        """Return the model as plain arrays and facts."""
        arrays = {
            f"trees.{name}": np.frombuffer(trees.model_to_string().encode(), dtype=np.uint8)
            for name, trees in self.trees_.items()
        }
        facts = {
            "bg_nbd": asdict(self.bg_nbd_),
            "pareto_nbd": asdict(self.pareto_nbd_),
            "money": asdict(self.money_),
            "horizons": list(self.horizons_),
            "value_days": self.value_days_,
            "scale": self.scale_,
            "chosen": self.chosen_,
            "trees": sorted(self.trees_),
            "seed": self.seed,
        }
        return Artefact(kind=self.name, arrays=arrays or {"none": np.zeros(0)}, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` wrote."""
        import lightgbm

        facts = artefact.facts
        made = cls(facts["seed"])
        made.bg_nbd_ = BgNbd(**facts["bg_nbd"])
        made.pareto_nbd_ = ParetoNbd(**facts["pareto_nbd"])
        made.money_ = GammaGamma(**facts["money"])
        made.horizons_, made.value_days_ = tuple(facts["horizons"]), facts["value_days"]
        made.scale_, made.chosen_ = facts["scale"], dict(facts["chosen"])
        made.trees_ = {
            name: lightgbm.Booster(model_str=artefact.arrays[f"trees.{name}"].tobytes().decode())
            for name in facts["trees"]
        }
        return made


def log_loss(chance: np.ndarray, came: np.ndarray) -> np.ndarray:
    """Return each customer's negative log-likelihood of what happened."""
    kept = np.clip(chance, 1e-6, 1 - 1e-6)
    return -np.log(np.where(came, kept, 1 - kept))


def _none(chance: np.ndarray) -> np.ndarray:
    """Return the log of the chance of no order."""
    found: np.ndarray = np.log1p(-np.minimum(chance, 1 - 1e-9))
    return found
