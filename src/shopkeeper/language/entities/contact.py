"""Phone numbers and e-mail addresses as entities, by the shapes that pii.py masks."""

from __future__ import annotations

import re

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.normalise import Normalised
from shopkeeper.language.pii import find_personal


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return phones and e-mails; a Chinese mobile's value has no +86 and no spaces."""
    found = []
    for thing in find_personal(made):
        if thing.kind not in ("phone", "email"):
            continue
        text = made.original[thing.start : thing.end]
        value = text.lower()
        if thing.kind == "phone":
            value = re.sub(r"[^\d+]", "", text)
            value = re.sub(r"^\+?86(?=1[3-9]\d{9}$)", "", value)
        found.append(
            Entity(kind=thing.kind, value=value, text=text, start=thing.start, end=thing.end)
        )
    return found
