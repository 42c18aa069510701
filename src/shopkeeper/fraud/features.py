"""What may be known of one request now: the live half of the features, fed event by event.

``LiveState`` holds windows (online.py), sign-ups, and the controls that people set. It is rebuilt
from the log at start and follows it afterwards; columns.py gives the same numbers for many rows
at once, and a test holds both together.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud import rings
from shopkeeper.fraud.aggregates import HOUR_US, RATIOS
from shopkeeper.fraud.online import KEEP_US, Windows
from shopkeeper.fraud.past import past_of
from shopkeeper.fraud.registry import AGGREGATES, NAMES, ROW
from shopkeeper.fraud.schema import KEYED, Features, Request

DECLINED = frozenset(("declined", "failed", "refused"))
# What a chargeback may be about that is no fraud; as in the table payment_truth.
DISPUTES = frozenset(
    ("not_received", "not_as_described", "duplicate", "credit_not_processed", "cancelled")
)
FRAUD = frozenset(("fraud", "account_takeover", "refund_abuse"))
LEGIT = frozenset(("legit", "genuine", "first_party"))
KNOWN_AT_ONCE = frozenset(("import", "demo"))  # sources whose labels carry their own moment
NAN = float("nan")
_BLANK = [NAN] * len(NAMES)
_FACTS = {name: ROW[name] for name in NAMES[:11]}
_RATIOS = [(ROW[name], ROW[over], ROW[under]) for name, (over, under, _) in RATIOS.items()]
_RINGS = tuple(ROW[name] for name in rings.FEATURES)


class LiveState:
    """Everything that a score reads, in memory. ``seq``: the log is taken in up to here."""

    def __init__(self, controls: Any = None) -> None:
        self.windows = Windows(AGGREGATES, ROW)
        self.signups: dict[str, int] = {}
        self.controls = controls
        self.seq = 0

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event of the log; what was taken before, or moves nothing here, passes by."""
        seq = event.get("seq") or 0
        if 0 < seq <= self.seq:
            return
        self.seq = max(self.seq, seq)
        kind = event["kind"]
        if kind == "payment":
            self._pay(event)
        elif kind == "chargeback":
            if event.get("reason") not in DISPUTES:
                self.windows.label(event["payment_id"], known_from(event))
        elif kind == "label" and event.get("payment_id"):
            word = event.get("label")
            if word in FRAUD:
                self.windows.label(event["payment_id"], known_from(event))
            elif word in LEGIT:
                self.windows.label(event["payment_id"], None)
        elif kind == "refund" and event.get("customer_id"):
            values = {"customer": event["customer_id"]}
            amount = event.get("value_minor") or 0
            self.windows.happened("refunds", event["occurred_us"], amount, values)
        elif kind == "customer":
            self._customer(event)
        elif kind == "rule" and self.controls is not None:
            self.controls.apply(event)

    def _pay(self, event: Mapping[str, Any]) -> None:
        at_us, amount = event["occurred_us"], event.get("value_minor") or 0
        values = entities_of(event)
        self.windows.pay(event["payment_id"], at_us, amount, values)
        if event.get("status") in DECLINED:
            self.windows.happened("declines", at_us, amount, values)

    def _customer(self, event: Mapping[str, Any]) -> None:
        customer, at_us = event.get("customer_id"), event["occurred_us"]
        if customer is None:
            return
        told = moment_of(properties_of(event).get("signup_at"))
        at_us = at_us if told is None else told
        self.signups[customer] = min(at_us, self.signups.get(customer, at_us))


def features_at(state: LiveState, request: Request, as_of_us: int) -> Features:
    """Return what may be known of a request; its own payment, if in the log, is not counted."""
    at_us = request.occurred_us or as_of_us
    windows, values = state.windows, request.entities
    held = windows.take_out(request.payment_id) if request.payment_id in windows.payments else None
    try:
        out = _BLANK.copy()
        windows.fill(values, at_us, request.amount_minor, out)
        ring, members = rings.around(windows, values, at_us, state.signups)
        # Read only where a sequence model runs; at once where what was taken out comes back.
        past: Any = partial(past_of, windows, values, at_us)
        past = past if held is None else past()
    finally:
        if held is not None:
            windows.put_back(request.payment_id, held)
    _fill_facts(state, request, at_us, out)
    for place, value in zip(_RINGS, ring, strict=True):
        out[place] = value
    for place, over, under in _RATIOS:
        bottom = out[under]
        out[place] = out[over] / bottom if bottom > 0 else NAN
    return Features(
        as_of_us=at_us,
        names=NAMES,
        values=np.array(out),
        row=ROW,
        ring=members,
        past=past,
        controls=state.controls,
    )


def _fill_facts(state: LiveState, request: Request, at_us: int, out: list[float]) -> None:
    in_day = at_us % DAY_US
    out[_FACTS["amount_minor"]] = float(request.amount_minor)
    out[_FACTS["hour"]] = in_day / HOUR_US
    out[_FACTS["night"]] = float(in_day < 7 * HOUR_US)
    out[_FACTS["weekend"]] = float((at_us // DAY_US + 3) % 7 >= 5)
    out[_FACTS["items_count"]] = float(len(request.items)) if request.items else NAN
    if request.declines is not None:
        out[_FACTS["attempts_failed"]] = float(request.declines)
    signup = request.signup_us
    if signup is None and request.customer_id is not None:
        signup = state.signups.get(request.customer_id)
    if signup is not None:
        out[_FACTS["signup_seconds"]] = max(0, at_us - signup) / 1e6
    if request.disposable_email is not None:
        out[_FACTS["disposable_email"]] = float(request.disposable_email)
    billing = request.billing_country
    for name, one, other in (
        ("billing_shipping_differ", billing, request.shipping_country),
        ("ip_billing_differ", request.ip_country, billing),
        ("card_billing_differ", request.card_country, billing),
    ):
        if one is not None and other is not None:
            out[_FACTS[name]] = float(one != other)


def entities_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Return what a payment event shares with others, under the names of schema.ENTITIES."""
    found: dict[str, str] = {}
    if event.get("customer_id"):
        found["customer"] = event["customer_id"]
    properties = properties_of(event)
    terminal = properties.get("terminal_id") or event.get("location_id")
    if terminal:
        found["terminal"] = str(terminal)
    if event.get("item_id"):
        found["item"] = event["item_id"]
    if properties.get("card_bin"):
        found["card_bin"] = str(properties["card_bin"])
    keys = event.get("person_keys") or {}
    if isinstance(keys, str):
        keys = msgspec.json.decode(keys)
    for name, entity in KEYED.items():
        if name in keys:
            found[entity] = keys[name]
    return found


def known_from(event: Mapping[str, Any]) -> int:
    """Return from when a label counts: when it was received, unless its history was imported."""
    at_us: int = event["occurred_us"]
    if event.get("source") in KNOWN_AT_ONCE:
        return at_us
    return max(at_us, event.get("received_us") or at_us)


def properties_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's own properties, from the log (an object) or the tables (JSON text)."""
    held = event.get("properties") or {}
    return msgspec.json.decode(held) if isinstance(held, str) else dict(held)


def moment_of(text: Any) -> int | None:
    """Return microseconds of an ISO moment, None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        return clock.to_us(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        return None


def rebuilt(rows: Any, controls: Any = None) -> LiveState:
    """Return the state that the rows of fraud_history.fraud_events lead to, one after another."""
    state = LiveState(controls)
    latest = 0
    for batch in rows.to_batches(max_chunksize=20_000):
        for fact in batch.to_pylist():
            latest = max(latest, fact["seq"])
            state.apply({**fact, "seq": 0})
    state.seq = latest
    return state


def horizon_us(newest_us: int) -> int:
    """Return from when events still matter to a state whose newest payment is this."""
    return max(0, newest_us - KEEP_US)
