"""The model that a turn asks: what a message means, by the learned intents or by words alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shopkeeper.learn.contracts import Artefact
from shopkeeper.support.features import Features
from shopkeeper.support.models.intents import IntentMix
from shopkeeper.support.schema import Understanding
from shopkeeper.support.understand import Context, understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was understood; ``probabilities`` (n,) of the ranking, checked to be finite."""

    understanding: Understanding
    probabilities: np.ndarray


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
        return read(features, Context(known=features.known, model=self.intents))

    def to_artefact(self) -> Artefact:
        """Return the intents at rest."""
        return self.intents.to_artefact()

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the reader of intents at rest."""
        return cls(IntentMix.from_artefact(artefact))


def by_words(features: Features) -> Reading:
    """Return what the message means by words alone; needs no model."""
    return read(features, Context(known=features.known))


def read(features: Features, context: Context) -> Reading:
    """Return an understanding with its probabilities."""
    from dataclasses import replace

    found = understand(features.text, replace(context, language=features.state.language or None))
    rows = np.array([one.probability for one in found.ranking], dtype=float)
    return Reading(understanding=found, probabilities=rows)
