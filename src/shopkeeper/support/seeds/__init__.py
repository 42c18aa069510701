"""The utterances that teach support before a shop has its own: zh.toml, en.toml, more.toml."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

STYLES = ("formal", "spoken", "terse", "noisy")
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Utterance:
    """One written example. ``style`` is one of STYLES, or empty where none was noted."""

    text: str
    intent: str
    language: str
    style: str


@functools.cache
def utterances() -> tuple[Utterance, ...]:
    """Return all of them; intent OUTSIDE is meant for no shop.

    >>> sum(u.language == "zh" and u.style != "" for u in utterances())
    400
    """
    found = [
        Utterance(text=text, intent=intent, language=language, style=style)
        for language in ("zh", "en")
        for intent, styles in _read(language).items()
        for style, texts in styles.items()
        for text in texts
    ]
    found += [
        Utterance(text=text, intent=intent, language=language, style="")
        for language, intents in _read("more").items()
        for intent, texts in intents.items()
        for text in texts
    ]
    return tuple(found)


def _read(name: str) -> dict[str, dict[str, list[str]]]:
    file = resources.files("shopkeeper.support.seeds").joinpath(f"{name}.toml")
    return tomllib.loads(file.read_text("utf-8"))
