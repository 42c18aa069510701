"""Order numbers by the shop's own pattern; which of them is the customer's, the tools decide."""

from __future__ import annotations

import re

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.normalise import Normalised

_BEFORE = re.compile(r"(?:订单号?|单号|order(?: number| id| no\.?)?)[\s:：是#]*$", re.IGNORECASE)


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return order numbers; the value is upper case without a leading #.

    Digits alone that stand next to a currency or a unit are no order number.
    """
    shape = re.compile(rf"(?<![A-Za-z0-9.,])(?:{known.order_pattern})(?![A-Za-z0-9]|[.,]\d)", re.I)
    found = []
    for match in shape.finditer(made.text):
        before, after = made.text[: match.start()], made.text[match.end() :]
        named = bool(_BEFORE.search(before[-20:]))
        if not named and (before[-1:] in tuple("$¥€£") or after[:1] in tuple("元块%天件年")):
            continue
        start, end = made.span(match.start(), match.end())
        value = match.group().upper().removeprefix("#")
        score = 1.0 if named or not value.isdigit() else 0.8
        found.append(
            Entity(
                kind="order",
                value=value,
                text=made.original[start:end],
                start=start,
                end=end,
                score=score,
            )
        )
    return found
