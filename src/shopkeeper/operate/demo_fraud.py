"""Fraud in the demo: simulated payments over real baskets, a model, and a month of its decisions.

Everything before the last 35 days goes into the log first and is all that the model learns from;
the rest is then played through the same code as a live shop, payment by payment, with the clock
held at each. So precision and calibration in the console are of a model that had not seen what it
judged. A simulated analyst, right nine times in ten, works off what is older than a day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock, ids
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import fraud_reports
from shopkeeper.data.events import Event
from shopkeeper.data.person_keys import person_keys
from shopkeeper.fraud.alerts import Alert, Bursts, Quiet, new_ring
from shopkeeper.fraud.rules import Rule
from shopkeeper.fraud.rules_pack import PACK
from shopkeeper.learn.contracts import Decision
from shopkeeper.operate import capabilities
from shopkeeper.operate.fraud_desk import rule_event
from shopkeeper.operate.fraud_watch import alert_event
from shopkeeper.operate.live import Live
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import to_event
from shopkeeper.operate.train import train_one
from shopkeeper.simulate.fraudsters import Basket, payments_over

PLAYED_DAYS = 35
LEARNED_DAYS = 120
MOST_BASKETS = 22_000
OPERATOR = "demo analyst"
RIGHT = 0.9  # share of cases that the simulated analyst judges as they are
_FACTS = (
    *("card_country", "billing_country", "shipping_country", "ip_country"),
    *("card_bin", "disposable_email"),
)


def baskets_of(warehouse: Any, end_us: int, rng: np.random.Generator) -> list[Basket]:
    """Return the baskets of so many customers that their number stays bounded, by time."""
    found = fraud_reports.baskets(warehouse, end_us - LEARNED_DAYS * DAY_US, end_us)
    customers = sorted({row["customer_id"] for row in found})
    share = min(1.0, MOST_BASKETS / max(1, len(found)))
    chosen = {
        c for c, draw in zip(customers, rng.random(len(customers)), strict=True) if draw < share
    }
    return [Basket(**row) for row in found if row["customer_id"] in chosen]


class Play:
    """The last days of the simulated payments, played as a live shop would have seen them."""

    def __init__(self, shop: Any, truth: Mapping[str, str], rng: np.random.Generator) -> None:
        self.shop, self.truth, self.rng = shop, truth, rng
        self.live = Live(capabilities.get("fraud"), Registry(shop.settings.models_path))
        self.live.rebuild(shop)
        self.live.reload()
        self.bursts, self.quiet = Bursts(), Quiet()
        self.counts = {"decisions": 0, "held": 0, "blocked": 0, "alerts": 0}

    def events(self, played: list[Event], end_us: int) -> Iterator[Event]:
        """Yield each event, before a payment its decision, after it what followed from it."""
        later: list[tuple[int, Event]] = []
        for event in played:
            at_us = clock.to_us(event.occurred_at)
            fact = self._fact(event, at_us)
            if event.kind == "payment":
                with clock.frozen(clock.from_us(at_us - 1)):
                    decision = self._decide(event, fact)
                yield to_event(decision)
                later += self._desk(decision, event, at_us, end_us)
                for alert in self._alerts(fact, decision, at_us):
                    yield alert_event(alert, ids.stable_id("alr", alert.key, str(at_us)))
            yield event
            self.live.apply([fact])
        yield from (event for at_us, event in sorted(later, key=lambda p: p[0]) if at_us < end_us)

    def _fact(self, event: Event, at_us: int) -> dict[str, Any]:
        fact: dict[str, Any] = msgspec.to_builtins(event)
        person = fact.pop("person", None)
        if person:
            fact["person_keys"] = person_keys(person, self.shop.keyring)
        return {**fact, "occurred_us": at_us, "received_us": at_us}

    def _decide(self, event: Event, fact: Mapping[str, Any]) -> Decision:
        properties = fact["properties"]
        keys = fact.get("person_keys") or {}
        raw = {
            "payment_id": event.payment_id,
            "order_id": event.order_id,
            "customer_id": event.customer_id,
            "terminal_id": event.location_id,
            "amount_minor": event.value_minor,
            "currency": event.currency,
            "occurred_at": clock.iso(fact["occurred_us"]),
            "keys": {name: key for name, key in keys.items() if name not in ("name", "postcode")},
            **{name: properties[name] for name in _FACTS if name in properties},
        }
        raw = {name: value for name, value in raw.items() if value is not None}
        answer = self.live.answer(self.live.card.parse(raw))
        outcome = answer.choice.value["outcome"]
        self.counts["decisions"] += 1
        self.counts["held"] += outcome == "review"
        self.counts["blocked"] += outcome == "block"
        return Decision(
            decision_id=ids.stable_id("dec", str(event.payment_id)),
            capability="fraud",
            subject=answer.choice.subject,
            as_of_us=fact["occurred_us"],
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

    def _desk(
        self, decision: Decision, event: Event, at_us: int, end_us: int
    ) -> list[tuple[int, Event]]:
        """Return what the simulated analyst did about a held payment older than a day."""
        if decision.value["outcome"] != "review" or at_us > end_us - DAY_US:
            return []
        fraud = self.truth.get(str(event.payment_id), "honest") not in ("honest", "friendly")
        if self.rng.random() > RIGHT:
            fraud = not fraud
        then_us = at_us + int(self.rng.integers(5, 240)) * 60_000_000
        code = "stolen_card" if fraud else "verified"
        named = {
            "decision_id": decision.decision_id,
            "payment_id": event.payment_id,
            "order_id": event.order_id,
            "customer_id": event.customer_id,
            "properties": {"capability": "fraud", "subject": event.payment_id, "simulated": True},
        }
        action = _event(
            "action",
            then_us,
            decision.decision_id,
            label="cancelled" if fraud else "released",
            reason=code,
            source=OPERATOR,
            **named,
        )
        label = _event(
            "label",
            then_us,
            decision.decision_id,
            label="fraud" if fraud else "legit",
            reason=code,
            source="demo",
            **{k: named[k] for k in ("decision_id", "payment_id", "properties")},
        )
        return [(then_us, action), (then_us, label)]

    def _alerts(self, fact: Mapping[str, Any], decision: Decision, at_us: int) -> list[Alert]:
        value = decision.value
        ring = new_ring(value.get("ring") or (), value.get("features") or {}, at_us)
        found = [*self.bursts.apply(fact), *([ring] if ring else [])]
        news = [alert for alert in found if self.quiet.lets(alert)]
        self.counts["alerts"] += len(news)
        return news


def build_fraud(build: Any, bar: Any) -> dict[str, Any]:
    """Put simulated payments, a trained model and its decisions into the demo shop."""
    shop = build.shop
    if "fraud" not in capabilities.MODULES:
        return {"payments": 0}
    rng = np.random.default_rng([shop.settings.random_seed, 4])
    end_us = fraud_reports.last_order(shop.warehouse)
    if end_us is None:
        return {"payments": 0}
    events, truth = payments_over(baskets_of(shop.warehouse, end_us, rng), rng, end_us=end_us)
    play_us = end_us - PLAYED_DAYS * DAY_US
    before = [e for e in events if clock.to_us(e.occurred_at) < play_us]
    counts = build.store([*_pack(play_us - DAY_US), *before], bar)
    shop.warehouse.refresh()
    trained = train_one(shop, capabilities.get("fraud"), Registry(shop.settings.models_path))
    play = Play(shop, truth, rng)
    more = build.store(play.events(events[len(before) :], end_us), bar)
    payments = sum(e.kind == "payment" for e in events)
    shop.lake.compact()
    shop.warehouse.materialise()
    return {
        "payments": payments,
        "frauds": sum(kind != "friendly" for kind in truth.values()),
        "accepted": counts["accepted"] + more["accepted"],
        "duplicate": counts["duplicate"] + more["duplicate"],
        "model": trained.version,
        **play.counts,
    }


def _pack(at_us: int) -> Iterator[Event]:
    """Yield the rules of the first day in shadow, and two that the demo's shop put live."""
    with clock.frozen(clock.from_us(at_us)):
        for rule in PACK:
            live = rule.rule_id in ("declines_per_ip", "ring_of_new_customers")
            yield _named(rule, "live" if live else "shadow")


def _named(rule: Rule, status: str) -> Event:
    told = Rule(
        rule_id=rule.rule_id,
        expression=rule.expression,
        outcome=rule.outcome,
        priority=rule.priority,
        why=rule.why,
        status=status,
    )
    event = rule_event(told, OPERATOR)
    event.event_id = ids.stable_id("rule", rule.rule_id, status)
    return event


def _event(kind: str, at_us: int, tail: str, **more: Any) -> Event:
    given = {
        "event_id": ids.stable_id(kind, tail),
        "kind": kind,
        "occurred_at": clock.from_us(at_us),
    }
    return msgspec.convert({**given, **more}, Event)
