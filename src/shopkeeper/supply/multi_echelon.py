"""Where safety stock should lie in a chain: guaranteed-service trees and serial systems.

Both are pure mathematics: a tree of stages that promise each other a service time, solved by
dynamic programming, and a serial chain with backorders, solved by Clark and Scarf's recursion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from shopkeeper.base.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A place that processes and holds stock.

    processing_time   whole periods from having all inputs to being done (T)
    holding           cost per unit and period (h)
    demand_std        of its demand per period (sigma), safety factor included by ``z``
    external_inbound  service time that outside suppliers promise it
    promised          service time promised to outside customers; None: it has none
    """

    stage: str
    processing_time: int
    holding: float
    demand_std: float
    z: float = 1.0
    external_inbound: int = 0
    promised: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Outgoing service times that minimise the holding cost of safety stock."""

    service_times: Mapping[str, int]
    cost: float


def guaranteed_service(stages: Sequence[Stage], arcs: Sequence[tuple[str, str]]) -> Placement:
    """Return the best service times of a tree; an arc goes from supplier to customer.

    A stage's net lead time is SI + T - S and its safety stock costs h z sigma sqrt(SI + T - S).

    Source
    ------
    Graves and Willems, Optimizing strategic safety stock placement in supply chains,
    M&SOM 2 (2000); Snyder and Shen, 2nd ed., section 6.3.6.
    """
    by_id = {stage.stage: stage for stage in stages}
    _check_tree(by_id, arcs)
    most = _longest(by_id, arcs)
    neighbours: dict[str, list[tuple[str, bool]]] = {name: [] for name in by_id}
    for supplier, customer in arcs:
        neighbours[supplier].append((customer, True))
        neighbours[customer].append((supplier, False))
    root = stages[-1].stage
    order = _from_root(root, neighbours)
    # best[k][s] as seen by the parent: k's outgoing time is s where the parent is its customer,
    # k's incoming time is at least s where the parent is its supplier.
    best: dict[str, np.ndarray] = {}
    tables: dict[str, np.ndarray] = {}
    for name, parent in reversed(order):
        table = _own_cost(by_id[name], most)
        for child, downstream in neighbours[name]:
            if child == parent:
                continue
            table = table + (best[child][:, None] if downstream else best[child][None, :])
        tables[name] = table
        if parent is not None:
            is_customer = (parent, True) in neighbours[name]
            best[name] = _message(table, outgoing=is_customer)
    return _traced(by_id, order, neighbours, tables, most)


def _own_cost(stage: Stage, most: int) -> np.ndarray:
    """Return (S, SI) costs; infinite where the stage cannot keep its word."""
    out, into = np.arange(most + 1)[:, None], np.arange(most + 1)[None, :]
    net = into + stage.processing_time - out
    cost = stage.holding * stage.z * stage.demand_std * np.sqrt(np.maximum(net, 0))
    bad = (net < 0) | (into < stage.external_inbound)
    if stage.promised is not None:
        bad |= out > stage.promised
    return np.where(bad, np.inf, cost)


def _message(table: np.ndarray, *, outgoing: bool) -> np.ndarray:
    """Return the best cost by what the parent sees.

    A supplier may promise less than its customer reckons with, and a customer may reckon with
    more than its supplier promises: both messages are monotone.
    """
    if outgoing:
        return np.minimum.accumulate(table.min(axis=1))
    return np.minimum.accumulate(table.min(axis=0)[::-1])[::-1]


def _traced(
    by_id: Mapping[str, Stage],
    order: Sequence[tuple[str, str | None]],
    neighbours: Mapping[str, Sequence[tuple[str, bool]]],
    tables: Mapping[str, np.ndarray],
    most: int,
) -> Placement:
    chosen: dict[str, tuple[int, int]] = {}
    total = 0.0
    for name, parent in order:
        table = tables[name]
        if parent is not None:
            table = table.copy()
            if (parent, True) in neighbours[name]:
                table[chosen[parent][1] + 1 :, :] = np.inf
            else:
                table[:, : chosen[parent][0]] = np.inf
        at = int(np.argmin(table))
        out, into = divmod(at, most + 1)
        if not np.isfinite(table[out, into]):
            raise BadInput("No service times keep every promise.", field="promised")
        chosen[name] = (out, into)
        stage = by_id[name]
        net = into + stage.processing_time - out
        total += stage.holding * stage.z * stage.demand_std * sqrt(net)
    return Placement(service_times={n: chosen[n][0] for n in by_id}, cost=total)


def _longest(by_id: Mapping[str, Stage], arcs: Sequence[tuple[str, str]]) -> int:
    inbound = max(stage.external_inbound for stage in by_id.values())
    return inbound + sum(stage.processing_time for stage in by_id.values())


def _from_root(
    root: str, neighbours: Mapping[str, Sequence[tuple[str, bool]]]
) -> list[tuple[str, str | None]]:
    order: list[tuple[str, str | None]] = [(root, None)]
    for name, parent in order:
        order.extend((child, name) for child, _ in neighbours[name] if child != parent)
    return order


def _check_tree(by_id: Mapping[str, Stage], arcs: Sequence[tuple[str, str]]) -> None:
    for arc in arcs:
        for name in arc:
            if name not in by_id:
                raise BadInput(f"Arc {arc} names '{name}', which is no stage.", field="arcs")
    seen = {next(iter(by_id))}
    for _ in arcs:
        for a, b in arcs:
            if (a in seen) != (b in seen):
                seen |= {a, b}
    if len(arcs) != len(by_id) - 1 or len(seen) != len(by_id):
        raise BadInput(
            f"{len(by_id)} stages and {len(arcs)} arcs are no tree.",
            hint="A tree has one arc fewer than stages and leaves no stage apart.",
            field="arcs",
            value=len(arcs),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialStage:
    """A stage of a chain, first the one that serves customers; holding is the echelon cost."""

    echelon_holding: float
    lead_time: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Serial:
    """Echelon base-stock levels, first the stage that serves customers; cost per period."""

    levels: tuple[float, ...]
    cost: float


def serial(
    stages: Sequence[SerialStage],
    *,
    demand_mean: float,
    demand_std: float,
    stockout: float,
    points: int = 4000,
) -> Serial:
    """Return optimal echelon base-stock levels of a serial chain under normal demand.

    Source
    ------
    Clark and Scarf, Optimal policies for a multi-echelon inventory problem, Management Science 6
    (1960); Snyder and Shen, 2nd ed., section 6.2.2, example 6.1.
    """
    span = sum(stage.lead_time for stage in stages)
    top = demand_mean * span + 8 * demand_std * sqrt(span)
    low = -4 * demand_std * sqrt(span) - demand_mean * span
    step = (top - low) / points
    x = low + step * np.arange(points + 1)
    total_holding = sum(stage.echelon_holding for stage in stages)
    under = (stockout + total_holding) * np.maximum(-x, 0)
    levels = []
    cost = 0.0
    for stage in stages:
        hat = stage.echelon_holding * x + under
        periods = stage.lead_time
        value = _expected(x, hat, demand_mean * periods, demand_std * sqrt(periods))
        at = int(np.argmin(value))
        levels.append(float(x[at]))
        cost = float(value[at])
        # Above its own level a stage orders no more, so the next one pays only for falling short.
        under = np.where(x < x[at], value, value[at])
    return Serial(levels=tuple(levels), cost=cost)


def _expected(x: np.ndarray, values: np.ndarray, mean: float, std: float) -> np.ndarray:
    """Return E[values(x - D)] for normal D, by 201 equal slices of its probability."""
    if mean == 0 and std == 0:
        return values
    z = np.linspace(-5, 5, 401)
    weight = stats.norm.pdf(z)
    weight /= weight.sum()
    found = np.zeros_like(values)
    slope = (values[1] - values[0]) / (x[1] - x[0])
    for point, share in zip(mean + std * z, weight, strict=True):
        at = x - point
        inside = np.interp(at, x, values)
        found += share * np.where(at < x[0], values[0] + slope * (at - x[0]), inside)
    return found
