"""``evaluate support --faq``: whether the article that answers a question stands in front.

The file has question and answer (an article) and query (a customer's words for it). Weights are
fitted on train, the floor on validation, and the test queries search all articles of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.language.detect import detect_language
from shopkeeper.language.embedder import sentence_embedder
from shopkeeper.language.lexical import LexicalIndex
from shopkeeper.learn import report
from shopkeeper.support import labelled
from shopkeeper.support.evaluate import finished, judged, timed
from shopkeeper.support.models.intents import OOS, IntentData, IntentMix
from shopkeeper.support.retrieval import WITH_INTENTS, Retriever, Weights, combine
from shopkeeper.support.retrieval_fit import all_parts, fit_floor, fit_weights, ranks
from shopkeeper.support.schema import Passage
from shopkeeper.support.seeds import OUTSIDE, utterances

BASELINE = "bm25"
Score = Callable[[list[str]], np.ndarray]


def evaluate(
    path: Path,
    names: Mapping[str, str] | None = None,
    *,
    seed: int = 7,
    skip: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Return the report of every retriever on a file with question, answer, query.

    ``skip`` leaves models out: one that learned from the very queries must not be judged on them.
    """
    data = labelled.read(
        path,
        ("question", "answer", "query"),
        label="question",
        names=names,
        may_be_empty=("answer", "query"),
        seed=seed,
    )
    articles = list(
        dict.fromkeys(zip(data.columns["question"], data.columns["answer"], strict=True))
    )
    labelled.at_least_two([question for question, _ in articles], path, "question")
    passages = [
        Passage(
            passage_id=str(row),
            doc_id=str(row),
            kind="faq",
            language=detect_language(question + answer),
            title=question,
            text=answer,
        )
        for row, (question, answer) in enumerate(articles)
    ]
    place = {article: row for row, article in enumerate(articles)}
    parts = {split: _queries(data, split, place) for split in ("train", "validation", "test")}
    return measure(passages, parts, data, seed=seed, skip=skip)


def measure(
    passages: list[Passage],
    parts: Mapping[str, tuple[list[str], np.ndarray]],
    data: labelled.Labelled,
    *,
    seed: int,
    skip: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Fit and judge words, meaning, both with fitted weights, and both with intents."""
    models: dict[str, dict[str, Any]] = {}
    first: dict[str, np.ndarray] = {}
    fitted: dict[str, Any] = {}
    for name, fit in _MODELS.items():
        if name in skip:
            continue
        with report.measured() as cost:
            score, facts = fit(passages, parts)
        queries, answers = parts["test"]
        scores, seconds = timed(score, queries)
        rank = ranks(scores, answers)
        held_queries, held_answers = parts["validation"]
        held = ranks(score(held_queries), held_answers)
        first[name] = (rank <= 1).astype(float)
        per_row = {
            "recall_at_1": first[name],
            "recall_at_5": (rank <= 5).astype(float),
            "mrr": 1 / rank,
        }
        if "floor" in facts:
            per_row |= _floor_rows(scores, answers, facts["floor"])
        models[name] = judged(
            per_row,
            fit=cost,
            predict_seconds=seconds,
            rows=len(queries),
            validation=float((1 / held).mean()),
        )
        fitted |= {name: facts} if facts else {}
    return finished(
        models,
        first,
        baseline=BASELINE,
        data={**data.facts, "articles": len(passages), "test_queries": len(parts["test"][0])},
        protocol={
            "split": data.split_by,
            "fit": "weights on train, floor on validation",
            "champion": "mean reciprocal rank on validation",
            "embedder": sentence_embedder().name,
            "fitted": fitted,
            "seed": seed,
        },
    )


def _floor_rows(scores: np.ndarray, answers: np.ndarray, floor: float) -> dict[str, np.ndarray]:
    """Return, per query: answered although there, and refused when its article is taken away."""
    without = scores.copy()
    without[np.arange(len(answers)), answers] = -np.inf
    return {
        "answered": (scores.max(axis=1) >= floor).astype(float),
        "refused_without_article": (without.max(axis=1) < floor).astype(float),
    }


def _bm25(passages: list[Passage], _: Any) -> tuple[Score, dict[str, float]]:
    index = LexicalIndex([f"{p.title}\n{p.text}" for p in passages])
    return lambda queries: np.stack([index.scores(q) for q in queries]), {}


def _meaning(passages: list[Passage], _: Any) -> tuple[Score, dict[str, float]]:
    weights = Weights(words=0.0, codes=0.0, intent=0.0)
    return _scorer(Retriever(passages, sentence_embedder(), weights)), {}


def _both(
    passages: list[Passage], parts: Mapping[str, tuple[list[str], np.ndarray]]
) -> tuple[Score, dict[str, float]]:
    return _fitted(Retriever(passages, sentence_embedder()), parts)


def _with_intents(
    passages: list[Passage], parts: Mapping[str, tuple[list[str], np.ndarray]]
) -> tuple[Score, dict[str, float]]:
    """Add whether question and article mean the same intent, learned from our own utterances."""
    taught = utterances()
    labels = [OOS if one.intent == OUTSIDE else one.intent for one in taught]
    intents = IntentMix().fit(IntentData(texts=[one.text for one in taught], labels=labels))
    return _fitted(Retriever(passages, sentence_embedder(), WITH_INTENTS, intents), parts)


def _fitted(
    made: Retriever, parts: Mapping[str, tuple[list[str], np.ndarray]]
) -> tuple[Score, dict[str, float]]:
    queries, answers = parts["train"]
    made.weights = fit_weights(made, queries, answers, validation=parts["validation"])
    score = _scorer(made)
    held, held_answers = parts["validation"]
    floor = fit_floor(score(held), held_answers) if len(held) else made.weights.floor
    weights = made.weights
    return score, {"words": weights.words, "intent": weights.intent, "floor": round(floor, 4)}


def _scorer(made: Retriever) -> Score:
    def score(queries: list[str]) -> np.ndarray:
        if not queries:
            return np.zeros((0, len(made.passages)))
        return combine(all_parts(made, queries), made.weights)

    return score


_MODELS: dict[str, Callable[..., tuple[Score, dict[str, float]]]] = {
    BASELINE: _bm25,
    "meaning": _meaning,
    "both": _both,
    "with-intents": _with_intents,
}


def _queries(
    data: labelled.Labelled, split: str, place: Mapping[tuple[str, str], int]
) -> tuple[list[str], np.ndarray]:
    """Return (queries, their articles); a row without a query only brings its article."""
    rows = zip(
        data.part("question", split),
        data.part("answer", split),
        data.part("query", split),
        strict=True,
    )
    pairs = [(query, place[question, answer]) for question, answer, query in rows if query]
    return [q for q, _ in pairs], np.array([row for _, row in pairs], dtype=np.int64)
