"""``evaluate support --intents``: which intent a text has, and whether it has any.

Fit on train, temperature and threshold on validation, judged once on test. ``accuracy`` counts
the texts in scope by their best intent; ``oos_auroc`` and ``oos_recall`` judge the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from shopkeeper.learn import report
from shopkeeper.support import labelled
from shopkeeper.support.evaluate import auroc, drawn, finished, judged, macro_f1, timed
from shopkeeper.support.models.baselines import NearestMeaning, WordBayes, Wording
from shopkeeper.support.models.intents import OOS, IntentData, IntentMix

BASELINE = WordBayes.name
# A fitted model: texts -> (best intent of each, how likely it is out of scope).
Answer = Callable[[Sequence[str]], tuple[np.ndarray, np.ndarray]]


def evaluate(
    path: Path, names: Mapping[str, str] | None = None, *, seed: int = 7
) -> dict[str, Any]:
    """Return the report of every model on a file with text, intent and perhaps split."""
    data = labelled.read(path, ("text", "intent"), label="intent", names=names, seed=seed)
    train = _pairs(data, "train")
    labelled.at_least_two([y for _, y in train if y != OOS], path, "intent")
    return measure(train, _pairs(data, "validation"), _pairs(data, "test"), data, seed=seed)


def measure(
    train: list[tuple[str, str]],
    validation: list[tuple[str, str]],
    test: list[tuple[str, str]],
    data: labelled.Labelled,
    *,
    seed: int,
) -> dict[str, Any]:
    """Fit each model and judge it."""
    models: dict[str, dict[str, Any]] = {}
    right: dict[str, np.ndarray] = {}
    for name, fit in _MODELS.items():
        with report.measured() as cost:
            answer = fit(train, validation, seed)
        (guess, outside), seconds = timed(answer, [t for t, _ in test])
        held, _ = answer([t for t, _ in validation])
        truth = np.array([y for _, y in test], dtype=str)
        inside = truth != OOS
        right[name] = (guess == truth)[inside].astype(float)
        held_truth = np.array([y for _, y in validation], dtype=str)
        models[name] = judged(
            _per_row(guess, outside, truth),
            fit=cost,
            predict_seconds=seconds,
            rows=len(test),
            validation=float((held == held_truth)[held_truth != OOS].mean()),
            extra=_extra(guess, outside, truth),
        )
    labels = {y for _, y in train} - {OOS}
    return finished(
        models,
        right,
        baseline=BASELINE,
        data={**data.facts, "intents": len(labels), "unseen_intents": _unseen(labels, test)},
        protocol={
            "split": data.split_by,
            "fit": "train",
            "threshold": "validation",
            "champion": "accuracy in scope on validation",
            "seed": seed,
        },
    )


def _per_row(guess: np.ndarray, outside: np.ndarray, truth: np.ndarray) -> dict[str, np.ndarray]:
    inside = truth != OOS
    found = {"accuracy": (guess == truth)[inside].astype(float)}
    if not inside.all():
        kept = (outside < 0.5)[inside] & (guess == truth)[inside]
        found["accuracy_at_threshold"] = kept.astype(float)
        found["oos_recall"] = (outside >= 0.5)[~inside].astype(float)
    return found


def _extra(
    guess: np.ndarray, outside: np.ndarray, truth: np.ndarray
) -> dict[str, tuple[float, list[float]]]:
    inside = truth != OOS
    own, said = truth[inside], guess[inside]
    extra = {"macro_f1": drawn(lambda rows: macro_f1(own[rows], said[rows]), len(own), draws=50)}
    if not inside.all():
        extra["oos_auroc"] = drawn(lambda rows: auroc(~inside[rows], outside[rows]), len(truth))
    return extra


def _simple(model: Any) -> Callable[[list[tuple[str, str]], list[tuple[str, str]], int], Answer]:
    """Return a fit whose out of scope is 1 minus the best share, cut on validation."""

    def fit(train: list[tuple[str, str]], held: list[tuple[str, str]], _: int) -> Answer:
        rows = [(t, y) for t, y in train if y != OOS]
        made = model().fit([t for t, _ in rows], [y for _, y in rows])
        labels = np.array(made.labels, dtype=str)
        examples = [(t, y) for t, y in [*held, *train] if y == OOS or (t, y) in set(held)]
        scores = made.scores([t for t, _ in examples]) if examples else np.zeros((0, len(labels)))
        cut = _cut(_doubt(scores), labels[scores.argmax(axis=1)] if examples else labels, examples)

        def answer(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
            found = made.scores(list(texts))
            doubt = _doubt(found)
            return labels[found.argmax(axis=1)], _half_at(doubt, cut)

        return answer

    return fit


def _doubt(scores: np.ndarray) -> np.ndarray:
    return 1 - softmax(scores, axis=1).max(axis=1) if len(scores) else np.zeros(0)


def _cut(doubt: np.ndarray, guess: np.ndarray, examples: list[tuple[str, str]]) -> float:
    truth = np.array([y for _, y in examples], dtype=str)
    inside = truth != OOS
    if not len(truth) or inside.all() or not inside.any():
        return float(np.quantile(doubt, 0.97)) if len(doubt) else 1.0
    right = guess == truth
    cuts = np.quantile(doubt, np.linspace(0.02, 0.995, 100))
    gains = [
        ((doubt < cut) & right)[inside].mean() + (doubt >= cut)[~inside].mean() for cut in cuts
    ]
    return float(cuts[int(np.argmax(gains))])


def _half_at(doubt: np.ndarray, cut: float) -> np.ndarray:
    """Return doubt moved so that the cut stands at 0.5, order kept."""
    low = 0.5 * doubt / max(cut, 1e-12)
    high = 0.5 + 0.5 * (doubt - cut) / max(1 - cut, 1e-12)
    return np.where(doubt < cut, low, high)


def _mix(train: list[tuple[str, str]], held: list[tuple[str, str]], seed: int) -> Answer:
    made = IntentMix().fit(
        IntentData(
            texts=[t for t, _ in train],
            labels=[y for _, y in train],
            validation_texts=[t for t, _ in held],
            validation_labels=[y for _, y in held],
            seed=seed,
        )
    )
    labels = np.array(made.intents, dtype=str)

    def answer(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        rows = made.predict(list(texts))
        return labels[rows.argmax(axis=1)], 1 - rows.sum(axis=1)

    return answer


_MODELS = {
    WordBayes.name: _simple(WordBayes),
    Wording.name: _simple(Wording),
    NearestMeaning.name: _simple(NearestMeaning),
    IntentMix.name: _mix,
}


def _pairs(data: labelled.Labelled, split: str) -> list[tuple[str, str]]:
    labels = [OOS if y.lower() == OOS else y for y in data.part("intent", split)]
    return list(zip(data.part("text", split), labels, strict=True))


def _unseen(labels: set[str], test: list[tuple[str, str]]) -> int:
    return sum(1 for _, label in test if label != OOS and label not in labels)
