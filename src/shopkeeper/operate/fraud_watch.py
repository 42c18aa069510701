"""Watch what happens to fraud while the shop runs: hold orders, raise alerts, tell other systems.

    FraudWatch(shop).start()    after the runtime; one thread beside the log's writer

Follows the log event by event. A fraud decision of ``review`` (or ``block``) is told by webhook as
soon as it is durable; its id is the decision's, so telling twice changes nothing, and at start
the last hours are told again in case the process died between decision and message. Payments go
through the burst detector; once in a while the tables are asked for drift and approval rate.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shopkeeper.base import clock, ids, log
from shopkeeper.base.errors import ShopError
from shopkeeper.data import fraud_reports
from shopkeeper.data.events import Event
from shopkeeper.fraud import alerts
from shopkeeper.fraud.alerts import HOUR_US, Alert, Bursts, Quiet
from shopkeeper.operate import webhooks

# outcome -> topic of the message
TOLD = {"review": "fraud.order_held", "block": "fraud.order_blocked"}
WATCHED = ("payment", "decision")
MOST_WAITING = 50_000
LOOK_SECONDS = 300.0
_OURS = b'"capability":"fraud"'  # as our own encoder writes it
_APPROVED, _NO_RING = rb"\"outcome\":\"approve\"", rb"\"ring\":[]"  # inside ``value``, a text
REPEAT_HOURS = 6
_STOP = object()


class FraudWatch:
    """Follows the log; ``close`` ends the thread."""

    def __init__(self, shop: Any, *, look_seconds: float = LOOK_SECONDS) -> None:
        self.shop = shop
        self.look_seconds = look_seconds
        self.counts = {"held": 0, "alerts": 0, "dropped": 0}
        self.bursts, self.quiet = Bursts(), Quiet()
        self._waiting: queue.Queue[Any] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None

    def start(self) -> FraudWatch:
        """Begin to follow the log, and tell again what may not have been told."""
        self.shop.writer.subscribe(self._on_events)
        self._thread = threading.Thread(target=self._run, name="fraud-watch", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """End the thread after what it has in hand."""
        if self._thread is not None:
            self._waiting.put(_STOP)
            self._thread.join(timeout=10)

    def take(self, fact: Mapping[str, Any]) -> list[Alert]:
        """Judge one event and do what it asks for; returns the alerts that were news."""
        found: list[Alert] = []
        if fact["kind"] == "payment":
            found = self.bursts.apply(fact)
        elif fact["kind"] == "decision":
            found = self._decision(fact)
        news = [alert for alert in found if self.quiet.lets(alert)]
        for alert in news:
            raise_alert(self.shop, alert)
            self.counts["alerts"] += 1
        return news

    def look(self) -> list[Alert]:
        """Ask the tables for drift and approval rate; returns the alerts that were news."""
        warehouse, now_us = self.shop.warehouse, clock.now_us()
        day = now_us - clock.DAY_US
        month = now_us - 29 * clock.DAY_US
        found = [
            alerts.drift(
                fraud_reports.score_histogram(warehouse, month, day),
                fraud_reports.score_histogram(warehouse, day, now_us),
                now_us,
            ),
            alerts.approval_rate(
                fraud_reports.approvals(warehouse, month, now_us - HOUR_US),
                fraud_reports.approvals(warehouse, now_us - HOUR_US, now_us),
                now_us,
            ),
        ]
        news = [alert for alert in found if alert is not None and self.quiet.lets(alert)]
        for alert in news:
            raise_alert(self.shop, alert)
            self.counts["alerts"] += 1
        return news

    def tell_again(self, hours: int = REPEAT_HOURS) -> int:
        """Tell the holds of the last hours; those that were told before count once."""
        since_us = clock.now_us() - hours * HOUR_US
        self.shop.warehouse.refresh()
        held = [
            case
            for case in fraud_reports.open_cases(self.shop.warehouse)
            if case["state"] == "held" and case["occurred_us"] >= since_us
        ]
        for case in held:
            _tell(self.shop, "fraud.order_held", case)
        return len(held)

    def _decision(self, fact: Mapping[str, Any]) -> list[Alert]:
        properties = fact.get("properties") or {}
        if properties.get("capability") != "fraud":
            return []
        value = json.loads(properties["value"])
        topic = TOLD.get(value.get("outcome"))
        if topic is not None:
            case = {**value, "decision_id": fact["decision_id"]}
            case["customer_id"] = fact.get("customer_id")
            _tell(self.shop, topic, case)
            self.counts["held"] += value["outcome"] == "review"
        at_us, features = fact["occurred_us"], value.get("features") or {}
        ring = alerts.new_ring(value.get("ring") or (), features, at_us)
        return [ring] if ring else []

    def _on_events(self, rows: Sequence[tuple[int, Any]]) -> None:
        """Called on the writing thread: only put aside what the watch wants to see."""
        for _, row in rows:
            if row.kind not in WATCHED:
                continue
            # Recommendations are long and many; reading them here would cost every request.
            if row.kind == "decision" and not _worth_reading(row.body):
                continue
            try:
                self._waiting.put_nowait(row)
            except queue.Full:
                self.counts["dropped"] += 1

    def _run(self) -> None:
        pause = min(self.look_seconds, 5.0)
        self._safely(self.tell_again)
        due = clock.now_us() + int(self.look_seconds * 1e6)
        while True:
            try:
                row = self._waiting.get(timeout=pause)
            except queue.Empty:
                row = None
            if row is _STOP:
                return
            if row is not None:
                self._safely(self.take, _fact(row))
            if clock.now_us() >= due:
                self._safely(self.look)
                due = clock.now_us() + int(self.look_seconds * 1e6)

    def _safely(self, work: Any, *given: Any) -> None:
        """Do one piece of work; a fault of it is told and leaves the watch alive."""
        try:
            work(*given)
        except (ShopError, ArithmeticError, LookupError, TypeError, ValueError) as problem:
            log.error("fraud.watch_failed", kind=type(problem).__name__, reason=str(problem)[:200])


def raise_alert(shop: Any, alert: Alert) -> str:
    """Put an alert on the record and tell other systems; returns its id."""
    alert_id = ids.new_id("alr")
    shop.append_events([alert_event(alert, alert_id)], source="watch")
    body = {"alert_id": alert_id, "kind": alert.kind, "facts": dict(alert.facts)}
    webhooks.send(shop, "fraud.alert", body, message_id=alert_id)
    log.warning("fraud.alert", kind=alert.kind, alert_id=alert_id)
    return alert_id


def alert_event(alert: Alert, alert_id: str) -> Event:
    """Return the event that records an alert."""
    return Event(
        event_id=alert_id,
        kind="action",
        occurred_at=clock.from_us(min(alert.at_us, clock.now_us())),
        label="alert",
        status=alert.kind,
        source="shopkeeper",
        properties={
            "capability": "fraud",
            "subject": alert.key[:128],
            "facts": json.dumps(dict(alert.facts), ensure_ascii=False),
        },
    )


def _tell(shop: Any, topic: str, case: Mapping[str, Any]) -> None:
    names = ("decision_id", "payment_id", "order_id", "customer_id", "kind", "outcome")
    facts = {name: case.get(name) for name in (*names, "amount_minor", "currency")}
    webhooks.send(shop, topic, facts, message_id=f"{case['decision_id']}_{topic[12:]}")


def _worth_reading(body: bytes) -> bool:
    """Say whether a decision is fraud's and holds an order or names a ring.

    Most payments are approved and in no ring: to parse their records too would cost half as much
    as to decide them.
    """
    if _OURS not in body:
        return False
    return _APPROVED not in body or _NO_RING not in body


def _fact(row: Any) -> dict[str, Any]:
    fact: dict[str, Any] = msgspec.json.decode(row.body)
    fact["occurred_us"] = row.occurred_us
    if row.person_keys is not None:
        fact["person_keys"] = msgspec.json.decode(row.person_keys)
    return fact
