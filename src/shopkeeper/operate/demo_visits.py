"""Visits in the demo: simulated shoppers meet slates of the real policy before real orders.

The grocer's data has orders and no pages. Here customers who did order in the last weeks open the
home page shortly before, others look around and leave. Each gets a slate of the trained model on
the state as it was then, a share of its places drawn by chance with the chance on record, and
reacts as simulate/shoppers.py says: impressions, clicks and what came of them, labelled
``simulated``. The model learned from the whole year, these days among it: its slates here are
better than a new shop's would be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock, ids
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import fraud_reports, slate_log
from shopkeeper.data.events import Event
from shopkeeper.learn.contracts import Decision
from shopkeeper.operate import capabilities, simulation
from shopkeeper.operate.live import Live
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import to_event
from shopkeeper.operate.train import train_one
from shopkeeper.simulate import shoppers
from shopkeeper.simulate.shoppers import Act, Order, Visit

DAYS = 28
BEFORE_US = 7 * DAY_US  # a visit lies up to 6 days before its customer's order
SHARE = 0.4
QUICK_ORDERS, ORDERS = 200, 900
SLATE = 10
TRIED = {True: (40, 120, 3), False: (100, 400, 3)}  # quick -> items, visits, seeds
SECOND_US = 1_000_000


class AsOf:
    """The tables as of a moment, for a state of that moment."""

    def __init__(self, warehouse: Any, as_of_us: int) -> None:
        self.warehouse, self.as_of_us = warehouse, as_of_us

    def table(self, name: str) -> Any:
        """Return a table as it was."""
        return self.warehouse.table(name, self.as_of_us)


class Play:
    """The last weeks again, with pages: one state, moved by orders and by what visitors do."""

    def __init__(self, shop: Any, since_us: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.live = Live(capabilities.get("recommend"), Registry(shop.settings.models_path))
        exploring = dataclasses.replace(shop.settings, explore_share=SHARE)
        then = SimpleNamespace(warehouse=AsOf(shop.warehouse, since_us), settings=exploring)
        with clock.frozen(clock.from_us(since_us)):
            self.live.rebuild(then)
            self.live.reload()
        self.shelf_of: dict[str, str] = {}
        self.of_shelf: dict[str, list[str]] = {}
        for item, shelf in slate_log.shelves(shop.warehouse):
            self.shelf_of[item] = shelf
            self.of_shelf.setdefault(shelf, []).append(item)
        self.counts = {"visits": 0, "orders": 0, "slates": 0, "clicks": 0, "bought": 0}

    def events(self, orders: Sequence[Order], chosen: Sequence[Order]) -> Iterator[Event]:
        """Yield what visitors to the chosen orders saw and did; every order moves the state."""
        every = sorted(orders, key=lambda one: (one.at_us, one.order_id))
        at = 0
        for visit in shoppers.visits(chosen, self.shelf_of, self.rng):
            while at < len(every) and every[at].at_us <= visit.starts_us:
                self.live.apply([_bought(every[at])])
                at += 1
            yield from self._visit(visit)

    def _visit(self, visit: Visit) -> Iterator[Event]:
        decision = self._decide(visit)
        shown = [one["item_id"] for one in decision.value["items"]]
        slate = [(item, self.shelf_of.get(item, "")) for item in shown]
        taken = shoppers.on_slate(visit, slate, self.rng)
        around = shoppers.elsewhere(visit, self.of_shelf, self.rng)
        self.counts["visits"] += 1
        self.counts["orders"] += visit.order_id is not None
        self.counts["slates"] += bool(slate)
        self.counts["clicks"] += sum(act.kind == "select_item" for act in taken)
        yield to_event(decision)
        if slate:
            yield _seen(visit, decision)
        for act in sorted([*around, *taken], key=lambda one: one.seconds):
            event = _did(visit, act, decision.decision_id)
            yield event
            if event.item_id is not None:
                fact = msgspec.to_builtins(event)
                self.live.apply([fact | {"occurred_us": clock.to_us(event.occurred_at)}])
        for act in taken:
            if act.kind == "add_to_cart" and act.item_id in visit.wanted:
                self.counts["bought"] += 1
                yield _came(visit, act, decision.decision_id)

    def _decide(self, visit: Visit) -> Decision:
        raw = {
            "placement": "home",
            "customer_id": visit.customer_id,
            "session_id": _session(visit),
            "limit": SLATE,
        }
        with clock.frozen(clock.from_us(visit.starts_us)):
            answer = self.live.answer(self.live.card.parse(raw))
        return Decision(
            decision_id=ids.stable_id("dec", visit.name),
            capability="recommend",
            subject=answer.choice.subject,
            as_of_us=visit.starts_us,
            model=answer.model,
            fallback=answer.fallback_reason is not None,
            fallback_reason=answer.fallback_reason,
            arm=None,
            propensity=answer.choice.propensity,
            value=answer.choice.value,
            reasons=answer.choice.reasons,
            request=raw,
            latency_ms=0.0,  # played, not served
        )


def build_visits(build: Any, bar: Any) -> dict[str, Any]:
    """Put simulated visits into the demo shop, and a first trial on simulated customers."""
    shop = build.shop
    quick = build.data.facts.households < 1000
    end_us = fraud_reports.last_order(shop.warehouse)
    if end_us is None:
        return {"visits": 0}
    rng = np.random.default_rng([shop.settings.random_seed, 6])
    since_us = end_us - DAYS * DAY_US
    orders = _orders(slate_log.orders(shop.warehouse, since_us - BEFORE_US, end_us))
    late = [one for one in orders if one.at_us > since_us]
    most = QUICK_ORDERS if quick else ORDERS
    picked = rng.choice(len(late), min(most, len(late)), replace=False)
    chosen = [late[int(at)] for at in np.sort(picked)]
    play = Play(shop, since_us - BEFORE_US, rng)
    counts = build.store(play.events(orders, chosen), bar)
    shop.warehouse.refresh()
    trained = train_one(shop, capabilities.get("session"), Registry(shop.settings.models_path))
    items, visits, seeds = TRIED[quick]
    data = simulation.customers(shop)
    simulation.keep(
        shop.settings,
        simulation.run(data, shop=shop, items=items, visits=visits, seeds=seeds),
    )
    return {**counts, **play.counts, "session": f"{trained.version}, {trained.alias}"}


def _orders(rows: Sequence[Mapping[str, Any]]) -> list[Order]:
    """Return the orders of a table of lines, by time."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        told = {"order_id": row["order_id"], "customer_id": row["customer_id"]}
        order = found.setdefault(
            row["order_id"], {**told, "at_us": row["occurred_us"], "items": {}}
        )
        order["items"][row["item_id"]] = row["net_minor"]
    return [Order(**order) for order in found.values()]


def _bought(order: Order) -> dict[str, Any]:
    return {
        "kind": "purchase",
        "occurred_us": order.at_us,
        "customer_id": order.customer_id,
        "order_id": order.order_id,
        "lines": [{"item_id": item} for item in order.items],
    }


def _seen(visit: Visit, decision: Decision) -> Event:
    lines = [
        {"item_id": one["item_id"], "position": one["position"]} for one in decision.value["items"]
    ]
    more = {"placement": "home", "lines": lines, "decision_id": decision.decision_id}
    return _event("impression", visit, 1.0, visit.name, **more)


def _did(visit: Visit, act: Act, decision_id: str) -> Event:
    more: dict[str, Any] = {} if act.item_id is None else {"item_id": act.item_id}
    if act.position is not None:
        more |= {"decision_id": decision_id, "position": act.position, "placement": "home"}
    tail = f"{visit.name}-{act.item_id}-{act.position}-{act.seconds:.2f}"
    return _event(act.kind, visit, act.seconds, tail, **more)


def _came(visit: Visit, act: Act, decision_id: str) -> Event:
    assert visit.order_us is not None
    assert act.item_id is not None
    after = (visit.order_us - visit.starts_us) / SECOND_US
    more: dict[str, Any] = {"label": "purchase", "item_id": act.item_id, "order_id": visit.order_id}
    more |= {"decision_id": decision_id, "value_minor": max(visit.wanted[act.item_id], 0)}
    return _event("outcome", visit, after, f"{visit.name}-{act.item_id}", **more)


def _event(kind: str, visit: Visit, seconds: float, tail: str, **more: Any) -> Event:
    given = {
        "event_id": ids.stable_id(kind[:3], kind, tail),
        "kind": kind,
        "occurred_at": clock.from_us(visit.starts_us + int(seconds * SECOND_US)),
        "customer_id": visit.customer_id,
        "session_id": _session(visit),
        "source": "demo",
        "properties": {"simulated": True},
    }
    return msgspec.convert({**given, **more}, Event)


def _session(visit: Visit) -> str:
    return f"visit-{visit.name}"
