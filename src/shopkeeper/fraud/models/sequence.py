"""A recurrent network over the payer's last payments, in numpy: what serving and batches use.

A GRU (Cho et al. 2014, gates as torch orders them: reset, update, new) reads the last payments
and the one asked about; its state and the features of the row go through one hidden layer.
Trained in deep.py. It has no exact contributions: reasons come from the label-free tails.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from shopkeeper.fraud.models.calibration import Calibration
from shopkeeper.fraud.models.detector import Detector, trust_in
from shopkeeper.fraud.models.encoder import ranked, scaled
from shopkeeper.fraud.past import LAST
from shopkeeper.fraud.schema import Features, Prediction
from shopkeeper.learn.contracts import Artefact

UNKNOWN = -1.5  # stands for the rank of NaN, below every rank
STEP = 5  # numbers per payment
_CHUNK = 20_000  # rows at a time: bounds the memory of a batch


@dataclass(frozen=True, kw_only=True)
class Network:
    """Weights as arrays; ``knots``, ``mean`` and ``scale`` turn features into inputs.

    ``wx`` (STEP, 3h), ``wh`` (h, 3h), ``bx``, ``bh`` (3h,): the GRU. ``w1`` (h + 2 width, m),
    ``b1``, ``w2`` (m,), ``b2`` (1,): the layer above. ``amount``, ``hour``: columns of a row.
    """

    knots: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    wx: np.ndarray
    wh: np.ndarray
    bx: np.ndarray
    bh: np.ndarray
    w1: np.ndarray
    b1: np.ndarray
    w2: np.ndarray
    b2: np.ndarray
    places: np.ndarray  # (2,) of amount_minor and hour

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the fields as arrays for the artefact."""
        return {name: getattr(self, name) for name in Network.__dataclass_fields__}

    def raw_many(self, rows: np.ndarray, past: np.ndarray) -> np.ndarray:
        """Return log-odds (n,) of rows (n, width), NaN allowed, and their past (n, 2 · LAST)."""
        found = [
            self._raw(rows[i : i + _CHUNK], past[i : i + _CHUNK])
            for i in range(0, len(rows), _CHUNK)
        ]
        return np.concatenate(found) if found else np.zeros(0)

    def _raw(self, rows: np.ndarray, past: np.ndarray) -> np.ndarray:
        steps = steps_of(past, rows[:, self.places[0]], rows[:, self.places[1]])
        size = self.wh.shape[0]
        given = steps @ self.wx + self.bx  # all steps at once
        state = np.zeros((len(rows), size))
        for step in range(steps.shape[1]):
            now = given[:, step]
            kept = state @ self.wh + self.bh
            gates = _sigmoid(now[:, : 2 * size] + kept[:, : 2 * size])
            update = gates[:, size:]
            new = np.tanh(now[:, 2 * size :] + gates[:, :size] * kept[:, 2 * size :])
            state = new + update * (state - new)
        inputs = inputs_of(self.knots, self.mean, self.scale, rows)
        hidden = np.maximum(np.concatenate([state, inputs], axis=1) @ self.w1 + self.b1, 0.0)
        return np.asarray(hidden @ self.w2 + self.b2[0])


def inputs_of(
    knots: np.ndarray, mean: np.ndarray, scale: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Return ranks and scaled logarithms (n, 2 · width) of features (n, width)."""
    unknown = np.isnan(rows)
    rank = np.where(unknown, UNKNOWN, ranked(knots, rows))
    return np.concatenate([rank, np.where(unknown, 0.0, scaled(mean, scale, rows))], axis=1)


def steps_of(past: np.ndarray, amount: np.ndarray, hour: np.ndarray) -> np.ndarray:
    """Return (n, LAST + 1, STEP): there, amount, time to the next, hour as sine and cosine.

    What is not there is all zeros; the last step is the payment asked about.
    """
    amounts = np.concatenate([past[:, :LAST], amount[:, None]], axis=1)
    ages = np.concatenate([past[:, LAST:], np.zeros((len(past), 1))], axis=1)
    there = ~np.isnan(ages)
    gaps = ages - np.concatenate([ages[:, 1:], np.zeros((len(past), 1))], axis=1)
    turn = (hour[:, None] - ages / 3600) * (2 * np.pi / 24)
    found = np.stack(
        [
            np.ones(ages.shape),
            np.log1p(np.maximum(amounts, 0)) / 10,
            np.log1p(np.maximum(gaps, 0)) / 15,
            np.sin(turn),
            np.cos(turn),
        ],
        axis=2,
    )
    return np.where(there[:, :, None], found, 0.0)


@dataclass(kw_only=True)
class SequenceDetector:
    """The network where there are labels, the label-free parts of ``base`` where not."""

    base: Detector
    network: Network
    calibration: Calibration = field(default_factory=Calibration)
    positives: int = 0
    name: str = "sequence"

    def fit(self, data: Any) -> Self:
        """Training happens in training_deep.py."""
        raise NotImplementedError("training_deep.train_sequence makes a SequenceDetector")

    def predict(self, features: Features) -> Prediction:
        """Return what is believed of one request."""
        found = self.base.predict(features)
        row = features.values[self._columns(features)][None, :]
        told = features.past() if callable(features.past) else features.past
        past = np.array([told]) if told else np.full((1, 2 * LAST), np.nan)
        raw = float(self.network._raw(row, past)[0])
        calibrated = self.calibration.one(raw)
        trust = trust_in(self.positives)
        prior = float(found.probability[0])
        found_ = replace(
            found,
            probability=np.array([trust * calibrated + (1 - trust) * prior]),
            raw=np.array([raw]),
            calibrated=trust >= 1.0,
            parts={**found.parts, "sequence": calibrated},
        )
        return replace(found_, because=lambda: self._explained(found_, found))

    def predict_many(self, rows: np.ndarray, past: np.ndarray) -> np.ndarray:
        """Return probabilities of rows whose columns are ``base.names``, with their past."""
        trust = trust_in(self.positives)
        calibrated = self.calibration(self.network.raw_many(rows, past))
        return np.asarray(trust * calibrated + (1 - trust) * self.base.predict_many(rows))

    def to_artefact(self) -> Artefact:
        """Return arrays and facts of the network and of the base under it."""
        base = self.base.to_artefact()
        arrays = {f"base.{name}": one for name, one in base.arrays.items()}
        arrays |= {f"network.{name}": one for name, one in self.network.arrays().items()}
        facts = {
            "base": dict(base.facts),
            "calibration": self.calibration.facts(),
            "positives": self.positives,
            "last": LAST,
        }
        return Artefact(kind="sequence", arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the detector that ``to_artefact`` wrote."""
        facts = artefact.facts

        def under(prefix: str) -> dict[str, np.ndarray]:
            held = artefact.arrays.items()
            return {k.removeprefix(prefix): v for k, v in held if k.startswith(prefix)}

        base = Artefact(kind="detector", arrays=under("base."), facts=facts["base"])
        return cls(
            base=Detector.from_artefact(base),
            network=Network(**under("network.")),
            calibration=Calibration.from_facts(facts["calibration"]),
            positives=facts["positives"],
        )

    @cached_property
    def _held(self) -> dict[int, np.ndarray]:
        return {}

    def _columns(self, features: Features) -> np.ndarray:
        """Return where this model's columns stand in the features."""
        key = id(features.row)
        if key not in self._held:
            self._held[key] = np.array([features.row[name] for name in self.base.names])
        return self._held[key]

    @staticmethod
    def _explained(found: Prediction, base: Prediction) -> Prediction:
        told = base.because()
        return replace(
            found, contributions=told.contributions, names=told.names, groups=told.groups
        )


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -60, 60))))
