"""Read the shop's reviews: each becomes a label with its feeling and how it judges each side.

The labels carry the review's own time, because they follow from its words alone; so the tables
``review_sentiment`` and ``item_review_features`` are right as of any moment. Nothing of the text
is copied. Reading again judges only what is new.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from shopkeeper.base import clock
from shopkeeper.data import review_reads
from shopkeeper.data.events import Event
from shopkeeper.language.opinions import Sentiment, feel
from shopkeeper.learn.contracts import Task

LEXICON = "lexicon@1"
LABEL = "review_sentiment"
BATCH = 2000


def judge(
    shop: Any,
    *,
    scorer: Callable[[str], Sentiment] = feel,
    model: str = LEXICON,
    tell: Callable[[float | None, str], None] = lambda share, saying: None,
) -> dict[str, int]:
    """Judge every review that ``model`` has not judged yet; returns how many.

    ``scorer`` may be a learned one; its name tells its judgements from the lexicon's, and the
    last judgement of a review counts.
    """
    judged = 0
    while True:
        shop.warehouse.refresh()
        some = review_reads.unjudged(shop.warehouse, model, BATCH)
        if not some:
            return {"reviews": judged}
        done = shop.append_events([_label(one, scorer, model) for one in some], source="reviews")
        judged += len(some)
        tell(None, f"{judged} reviews")
        if not done.accepted:
            # All were stored before: the tables will show them; going on would not end.
            return {"reviews": judged}


def work(task: Task) -> dict[str, Any]:
    """Judge new reviews as a job of the server."""
    return judge(task.shop, tell=task.tell)


def _label(review: dict[str, Any], scorer: Callable[[str], Sentiment], model: str) -> Event:
    found = scorer(review["text"])
    told: dict[str, Any] = {"review_id": review["review_id"], "model": model}
    for side in {one.aspect for one in found.aspects if one.polarity}:
        said = [one.polarity for one in found.aspects if one.aspect == side and one.polarity]
        told[side] = round(sum(said) / len(said), 4)
    digest = hashlib.blake2b(f"{review['review_id']}|{model}".encode(), digest_size=12)
    return Event(
        event_id=f"rev_{digest.hexdigest()}",
        kind="label",
        occurred_at=clock.from_us(review["occurred_us"]),
        label=LABEL,
        item_id=review["item_id"],
        score=found.score,
        source="reviews",
        properties=told,
    )
