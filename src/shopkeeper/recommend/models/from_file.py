"""Turn the rows of a file into what models learn from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.interactions import Rows, read_interactions, read_items
from shopkeeper.recommend.schema import INTERACTION_KINDS, Interactions, Training

# Names that other systems use for our kinds.
ALIASES = {
    "view": "view_item",
    "page_view": "view_item",
    "detail": "view_item",
    "click": "select_item",
    "cart": "add_to_cart",
    "addtocart": "add_to_cart",
    "add": "add_to_cart",
    "wishlist": "add_to_wishlist",
    "fav": "add_to_wishlist",
    "buy": "purchase",
    "bought": "purchase",
    "order": "purchase",
    "transaction": "purchase",
    "review": "rating",
}


def training(
    path: Path, items: Path | None = None, names: Mapping[str, str] | None = None
) -> tuple[Training, dict[str, Any]]:
    """Return (all rows as Training, facts of the file); items only in the catalogue come last."""
    own = dict(names or {})
    catalogue_only = ("title", "brand", "category", "description")
    rows = read_interactions(path, {k: v for k, v in own.items() if k not in catalogue_only})
    catalogue = read_items(items, own if items else None) if items else None
    item_ids = list(rows.item_ids)
    if catalogue is not None:
        known = set(item_ids)
        item_ids += sorted(item for item in catalogue.text if item not in known)
    kind, keep = _kinds(rows, path)
    keep &= rows.quantity > 0
    if not keep.any():
        raise BadInput(f"{path} has no row with a quantity above 0.", field="quantity")
    interactions = Interactions(
        user=rows.user[keep],
        item=rows.item[keep],
        at_us=rows.at_us[keep],
        kind=kind[keep],
        quantity=rows.quantity[keep],
        # What one user did at one moment is one basket: a file tells no order inside it.
        basket=_moments(rows.user[keep], rows.at_us[keep]),
        user_ids=rows.user_ids,
        item_ids=item_ids,
    )
    text = [] if catalogue is None else [catalogue.text.get(i, "") for i in item_ids]
    category = [] if catalogue is None else [catalogue.category.get(i, "") for i in item_ids]
    facts = {"file_rows": len(keep), "left_out_rows": int((~keep).sum()), "sha256": rows.sha256}
    made = Training(
        interactions=interactions,
        as_of_us=int(interactions.at_us.max()) + 1,
        item_text=text,
        item_category=category,
    )
    return made, facts


def _kinds(rows: Rows, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return (kind code, known) of each row; a file without any known event is refused."""
    codes = []
    for name in rows.events:
        word = name.strip().lower()
        word = ALIASES.get(word, word)
        codes.append(INTERACTION_KINDS.index(word) if word in INTERACTION_KINDS else -1)
    kind = np.array(codes, dtype=np.int8)[rows.event]
    if not (kind >= 0).any():
        raise BadInput(
            f"{path}: column 'event' has no kind that we know; it has "
            f"{', '.join(rows.events[:8])}.",
            allowed=", ".join(INTERACTION_KINDS),
            field="event",
            value=rows.events[0],
        )
    return np.maximum(kind, 0), kind >= 0


def _moments(user: np.ndarray, at_us: np.ndarray) -> np.ndarray:
    """Return a number for each distinct (user, moment)."""
    order = np.lexsort((at_us, user))
    opens = np.ones(len(order), dtype=np.int64)
    opens[1:] = (user[order][1:] != user[order][:-1]) | (at_us[order][1:] != at_us[order][:-1])
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(opens) - 1
    return number
