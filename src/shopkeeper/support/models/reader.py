"""The model that a turn asks: what a message means, by the learned intents or by words alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from shopkeeper.learn.contracts import Artefact
from shopkeeper.support.features import Features
from shopkeeper.support.models.intents import IntentMix
from shopkeeper.support.retrieval import Weights
from shopkeeper.support.schema import Hit, Understanding
from shopkeeper.support.understand import Context, understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was understood; ``probabilities`` (n,) of the ranking, checked to be finite.

    ``hits`` are the passages that may answer, above the floor, best first.
    """

    understanding: Understanding
    probabilities: np.ndarray
    hits: tuple[Hit, ...] = ()


class Reader:
    """Learned intents behind the contract of models."""

    name = "intent-mix"

    def __init__(self, intents: IntentMix | None = None) -> None:
        self.intents = intents or IntentMix()

    def fit(self, data: Any) -> Self:
        """Learn from an IntentData."""
        self.intents.fit(data)
        return self

    def predict(self, features: Features) -> Reading:
        """Return what the message of a turn means."""
        found = read(features, Context(known=features.known, model=self.intents))
        hits = features.find(self.intents)
        if found.understanding.out_of_scope > 0.5:
            # What means no intent of ours agrees with every article's a little: wording decides.
            hits = tuple(one for one in hits if one.parts["meaning"] >= Weights().floor)
        return replace(found, hits=hits)

    def to_artefact(self) -> Artefact:
        """Return the intents at rest."""
        return self.intents.to_artefact()

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the reader of intents at rest."""
        return cls(IntentMix.from_artefact(artefact))


def by_words(features: Features) -> Reading:
    """Return what the message means by words alone; needs no model."""
    return replace(read(features, Context(known=features.known)), hits=features.find(None))


def read(features: Features, context: Context) -> Reading:
    """Return an understanding with its probabilities."""
    found = understand(features.text, replace(context, language=features.state.language or None))
    rows = np.array([one.probability for one in found.ranking], dtype=float)
    return Reading(understanding=found, probabilities=rows)
