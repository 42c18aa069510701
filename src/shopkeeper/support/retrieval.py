"""Find the passage that answers a question, by meaning and by words, or say that none does.

A passage is found by its title, the wordings it answers and the sentences of its text. Meaning
(cosine) carries most; words break ties and find codes. Their weight and the floor below which
the answer is "I do not know" are fitted on question pairs, because equal weights lose against
meaning alone on short titles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.language.detect import detect_language
from shopkeeper.language.embedder import Embedder
from shopkeeper.language.lexical import LexicalIndex, grams
from shopkeeper.language.normalise import plain
from shopkeeper.language.tokens import sentences
from shopkeeper.support.schema import Citation, Hit, Passage

MAX_SENTENCES = 40  # of one passage that are searched by meaning
_CODE = re.compile(r"(?=[a-z0-9._-]*\d)[a-z0-9][a-z0-9._-]{2,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """How a score is made, and the floor; the defaults are those fitted on our own pairs.

    score = meaning + words * (BM25 / best BM25 of the question) + codes * share of codes found
            + intent * agreement of intents (cosine of the two rows of intent probabilities)

    body   what the meaning of a sentence inside a text counts against that of a title
    floor  a best score below it: nothing here answers the question
    """

    words: float = 0.02
    codes: float = 0.5
    intent: float = 0.0
    body: float = 0.9
    floor: float = 0.42


# Where intents are known: what they add, with the floor moved up by as much as they give a match.
WITH_INTENTS = Weights(words=0.01, intent=0.2, floor=0.55)


class Retriever:
    """Passages ready to be searched; build a new one when they change.

    ``intents`` gives rows of probabilities for texts; None: the signal is left out.
    """

    def __init__(
        self,
        passages: Sequence[Passage],
        embedder: Embedder,
        weights: Weights | None = None,
        intents: object | None = None,
    ) -> None:
        self.passages = list(passages)
        self.weights = weights or Weights()
        self._embedder = embedder
        self._intents = intents
        keys: list[str] = []
        self._owner: list[int] = []
        self._factor: list[float] = []
        for row, passage in enumerate(self.passages):
            for text, factor in _keys(passage, self.weights.body):
                keys.append(text)
                self._owner.append(row)
                self._factor.append(factor)
        self._vectors = embedder.encode(keys)
        self._words = LexicalIndex([_whole(passage) for passage in self.passages])
        self._codes = [frozenset(_CODE.findall(_whole(p).lower())) for p in self.passages]
        self._title_intents = self._intent_rows([p.title for p in self.passages])

    def parts(self, question: str) -> dict[str, np.ndarray]:
        """Return each signal as (n_passages,): meaning, words, codes, intent."""
        n = len(self.passages)
        meaning = np.full(n, -1.0)
        if n:
            cosines = self._vectors @ self._embedder.encode([question])[0]
            np.maximum.at(meaning, self._owner, cosines * np.array(self._factor))
        words = self._words.scores(question)
        asked = frozenset(_CODE.findall(plain(question).lower()))
        codes = np.array([len(asked & own) / max(len(asked), 1) for own in self._codes])
        intent = np.zeros(n)
        if self._title_intents is not None and n:
            row = self._intent_rows([question])
            if row is not None:
                intent = self._title_intents @ row[0]
        return {
            "meaning": meaning,
            "words": words / max(float(words.max()) if n else 0.0, 1e-9),
            "codes": codes.reshape(n),
            "intent": intent,
        }

    def scores(self, question: str) -> np.ndarray:
        """Return (n_passages,) scores of a question."""
        return combine(self.parts(question), self.weights)

    def search(
        self,
        question: str,
        *,
        k: int = 5,
        language: str | None = None,
        as_of_us: int | None = None,
        kinds: Sequence[str] = (),
    ) -> list[Hit]:
        """Return up to k hits, best first, one per document and only those in force.

        Of a document in several languages the passage in the question's language is given, or
        the best one where that language is missing.
        """
        language = language or detect_language(question)
        parts = self.parts(question)
        scores = combine(parts, self.weights)
        best: dict[str, Hit] = {}
        own: set[str] = set()
        for row in np.argsort(-scores, kind="stable"):
            passage = self.passages[row]
            if not _in_force(passage, as_of_us) or (kinds and passage.kind not in kinds):
                continue
            score = float(scores[row])
            shares = {name: round(float(values[row]), 4) for name, values in parts.items()}
            if passage.doc_id not in best:
                best[passage.doc_id] = Hit(passage=passage, score=score, parts=shares)
            elif passage.language == language and passage.doc_id not in own:
                held = best[passage.doc_id]
                if held.passage.language != language:
                    best[passage.doc_id] = Hit(passage=passage, score=held.score, parts=held.parts)
            if passage.language == language:
                own.add(passage.doc_id)
        return list(best.values())[:k]

    def answers(self, hits: Sequence[Hit]) -> bool:
        """Return whether the best hit stands above the floor; else we do not know."""
        return bool(hits) and hits[0].score >= self.weights.floor

    def cite(self, question: str, hit: Hit, *, most: int = 2) -> list[Citation]:
        """Return up to ``most`` sentences of the passage that fit the question, in its order."""
        text = hit.passage.text
        places = sentences(text)[:MAX_SENTENCES]
        if not places:
            return []
        vectors = self._embedder.encode([text[a:b] for a, b in places])
        likeness = vectors @ self._embedder.encode([question])[0]
        chosen = sorted(np.argsort(-likeness, kind="stable")[:most])
        return [
            Citation(
                source=hit.passage.passage_id,
                title=hit.passage.title,
                quote=text[places[i][0] : places[i][1]],
                start=places[i][0],
                end=places[i][1],
            )
            for i in chosen
        ]

    def _intent_rows(self, texts: Sequence[str]) -> np.ndarray | None:
        if self._intents is None or not texts:
            return None
        rows: np.ndarray = self._intents.predict(texts)  # type: ignore[attr-defined]
        return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def combine(parts: dict[str, np.ndarray], weights: Weights) -> np.ndarray:
    """Return the score of each passage from its signals."""
    return (
        parts["meaning"]
        + weights.words * parts["words"]
        + weights.codes * parts["codes"]
        + weights.intent * parts["intent"]
    )


def terms_of(question: str) -> list[str]:
    """Return the words and grams that the lexical side looks for, for an explanation."""
    return grams(question)


def _keys(passage: Passage, body: float) -> list[tuple[str, float]]:
    keys = [(passage.title, 1.0)] if passage.title else []
    keys += [(question, 1.0) for question in passage.questions]
    places = sentences(passage.text)[:MAX_SENTENCES]
    keys += [(passage.text[a:b], body) for a, b in places]
    return keys


def _whole(passage: Passage) -> str:
    return "\n".join([passage.title, *passage.questions, passage.text])


def _in_force(passage: Passage, as_of_us: int | None) -> bool:
    if as_of_us is None:
        return True
    begins, ends = passage.effective_from_us, passage.effective_to_us
    return (begins is None or begins <= as_of_us) and (ends is None or as_of_us < ends)
