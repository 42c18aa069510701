"""What evaluation and training compare: two baselines, the label-free part, trees, networks.

A Lesson goes in, something that gives calibrated probabilities for rows comes out. Every
candidate is calibrated the same way, on days that its fit did not see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shopkeeper.fraud.models import deep
from shopkeeper.fraud.models.booster import FastBooster
from shopkeeper.fraud.models.detector import PRIOR, Detector, learn_strangeness
from shopkeeper.fraud.models.learn import UNHEARD, fit_calibrated, fit_trees

Score = Callable[[np.ndarray], np.ndarray]
# Features that a plain model of card payments uses, after the Fraud Detection Handbook, ch. 3.
_PLAIN = ("amount_minor", "night", "weekend")
_PLAIN_PARTS = ("customer_count_", "customer_mean_", "terminal_count_matured", "fraud_rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """Rows (n, width) to learn from; ``day`` (n,); ``calibrate`` (n,) marks rows for that.

    ``weight`` (n,): how far a missing label means a good payment.
    """

    rows: np.ndarray
    label: np.ndarray
    names: tuple[str, ...]
    day: np.ndarray
    calibrate: np.ndarray
    weight: np.ndarray
    seed: int
    past: Callable[[], np.ndarray]  # (n, 2 · LAST), past.py; made when asked for


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """A fitted candidate: calibrated probabilities of rows."""

    probability: Score
    reads_past: bool = False  # rows come with their past beside them
    detector: Detector | None = None


def logistic(lesson: Lesson) -> Learned:
    """Return logistic regression on plain features: what a shop could do in an afternoon."""
    from sklearn.linear_model import LogisticRegression

    used = [
        i
        for i, name in enumerate(lesson.names)
        if name in _PLAIN or any(part in name for part in _PLAIN_PARTS)
    ]
    rows = np.nan_to_num(lesson.rows[:, used])
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    scale[scale == 0] = 1.0
    model = LogisticRegression(max_iter=300).fit((rows - mean) / scale, lesson.label)

    def probability(asked: np.ndarray) -> np.ndarray:
        found = model.predict_proba((np.nan_to_num(asked[:, used]) - mean) / scale)
        return np.asarray(found[:, 1])

    return Learned(probability=probability)


def forest(lesson: Lesson) -> Learned:
    """Return a random forest of 100 trees on all features, the Handbook's usual choice."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(100, n_jobs=1, random_state=lesson.seed)
    model.fit(_finite(lesson.rows), lesson.label)
    return Learned(probability=lambda asked: np.asarray(model.predict_proba(_finite(asked))[:, 1]))


def strange(lesson: Lesson) -> Learned:
    """Return the label-free detector: labels of the lesson are not looked at."""
    made = learn_strangeness(lesson.rows, lesson.names, lesson.seed)
    detector = Detector(names=lesson.names, strange=made)
    return Learned(probability=lambda asked: _ranked(detector, asked), detector=detector)


def strange_encoder(lesson: Lesson) -> Learned:
    """Return the label-free detector with an autoencoder as third part; needs torch."""
    made = learn_strangeness(lesson.rows, lesson.names, lesson.seed, deep.train_encoder)
    detector = Detector(names=lesson.names, strange=made)
    return Learned(probability=lambda asked: _ranked(detector, asked), detector=detector)


def encoder(lesson: Lesson) -> Learned:
    """Return the autoencoder's error alone, to see what it brings by itself; needs torch."""
    made = learn_strangeness(lesson.rows, lesson.names, lesson.seed, deep.train_encoder)
    detector = Detector(names=lesson.names, strange=made)

    def probability(asked: np.ndarray) -> np.ndarray:
        parts = made.parts_many(asked[:, detector._strange_among])
        return PRIOR * np.tanh(parts["encoder"])  # the order is what counts, not the height

    return Learned(probability=probability, detector=detector)


def sequence(lesson: Lesson) -> Learned:
    """Return the network over the payer's last payments, calibrated; needs torch."""
    network, curve = deep.fit_sequence(
        lesson.rows,
        lesson.past(),
        lesson.label,
        lesson.names,
        lesson.day,
        lesson.seed,
        calibrate=lesson.calibrate,
        weight=lesson.weight,
    )
    width = len(lesson.names)
    return Learned(
        probability=lambda asked: curve(network.raw_many(asked[:, :width], asked[:, width:])),
        reads_past=True,
    )


def trees(lesson: Lesson) -> Learned:
    """Return the calibrated trees exactly as training serves them."""
    text, curve = fit_calibrated(
        lesson.rows,
        lesson.label,
        lesson.names,
        lesson.day,
        lesson.seed,
        calibrate=lesson.calibrate,
        weight=lesson.weight,
    )
    booster = FastBooster(text)
    return Learned(probability=lambda asked: curve(booster.raw_many(asked)))


def runnable() -> tuple[str, ...]:
    """Return what can be fitted here: the networks only where torch is installed."""
    return (*FITTERS, *DEEP) if deep.installed() else tuple(FITTERS)


def ranking(lesson: Lesson) -> Score:
    """Return only how the trees order rows: all that a choice by average precision needs."""
    heard = lesson.weight > UNHEARD
    text = fit_trees(
        lesson.rows[heard],
        lesson.label[heard],
        lesson.names,
        lesson.seed,
        weight=lesson.weight[heard],
        monotone=True,
    )
    return FastBooster(text).raw_many


FITTERS: dict[str, Callable[[Lesson], Learned]] = {
    "logistic": logistic,
    "forest": forest,
    "strange": strange,
    "trees": trees,
    "trees_history": trees,
}
DEEP: dict[str, Callable[[Lesson], Learned]] = {  # measured when named; training needs torch
    "encoder": encoder,
    "strange_encoder": strange_encoder,
    "sequence": sequence,
}
RIVALS = ("trees", "trees_history")  # among these validation picks the champion


def _finite(rows: np.ndarray) -> np.ndarray:
    return np.nan_to_num(rows, nan=-1.0, posinf=1e30, neginf=-1e30).astype(np.float32)


def _ranked(detector: Detector, asked: np.ndarray) -> np.ndarray:
    """Return the mean rank, which has no ties at its strange end, squeezed under the prior."""
    rank = detector.strange.rank_many(asked[:, detector._strange_among])
    prior = detector.predict_many(asked)
    return prior * (1 + 1e-6 * rank)
