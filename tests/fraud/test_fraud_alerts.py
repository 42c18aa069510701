"""Bursts, rings, drift and approval rate: what is an alert, what is not, and how often."""

from __future__ import annotations

import pytest

from shopkeeper.data.events import encoder
from shopkeeper.fraud import alerts
from shopkeeper.fraud.alerts import HOUR_US, MINUTE_US, Alert, Bursts, Quiet
from shopkeeper.learn.contracts import Decision, Reason
from shopkeeper.operate import fraud_watch
from shopkeeper.operate.runtime import to_event


def declined(n, at_us, card=None, ip="a", status="declined"):
    keys = {"ip": ip, "card_fingerprint": card or f"c{n}"}
    return {
        "kind": "payment",
        "status": status,
        "occurred_us": at_us,
        "person_keys": keys,
        "value_minor": 100,
    }


def test_the_eighth_decline_with_many_cards_is_an_alert():
    bursts = Bursts()
    told = [bursts.apply(declined(n, n * MINUTE_US)) for n in range(9)]
    assert [len(one) for one in told] == [0] * 7 + [1, 1]
    assert told[7][0].facts["declines"] == 8


@pytest.mark.parametrize(
    "facts",
    [
        [declined(n, n * 5 * MINUTE_US) for n in range(30)],  # too slow
        [declined(n, n * MINUTE_US, card="one") for n in range(30)],  # one person's one card
        [declined(n, n * MINUTE_US, ip=f"ip{n}") for n in range(30)],  # many addresses
        [declined(n, n * MINUTE_US, status="captured") for n in range(30)],  # nobody declined
    ],
)
def test_what_is_no_card_testing(facts):
    bursts = Bursts()
    assert [alert for fact in facts for alert in bursts.apply(fact)] == []


def test_memory_for_identifiers_is_bounded(monkeypatch):
    monkeypatch.setattr(alerts, "MOST_KEYS", 10)
    bursts = Bursts()
    for n in range(100):
        bursts.apply(declined(n, n, ip=f"ip{n}"))
    assert len(bursts._seen) <= 10


def test_the_same_trouble_is_told_once_an_hour():
    quiet = Quiet()
    told = [quiet.lets(Alert(kind="drift", key="k", at_us=at * HOUR_US // 2)) for at in range(5)]
    assert told == [True, False, True, False, True]


def test_a_ring_that_grows_is_told_once():
    quiet = Quiet()
    grown = {"ring_customers": 5, "ring_customers_7d": 5, "ring_signup_seconds": 20}
    first = alerts.new_ring(("card:x", "device:d"), grown, 0)
    bigger = alerts.new_ring(("card:a", "device:d"), grown, HOUR_US)
    other = alerts.new_ring(("card:z",), grown, HOUR_US)
    assert [quiet.lets(a) for a in (first, bigger, other)] == [True, False, True]
    assert alerts.new_ring(("card:x",), {"ring_customers_7d": 3}, 0) is None


@pytest.mark.parametrize(
    ("outcome", "ring", "capability", "read"),
    [
        ("approve", [], "fraud", False),
        ("review", [], "fraud", True),
        ("block", [], "fraud", True),
        ("approve", ["card:a", "card:b"], "fraud", True),
        ("review", [], "support", False),
    ],
)
def test_the_watch_reads_only_what_may_need_it(outcome, ring, capability, read):
    """Held to the record as the runtime writes it."""
    decision = Decision(
        decision_id="d1",
        capability=capability,
        subject="p1",
        as_of_us=1_700_000_000_000_000,
        model="m",
        fallback=False,
        fallback_reason=None,
        arm=None,
        propensity=None,
        value={"outcome": outcome, "ring": ring, "features": {}},
        reasons=(Reason(code="least_cost", facts={"outcome": outcome}),),
        request={},
        latency_ms=1.0,
    )
    assert fraud_watch._worth_reading(encoder.encode(to_event(decision))) is read


def test_drift_and_approval_rate_need_more_than_chance():
    assert alerts.drift([500, 500], [250, 260], 0) is None
    assert alerts.drift([500, 500], [100, 500], 0).kind == "drift"
    assert alerts.drift([500, 500], [10, 50], 0) is None  # too few to say
    assert alerts.approval_rate((950, 1000), (185, 200), 0) is None
    assert alerts.approval_rate((950, 1000), (120, 200), 0).facts["now"] == 0.6
