"""Fit how much words count beside meaning, and the floor of "I do not know", on question pairs.

In go a retriever and questions with the passage that answers each. The weights are those with
the best mean reciprocal rank on the training pairs; of equals the smallest, because meaning
alone is the safer half. The floor parts two kinds of best score on the validation pairs: where
the answer is there, and where it was taken away.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import numpy as np

from shopkeeper.support.retrieval import Retriever, Weights, combine

WORDS = (0.0, 0.02, 0.05, 0.1, 0.15, 0.25, 0.4, 0.7)
INTENT = (0.0, 0.05, 0.1, 0.2, 0.35)
MIN_PAIRS = 20  # with fewer the grid would fit chance


def ranks(scores: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Return (n_questions,) the place of the answer, 1 is first; ties count against it.

    >>> ranks(np.array([[0.9, 0.5], [0.5, 0.5]]), np.array([0, 0])).tolist()
    [1, 2]
    """
    own = scores[np.arange(len(answers)), answers][:, None]
    return np.asarray((scores >= own).sum(axis=1))


def all_parts(retriever: Retriever, questions: Sequence[str]) -> dict[str, np.ndarray]:
    """Return each signal as (n_questions, n_passages)."""
    rows = [retriever.parts(question) for question in questions]
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]} if rows else {}


def fit_weights(
    retriever: Retriever,
    questions: Sequence[str],
    answers: np.ndarray,
    *,
    validation: tuple[Sequence[str], np.ndarray] | None = None,
) -> Weights:
    """Return the weights that rank best, with the floor fitted on ``validation`` (or the same).

    ``answers`` (n_questions,) rows of the retriever's passages.
    """
    start = retriever.weights
    if len(questions) < MIN_PAIRS:
        return start
    parts = all_parts(retriever, questions)
    intents = INTENT if parts["intent"].any() else (0.0,)
    best, best_rank = start, -1.0
    for words, intent in itertools.product(WORDS, intents):
        tried = dataclasses.replace(start, words=words, intent=intent)
        mrr = float((1 / ranks(combine(parts, tried), answers)).mean())
        if mrr > best_rank + 1e-9:
            best, best_rank = tried, mrr
    held_questions, held_answers = validation or (questions, answers)
    if len(held_questions) < MIN_PAIRS:
        held_questions, held_answers = questions, answers
    held = combine(all_parts(retriever, held_questions), best)
    return dataclasses.replace(best, floor=round(fit_floor(held, held_answers), 4))


def fit_floor(scores: np.ndarray, answers: np.ndarray) -> float:
    """Return the score that best parts answerable questions from unanswerable ones.

    A question becomes unanswerable when its own passage is taken away. The cut makes the mean
    of the two shares that fall on their side largest.
    """
    there = scores.max(axis=1)[scores.argmax(axis=1) == answers]
    without = scores.copy()
    without[np.arange(len(answers)), answers] = -np.inf
    gone = without.max(axis=1)
    gone = gone[np.isfinite(gone)]
    if not len(there) or not len(gone):
        return Weights().floor
    cuts = np.unique(np.r_[there, gone])
    gains = [(there >= cut).mean() + (gone < cut).mean() for cut in cuts]
    best = np.flatnonzero(np.isclose(gains, np.max(gains)))
    return float(cuts[best].mean())
