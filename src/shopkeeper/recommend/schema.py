"""What is asked and what is believed: Request, History, Interactions, Features, Prediction.

Items and customers are row numbers here (int32); ids are translated at the border by an
Index. This file reads no data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.recommend.decayed import Faded

PLACEMENTS = ("home", "product", "bought_together", "cart", "buy_again", "trending")

# How much an interaction says, and its code in arrays. Codes are stored: append, never renumber.
INTERACTION_KINDS = (
    "purchase",
    "add_to_cart",
    "view_item",
    "select_item",
    "rating",
    "add_to_wishlist",
    "less_like_this",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question. ``items`` is the cart or the product on the page; ids as the shop knows."""

    placement: str
    customer_id: str | None = None
    session_id: str | None = None
    items: tuple[str, ...] = ()
    limit: int = 10
    exclude: tuple[str, ...] = ()
    category: str | None = None
    include_bought: bool | None = None  # None: the placement decides


@dataclass(frozen=True, slots=True, kw_only=True)
class Interactions:
    """Who did what with which item, when. All arrays (n,), ordered by time then arrival.

    ``user`` and ``item`` index ``user_ids`` and ``item_ids``; ``at_us`` microseconds UTC;
    ``kind`` indexes INTERACTION_KINDS; ``basket`` groups what was bought together.
    """

    user: np.ndarray
    item: np.ndarray
    at_us: np.ndarray
    kind: np.ndarray
    quantity: np.ndarray
    basket: np.ndarray
    user_ids: Sequence[str]
    item_ids: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """All that a recommend model may learn from: interactions before ``as_of_us``, catalogue.

    The catalogue sequences are (n_items,) in the order of ``interactions.item_ids``, or empty
    where the shop has none. ``item_text``: title, brand, category, description in one line.
    """

    interactions: Interactions
    as_of_us: int
    item_text: Sequence[str] = ()
    item_category: Sequence[str] = ()  # a path, "Grocery > Dairy > Milk"; "" where unknown
    item_price_minor: np.ndarray | None = None
    item_brand: Sequence[str] = ()
    item_created_us: np.ndarray | None = None  # (n_items,) when the shop first told of each
    # (n_items, 2): feeling of the reviews from -1 to 1, shrunk, and log(1 + their number)
    item_reviews: np.ndarray | None = None
    # (n_users,) in the order of user_ids, or empty: what the shop says of each customer
    customer_attributes: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One subject's interactions, oldest first; arrays (n,) as in Interactions."""

    item: np.ndarray
    at_us: np.ndarray
    kind: np.ndarray
    quantity: np.ndarray
    basket: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What a model may know at ``as_of_us``.

    ``context`` (c,) rows of the page's or cart's items. ``popularity`` (n_items,) decayed.
    Rows refer to ``item_ids``, which only ever grows at its end.
    """

    as_of_us: int
    placement: str
    history: History
    context: np.ndarray
    popularity: np.ndarray | Faded
    item_ids: Sequence[str]
    live: Any = None  # incremental pair counts of features.py, for sources that use them
    attributes: Mapping[str, Any] = field(default_factory=dict)  # what may be used of the customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Candidates best first. ``parts`` (m, n_sources): each source's share, rows sum to score."""

    item: np.ndarray  # (m,) int32
    score: np.ndarray  # (m,) float32
    sources: tuple[str, ...]
    parts: np.ndarray
    because: Mapping[int, list[tuple[int, float]]] = field(default_factory=dict)
    # because: candidate row -> [(history or context item row, share)], strongest first
