"""The stages of the demo build, in order; each puts something into the shop and counts it.

A capability that needs more than the grocer's own data (stock, suppliers, payments …) adds its
stage here, made by simulate/ and labelled as simulated.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from shopkeeper.base import progress
from shopkeeper.base.errors import BadInput
from shopkeeper.data.events import Event
from shopkeeper.data.importers.complete_journey import CompleteJourney
from shopkeeper.data.shop import Shop
from shopkeeper.operate import demo_stock
from shopkeeper.operate.demo_stock import stock_events

BATCH_EVENTS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step of the build. ``run`` reports its progress and returns its counts.

    ``tells`` False: the work shows its own progress, and two bars on one line fight.
    """

    name: str
    title: str
    run: Callable[[Build, progress.Stage], dict[str, Any]]
    total: Callable[[Build], int | None] = lambda build: None
    tells: bool = True


class Build:
    """What the stages share: the open shop, the data and the shift."""

    def __init__(self, shop: Shop, data: CompleteJourney, shift_us: int) -> None:
        self.shop, self.data, self.shift_us = shop, data, shift_us

    def store(self, events: Iterable[Event], bar: progress.Stage) -> dict[str, int]:
        """Append events in batches; return how many were new and how many known."""
        counts = {"accepted": 0, "duplicate": 0}
        for batch in _batches(events, BATCH_EVENTS):
            receipt = self.shop.append_events(batch, source="demo")
            if receipt.conflict or receipt.rejected:
                raise BadInput(
                    f"The shop refused {receipt.conflict + len(receipt.rejected)} demo events.",
                    hint="The folder holds other events under the demo's ids; build the demo in a "
                    "fresh folder: shopkeeper --home demo-shop demo",
                )
            counts["accepted"] += receipt.accepted
            counts["duplicate"] += receipt.duplicate
            bar.advance(len(batch))
        return counts


def _items(build: Build, bar: progress.Stage) -> dict[str, int]:
    return build.store(build.data.items(build.shift_us), bar)


def _customers(build: Build, bar: progress.Stage) -> dict[str, int]:
    return build.store(build.data.customers(build.shift_us), bar)


def _history(build: Build, bar: progress.Stage) -> dict[str, int]:
    both = heapq.merge(
        build.data.promotions(build.shift_us),
        build.data.purchases(build.shift_us),
        key=lambda event: event.occurred_at,
    )
    return build.store(both, bar)


def _stock(build: Build, bar: progress.Stage) -> dict[str, int]:
    seed = build.shop.settings.random_seed
    return build.store(stock_events(build.data, build.shift_us, seed), bar)


def _compact(build: Build, _: progress.Stage) -> dict[str, int]:
    done = build.shop.lake.compact()
    return {"events": done.events, "parts": done.parts}


def _tables(build: Build, _: progress.Stage) -> dict[str, int]:
    return {"files": build.shop.warehouse.materialise()}


def _deliveries(build: Build, bar: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate import demo_supply

    last_us = build.data.facts.last_us + build.shift_us
    quick = build.data.facts.households < demo_stock.WHOLE_HOUSEHOLDS
    stored = build.store(demo_supply.history(build.shop, last_us, quick=quick), bar)
    return {**stored, **demo_supply.orders(build.shop, last_us, quick=quick)}


def _support(build: Build, _: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate import demo_support
    from shopkeeper.operate.train import train

    counts = demo_support.fill(build.shop, build.shop.settings.random_seed)
    [training] = train(build.shop, ["support"])
    return {**counts, "model": training.version}


def _train(build: Build, _: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate.train import train

    done = train(build.shop, ["recommend", "behaviour"])
    return {one.capability: f"{one.version}, {one.alias}" for one in done}


def _inventory(build: Build, bar: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate.demo_inventory import build_inventory

    return build_inventory(build, bar)


def _fraud(build: Build, bar: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate.demo_fraud import build_fraud

    return build_fraud(build, bar)


def _visits(build: Build, bar: progress.Stage) -> dict[str, Any]:
    from shopkeeper.operate.demo_visits import build_visits

    return build_visits(build, bar)


STAGES: tuple[Stage, ...] = (
    Stage(name="items", title="Products into the log", run=_items),
    Stage(
        name="customers",
        title="Households into the log",
        run=_customers,
        total=lambda build: build.data.facts.households,
    ),
    Stage(
        name="history",
        title="Purchases and promotions into the log",
        run=_history,
        total=lambda build: build.data.facts.baskets,
    ),
    Stage(name="stock", title="Simulated stock and suppliers into the log", run=_stock),
    Stage(name="compact", title="Log into the lake", run=_compact),
    Stage(name="tables", title="Tables", run=_tables),
    Stage(name="train", title="Training recommendations", run=_train, tells=False),
    Stage(name="inventory", title="Forecasts and purchase proposals", run=_inventory),
    Stage(name="deliveries", title="Simulated deliveries, routes and notices", run=_deliveries),
    Stage(name="support", title="Articles, simulated parcels, intents", run=_support, tells=False),
    Stage(name="visits", title="Simulated visits and customers", run=_visits),
    Stage(name="fraud", title="Simulated payments and their fraud decisions", run=_fraud),
)


def _batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    steps = iter(events)
    while batch := list(islice(steps, size)):
        yield batch
