"""The console's words in English and Chinese, and which of the two a browser gets.

``words/en/*.toml`` and ``words/zh/*.toml`` have the same files and keys; a test holds them
together. A file may hold several sections, and two files may not hold the same key.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import Request

LANGUAGES = {"en": "English", "zh": "中文"}
COOKIE = "shopkeeper_language"
FOLDER = Path(__file__).parent / "words"


@cache
def words(language: str) -> Mapping[str, str]:
    """Return key -> words of a language, sections joined by dots."""
    found: dict[str, str] = {}
    for path in sorted((FOLDER / language).glob("*.toml")):
        for key, text in _flat(tomllib.loads(path.read_text("utf-8")), ""):
            if key in found:
                raise ValueError(f"{path.name} says {key} again")
            found[key] = text
    return found


def _flat(tree: Mapping[str, Any], before: str) -> list[tuple[str, str]]:
    found = []
    for name, value in tree.items():
        if isinstance(value, dict):
            found += _flat(value, f"{before}{name}.")
        else:
            found.append((before + name, value))
    return found


def say(language: str, key: str, **facts: Any) -> str:
    """Return the words of a key with its facts filled in; an unknown key is our fault."""
    text = words(language)[key]
    return text.format(**facts) if facts else text


def say_or(language: str, key: str, otherwise: str) -> str:
    """Return the words of a key that may be a newer word than we know, else ``otherwise``."""
    return words(language).get(key, otherwise)


def language_of(request: Request) -> str:
    """Return the language chosen in the header, else the browser's first that we speak."""
    chosen = request.cookies.get(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    wishes = []
    for place, part in enumerate(request.headers.get("accept-language", "")[:400].split(",")):
        tag, _, quality = part.strip().partition(";")
        name = tag.split("-")[0].lower()
        if name in LANGUAGES:
            wishes.append((-_weight(quality), place, name))
    return min(wishes)[2] if wishes else "en"


def _weight(quality: str) -> float:
    try:
        return float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        return 0.0
