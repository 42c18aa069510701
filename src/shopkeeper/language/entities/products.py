"""Products named in a text: exact names by a trie, typing errors by edit distance, then meaning."""

from __future__ import annotations

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.normalise import Normalised


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return the products named; ``facts`` has the other candidates, best first."""
    if known.products is None:
        return []
    found = []
    for first, last, item_id, score, others in known.products.find(made.text):
        start, end = made.span(first, last)
        found.append(
            Entity(
                kind="product",
                value=item_id,
                text=made.original[start:end],
                start=start,
                end=end,
                score=score,
                facts={"others": list(others)} if others else {},
            )
        )
    return found
