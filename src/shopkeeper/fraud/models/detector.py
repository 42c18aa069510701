"""The served model of fraud: calibrated trees where there are labels, strangeness where not.

Parts, each scored in microseconds and kept as plain arrays:

    trees    LightGBM over named features, contributions exact, calibrated on later rows
    forest   Isolation Forest          \\ label-free; their ranks among past payments are
    tails    one-sided tail shares      | averaged and told as rarity, "1 in 2,000"
    encoder  autoencoder, if trained   /

Between 50 and 100 matured frauds the probability moves from the label-free prior to the trees.
Knows no costs and no rules.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from shopkeeper.fraud.models import forest as forests
from shopkeeper.fraud.models.booster import FastBooster
from shopkeeper.fraud.models.calibration import Calibration
from shopkeeper.fraud.models.encoder import Encoder
from shopkeeper.fraud.models.tails import Tails
from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.schema import Features, Prediction
from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact

FEW, ENOUGH = 50, 100  # matured frauds: below the trees say nothing, above they say it all
PRIOR = 0.002  # share of fraud that is assumed while nothing is known
RANKS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangeness:
    """The label-free parts, and the quantiles of their scores on past payments."""

    names: tuple[str, ...]
    filler: np.ndarray  # (width,) stands for NaN
    forest: str
    tails: Tails
    encoder: Encoder | None
    ranks: Mapping[str, np.ndarray]  # part -> (RANKS,) quantiles, and "all" of the mean rank

    def parts_many(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Return part -> (n,) score, larger is stranger."""
        whole = np.where(np.isnan(rows), self.filler, rows)
        found = {"tails": self.tails.score_many(rows, self.names)}
        if self.forest:
            found["forest"] = -FastBooster(self.forest).raw_many(whole)
        if self.encoder is not None:
            found["encoder"] = self.encoder.error_many(whole)
        return found

    def rank_many(self, rows: np.ndarray) -> np.ndarray:
        """Return the mean rank of the parts (n,), 0 usual to 1 strange."""
        parts = self.parts_many(rows)
        return np.mean([_rank(self.ranks[name], score) for name, score in parts.items()], axis=0)


def learn_strangeness(
    rows: np.ndarray,
    names: Sequence[str],
    seed: int,
    encode: Callable[[np.ndarray, int], Encoder] | None = None,
) -> Strangeness:
    """Return the label-free parts fitted on past payments (n, width); ``encode`` adds one."""
    used = [i for i, name in enumerate(names) if _varies(rows[:, i])]
    rows, names = rows[:, used], tuple(names[i] for i in used)
    filler = np.array([_median(rows[:, i]) for i in range(len(names))])
    whole = np.where(np.isnan(rows), filler, rows)
    made = Strangeness(
        names=names,
        filler=filler,
        forest=forests.grow(whole, seed) if len(rows) > 1 and len(names) else "",
        tails=Tails.fit(rows, names),
        encoder=encode(whole, seed) if encode is not None and len(names) else None,
        ranks={},
    )
    shares = np.arange(RANKS) / RANKS
    ranks = {n: np.quantile(score, shares) for n, score in made.parts_many(rows).items()}
    made = replace(made, ranks=ranks)
    mean = np.sort(made.rank_many(rows))
    # The strange end matters: quantiles at shares 1 - e^-k, as in tails.py.
    at = np.ceil(len(mean) * (1 - np.exp(-np.linspace(0, np.log(1e5), RANKS)))).astype(np.int64)
    return replace(made, ranks={**ranks, "all": mean[np.minimum(at, len(mean) - 1)]})


@dataclass(kw_only=True)
class Detector:
    """One fitted detector; training.py makes it. ``positives``: matured frauds learned from."""

    names: tuple[str, ...]
    strange: Strangeness
    trees: str = ""
    calibration: Calibration = field(default_factory=Calibration)
    positives: int = 0
    name: str = "detector"

    def fit(self, data: Any) -> Self:
        """Training happens in training.py, which chooses settings on validation first."""
        raise NotImplementedError("training.train makes a Detector")

    @property
    def trust(self) -> float:
        """How much the trees count, 0 to 1."""
        return trust_in(self.positives) if self.trees else 0.0

    def predict(self, features: Features) -> Prediction:
        """Return what is believed of one request; contributions only when asked for."""
        columns, strange_columns = self._columns_in(features)
        strange_rank, rarity, parts = self._strange(features.values.take(strange_columns))
        prior = _prior(rarity)
        raw, probability = math.log(prior / (1 - prior)), prior
        trust = self.trust
        if self.trees:
            raw = self._booster.raw(features.values.take(columns))
            calibrated = self.calibration.one(raw)
            probability = trust * calibrated + (1 - trust) * prior
            parts["trees"] = calibrated
        parts["strange"] = strange_rank
        found: Prediction = Prediction(
            probability=np.array([probability]),
            raw=np.array([raw]),
            rarity=np.array([rarity]),
            names=self.names,
            calibrated=trust >= 1.0,
            parts=parts,
            because=lambda: self._explained(found, features),
        )
        return found

    def predict_many(self, rows: np.ndarray) -> np.ndarray:
        """Return probabilities of many rows, whose columns are ``names``."""
        prior = _prior(self.rarity_many(rows[:, self._strange_among]))
        if not self.trees:
            return prior
        calibrated = self.calibration(self._booster.raw_many(rows))
        return self.trust * calibrated + (1 - self.trust) * prior

    def rarity_many(self, rows: np.ndarray) -> np.ndarray:
        """Return the share of past payments at least as strange, per row of strange.names."""
        return _beyond(self.strange.ranks["all"], self.strange.rank_many(rows))

    def to_artefact(self) -> Artefact:
        """Return arrays and facts; the trees as their text."""
        strange = self.strange
        arrays: dict[str, np.ndarray] = {"filler": strange.filler}
        arrays |= {f"rank.{name}": one for name, one in strange.ranks.items()}
        arrays |= {f"tail.{name}": one for name, one in strange.tails.knots.items()}
        arrays |= pack_words("text", [self.trees, strange.forest])
        if strange.encoder is not None:
            arrays |= {f"encoder.{n}": one for n, one in strange.encoder.arrays().items()}
        facts = {
            "names": list(self.names),
            "strange_names": list(strange.names),
            "calibration": self.calibration.facts(),
            "positives": self.positives,
        }
        return Artefact(kind="detector", arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the detector that ``to_artefact`` wrote."""
        arrays, facts = artefact.arrays, artefact.facts

        def under(prefix: str) -> dict[str, np.ndarray]:
            return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}

        trees, forest = unpack_words("text", arrays)
        encoder = under("encoder.")
        made = cls(
            names=tuple(facts["names"]),
            strange=Strangeness(
                names=tuple(facts["strange_names"]),
                filler=arrays["filler"],
                forest=forest,
                tails=Tails(under("tail.")),
                encoder=Encoder(**encoder) if encoder else None,
                ranks=under("rank."),
            ),
            trees=trees,
            calibration=Calibration.from_facts(facts["calibration"]),
            positives=facts["positives"],
        )
        if trees:
            _ = made._booster.tables  # now, rather than while somebody waits for reasons
        return made

    @cached_property
    def _booster(self) -> FastBooster:
        return FastBooster(self.trees)

    @cached_property
    def _forest(self) -> FastBooster | None:
        return FastBooster(self.strange.forest) if self.strange.forest else None

    @cached_property
    def _tails(self) -> Any:
        return self.strange.tails.fast(self.strange.names)

    @cached_property
    def _ranks(self) -> dict[str, list[float]]:
        return {name: one.tolist() for name, one in self.strange.ranks.items()}

    @cached_property
    def _strange_among(self) -> np.ndarray:
        place = {name: i for i, name in enumerate(self.names)}
        return np.array([place[name] for name in self.strange.names], dtype=np.int64)

    def _columns_in(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Return where this model's columns, and the strange ones, stand in the features."""
        held = getattr(self, "_held_columns", None)
        if held is None or held[0] is not features.names:  # the same for every request
            columns = np.array([features.row[name] for name in self.names], dtype=np.int64)
            strange = np.array([features.row[n] for n in self.strange.names], dtype=np.int64)
            held = self._held_columns = (features.names, (columns, strange))
        found: tuple[np.ndarray, np.ndarray] = held[1]
        return found

    def _strange(self, row: np.ndarray) -> tuple[float, float, dict[str, float]]:
        """Return (mean rank, share at least as strange, part -> rank) of a row of strange.names."""
        scores = {"tails": self._tails(row)}
        if self._forest is not None or self.strange.encoder is not None:
            whole = np.where(np.isnan(row), self.strange.filler, row)
            if self._forest is not None:
                scores["forest"] = -self._forest.raw(whole)
            if self.strange.encoder is not None:
                scores["encoder"] = float(self.strange.encoder.error_many(whole[None, :])[0])
        parts = {name: _rank_one(self._ranks[name], score) for name, score in scores.items()}
        mean = sum(parts.values()) / len(parts)
        return mean, _beyond_one(self._ranks["all"], mean), parts

    def _explained(self, found: Prediction, features: Features) -> Prediction:
        """Return the prediction with exact contributions per feature and per group."""
        columns, strange_columns = self._columns_in(features)
        if self.trees and self.trust > 0:
            names, shares = self.names, self._booster.contributions(features.values.take(columns))
            codes, groups = self._groups
        else:
            names = self.strange.names
            row = features.values.take(strange_columns)
            shares = np.append(self.strange.tails.shares(row, names), 0.0)
            codes, groups = _coded(names)
        summed = np.bincount(codes, shares[:-1], len(groups)).tolist()
        return replace(
            found, contributions=shares, names=names, groups=dict(zip(groups, summed, strict=True))
        )

    @cached_property
    def _groups(self) -> tuple[np.ndarray, tuple[str, ...]]:
        return _coded(self.names)


def _coded(names: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return (place of each feature's group, the groups)."""
    groups = tuple(dict.fromkeys(REGISTRY[name].group for name in names))
    return np.array([groups.index(REGISTRY[name].group) for name in names], dtype=np.int64), groups


def trust_in(positives: int) -> float:
    """Return how much a model taught by so many matured frauds counts, 0 to 1."""
    return min(1.0, max(0.0, (positives - FEW) / (ENOUGH - FEW)))


def _rank(quantiles: np.ndarray, score: np.ndarray) -> np.ndarray:
    return np.searchsorted(quantiles, score, side="right") / len(quantiles)


def _rank_one(quantiles: list[float], score: float) -> float:
    return bisect_right(quantiles, score) / len(quantiles)


def _beyond(quantiles: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """Return the share of past payments beyond a mean rank, never below 1 in 100,000."""
    place = np.searchsorted(quantiles, rank, side="left")
    return np.exp(-np.log(1e5) / (RANKS - 1) * np.maximum(place - 1, 0))


def _beyond_one(quantiles: list[float], rank: float) -> float:
    place = bisect_left(quantiles, rank)
    return math.exp(-math.log(1e5) / (RANKS - 1) * max(place - 1, 0))


def _prior(rarity: Any) -> Any:
    """Return a probability that only rarity speaks for: half of it at a rarity of PRIOR."""
    return 0.5 * PRIOR / (rarity + PRIOR)


def _varies(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(known.max() > known.min())


def _median(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else 0.0
