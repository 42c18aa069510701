"""What recommend knows at this moment: the live state, and the features of one request.

``LiveState`` is built from the tables at start (rebuild.py) and kept by ``apply``, event by
event; both give the same state. It holds facts and counts and knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.recommend import explore
from shopkeeper.recommend.attributes import Known
from shopkeeper.recommend.catalogue import Catalogue
from shopkeeper.recommend.decayed import Decayed
from shopkeeper.recommend.explore import Exploration
from shopkeeper.recommend.index import Index
from shopkeeper.recommend.merchandise import Merchandise
from shopkeeper.recommend.pairs import LivePairs
from shopkeeper.recommend.schema import INTERACTION_KINDS, Features, History, Request
from shopkeeper.recommend.subjects import Subjects, merged

KIND = {name: code for code, name in enumerate(INTERACTION_KINDS)}
PURCHASE, ADD_TO_CART, LESS = KIND["purchase"], KIND["add_to_cart"], KIND["less_like_this"]
# How much each kind adds to popularity, in the order of INTERACTION_KINDS.
KIND_WEIGHTS = np.array([1.0, 0.6, 0.3, 0.3, 1.0, 0.5, 0.0])
_WEIGHTS: list[float] = KIND_WEIGHTS.tolist()
POPULARITY_DAYS = 45.0
TREND_DAYS = 7.0
CART_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFeatures(Features):
    """Features of a request, and what the policy filters by. Arrays hold item rows."""

    subject: str
    catalogue: Catalogue
    bought: np.ndarray
    disliked: np.ndarray
    cart: np.ndarray
    merchandise: Merchandise
    exploration: Exploration | None = None


class LiveState:
    """Catalogue, histories, popularity, pair counts and dislikes; ``seq`` the last event taken."""

    def __init__(self, *, pairs_since_us: int = 0) -> None:
        self.seq = 0
        self._size = 0
        self.catalogue = Catalogue()
        self.merchandise = Merchandise()
        self.exploration: Exploration | None = None
        self.customers = Subjects()
        self.sessions = Subjects()
        self.baskets = Index()
        self.popularity = Decayed(POPULARITY_DAYS * DAY_US)
        self.trend = Decayed(TREND_DAYS * DAY_US)
        self.pairs = LivePairs(pairs_since_us)
        # Subject key -> item rows; subject key -> item row -> when it left the cart.
        self.disliked: dict[str, set[int]] = {}
        self.uncarted: dict[str, dict[int, int]] = {}
        self.attributes = Known()
        # Cancelled or refunded: a whole order under None, or single items of it.
        self.voided: dict[str, set[str | None]] = {}
        # The customer that a session turned out to be, by the latest event with both ids.
        self.customer_of: dict[str, tuple[int, str]] = {}
        self.sessions_of: dict[str, set[str]] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event: a mapping of Event's fields, with ``occurred_us`` and maybe ``seq``.

        An event whose ``seq`` the state already contains changes nothing.
        """
        seq = event.get("seq")
        kind, at_us = event["kind"], event["occurred_us"]
        customer, session = event.get("customer_id"), event.get("session_id")
        if customer is not None and session is not None:
            self.link(session, customer, at_us)
        code = KIND.get(kind)
        if code is not None:
            if seq is None or seq > self.seq:
                self._interact(event, code, at_us)
        elif kind in ("item", "item_removed"):
            self.catalogue.apply_item(event, at_us)
        elif kind == "price":
            self.catalogue.apply_price(event, at_us)
        elif kind == "stock_level":
            self.catalogue.apply_stock(event, at_us)
        elif kind == "supplier":
            self.catalogue.apply_cost(event, at_us)
        elif kind == "remove_from_cart":
            self.uncart(subject_key(customer, session), event["item_id"], at_us)
        elif kind in ("cancel", "refund"):
            self._void(event)
        elif kind == "rule":
            self.merchandise.apply(event)
        elif kind == "customer":
            self.attributes.take(event["customer_id"], event.get("properties"), at_us)
        size = len(self.catalogue)
        if size != self._size:
            self._size = size
            self.popularity.grow(size)
            self.trend.grow(size)
        if seq is not None and seq > self.seq:
            self.seq = seq

    def link(self, session: str, customer: str, at_us: int) -> None:
        """Note that a session is a customer's; the latest such event holds."""
        known = self.customer_of.get(session)
        if known is not None:
            if at_us < known[0]:
                return
            if known[1] != customer:
                self.sessions_of[known[1]].discard(session)
        self.customer_of[session] = (at_us, customer)
        self.sessions_of.setdefault(customer, set()).add(session)

    def uncart(self, key: str, item_id: str, at_us: int) -> None:
        """Note that a product left a cart."""
        left = self.uncarted.setdefault(key, {})
        row = self.catalogue.row(item_id)
        left[row] = max(at_us, left.get(row, at_us))

    def _interact(self, event: Mapping[str, Any], code: int, at_us: int) -> None:
        customer, session = event.get("customer_id"), event.get("session_id")
        order = event.get("order_id") if code == PURCHASE else None
        basket = self.baskets.add(order or session or "")
        void = self.voided.get(order, ()) if order else ()
        for item_id, quantity in _lines(event, code):
            row = self.catalogue.row(item_id)
            if code == LESS:
                self.disliked.setdefault(subject_key(customer, session), set()).add(row)
                continue
            if None in void or item_id in void:
                continue
            self._count(row, at_us, _WEIGHTS[code])
            if code == PURCHASE:
                self._sold(row, at_us, quantity)
            if customer is not None:
                self._remember(self.customers, customer, (row, at_us, code, quantity, basket))
            elif session is not None:
                self._remember(self.sessions, session, (row, at_us, code, quantity, basket))

    def _remember(
        self, subjects: Subjects, name: str, entry: tuple[int, int, int, float, int]
    ) -> None:
        subject = subjects.index.add(name)
        before, last_us = subjects.last(subject)
        if entry[1] >= last_us:
            self.pairs.append(entry[0], before, subjects.length(subject) + 1, entry[1])
            subjects.append(subject, entry)
            return
        self.pairs.insert(*subjects.insert(subject, entry))

    def _count(self, row: int, at_us: int, weight: float) -> None:
        if row >= self._size:
            self._size = row + 1
            self.popularity.grow(row + 1)
            self.trend.grow(row + 1)
        self.popularity.add(row, at_us, weight)
        self.trend.add(row, at_us, weight)

    def _sold(self, row: int, at_us: int, units: float) -> None:
        self.catalogue.sold.grow(row + 1)
        self.catalogue.sold.add(row, at_us, units)

    def _void(self, event: Mapping[str, Any]) -> None:
        """Take back an order, or the lines that a refund names, whichever arrived first."""
        order = event.get("order_id")
        if not order:
            return
        fresh: set[str | None] = {None}
        if event["kind"] == "refund":
            lines = event.get("lines") or ()
            fresh = {line["item_id"] for line in lines} or {event.get("item_id")}
        fresh -= self.voided.setdefault(order, set())
        self.voided[order] |= fresh
        basket = self.baskets.get(order)
        if basket is None or not fresh:
            return
        named = [item for item in fresh if item is not None]
        rows = None if None in fresh else self.catalogue.index.rows(named)
        for subjects in (self.customers, self.sessions):
            subject = subjects.owner(basket)
            if subject is None:
                continue
            past = subjects.history(subject)
            # Pairs whose later entry stands before the order stay as they are.
            start = int(np.argmax(past.basket == basket))
            self.pairs.recount(past.item, past.at_us, -1.0, start)
            for entry in subjects.drop(subject, basket, PURCHASE, rows):
                self._count(int(entry["item"]), int(entry["at_us"]), -_WEIGHTS[PURCHASE])
                self._sold(int(entry["item"]), int(entry["at_us"]), -float(entry["quantity"]))
            past = subjects.history(subject)
            self.pairs.recount(past.item, past.at_us, 1.0, start)


def features_at(state: LiveState, request: Request, as_of_us: int) -> LiveFeatures:
    """Return what is known for a request at a moment; the state is only read."""
    keys = list(_keys(state, request))
    parts = []
    for key in keys:
        subjects = state.customers if key[0] == "c" else state.sessions
        row = subjects.index.get(key[2:])
        if row is not None:
            parts.append(subjects.history(row))
    history = merged(parts)
    cart = _cart(state, keys, history, as_of_us)
    context = state.catalogue.index.rows(request.items)
    if request.placement == "cart" and not request.items:
        context = cart
    decayed = state.trend if request.placement == "trending" else state.popularity
    disliked = set().union(*(state.disliked.get(key, ()) for key in keys))
    return LiveFeatures(
        as_of_us=as_of_us,
        placement=request.placement,
        history=history,
        context=np.array(context, dtype=np.int32),
        popularity=decayed.at(as_of_us),
        item_ids=state.catalogue.index.ids,
        live=state,
        attributes=state.attributes.of(customer_of(state, request)),
        subject=request.customer_id or request.session_id or "anyone",
        catalogue=state.catalogue,
        bought=history.item[history.kind == PURCHASE],
        disliked=np.array(sorted(disliked), dtype=np.int32),
        cart=np.array(cart, dtype=np.int32),
        merchandise=state.merchandise,
        exploration=state.exploration if request.placement in explore.PLACEMENTS else None,
    )


def subject_key(customer: str | None, session: str | None) -> str:
    """Return the key of whoever did it: ``c:`` a customer, ``s:`` a session nobody signed into."""
    return f"c:{customer}" if customer is not None else f"s:{session or ''}"


def customer_of(state: LiveState, request: Request) -> str | None:
    """Return whom a request is for: the customer it names, or hers whose session it is."""
    customer, session = request.customer_id, request.session_id
    if customer is None and session in state.customer_of:
        customer = state.customer_of[session][1]
    return customer


def _keys(state: LiveState, request: Request) -> Iterator[str]:
    """Yield the keys whose histories are this subject's: the customer's and her sessions'."""
    customer, session = customer_of(state, request), request.session_id
    own = set(state.sessions_of.get(customer, ())) if customer is not None else set()
    if session is not None:
        own.add(session)
    if customer is not None:
        yield f"c:{customer}"
    for name in sorted(own):
        yield f"s:{name}"


def _cart(state: LiveState, keys: list[str], history: History, as_of_us: int) -> list[int]:
    """Return the item rows put in the cart lately and neither bought nor taken out since."""
    start = int(np.searchsorted(history.at_us, as_of_us - CART_DAYS * DAY_US))
    added: dict[int, int] = {}
    for row, kind, at_us in zip(
        history.item[start:].tolist(),
        history.kind[start:].tolist(),
        history.at_us[start:].tolist(),
        strict=True,
    ):
        if kind == ADD_TO_CART:
            added[row] = at_us
        elif kind == PURCHASE:
            added.pop(row, None)
    left = [state.uncarted[key] for key in keys if key in state.uncarted]
    return [r for r, at in added.items() if all(gone.get(r, at - 1) < at for gone in left)]


def _lines(event: Mapping[str, Any], code: int) -> Sequence[tuple[str, float]]:
    if code != PURCHASE:
        quantity = event.get("quantity")
        return [(event["item_id"], 1.0 if quantity is None else float(quantity))]
    lines = event.get("lines") or ()
    return [(line["item_id"], float(line.get("quantity", 1.0))) for line in lines]
