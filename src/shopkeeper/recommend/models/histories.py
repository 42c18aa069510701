"""Many subjects' histories side by side, so that one definition scores a batch and a request.

Row u owns ``item[start[u]:start[u + 1]]``, oldest first. A basket is what was taken at one
moment: it has no order inside, so distance is counted in baskets, not in lines.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.schema import INTERACTION_KINDS, Features, Interactions

PURCHASE = INTERACTION_KINDS.index("purchase")
LESS = INTERACTION_KINDS.index("less_like_this")
# How much an interaction says beside a purchase; less_like_this says nothing good.
KIND_WEIGHTS = np.array([1.0, 0.6, 0.3, 0.3, 1.0, 0.5, 0.0], dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """What is known of some subjects at ``as_of_us`` (one moment each). Arrays as in History.

    ``context`` marks rows that stand on the page or in the cart now, not in the past.
    """

    start: np.ndarray  # (n_subjects + 1,) int64
    item: np.ndarray  # (n,) int32
    at_us: np.ndarray
    kind: np.ndarray
    quantity: np.ndarray
    basket: np.ndarray  # (n,) number of the basket within its subject, oldest 0
    as_of_us: np.ndarray  # (n_subjects,)

    @property
    def n_subjects(self) -> int:
        return len(self.start) - 1

    @property
    def subject(self) -> np.ndarray:
        """Return the subject of each row, (n,)."""
        if self.n_subjects == 1:
            return np.zeros(len(self.item), dtype=np.int64)
        return np.repeat(np.arange(self.n_subjects), np.diff(self.start))

    def chunk(self, first: int, last: int) -> Histories:
        """Return subjects ``first`` to ``last - 1``."""
        rows = slice(self.start[first], self.start[last])
        return Histories(
            start=self.start[first : last + 1] - self.start[first],
            item=self.item[rows],
            at_us=self.at_us[rows],
            kind=self.kind[rows],
            quantity=self.quantity[rows],
            basket=self.basket[rows],
            as_of_us=self.as_of_us[first:last],
        )

    def steps_back(self) -> np.ndarray:
        """Return how many baskets ago each row was, (n,), 0 the last."""
        if self.n_subjects == 1:  # the one that is served: no need to look for borders
            return self.basket[-1:].sum() - self.basket
        counts = np.diff(self.start)
        last = np.zeros(self.n_subjects, dtype=np.int64)
        some = counts > 0
        last[some] = self.basket[self.start[1:][some] - 1]
        return np.repeat(last, counts) - self.basket

    def age_days(self) -> np.ndarray:
        """Return each row's age at its subject's moment, (n,) float days, never negative."""
        single = self.n_subjects == 1
        moments = self.as_of_us if single else np.repeat(self.as_of_us, np.diff(self.start))
        age = moments - self.at_us
        return np.maximum(age, 0) / DAY_US

    def matrix(self, weights: np.ndarray, n_items: int) -> sparse.csr_array:
        """Return (n_subjects, n_items) of summed row weights; items outside are left out."""
        keep = (self.item >= 0) & (self.item < n_items) & (weights != 0)
        where = (self.subject[keep], self.item[keep])
        shape = (self.n_subjects, n_items)
        built = sparse.coo_array((weights[keep].astype(np.float32), where), shape=shape)
        return built.tocsr()

    def pairs(self, n_items: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return (subject, item, pair number of each row) of the distinct purchased pairs.

        Rows that are not purchases, or outside the items, have pair number -1.
        """
        mine = (self.kind == PURCHASE) & (self.item >= 0) & (self.item < n_items)
        key = self.subject[mine] * np.int64(n_items) + self.item[mine]
        distinct, number = np.unique(key, return_inverse=True)
        of_row = np.full(len(self.item), -1, dtype=np.int64)
        of_row[mine] = number
        return distinct // n_items, (distinct % n_items).astype(np.int32), of_row


def group(interactions: Interactions, as_of_us: int | np.ndarray) -> Histories:
    """Return the histories of all users of ``interactions``, in the order of user_ids."""
    order = np.lexsort((np.arange(len(interactions.user)), interactions.at_us, interactions.user))
    user = interactions.user[order]
    n_users = len(interactions.user_ids)
    start = np.zeros(n_users + 1, dtype=np.int64)
    np.cumsum(np.bincount(user, minlength=n_users), out=start[1:])
    basket = interactions.basket[order]
    moments = np.broadcast_to(np.asarray(as_of_us, dtype=np.int64), (n_users,))
    return Histories(
        start=start,
        item=interactions.item[order].astype(np.int32),
        at_us=interactions.at_us[order],
        kind=interactions.kind[order],
        quantity=interactions.quantity[order],
        basket=number_baskets(start, basket),
        as_of_us=moments,
    )


def number_baskets(start: np.ndarray, basket: np.ndarray) -> np.ndarray:
    """Return for each row the number of its basket within its subject: 0, 1, 2 …"""
    if len(basket) == 0:
        return np.zeros(0, dtype=np.int64)
    opens = np.ones(len(basket), dtype=np.int64)
    opens[1:] = basket[1:] != basket[:-1]
    if len(start) == 2:
        return np.cumsum(opens) - 1
    opens[start[:-1][np.diff(start) > 0]] = 1
    number = np.cumsum(opens)
    counts = np.diff(start)
    first = np.zeros(len(counts), dtype=np.int64)
    first[counts > 0] = number[start[:-1][counts > 0]]
    return number - np.repeat(first, counts)


def of_request(features: Features, rows: np.ndarray, *, context_only: bool = False) -> Histories:
    """Return one subject's history with the page's or cart's items as its newest basket.

    ``rows`` translates rows of ``features.item_ids`` to the model's; -1 is unknown to it.
    """
    past = features.history
    n = 0 if context_only else len(past.item)
    context = np.asarray(features.context, dtype=np.int64)
    moment = np.array([features.as_of_us], dtype=np.int64)
    if not len(context):
        whole = np.array([0, n], dtype=np.int64)
        return Histories(
            start=whole,
            item=rows[past.item[:n]].astype(np.int32),
            at_us=past.at_us[:n],
            kind=past.kind[:n],
            quantity=past.quantity[:n],
            basket=number_baskets(whole, past.basket[:n]),
            as_of_us=moment,
        )
    item = np.concatenate([rows[past.item[:n]], rows[context]]).astype(np.int32)
    basket = np.concatenate([past.basket[:n], np.full(len(context), -2)])
    start = np.array([0, len(item)], dtype=np.int64)
    kinds = np.concatenate([past.kind[:n], np.full(len(context), PURCHASE)])
    return Histories(
        start=start,
        item=item,
        at_us=np.concatenate([past.at_us[:n], np.full(len(context), features.as_of_us)]),
        kind=kinds,
        quantity=np.concatenate([past.quantity[:n], np.ones(len(context))]),
        basket=number_baskets(start, basket),
        as_of_us=moment,
    )


def with_new(
    features: Features, rows: np.ndarray, placed: np.ndarray, *, alone: bool = False
) -> tuple[Histories, Histories]:
    """Return what is asked in the model's rows, without and with new products."""
    asked = of_request(features, rows, context_only=alone)
    if placed is rows:
        return asked, asked
    return asked, of_request(features, placed, context_only=alone)
