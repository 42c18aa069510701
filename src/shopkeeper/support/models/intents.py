"""Which intent a text has: ridge on a kernel of wording and meaning, calibrated, with outside.

``fit`` learns from labelled texts (``oos`` marks those out of scope), calibrates on validation
rows or, without any, on exact leave-one-out scores. ``with_examples`` adds examples while the
shop runs: the nearest one decides when it is near enough.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.language.embedder import Embedder, sentence_embedder
from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.support.models import calibrate
from shopkeeper.support.models.kernels import Shape, kernel, solve, targets_of
from shopkeeper.support.models.terms import Terms

OOS = "oos"
MAX_ROWS = 16_000  # the kernel of all pairs must fit into memory: 1 GB at this size
MAX_LEFT_OUT = 5_000  # leave-one-out needs the whole inverse
FEW = 25  # examples per intent under which wording counts little
NEAR, VERY_NEAR = 0.72, 0.92  # cosines between which a live example takes over


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentData:
    """Labelled texts; ``validation_*`` may be empty. Label OOS: none of the intents."""

    texts: Sequence[str]
    labels: Sequence[str]
    validation_texts: Sequence[str] = field(default_factory=list)
    validation_labels: Sequence[str] = field(default_factory=list)
    seed: int = 7


class IntentMix:
    """Kernel ridge over wording and meaning. ``predict`` rows sum to 1 minus out of scope."""

    name = "intent-mix"
    kind = "support-intent-mix"

    def __init__(self, embedder: Embedder | None = None, shape: Shape | None = None) -> None:
        self.embedder = embedder or sentence_embedder()
        self.shape = shape
        self.intents: tuple[str, ...] = ()
        self.live_texts_: list[str] = []
        self.live_codes_ = np.zeros(0, dtype=np.int64)
        self.live_vectors_ = np.zeros((0, 0), dtype=np.float32)

    def fit(self, data: IntentData) -> Self:
        """Learn intents, temperature and the threshold of being out of scope."""
        labels = np.array(data.labels, dtype=object)
        inside = np.flatnonzero(labels != OOS)
        inside = _at_most(inside, labels, MAX_ROWS, np.random.default_rng(data.seed))
        texts = [data.texts[int(row)] for row in inside]
        self.intents, codes = _coded(labels[inside])
        per_intent = len(texts) / max(len(self.intents), 1)
        self.shape_ = self.shape or Shape(terms=0.5 if per_intent >= FEW else 0.35)
        self.terms_ = Terms(min_letters=2 if len(texts) > 1000 else 1).fit(texts)
        rows, self.vectors_ = self.terms_.rows(texts), self.embedder.encode(texts)
        matrix = kernel(self.shape_, rows, self.vectors_, rows, self.vectors_)
        held_out = _known(data.validation_texts, data.validation_labels, self.intents)
        left_out = not held_out[0] and len(texts) <= MAX_LEFT_OUT
        alpha, alone = solve(
            matrix, targets_of(codes, len(self.intents)), self.shape_.ridge, left_out=left_out
        )
        del matrix
        share = 1.0 + self.shape_.terms
        self.alpha_ = (alpha / share).astype(np.float32)
        self.coefficients_ = np.asarray(rows.T @ alpha * (self.shape_.terms / 2 / share))
        self.codes_ = codes.astype(np.int32)
        self._forget_live()
        outside = [t for t, y in _pairs(data) if y == OOS]
        if held_out[0]:
            scores, vectors = self._scores(held_out[0])
            self._calibrate(scores, held_out[1], self._nearest(vectors), outside)
        elif alone is not None:
            self._calibrate(alone, codes, self._nearest(self.vectors_, skip_self=True), outside)
        else:
            self._calibrate_by_split(texts, labels[inside], outside, data.seed)
        return self

    def predict(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n_texts, n_intents) calibrated probabilities."""
        if not len(texts):
            return np.zeros((0, len(self.intents)))
        scores, vectors = self._scores(texts)
        outside = self._outside(scores, vectors)
        rows = calibrate.probabilities(scores, self.temperature_, outside)
        return self._with_live(rows, vectors) if self.live_texts_ else rows

    def outside(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n_texts,) probability of being out of scope; 0.5 is the threshold."""
        scores, vectors = self._scores(texts)
        return self._outside(scores, vectors)

    def with_examples(self, texts: Sequence[str], intents: Sequence[str]) -> Self:
        """Add examples at once, without a new fit; an unknown intent becomes known."""
        new = [i for i in dict.fromkeys(intents) if i not in self.intents]
        if new:
            self.intents = (*self.intents, *new)
            wider = ((0, 0), (0, len(new)))
            self.alpha_ = np.pad(self.alpha_, wider)
            self.coefficients_ = np.pad(self.coefficients_, wider)
        place = {intent: code for code, intent in enumerate(self.intents)}
        self.live_texts_ = [*self.live_texts_, *texts]
        self.live_codes_ = np.r_[self.live_codes_, [place[i] for i in intents]].astype(np.int64)
        self.live_vectors_ = np.vstack([self.live_vectors_, self.embedder.encode(list(texts))])
        return self

    def to_artefact(self) -> Artefact:
        """Return the fitted model as plain arrays."""
        arrays = {
            "alpha": self.alpha_,
            "coefficients": self.coefficients_.astype(np.float32),
            "vectors": self.vectors_.astype(np.float16),
            "codes": self.codes_,
            "outside": np.r_[self.outside_.weights, self.outside_.bias],
            "live_codes": self.live_codes_,
            **pack_words("live", self.live_texts_),
            **self.terms_.to_arrays(),
        }
        facts = {
            "intents": list(self.intents),
            "temperature": self.temperature_,
            "embedder": self.embedder.name,
            "shape": [self.shape_.terms, self.shape_.gamma, self.shape_.ridge],
        }
        return Artefact(kind=self.kind, arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model at rest; the embedder must be the one that it was fitted with."""
        made = cls()
        facts, arrays = artefact.facts, artefact.arrays
        if made.embedder.name != facts["embedder"]:
            raise ArtefactBroken(
                f"The intents were learned with the embedder {facts['embedder']}, "
                f"but {made.embedder.name} is installed.",
                hint="Install the extra 'language', or train again: shopkeeper train support.",
            )
        terms, gamma, ridge = facts["shape"]
        made.shape_ = Shape(terms=terms, gamma=gamma, ridge=ridge)
        made.intents = tuple(facts["intents"])
        made.temperature_ = float(facts["temperature"])
        made.alpha_, made.coefficients_ = arrays["alpha"], arrays["coefficients"]
        made.vectors_ = arrays["vectors"].astype(np.float32)
        made.codes_ = arrays["codes"]
        made.outside_ = calibrate.Outside(arrays["outside"][:-1], float(arrays["outside"][-1]))
        made.terms_ = Terms.from_arrays(arrays)
        made._forget_live()
        live = unpack_words("live", arrays)
        if live:
            made.with_examples(live, [made.intents[code] for code in arrays["live_codes"]])
        return made

    def _scores(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        texts = list(texts)
        vectors = self.embedder.encode(texts)
        likeness = np.exp((vectors @ self.vectors_.T - 1.0) * self.shape_.gamma)
        scores = likeness @ self.alpha_ + self.terms_.rows(texts) @ self.coefficients_
        return np.asarray(scores, dtype=np.float64), vectors

    def _outside(self, scores: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        values = calibrate.signals(scores, self.temperature_, self._nearest(vectors))
        return self.outside_.probability(values)

    def _nearest(self, vectors: np.ndarray, *, skip_self: bool = False) -> np.ndarray:
        """Return (n, 2): cosine of the nearest example, and the mean of the five nearest."""
        out = np.empty((len(vectors), 2))
        k = min(5 + skip_self, len(self.vectors_))
        for first in range(0, len(vectors), 512):
            part = vectors[first : first + 512] @ self.vectors_.T
            top = -np.sort(-np.partition(part, part.shape[1] - k, axis=1)[:, -k:], axis=1)
            top = top[:, 1:] if skip_self and k > 1 else top
            out[first : first + 512] = np.column_stack([top[:, 0], top.mean(axis=1)])
        return out

    def _calibrate(
        self, scores: np.ndarray, codes: np.ndarray, nearest: np.ndarray, outside: list[str]
    ) -> None:
        self.temperature_ = calibrate.temperature_of(scores, codes)
        inside = calibrate.signals(scores, self.temperature_, nearest)
        none = np.zeros((0, calibrate.N_SIGNALS))
        if outside:
            found, vectors = self._scores(outside)
            none = calibrate.signals(found, self.temperature_, self._nearest(vectors))
        right = scores.argmax(axis=1) == codes
        self.outside_ = calibrate.Outside.fit(inside, right, none)

    def _calibrate_by_split(
        self, texts: list[str], labels: np.ndarray, outside: list[str], seed: int
    ) -> None:
        """Calibrate on a tenth that a second model does not learn from; keep the full fit."""
        order = np.random.default_rng(seed).permutation(len(texts))
        held, kept = order[: len(texts) // 10], order[len(texts) // 10 :]
        twin = type(self)(self.embedder, self.shape_).fit(
            IntentData(
                texts=[*(texts[i] for i in kept), *outside],
                labels=[*labels[kept], *([OOS] * len(outside))],
                validation_texts=[texts[i] for i in held],
                validation_labels=list(labels[held]),
                seed=seed,
            )
        )
        self.temperature_, self.outside_ = twin.temperature_, twin.outside_

    def _forget_live(self) -> None:
        self.live_texts_ = []
        self.live_codes_ = np.zeros(0, dtype=np.int64)
        self.live_vectors_ = np.zeros((0, self.embedder.dimensions), dtype=np.float32)

    def _with_live(self, rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        likeness = vectors @ self.live_vectors_.T
        nearest = likeness.argmax(axis=1)
        best = likeness[np.arange(len(rows)), nearest]
        share = np.clip((best - NEAR) / (VERY_NEAR - NEAR), 0, 1)[:, None]
        out = rows * (1 - share)
        out[np.arange(len(rows)), self.live_codes_[nearest]] += share[:, 0]
        return np.asarray(out)


def _pairs(data: IntentData) -> list[tuple[str, str]]:
    both = zip(data.texts, data.labels, strict=True)
    held = zip(data.validation_texts, data.validation_labels, strict=True)
    return [*both, *held]


def _coded(labels: Sequence[str] | np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    return tuple(names.tolist()), codes


def _known(
    texts: Sequence[str], labels: Sequence[str], intents: tuple[str, ...]
) -> tuple[list[str], np.ndarray]:
    place = {intent: code for code, intent in enumerate(intents)}
    rows = [(t, place[y]) for t, y in zip(texts, labels, strict=True) if y in place]
    return [t for t, _ in rows], np.array([c for _, c in rows], dtype=np.int64)


def _at_most(
    rows: np.ndarray, labels: np.ndarray, most: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the rows, or an even seeded sample over the intents when there are too many."""
    if len(rows) <= most:
        return rows
    order: list[tuple[int, Any, int]] = []
    seen: dict[str, int] = {}
    for row in rng.permutation(rows):
        turn = seen.get(labels[row], 0)
        seen[labels[row]] = turn + 1
        order.append((turn, str(labels[row]), int(row)))
    return np.array(sorted(row for _, _, row in sorted(order)[:most]))
