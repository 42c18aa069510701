"""One gradient-boosted model for every series: quantiles of *cumulative* demand over a horizon.

The target is demand over the next H periods divided by the series' own level, so that one tree
serves a slow and a fast product; H is a feature, so that one model serves every lead time. A
quantile per head, sorted afterwards, cut at 0.

Source: pinball loss, Koenker and Bassett (1978); the scaling follows the M5 accuracy notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import lightgbm
import numpy as np

from shopkeeper.inventory.features import Prepared, Spec, matrix, names
from shopkeeper.learn.contracts import Artefact

# (horizon, offset): the sum of ``horizon`` periods, ``offset`` after the origin; a plain number is
# a cumulative horizon.
Span = int | tuple[int, int]
MOST_BINS = 127
HEADS = (0.1, 0.25, 0.5, 0.7, 0.85, 0.95, 0.985)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the trees grow, and from which rows; chosen on validation origins."""

    rounds: int = 80
    learning_rate: float = 0.08
    leaves: int = 31
    leaf_rows: int = 100
    feature_share: float = 0.5
    row_share: float = 0.6
    most_rows: int = 120_000
    seed: int = 7
    threads: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Training rows: features (r, f), scaled target (r,), weight (r,)."""

    features: np.ndarray
    target: np.ndarray
    weight: np.ndarray


def rows_of(
    prepared: Prepared,
    spec: Spec,
    origins: Sequence[int],
    spans: Sequence[Span],
    *,
    price: np.ndarray | None = None,
    until: int | None = None,
    most: int = 300_000,
    rng: np.random.Generator | None = None,
) -> Rows:
    """Return rows of every origin and span that end by ``until`` (default: the panel's end).

    No target reaches past ``until``: a row that knew the future of an origin would leak it.
    """
    end = prepared.periods if until is None else until
    pairs = [(k, *_span(one)) for k in origins for one in spans if k + sum(_span(one)) <= end]
    share = min(1.0, most / max(1, len(pairs) * len(prepared.units)))
    parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for k, h, offset in pairs:
        norm = prepared.scale(k) * h + 0.5
        future = prepared.future(k, h, offset)
        keep = np.isfinite(future) & (prepared.first < k)
        if share < 1 and rng is not None:
            keep &= rng.random(len(keep)) < share
        found = np.flatnonzero(keep)
        worth = norm if price is None else norm * price
        parts.append(
            (
                matrix(prepared, spec, k, h, offset)[found],
                (future / norm)[found].astype(np.float32),
                np.sqrt(worth)[found].astype(np.float32),
            )
        )
    if not parts:
        width = len(names(spec))
        return Rows(features=np.zeros((0, width)), target=np.zeros(0), weight=np.zeros(0))
    joined = [np.concatenate(part) for part in zip(*parts, strict=True)]
    return Rows(features=joined[0], target=joined[1], weight=joined[2])


def _span(one: Span) -> tuple[int, int]:
    return one if isinstance(one, tuple) else (one, 0)


@dataclass(slots=True)
class Cumulative:
    """Quantile heads over one feature matrix, and a mean head."""

    spec: Spec
    settings: Settings = field(default_factory=Settings)
    heads: tuple[float, ...] = HEADS
    trees_: dict[str, lightgbm.Booster] = field(default_factory=dict)
    name: str = "cumulative"

    def fit(self, rows: Rows) -> Self:
        """Grow a model per head and one for the mean; forgets earlier fits."""
        self.trees_ = {}
        width = names(self.spec)
        data = lightgbm.Dataset(
            rows.features,
            rows.target,
            weight=rows.weight,
            feature_name=width,
            params={"max_bin": MOST_BINS, "verbosity": -1},
            free_raw_data=False,
        )
        data.construct()
        every: list[float | str] = [*self.heads, "mean"]
        for head in every:
            self.trees_[str(head)] = lightgbm.train(
                self._params(head), data, num_boost_round=self.settings.rounds
            )
        return self

    def quantiles(self, features: np.ndarray, norm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return (quantiles (n, heads), mean (n,)) in units, from features and their scale."""
        found = [self._predict(str(head), features) for head in self.heads]
        raw = np.maximum(np.sort(np.column_stack(found), axis=1), 0) * norm[:, None]
        return raw, np.maximum(self._predict("mean", features), 0) * norm

    def at(
        self, prepared: Prepared, origin: int, horizon: int, offset: int = 0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (quantiles (n, heads), mean (n,)) of demand over the horizon from an origin."""
        norm = prepared.scale(origin) * horizon + 0.5
        return self.quantiles(matrix(prepared, self.spec, origin, horizon, offset), norm)

    def _predict(self, head: str, features: np.ndarray) -> np.ndarray:
        trees = self.trees_[head]
        return np.asarray(trees.predict(features, num_threads=self.settings.threads))

    def _params(self, head: float | str) -> dict[str, Any]:
        chosen = self.settings
        goal: dict[str, Any] = (
            {"objective": "tweedie", "tweedie_variance_power": 1.2}
            if head == "mean"
            else {"objective": "quantile", "alpha": head}
        )
        return goal | {
            "learning_rate": chosen.learning_rate,
            "num_leaves": chosen.leaves,
            "min_data_in_leaf": chosen.leaf_rows,
            "feature_fraction": chosen.feature_share,
            "bagging_fraction": chosen.row_share,
            "bagging_freq": 1,
            "max_bin": MOST_BINS,
            "verbosity": -1,
            "num_threads": chosen.threads,
            "seed": chosen.seed,
            "deterministic": True,
            "force_row_wise": True,
        }

    def to_artefact(self) -> Artefact:
        """Return trees as text bytes and settings as facts."""
        arrays = {
            f"trees.{head}": np.frombuffer(trees.model_to_string().encode(), dtype=np.uint8)
            for head, trees in self.trees_.items()
        }
        spec = self.spec
        facts = {
            "frequency": spec.frequency,
            "drivers": list(spec.drivers),
            "observed": list(spec.observed),
            "ahead": spec.ahead,
            "steps": spec.steps,
            "heads": list(self.heads),
        }
        return Artefact(kind=self.name, arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` described."""
        facts = artefact.facts
        model = cls(
            Spec(
                frequency=facts["frequency"],
                drivers=tuple(facts["drivers"]),
                observed=tuple(facts.get("observed", ())),
                ahead=facts["ahead"],
                steps=facts["steps"],
            ),
            heads=tuple(facts["heads"]),
        )
        for name, array in artefact.arrays.items():
            text = np.asarray(array).tobytes().decode()
            model.trees_[name.removeprefix("trees.")] = lightgbm.Booster(model_str=text)
        return model
