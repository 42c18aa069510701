"""Cut a history into what teaches and what judges, the same way for validation and test."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn import splits
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.models.fusion import Judged
from shopkeeper.recommend.models.histories import KIND_WEIGHTS, PURCHASE
from shopkeeper.recommend.schema import Interactions, Training

PROTOCOLS = ("time", "last-out")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What to predict: ``user`` and ``item`` (m,), distinct pairs, of rows held out."""

    user: np.ndarray
    item: np.ndarray


def cut_at(data: Training, cut_us: int) -> tuple[Training, Target]:
    """Return what happened before the cut, and what was bought from it on."""
    log = data.interactions
    train = splits.before(log.at_us, cut_us)
    return replace(data, interactions=take(log, train), as_of_us=cut_us), _targets(log, ~train)


def last_out(data: Training) -> tuple[Training, Target]:
    """Return all but each user's last row, and those last rows."""
    log = data.interactions
    train, target = splits.last_out(log.user)
    return replace(data, interactions=take(log, train)), _targets(log, target)


def horizon_days(data: Training) -> float:
    """Return the length of one validation period: an eighth of the history, at most 30 days."""
    at = data.interactions.at_us
    span = (data.as_of_us - int(at.min())) / DAY_US if len(at) else 0.0
    return float(np.clip(span / 8, 1.0, 30.0))


def judge(
    data: Training,
    target: Target,
    *,
    limit: int | None = None,
    seed: int = 7,
    new: np.ndarray | None = None,
) -> Judged:
    """Return the users that training knows, with targets; at most ``limit`` drawn by seed.

    A target whose item training never saw is left out: nobody could have ranked it; ``new``
    (n_items,) marks those that count all the same, because their entries may tell.
    """
    log = data.interactions
    past = histories.group(log, data.as_of_us)
    known_item = np.zeros(len(log.item_ids), dtype=bool)
    known_item[log.item] = True
    if new is not None:
        known_item |= new
    warm = (np.diff(past.start) > 0)[target.user] & known_item[target.item]
    user, item = target.user[warm], target.item[warm]
    users = np.unique(user)
    if limit is not None and len(users) > limit:
        users = np.sort(np.random.default_rng(seed).choice(users, limit, replace=False))
        mine = np.isin(user, users)
        user, item = user[mine], item[mine]
    order = np.lexsort((item, user))
    start = np.searchsorted(user[order], np.append(users, np.iinfo(np.int64).max))
    return Judged(asked=pick(past, users), target_start=start, target_item=item[order])


def pick(past: histories.Histories, subjects: np.ndarray) -> histories.Histories:
    """Return the histories of some subjects, in the order given."""
    counts = np.diff(past.start)[subjects]
    start = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    rows = np.arange(start[-1]) - np.repeat(start[:-1], counts)
    rows += np.repeat(past.start[subjects], counts)
    return histories.Histories(
        start=start,
        item=past.item[rows],
        at_us=past.at_us[rows],
        kind=past.kind[rows],
        quantity=past.quantity[rows],
        basket=past.basket[rows],
        as_of_us=past.as_of_us[subjects],
    )


def take(log: Interactions, rows: np.ndarray) -> Interactions:
    """Return some rows of the interactions; users and items keep their numbers."""
    return replace(
        log,
        user=log.user[rows],
        item=log.item[rows],
        at_us=log.at_us[rows],
        kind=log.kind[rows],
        quantity=log.quantity[rows],
        basket=log.basket[rows],
    )


def _targets(log: Interactions, rows: np.ndarray) -> Target:
    """Return distinct pairs of the rows; purchases alone where the shop has any."""
    good = PURCHASE if (log.kind == PURCHASE).any() else None
    wanted = rows & ((log.kind == good) if good is not None else KIND_WEIGHTS[log.kind] > 0)
    n_items = np.int64(max(len(log.item_ids), 1))
    pair = np.unique(log.user[wanted].astype(np.int64) * n_items + log.item[wanted])
    return Target(user=pair // n_items, item=pair % n_items)
