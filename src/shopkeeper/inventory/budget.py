"""Which units to buy when money or space is short: by what the next lot is worth per unit of it.

Each product's order is cut into lots: the first is the smallest that its supplier sells, then
one pack after the other. A lot is worth the margin it is expected to save. Expected shortage is
convex in stock, so worth falls from pack to pack and the greedy order is near the best; tests
hold it against a mixed-integer program.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """The lots of one product, first to last. Arrays (k,): units, money, space, worth."""

    units: np.ndarray
    money: np.ndarray
    volume: np.ndarray
    worth: np.ndarray


def lots(
    quantity: float,
    *,
    smallest: float,
    pack: float,
    unit_cost: float,
    volume: float,
    position: float,
    draws: np.ndarray,
    margin: float,
    most_lots: int = 50,
) -> Lots:
    """Cut an order into lots and say what each is worth in expectation.

    draws (s,): equally likely demand over the protection interval.
    """
    rest = max(quantity - smallest, 0.0)
    step = max(pack, rest / max(most_lots - 1, 1))
    step = np.ceil(step / pack) * pack
    sizes = [min(smallest, quantity)] + [step] * int(rest // step)
    if rest % step > 1e-9:
        sizes.append(rest % step)
    units = np.array([size for size in sizes if size > 0])
    levels = position + np.concatenate([[0.0], np.cumsum(units)])
    short = np.maximum(draws[None, :] - levels[:, None], 0).mean(axis=1)
    return Lots(
        units=units, money=units * unit_cost, volume=units * volume, worth=-np.diff(short) * margin
    )


def allocate(
    orders: Sequence[Lots], *, budget: float | None = None, volume: float | None = None
) -> np.ndarray:
    """Return (n,) units per product within the caps; everything where there is no cap.

    Worth per unit of whichever cap is tighter, relative to what is asked in all.
    """
    money = sum(float(one.money.sum()) for one in orders)
    space = sum(float(one.volume.sum()) for one in orders)
    fits_money = budget is None or money <= budget + 1e-9
    fits_space = volume is None or space <= volume + 1e-9
    if fits_money and fits_space:
        return np.array([one.units.sum() for one in orders])
    money_left = float("inf") if budget is None else float(budget)
    space_left = float("inf") if volume is None else float(volume)

    def price(one: Lots, place: int) -> float:
        shares = 0.0
        if not fits_money:
            shares += float(one.money[place]) / max(money_left_at_start, 1e-9)
        if not fits_space:
            shares += float(one.volume[place]) / max(space_left_at_start, 1e-9)
        return max(shares, 1e-12)

    money_left_at_start, space_left_at_start = money_left, space_left
    queue = [
        (-float(one.worth[0]) / price(one, 0), row, 0)
        for row, one in enumerate(orders)
        if len(one.units)
    ]
    heapq.heapify(queue)
    taken = np.zeros(len(orders))
    while queue:
        _, row, place = heapq.heappop(queue)
        one = orders[row]
        # A lot that does not fit ends its product: later lots need this one first.
        if one.money[place] > money_left + 1e-9 or one.volume[place] > space_left + 1e-9:
            continue
        money_left -= float(one.money[place])
        space_left -= float(one.volume[place])
        taken[row] += one.units[place]
        if place + 1 < len(one.units):
            nxt = place + 1
            heapq.heappush(queue, (-float(one.worth[nxt]) / price(one, nxt), row, nxt))
    return taken
