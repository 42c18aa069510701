"""What slates teach the ranker: what was shown where, and what was done with it.

Who clicks has looked; who has not looked says nothing. Trees learn from slates by LightGBM's
lambdarank with positions, which estimates how much each place gains by itself and leaves that out
of the trees. Only slates count that the sources below had not seen: each period's, by the blend
fitted before it.

Source: Hu et al., Unbiased LambdaMART, WWW 2019; in the additive form of LightGBM's ``position``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.recommend.models import histories, holdout
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.schema import Interactions

ENOUGH_PLACES = 5_000  # shown places; below, purchases alone teach
MOST_SLATES = 1_500  # of each period, the latest: each costs what a customer of the period costs
GRADES = {"select_item": 1, "view_item": 1, "add_to_cart": 2, "purchase": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slates:
    """Slates of known customers by time; slate s showed ``item[start[s]:start[s + 1]]``.

    ``user`` and ``item`` are rows of a Training's; ``grade`` 0 nothing, 1 looked at, 2 put in the
    cart, 3 bought; ``position`` from 0.
    """

    user: np.ndarray
    at_us: np.ndarray
    start: np.ndarray
    item: np.ndarray
    position: np.ndarray
    grade: np.ndarray

    def between(self, since_us: int, until_us: int) -> Slates:
        """Return the latest MOST_SLATES slates of [since, until)."""
        low, high = np.searchsorted(self.at_us, (since_us, until_us))
        return self._some(np.arange(max(int(low), int(high) - MOST_SLATES), int(high)))

    def of(self, log: Interactions, whole: Interactions) -> Slates:
        """Return the slates of a smaller log's customers and items, by its numbers.

        ``whole``: the log whose numbers the slates have now.
        """
        users = {name: at for at, name in enumerate(log.user_ids)}
        items = {name: at for at, name in enumerate(log.item_ids)}
        there = np.zeros(len(log.user_ids), dtype=bool)
        there[log.user] = True
        user = np.array(
            [users.get(whole.user_ids[u], -1) for u in self.user.tolist()], dtype=np.int64
        )
        item = np.array(
            [items.get(whole.item_ids[i], -1) for i in self.item.tolist()], dtype=np.int64
        )
        known = (user >= 0) & there[user]
        kept = (item >= 0) & np.repeat(known, np.diff(self.start))
        counts = np.add.reduceat(np.append(kept, False), self.start[:-1]) if len(user) else user
        counts = np.where(np.diff(self.start) > 0, counts, 0)
        full = counts > 1  # one item alone is no order
        rows = kept & np.repeat(full, np.diff(self.start))
        return Slates(
            user=user[full],
            at_us=self.at_us[full],
            start=np.concatenate([[0], np.cumsum(counts[full])]).astype(np.int64),
            item=item[rows],
            position=self.position[rows],
            grade=self.grade[rows],
        )

    def asked(self, log: Interactions) -> Histories:
        """Return each slate's customer as she was known the moment before."""
        whole = histories.group(log, self.at_us.max(initial=0))
        picked = holdout.pick(whole, self.user)
        known = picked.at_us < np.repeat(self.at_us, np.diff(picked.start))
        counts = np.bincount(picked.subject[known], minlength=len(self.user))
        return Histories(
            start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            item=picked.item[known],
            at_us=picked.at_us[known],
            kind=picked.kind[known],
            quantity=picked.quantity[known],
            basket=picked.basket[known],
            as_of_us=self.at_us,
        )

    def _some(self, slates: np.ndarray) -> Slates:
        rows = slice(self.start[slates[0]], self.start[slates[-1] + 1]) if len(slates) else slice(0)
        first = self.start[slates[0]] if len(slates) else 0
        ends = self.start[1:][slates] - first
        return Slates(
            user=self.user[slates],
            at_us=self.at_us[slates],
            start=np.concatenate([[0], ends]).astype(np.int64),
            item=self.item[rows],
            position=self.position[rows],
            grade=self.grade[rows],
        )


def of_record(
    rows: Sequence[Mapping[str, Any]],
    taken: Mapping[tuple[str, str], Sequence[Mapping[str, Any]]],
    user_ids: Sequence[str],
    item_ids: Sequence[str],
) -> Slates:
    """Return the slates of the record: one row per seen item (data/slate_log.py)."""
    users = {name: at for at, name in enumerate(user_ids)}
    items = {name: at for at, name in enumerate(item_ids)}
    found: dict[str, tuple[int, int, list[tuple[int, int, int]]]] = {}
    for row in rows:
        user, item = users.get(row["customer_id"]), items.get(row["item_id"])
        if user is None or item is None:
            continue
        labels = (one["label"] for one in taken.get((row["decision_id"], row["item_id"]), ()))
        grade = max((GRADES.get(label, 0) for label in labels), default=0)
        slate = found.setdefault(row["decision_id"], (user, row["occurred_us"], []))
        slate[2].append((item, row["position"], grade))
    slates = sorted(found.values(), key=lambda one: one[1])
    flat = np.array([line for _, _, lines in slates for line in lines], dtype=np.int64)
    flat = flat.reshape(-1, 3)
    counts = [len(lines) for _, _, lines in slates]
    return Slates(
        user=np.array([user for user, _, _ in slates], dtype=np.int64),
        at_us=np.array([at for _, at, _ in slates], dtype=np.int64),
        start=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        item=flat[:, 0],
        position=flat[:, 1],
        grade=flat[:, 2],
    )
