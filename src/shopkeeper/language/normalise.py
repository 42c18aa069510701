"""One writing for equal texts: NFKC, simplified characters, plain spaces; places are kept.

In goes what a customer typed, out comes a Normalised text whose every character knows where it
came from, so that a finding in it can be shown in the original. Case is kept: ids need it.
"""

from __future__ import annotations

import functools
import unicodedata
from dataclasses import dataclass
from importlib import resources

MAX_CHARACTERS = 8000
_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """``text`` is normal; ``starts[i]`` and ``ends[i]`` bound its character i in ``original``."""

    original: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original of ``text[start:end]``.

        >>> normalise("我要退　ＡＢ１").span(4, 7)
        (4, 7)
        """
        if start >= end:
            place = self.starts[start] if start < len(self.starts) else len(self.original)
            return place, place
        return self.starts[start], self.ends[end - 1]


def normalise(text: str) -> Normalised:
    """Return NFKC with simplified characters, single spaces and no invisible characters.

    Text beyond 8,000 characters is cut: no message or review is longer, and every reader of
    the text may then count on a bound.

    >>> normalise("訂單 　Ｎｏ．１２３").text
    '订单 No.123'
    """
    original = text[:MAX_CHARACTERS]
    letters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    simple = _simplified()
    for start, end in _clusters(original):
        for letter in unicodedata.normalize("NFKC", original[start:end]):
            if letter in _ZERO_WIDTH or (
                unicodedata.category(letter) == "Cc" and letter not in "\n\t"
            ):
                continue
            plain = "\n" if letter == "\n" else " " if letter.isspace() else letter
            if plain == " " and (not letters or letters[-1] in " \n"):
                continue
            letters.append(simple.get(ord(plain), plain))
            starts.append(start)
            ends.append(end)
    while letters and letters[-1] in " \n":
        letters.pop()
        starts.pop()
        ends.pop()
    return Normalised(
        original=original, text="".join(letters), starts=tuple(starts), ends=tuple(ends)
    )


def plain(text: str) -> str:
    """Return the normal text alone, for those who need no places.

    >>> plain("退貨")
    '退货'
    """
    if text.isascii() and "  " not in text and text.isprintable():
        return text[:MAX_CHARACTERS].strip()
    return normalise(text).text


def to_simplified(text: str) -> str:
    """Return the text with each traditional character simplified; nothing else changes."""
    return text.translate(_simplified())


def _clusters(text: str) -> list[tuple[int, int]]:
    """Return a base character with the marks that combine with it, as one piece each."""
    found: list[tuple[int, int]] = []
    for place, letter in enumerate(text):
        if found and unicodedata.combining(letter):
            found[-1] = (found[-1][0], place + 1)
        else:
            found.append((place, place + 1))
    return found


@functools.cache
def _simplified() -> dict[int, str]:
    file = resources.files("shopkeeper.language.words").joinpath("traditional.txt")
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    middle = lines.index("")
    old, new = "".join(lines[:middle]), "".join(lines[middle + 1 :])
    return dict(zip(map(ord, old), new, strict=True))
