"""The card: one question through the one path, trained and not, and what a wrong one hears."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.cli.main import main
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.inventory.capability import CAPABILITY
from shopkeeper.inventory.live import rebuild
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train_one

NOW = datetime(2026, 1, 26, 12, tzinfo=UTC)
WEEKS, ITEMS = 40, 12


def made(name, kind, days, **facts):
    return Event(event_id=name, kind=kind, occurred_at=NOW - timedelta(days=days), **facts)


def history():
    rng = np.random.default_rng(2)
    for week in range(WEEKS):
        for item in range(ITEMS):
            units = int(rng.poisson(3 + item))
            name = f"o{week}-{item}"
            if units:
                goods = [Line(item_id=f"i{item}", quantity=units, price_minor=300)]
                yield made(
                    name, "purchase", 7 * week + 1, order_id=name, currency="EUR", lines=goods
                )
    for item in range(ITEMS + 1):
        yield made(f"c{item}", "item", 300, item_id=f"i{item}", title=f"Item {item}", category="a")
    yield made("s", "stock_level", 0.1, item_id="i5", quantity=2)
    yield made("t", "supplier", 60, supplier_id="acme", item_id="i5", price_minor=90)


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        opened.append_events(list(history()))
        yield opened


def asked(shop, **request):
    runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
    return runtime, runtime.decide("inventory", request)


def test_without_a_model_the_moving_average_proposes_with_reasons(shop):
    runtime, made = asked(shop, sku="i5")
    assert made.fallback
    assert made.value["quantity"] > 0
    assert made.value["supplier_id"] == "acme"
    assert made.value["p_stockout_after"] < made.value["p_stockout_now"]
    assert made.reasons[0].code == "below_level"
    told = runtime.explain(made.decision_id)
    assert told["reasons"][0]["text"].startswith("its position is below")


def test_a_trained_ladder_serves_and_outlives_a_restart(shop):
    training = train_one(shop, CAPABILITY, Registry(shop.settings.models_path))
    assert set(training.report["models"]) >= {"ladder", "naive", "ma8"}
    assert training.alias == "champion", training.verdict
    _, made = asked(shop, sku="i5")
    assert not made.fallback
    assert made.model == training.version
    assert made.value["quantity"] > 0


def test_a_count_or_a_late_order_changes_the_next_answer_as_a_rebuilt_state_would(shop):
    state = rebuild(shop.warehouse)
    request = CAPABILITY.parse({"sku": "i5"})
    before = CAPABILITY.features(state, request, clock.now_us())
    goods = [Line(item_id="i5", quantity=50, price_minor=300)]
    late = made("late", "purchase", 9, order_id="late", currency="EUR", lines=goods)
    shop.append_events([made("s2", "stock_level", 0.01, item_id="i5", quantity=500), late])
    for _, row in shop.store.read(0, 10_000):
        if row.kind in CAPABILITY.kinds:
            state.apply({"kind": row.kind, "occurred_us": row.occurred_us})
    after = CAPABILITY.features(state, request, clock.now_us())
    fresh = CAPABILITY.features(rebuild(shop.warehouse), request, clock.now_us())
    assert (before.position.on_hand, after.position.on_hand) == (2, 500)
    assert after.position == fresh.position
    assert np.array_equal(after.panel.units, fresh.panel.units, equal_nan=True)
    assert np.nansum(after.panel.units) == np.nansum(before.panel.units) + 50


def test_a_product_nobody_bought_is_believed_in_by_its_neighbours(shop):
    _, made = asked(shop, sku=f"i{ITEMS}")
    codes = [reason.code for reason in made.reasons]
    assert "launch" in codes
    assert made.value["numbers"]["demand_mean"] > 0


@pytest.mark.parametrize(
    ("request_", "fault", "told"),
    [
        ({}, BadInput, "sku must be a text"),
        ({"sku": "i5", "colour": 1}, BadInput, "no field 'colour'"),
        ({"sku": "i5", "service_level": 2}, BadInput, "service_level must be a number from 0.5"),
        ({"sku": "i5", "lead_time_days": True}, BadInput, "lead_time_days must be a number"),
        ({"sku": "i5", "supplier_id": "nobody"}, BadInput, "does not deliver 'i5'"),
        ({"sku": "unheard"}, NotFound, "Nothing is known of 'unheard'"),
    ],
)
def test_a_wrong_question_is_named(shop, request_, fault, told):
    with pytest.raises(fault, match=told):
        asked(shop, **request_)


def test_higher_service_and_longer_lead_times_order_more(shop):
    few = asked(shop, sku="i5", service_level=0.6)[1].value["quantity"]
    many = asked(shop, sku="i5", service_level=0.99)[1].value["quantity"]
    late = asked(shop, sku="i5", service_level=0.6, lead_time_days=60)[1].value["quantity"]
    assert few < many
    assert few < late


def test_decide_and_plan_speak_for_people(shop, settings, capsys):
    train_one(shop, CAPABILITY, Registry(shop.settings.models_path))
    shop.close()
    home = ["--home", str(settings.home)]
    assert main([*home, "decide", "inventory", json.dumps({"sku": "i5"})]) == 0
    assert "order " in capsys.readouterr().out
    assert main([*home, "plan", "inventory"]) == 0
    assert "proposals for" in capsys.readouterr().out


def weekly_promotions(*, told_ahead: float):
    """Every third week each item is promoted and sells three times as much."""
    for week in range(WEEKS + 2):
        for item in range(ITEMS):
            if (week + item) % 3 == 0:
                starts = NOW - timedelta(days=7 * week - 7)
                name = f"p{week}-{item}"
                yield Event(
                    event_id=name,
                    kind="promotion",
                    occurred_at=min(starts - timedelta(days=told_ahead), NOW),
                    promotion_id=name,
                    lines=[Line(item_id=f"i{item}")],
                    starts_at=starts,
                    ends_at=starts + timedelta(days=7),
                )


def test_a_plan_told_ahead_is_a_feature_of_what_serves_and_its_report_says_so(shop):
    """The broken twin: promotions told only when they begin train a ladder that knows no plan."""
    told = list(weekly_promotions(told_ahead=14))
    shop.append_events([one for one in told if one.starts_at < NOW])
    registry = Registry(shop.settings.models_path)
    blind = train_one(shop, CAPABILITY, registry)
    assert blind.report["protocol"]["known"] == []
    assert blind.report["protocol"]["observed"] == ["promotion"]
    shop.append_events([one for one in told if one.starts_at >= NOW])
    training = train_one(shop, CAPABILITY, registry)
    assert training.report["protocol"]["known"] == ["promotion"]
    assert set(training.report["shares"]) == set(training.report["chosen"])
    served = registry.load("inventory", training.version, CAPABILITY.models)
    assert served.ahead >= 1
    assert served.drivers == ("promotion",)
