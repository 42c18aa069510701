"""A blend at rest: its choices, and every part's own arrays and facts under the part's name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.models import shelf
from shopkeeper.recommend.models.fusion import Study
from shopkeeper.recommend.models.ranker import Ranker
from shopkeeper.recommend.models.strangers import Strangers

_CHOSEN = ("settings", "weights", "trend", "validation", "subjects")
_RANKER, _STRANGERS = "ranker", "attributes"


def write(blend: Any) -> Artefact:
    """Return a fitted blend as plain arrays and facts; arrays are named ``part/array``."""
    study: Study = blend.study_
    arrays: dict[str, np.ndarray] = dict(pack_words("item_ids", blend.item_ids_))
    arrays["trend"] = blend.trend_
    facts: dict[str, Any] = {
        "settings": {name: dict(found) for name, found in study.settings.items()},
        "weights": {task: dict(found) for task, found in study.weights.items()},
        "trend": dict(study.trend),
        "validation": {task: dict(v) for task, v in study.validation.items()},
        "subjects": study.subjects,
        "young": dict(study.young),
        "protocol": blend.protocol,
        "sources": {},
    }
    for name, source in blend.sources_.items():
        own, facts["sources"][name] = source._state()
        arrays |= {f"{name}/{key}": value for key, value in own.items()}
    for name, part in ((_RANKER, blend.ranker_), (_STRANGERS, blend.strangers_)):
        if part is not None:
            own, facts[name] = part.state()
            arrays |= {f"{name}/{key}": value for key, value in own.items()}
    return Artefact(kind=blend.name, arrays=arrays, facts=facts)


def study_of(artefact: Artefact) -> Study:
    """Return the frozen choices of a blend at rest."""
    young = artefact.facts.get("young", {})
    return Study(**{key: artefact.facts[key] for key in _CHOSEN}, young=young)


def read(blend: Any, artefact: Artefact) -> None:
    """Fill a new blend with what ``write`` wrote."""
    blend.study_, blend.trend_ = blend.study, artefact.arrays["trend"]
    blend.item_ids_ = unpack_words("item_ids", artefact.arrays)
    blend.sources_ = {}
    for name, facts in artefact.facts["sources"].items():
        source = shelf.KINDS[name]()
        source.item_ids_ = blend.item_ids_
        source._restore(_under(name, artefact.arrays), facts)
        blend.sources_[name] = source
    if (facts := artefact.facts.get(_RANKER)) is not None:
        blend.ranker_ = Ranker.restore(_under(_RANKER, artefact.arrays), facts)
    if (facts := artefact.facts.get(_STRANGERS)) is not None:
        blend.strangers_ = Strangers.restore(_under(_STRANGERS, artefact.arrays), facts)


def _under(name: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the arrays that one part wrote, by its own names."""
    start = f"{name}/"
    return {key.removeprefix(start): a for key, a in arrays.items() if key.startswith(start)}
