"""Word lists of the languages, in TOML beside this file, read once."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any


@functools.cache
def read(name: str) -> dict[str, Any]:
    """Return the lists of ``name``.toml.

    >>> "不" in read("stop")["negations"]
    True
    """
    file = resources.files("shopkeeper.language.words").joinpath(f"{name}.toml")
    return tomllib.loads(file.read_text("utf-8"))
