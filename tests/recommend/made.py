"""A small made-up shop with habits, so that models have something to learn. Seeded."""

from __future__ import annotations

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend.models import histories
from shopkeeper.recommend.schema import Features, History, Interactions, Training

DAYS = 200
N_ITEMS = 40
COLD = 39  # stands in the catalogue, never bought


def shop(n_users: int = 120, seed: int = 1) -> Training:
    """Customers have five favourites of one aisle of ten items, and buy one to four a visit."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, int]] = []
    basket = 0
    for user in range(n_users):
        aisle = rng.integers(0, 4) * 10
        favourites = aisle + rng.permutation(10)[:5]
        for day in np.sort(rng.integers(0, DAYS, rng.integers(3, 18))):
            basket += 1
            for _ in range(rng.integers(1, 5)):
                item = rng.choice(favourites) if rng.random() < 0.7 else aisle + rng.integers(0, 10)
                rows.append((int(day), user, int(item) if item != COLD else 0, basket))
    rows.sort()
    day, user, item, baskets = (np.array(column) for column in zip(*rows, strict=True))
    log = Interactions(
        user=user.astype(np.int32),
        item=item.astype(np.int32),
        at_us=day.astype(np.int64) * DAY_US,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=baskets,
        user_ids=[f"u{i:03}" for i in range(n_users)],
        item_ids=[f"i{i:02}" for i in range(N_ITEMS)],
    )
    aisles = ("tea 茶叶 green", "coffee 咖啡 beans", "mug 马克杯 blue", "plate 盘子 white")
    text = [f"{aisles[i // 10]} number {i}" for i in range(N_ITEMS)]
    return Training(interactions=log, as_of_us=DAYS * DAY_US, item_text=text)


def features(data: Training, user: int, placement: str = "home", context: tuple[int, ...] = ()):
    """Return what serving would know of one user at the end of the data."""
    past = histories.group(data.interactions, data.as_of_us)
    rows = slice(past.start[user], past.start[user + 1])
    history = History(
        item=past.item[rows],
        at_us=past.at_us[rows],
        kind=past.kind[rows],
        quantity=past.quantity[rows],
        basket=past.basket[rows],
    )
    popularity = np.bincount(data.interactions.item, minlength=len(data.interactions.item_ids))
    return Features(
        as_of_us=data.as_of_us,
        placement=placement,
        history=history,
        context=np.array(context, dtype=np.int64),
        popularity=popularity.astype(np.float32),
        item_ids=data.interactions.item_ids,
    )
