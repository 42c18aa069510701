"""Teach the assistant its intents: learned from the project's own utterances.

A fifth of each intent's utterances is held out and judged once, against words alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from shopkeeper.learn import report
from shopkeeper.learn.contracts import Trained
from shopkeeper.learn.metrics import bootstrap
from shopkeeper.support.models.intents import IntentData
from shopkeeper.support.models.keywords import Keywords
from shopkeeper.support.models.reader import Reader
from shopkeeper.support.seeds import OUTSIDE, utterances


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the learned reader with its held-out accuracy against words alone."""
    texts, labels = taught()
    rng = np.random.default_rng(settings.random_seed)
    held = _held_out(labels, rng)
    kept = [place for place in range(len(texts)) if place not in held]
    test = sorted(place for place in held if labels[place] != "oos")
    with report.measured() as cost:
        reader = Reader().fit(
            IntentData(
                texts=[texts[i] for i in kept],
                labels=[labels[i] for i in kept],
                seed=settings.random_seed,
            )
        )
    truth = np.array([labels[i] for i in test])
    asked = [texts[i] for i in test]
    models = {}
    for name, model in (("intent-mix", reader.intents), ("keywords", Keywords())):
        rows = model.predict(asked)
        guess = np.array(model.intents)[rows.argmax(axis=1)]
        right = (guess == truth).astype(float)
        low, high = bootstrap(right, np.random.default_rng(settings.random_seed))
        models[name] = {
            "metrics": {"accuracy": round(float(right.mean()), 4)},
            "interval_95": {"accuracy": [round(low, 4), round(high, 4)]},
            "fit_seconds": round(cost.seconds, 3) if name == "intent-mix" else 0.0,
        }
    return Trained(
        model=reader,
        report={
            "capability": "support",
            "data": {"rows": len(texts), "test_rows": len(test)},
            "models": models,
            "champion": "intent-mix",
            "baseline": "keywords",
        },
        data={"rows": len(kept), "intents": len(set(labels))},
        self_test={"conversation_id": "self-test", "text": "where is my order"},
    )


def taught() -> tuple[list[str], list[str]]:
    """Return the project's own utterances in both languages with their intents; oos: of none."""
    found = utterances()
    labels = ["oos" if one.intent == OUTSIDE else one.intent for one in found]
    return [one.text for one in found], labels


def _held_out(labels: list[str], rng: np.random.Generator) -> set[int]:
    places: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    held: set[int] = set()
    for some in places.values():
        held |= {int(i) for i in rng.permutation(some)[: max(1, len(some) // 5)]}
    return held
