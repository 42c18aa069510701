"""How well sides of reviews are read, against marks by hand: counts, precision, recall.

A line of a file of marks is ``text | quality+ price-``; a side without a sign is spoken of but
not judged. A judgement is right when its side and its sign are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shopkeeper.language.opinions import ASPECTS, aspects

_MARK = re.compile(rf"({'|'.join(ASPECTS)})([+-]?)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A sentence and its judged sides: (side, +1 or -1)."""

    text: str
    sides: frozenset[tuple[str, int]]


def parse(lines: Sequence[str]) -> list[Marked]:
    """Return the marked sentences; lines that begin with # are comments.

    >>> parse(["物流快 | logistics+", "# no"])[0].sides
    frozenset({('logistics', 1)})
    """
    found = []
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        text, _, marks = line.partition("|")
        sides = {(m[1], 1 if m[2] == "+" else -1) for m in _MARK.finditer(marks) if m[2]}
        found.append(Marked(text=text.strip(), sides=frozenset(sides)))
    return found


def read(text: str) -> frozenset[tuple[str, int]]:
    """Return the judged sides of a text: (side, +1 or -1)."""
    return frozenset((a.aspect, 1 if a.polarity > 0 else -1) for a in aspects(text) if a.polarity)


def counted(marked: Sequence[Marked]) -> dict[str, tuple[int, int, int]]:
    """Return right, read and marked judgements per side and in all."""
    found = {name: [0, 0, 0] for name in (*ASPECTS, "all")}
    for one in marked:
        told = read(one.text)
        for place, some in enumerate((told & one.sides, told, one.sides)):
            for side, _ in some:
                found[side][place] += 1
                found["all"][place] += 1
    return {name: (a, b, c) for name, (a, b, c) in found.items()}
