"""Reasons and numbers of proposals in the words of the reader."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shopkeeper.console import formats
from shopkeeper.console.view import View


def reasons(view: View, found: Iterable[Mapping[str, Any]], currency: str) -> list[dict[str, str]]:
    """Return each reason as a sentence and its figures."""
    return [
        {
            "code": one["code"],
            "text": view.word_or("inventory_reason", one["code"], one.get("text") or one["code"]),
            "facts": facts(view, one.get("facts") or {}, currency),
        }
        for one in found
    ]


def facts(view: View, given: Mapping[str, Any], currency: str) -> str:
    """Return the figures of a reason as a person reads them."""
    said = []
    for name, value in given.items():
        if value is None:
            continue
        if name.endswith("_minor"):
            told = formats.money(round(value), currency, view.language)
        elif name == "service_level":
            told = formats.percent(value)
        elif name == "target":
            told = view.word("inventory_target", str(value))
        elif isinstance(value, int | float) and not isinstance(value, bool):
            told = formats.number(value, 0 if float(value).is_integer() else 1)
        else:
            told = str(value)
        said.append(f"{view.word('inventory_fact', name)} {told}")
    return " · ".join(said)
