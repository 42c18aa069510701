"""Why a turn came out so: what was understood, which acts, from which records and passages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.support.features import LiveState


def explain(state: LiveState, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the understanding, the acts with their sources, look-ups and writes of a turn."""
    value = decision["value"]
    return {
        "value": {name: value.get(name) for name in ("reply", "acts", "language", "turn")},
        "why": {
            "intents": value.get("intents", []),
            "out_of_scope": value.get("out_of_scope"),
            "sources": [
                {"act": one["act"], "source": one["source"]} for one in value.get("sentences", [])
            ],
            "tools": value.get("tools", []),
            "citations": value.get("citations", []),
            "writes": value.get("writes", []),
            "terms": state.terms.version,
        },
        "reasons": decision["reasons"],
    }
