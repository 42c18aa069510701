"""Fraud in the demo: played, not invented; and the loop closes on a real model."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from shopkeeper.base import clock, progress
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.settings import Settings
from shopkeeper.data.events import Event
from shopkeeper.data.reports import rows
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities, fraud_desk, fraud_performance
from shopkeeper.operate.demo_fraud import build_fraud
from shopkeeper.operate.demo_stages import Build
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.train import train_one

pytestmark = pytest.mark.slow


def orders(n: int, customers: int) -> list[Event]:
    rng = np.random.default_rng(2)
    end_us = clock.now_us() - 3_600_000_000
    at = np.sort(rng.integers(end_us - 110 * DAY_US, end_us, n))
    found = []
    for place, one in enumerate(at):
        given = {
            "event_id": f"o{place}",
            "kind": "purchase",
            "occurred_at": clock.from_us(int(one)),
            "order_id": f"o{place}",
            "customer_id": f"c{rng.integers(customers)}",
            "currency": "USD",
            "lines": [{"item_id": "i1", "price_minor": int(rng.integers(500, 5000))}],
        }
        found.append(msgspec.convert(given, Event))
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with open_shop(Settings(home=tmp_path_factory.mktemp("demo") / "shop")) as shop:
        shop.append_events(orders(1500, 120))
        build = Build(shop, None, 0)
        facts = build_fraud(build, progress.Stage(None, None))
        yield shop, facts


def test_the_demo_holds_payments_decisions_cases_and_alerts(demo):
    shop, facts = demo
    assert facts["duplicate"] == 0
    assert facts["decisions"] > 300
    assert facts["alerts"] >= 1
    told = fraud_performance.report(shop, clock.now_us(), 40)
    assert told["decisions"] == facts["decisions"]
    assert told["approval_rate"] > 0.5
    clear = rows(
        shop.warehouse, "SELECT count(*) AS n FROM fraud_decisions WHERE request LIKE '%@%'"
    )
    assert clear[0]["n"] == 0  # nobody's address is on the record


def test_a_chargeback_is_joined_moves_the_metrics_and_reaches_the_next_training(demo):
    shop, _ = demo
    card, registry = capabilities.get("fraud"), Registry(shop.settings.models_path)
    before = fraud_performance.report(shop, clock.now_us(), 40)
    version = train_one(shop, card, registry, promote=False).version
    known = registry.version("fraud", version).data["frauds"]
    [payment] = rows(
        shop.warehouse,
        "SELECT f.payment_id, f.amount_minor FROM fraud_decisions AS f "
        "LEFT JOIN payment_truth AS t "
        "ON f.payment_id = t.payment_id WHERE f.outcome = 'approve' AND t.payment_id IS NULL "
        "ORDER BY f.occurred_us LIMIT 1",
    )
    raw = {
        "event_id": "cb-1",
        "kind": "chargeback",
        "payment_id": payment["payment_id"],
        "occurred_at": clock.iso(clock.now_us()),
    }
    assert shop.ingest.post(msgspec.json.encode(raw)).result(10).accepted == 1
    after = fraud_performance.report(shop, clock.now_us(), 40)
    missed = after["fraud_missed_minor"] - before["fraud_missed_minor"]
    assert missed == payment["amount_minor"]
    again = train_one(shop, card, registry, promote=False).version
    assert registry.version("fraud", again).data["frauds"] == known + 1
    case = fraud_desk.fraud_reports.find_case(shop.warehouse, payment["payment_id"])
    assert case["class"] == "fraud"
