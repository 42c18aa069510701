"""The chance that a visit ends in an order: logistic or boosted trees, calibrated.

Learns from beginnings of visits (a few of each, drawn), because that is when it is asked. The two
are judged on the last fifth of the time by log loss beside the plain share of visits that bought;
the one that serves is then fitted on all, and its scores mapped to chances as that fifth had them
(Platt 1999). Below LEAST visits, or where neither beats the share, the share itself is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.session.state import Features
from shopkeeper.recommend.session.visit import FEATURES

LEAST = 200  # visits, and 20 that bought
WAYS = ("share", "simple", "logistic", "trees")
_SIMPLE = [FEATURES.index(name) for name in ("events", "carts")]
_HOUR = [FEATURES.index(name) for name in ("hour_sin", "hour_cos")]
_TREES: dict[str, Any] = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.05,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.8,
    "lambda_l2": 5.0,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
ROUNDS = 120
FAR = 3.0  # standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginnings:
    """Beginnings of visits by time: facts (n, FEATURES), bought (n,), visit (n,) its number."""

    facts: np.ndarray
    bought: np.ndarray
    visit: np.ndarray
    at_us: np.ndarray
    chosen: str | None = None

    def rows(self, which: np.ndarray) -> Beginnings:
        """Return some rows."""
        return Beginnings(
            facts=self.facts[which],
            bought=self.bought[which],
            visit=self.visit[which],
            at_us=self.at_us[which],
            chosen=self.chosen,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """The chance (1,), by which way, and what each fact adds to its log-odds."""

    chance: np.ndarray
    way: str = ""
    adds: tuple[tuple[str, float], ...] = ()


class Session:
    """Fitted on beginnings; ``chosen_`` names the way that serves."""

    name = "session"

    def __init__(self, seed: int = 7) -> None:
        self.seed = seed

    def fit(self, data: Beginnings) -> Self:
        """Learn all ways on the earlier part, choose and calibrate on the rest, forgetting."""
        cut = np.quantile(data.at_us, 0.8)
        early, late = data.rows(data.at_us <= cut), data.rows(data.at_us > cut)
        self.maps_: dict[str, tuple[float, float, float, float]] = {}
        self._learn(early)
        losses = {}
        for way in WAYS[1:] if self._enough(early, late) else ():
            raw = self._raw(late.facts, way)
            self.maps_[way] = _platt(raw, late.bought)
        self.share_ = float(early.bought.mean()) if len(early.bought) else 0.0
        for way in ("share", *self.maps_):
            losses[way] = float(log_loss(self.chances(late.facts, way), late.bought).mean())
        self.chosen_ = data.chosen or min(losses, key=losses.__getitem__)
        self._learn(data)
        self.share_ = float(data.bought.mean())
        return self

    def _enough(self, early: Beginnings, late: Beginnings) -> bool:
        visits = len(np.unique(early.visit)) >= LEAST
        return visits and min(early.bought.sum(), late.bought.sum()) >= 20

    def _learn(self, data: Beginnings) -> None:
        filled = np.where(np.isnan(data.facts), 0.0, data.facts)
        self.mean_, self.std_ = filled.mean(axis=0), np.maximum(filled.std(axis=0), 1e-9)
        self.weights_: dict[str, np.ndarray] = {}
        self.trees_: Any = None
        if not 0 < data.bought.sum() < len(data.bought):
            return
        from lightgbm import Dataset, train
        from sklearn.linear_model import LogisticRegression

        scaled = self._scaled(data.facts)
        for way, columns in (("simple", _SIMPLE), ("logistic", list(range(len(FEATURES))))):
            fit = LogisticRegression(max_iter=500, C=1.0).fit(scaled[:, columns], data.bought)
            weight = np.zeros(len(FEATURES) + 1)
            weight[columns], weight[-1] = fit.coef_[0], fit.intercept_[0]
            self.weights_[way] = weight
        settings = {**_TREES, "seed": self.seed}
        table = Dataset(data.facts, data.bought.astype(np.int32), params=settings)
        self.trees_ = train(settings, table, num_boost_round=ROUNDS)

    def _raw(self, facts: np.ndarray, way: str) -> np.ndarray:
        if way == "trees":
            return np.asarray(self.trees_.predict(facts, raw_score=True, num_threads=1))
        weight = self.weights_[way]
        return np.asarray(self._scaled(facts) @ weight[:-1] + weight[-1])

    def _scaled(self, facts: np.ndarray) -> np.ndarray:
        """Return facts in standard deviations, none further out than FAR: a line ends somewhere."""
        filled = np.where(np.isnan(facts), 0.0, facts)
        return np.asarray(np.clip((filled - self.mean_) / self.std_, -FAR, FAR))

    def chances(self, facts: np.ndarray, way: str | None = None) -> np.ndarray:
        """Return (n,) chances by the chosen way or another."""
        way = way or self.chosen_
        if way == "share":
            return np.full(len(facts), self.share_)
        slope, bias, low, high = self.maps_[way]
        raw = np.clip(self._raw(facts, way), low, high)
        return np.asarray(1 / (1 + np.exp(-(slope * raw + bias))))

    def predict(self, features: Features) -> Foretold:
        """Return the chance of one visit; nothing for nobody."""
        if features.visit is None:
            return Foretold(chance=np.zeros(1))
        chance = self.chances(features.facts)
        return Foretold(chance=chance, way=self.chosen_, adds=self._adds(features.facts))

    def _adds(self, facts: np.ndarray) -> tuple[tuple[str, float], ...]:
        if self.chosen_ == "share":
            return ()
        if self.chosen_ == "trees":
            parts = np.asarray(self.trees_.predict(facts, pred_contrib=True, num_threads=1))[0, :-1]
        else:
            parts = self._scaled(facts)[0] * self.weights_[self.chosen_][:-1]
        parts = parts * self.maps_[self.chosen_][0]
        # The hour goes round; its two columns are one fact to a reader.
        parts[_HOUR[0]], parts[_HOUR[1]] = parts[_HOUR].sum(), 0.0
        order = np.argsort(-np.abs(parts), kind="stable")
        return tuple((FEATURES[int(at)], float(parts[at])) for at in order[:4])

    def to_artefact(self) -> Artefact:
        """Return the fitted model as plain arrays and facts."""
        arrays = {"mean": self.mean_, "std": self.std_}
        arrays |= {f"weight.{way}": one for way, one in self.weights_.items()}
        arrays |= {f"map.{way}": np.asarray(one) for way, one in self.maps_.items()}
        if self.trees_ is not None:
            text = self.trees_.model_to_string().encode()
            arrays["trees"] = np.frombuffer(text, dtype=np.uint8)
        facts = {"share": self.share_, "chosen": self.chosen_, "seed": self.seed}
        return Artefact(kind="session", arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` wrote."""
        made = cls(artefact.facts["seed"])
        arrays: Mapping[str, np.ndarray] = artefact.arrays
        made.mean_, made.std_ = arrays["mean"], arrays["std"]
        made.share_, made.chosen_ = artefact.facts["share"], artefact.facts["chosen"]
        made.weights_ = {n.partition(".")[2]: v for n, v in arrays.items() if n[:7] == "weight."}
        made.maps_ = {
            n.partition(".")[2]: (float(v[0]), float(v[1]), float(v[2]), float(v[3]))
            for n, v in arrays.items()
            if n.startswith("map.")
        }
        made.trees_ = None
        if "trees" in arrays:
            from lightgbm import Booster

            made.trees_ = Booster(model_str=arrays["trees"].tobytes().decode())
        return made


def log_loss(chance: np.ndarray, bought: np.ndarray) -> np.ndarray:
    """Return (n,) -ln of the chance given to what happened."""
    told = np.clip(np.where(bought, chance, 1 - chance), 1e-6, 1.0)
    return np.asarray(-np.log(told))


def _platt(raw: np.ndarray, bought: np.ndarray) -> tuple[float, float, float, float]:
    """Return slope, above 0, and bias of the logistic from scores to chances, and its ends.

    Beyond the lowest and highest hundredth of the scores that it was fitted to it says no more.
    """
    low, high = (float(one) for one in np.quantile(raw, (0.01, 0.99)))
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=1e3, max_iter=500).fit(raw[:, None], bought)
    slope = float(fit.coef_[0, 0])
    if slope <= 0:  # worse than nothing: everybody gets the share
        share = float(np.clip(bought.mean(), 1e-6, 1 - 1e-6))
        return 1e-9, float(np.log(share / (1 - share))), low, high
    return slope, float(fit.intercept_[0]), low, high
