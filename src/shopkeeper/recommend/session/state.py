"""Visits under way, kept event by event, and what is known of a visit when somebody asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.data import session_log
from shopkeeper.recommend.session.visit import SILENCE_US, Visit

KINDS = frozenset({*session_log.KINDS, "purchase", "item", "price"})
MOST_VISITS = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Whose visit is meant; a session, a customer, or both."""

    session_id: str | None
    customer_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """``visit`` None: nobody is there. ``facts`` (1, len(FEATURES)), or no row."""

    subject: str
    as_of_us: int
    visit: Visit | None
    facts: np.ndarray


class State:
    """Visits by visitor, orders so far by customer, prices; ``seq`` the last event taken."""

    def __init__(self) -> None:
        self.seq = 0
        self.visits: dict[str, Visit] = {}
        self.latest: dict[str, str] = {}  # customer -> her latest visitor key
        self.orders: dict[str, tuple[int, int]] = {}  # customer -> orders, moment of the last
        self.prices: dict[str, int] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event; one that the state holds already changes nothing."""
        seq, kind = event.get("seq"), event["kind"]
        if kind not in KINDS or (seq is not None and seq <= self.seq):
            return
        if seq is not None:
            self.seq = seq
        at_us = event["occurred_us"]
        session, customer = event.get("session_id"), event.get("customer_id")
        if kind in ("item", "price"):
            if event.get("price_minor"):
                self.prices[event["item_id"]] = int(event["price_minor"])
        elif kind == "purchase":
            self.bought(session, customer, at_us)
        else:
            self.acted(session, customer, kind, event.get("item_id"), at_us)

    def acted(
        self, session: str | None, customer: str | None, kind: str, item: str | None, at_us: int
    ) -> Visit | None:
        """Note an act in its visit, a new one after silence; returns it."""
        key = session or customer
        if key is None:
            return None
        visit = self.visits.get(key)
        if visit is None or at_us - visit.last_us > SILENCE_US:
            self.visits.pop(key, None)
            visit = self.visits[key] = Visit(started_us=at_us, last_us=at_us)
            self._forget(at_us)
        if customer is not None:
            visit.customer_id = customer
            self.latest[customer] = key
        visit.take(kind, item, self.prices.get(item or "", 0), at_us)
        return visit

    def bought(self, session: str | None, customer: str | None, at_us: int) -> None:
        """Note an order: it ends the visit it came from."""
        for key in (session, customer, self.latest.get(customer or "")):
            visit = self.visits.get(key or "")
            if visit is not None and at_us >= visit.started_us:
                del self.visits[key or ""]
        if customer is not None:
            count, last = self.orders.get(customer, (0, at_us))
            self.orders[customer] = (count + 1, max(last, at_us))

    def facts(self, visit: Visit, as_of_us: int) -> np.ndarray:
        """Return (len(FEATURES),) of a visit."""
        count, last = self.orders.get(visit.customer_id or "", (0, None))
        return visit.facts(count, last, as_of_us)

    def _forget(self, now_us: int) -> None:
        while len(self.visits) > MOST_VISITS:
            oldest = next(iter(self.visits))
            del self.visits[oldest]


def rebuild(warehouse: Any) -> State:
    """Return the state of the tables: the last hours' visits and every customer's orders."""
    state = State()
    state.prices = session_log.prices(warehouse)
    since_us = clock.now_us() - 4 * SILENCE_US
    state.orders = session_log.totals(warehouse, since_us)
    acts = session_log.acts(warehouse, since_us)
    replay(state, session_log.orders(warehouse, since_us), acts)
    state.seq = max(state.seq, session_log.last_order_seq(warehouse))
    return state


def replay(state: State, orders: list[dict[str, Any]], acts: list[dict[str, Any]]) -> None:
    """Take orders and acts in their order of time."""
    both = [(row["occurred_us"], row["seq"], row.get("kind"), row) for row in (*orders, *acts)]
    for at_us, seq, kind, row in sorted(both, key=lambda one: one[:2]):
        session, customer = row["session_id"], row["customer_id"]
        if kind is None:
            state.bought(session, customer, at_us)
        else:
            state.acted(session, customer, kind, row["item_id"], at_us)
        state.seq = max(state.seq, seq)


def parse(raw: Mapping[str, Any]) -> Request:
    """Return the request; BadInput names the field."""
    for name in raw:
        if name not in ("session_id", "customer_id"):
            raise BadInput(
                f"The request has a field that nobody knows: {name}.",
                field=str(name),
                value=raw[name],
                allowed="session_id, customer_id",
            )
    for name, value in raw.items():
        if value is not None and not (isinstance(value, str) and 0 < len(value) <= 128):
            raise BadInput(
                f"{name} must be a text of 1 to 128 characters, but is {shorten(value)!r}.",
                field=name,
                value=value,
                allowed="a text of 1 to 128 characters",
            )
    request = Request(session_id=raw.get("session_id"), customer_id=raw.get("customer_id"))
    if request.session_id is None and request.customer_id is None:
        raise BadInput(
            "A visit needs a session_id or a customer_id.",
            hint='For example {"session_id": "s-17"}.',
            field="session_id",
            allowed="a text of 1 to 128 characters",
        )
    return request


def features_at(state: State, request: Request, as_of_us: int) -> Features:
    """Return what is known of the visit; of a customer's, her latest session."""
    keys = (request.session_id, state.latest.get(request.customer_id or ""), request.customer_id)
    visit = next((state.visits[k] for k in keys if k is not None and k in state.visits), None)
    if visit is not None and as_of_us - visit.last_us > SILENCE_US:
        visit = None
    none = np.zeros((0, 0))
    return Features(
        subject=request.session_id or request.customer_id or "",
        as_of_us=as_of_us,
        visit=visit,
        facts=none if visit is None else state.facts(visit, as_of_us)[None, :],
    )
