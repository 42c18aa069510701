"""``evaluate support --sentiment``: whether a text praises or blames.

Fit on train, probabilities and champion on validation, judged once on test.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.language.opinions import feel
from shopkeeper.learn import report
from shopkeeper.support import labelled
from shopkeeper.support.evaluate import drawn, finished, judged, timed
from shopkeeper.support.models.baselines import WordBayes
from shopkeeper.support.models.sentiment import Letters

BASELINE = "lexicon"
GOOD = frozenset({"1", "pos", "positive", "good", "好评", "正面"})
BAD = frozenset({"0", "-1", "neg", "negative", "bad", "差评", "负面"})
Answer = Callable[[Sequence[str]], np.ndarray]


def evaluate(
    path: Path, names: Mapping[str, str] | None = None, *, seed: int = 7
) -> dict[str, Any]:
    """Return the report of every model on a file with text, label and perhaps split."""
    data = labelled.read(path, ("text", "label"), label="label", names=names, seed=seed)
    _known(data, path, (names or {}).get("label", "label"))
    labelled.at_least_two(data.part("label", "train"), path, "label")
    train, held, test = (_pairs(data, part) for part in ("train", "validation", "test"))
    models: dict[str, dict[str, Any]] = {}
    right: dict[str, np.ndarray] = {}
    for name, fit in _MODELS.items():
        with report.measured() as cost:
            answer = fit(train, held)
        guess, seconds = timed(answer, test[0])
        right[name] = (guess == test[1]).astype(float)
        models[name] = judged(
            {"accuracy": right[name]},
            fit=cost,
            predict_seconds=seconds,
            rows=len(test[0]),
            validation=float((answer(held[0]) == held[1]).mean()),
            extra={"f1": drawn(_f1_of(guess, test[1]), len(guess))},
        )
    return finished(
        models,
        right,
        baseline=BASELINE,
        data={**data.facts, "good_share": round(float(np.mean(test[1])), 4)},
        protocol={
            "split": data.split_by,
            "fit": "train",
            "champion": "accuracy on validation",
            "seed": seed,
        },
    )


def f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Return 2 TP / (2 TP + FP + FN) of the good label.

    >>> f1(np.array([1, 1, 0]), np.array([1, 0, 0]))
    0.6666666666666666
    """
    hit = int(((truth == 1) & (guess == 1)).sum())
    return 2 * hit / max(2 * hit + int((truth != guess).sum()), 1)


def _f1_of(guess: np.ndarray, truth: np.ndarray) -> Callable[[np.ndarray], float]:
    return lambda rows: f1(truth[rows], guess[rows])


def _lexicon(train: Any, _: Any) -> Answer:
    # A text without any judging word goes with the majority of the training rows.
    silent = int(np.mean(train[1]) >= 0.5)

    def answer(texts: Sequence[str]) -> np.ndarray:
        scores = [feel(text).score for text in texts]
        return np.array([silent if score == 0 else int(score > 0) for score in scores])

    return answer


def _bayes(train: Any, _: Any) -> Answer:
    made = WordBayes().fit(train[0], train[1])
    return lambda texts: made.scores(texts).argmax(axis=1)


def _letters(*, odds: bool) -> Callable[[Any, Any], Answer]:
    def fit(train: Any, held: Any) -> Answer:
        made = Letters(odds=odds).fit(*train)
        if len(np.unique(held[1])) > 1:
            made.calibrate(*held)
        return lambda texts: (made.scores(texts) > 0).astype(int)

    return fit


_MODELS: dict[str, Callable[[Any, Any], Answer]] = {
    BASELINE: _lexicon,
    WordBayes.name: _bayes,
    "letters": _letters(odds=False),
    "letters-and-odds": _letters(odds=True),
}


def _known(data: labelled.Labelled, path: Path, column: str) -> None:
    for row, value in enumerate(data.columns["label"], start=1):
        if value.lower() not in GOOD | BAD:
            raise BadInput(
                f"{path}: column '{column}' is '{value}' in row {row}.",
                hint="A label says good or bad.",
                field=column,
                value=value,
                allowed="1, positive, good, 好评; 0, negative, bad, 差评",
            )


def _pairs(data: labelled.Labelled, split: str) -> tuple[list[str], np.ndarray]:
    labels = [int(value.lower() in GOOD) for value in data.part("label", split)]
    return data.part("text", split), np.array(labels)
