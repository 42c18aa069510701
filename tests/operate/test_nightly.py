"""The night of inventory: forecast written, past ones judged, and a second run doubles nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from shopkeeper.base import clock
from shopkeeper.data import forecast_reports, proposals
from shopkeeper.data.events import Event, Line
from shopkeeper.data.forecasts import TABLES
from shopkeeper.data.shop import open_shop
from shopkeeper.inventory import known
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.replenish import forecasts, health, nightly, states
from shopkeeper.operate.status import status

START = datetime(2025, 9, 1, tzinfo=UTC)  # a Monday
WEEKS = 24
NOW = START + timedelta(days=7 * WEEKS, hours=3)


def sales(until, seed=3):
    """Six products with a supplier, Poisson every day, from the start to a day."""
    for item in range(6):
        yield Event(
            event_id=f"t-{item}",
            kind="supplier",
            occurred_at=START,
            supplier_id="acme",
            item_id=f"item-{item}",
            price_minor=200,
            properties={"lead_time_days": 5},
        )
    rng = np.random.default_rng(seed)
    for day in range(until):
        for item in range(6):
            units = int(rng.poisson(1 + item))
            if units:
                yield Event(
                    event_id=f"o-{day}-{item}",
                    kind="purchase",
                    occurred_at=START + timedelta(days=day, hours=12),
                    order_id=f"o-{day}-{item}",
                    currency="EUR",
                    lines=[Line(item_id=f"item-{item}", quantity=units, price_minor=500)],
                )


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        opened.append_events(sales(7 * WEEKS))
        yield opened


def test_a_second_run_of_a_night_changes_nothing(shop):
    first = nightly.run(shop)
    [entry] = forecasts.shelf(shop, "demand_forecast").entries()
    again = nightly.run(shop)
    assert first.planned.proposed == 6
    assert again.planned.proposed == 0
    [same] = forecasts.shelf(shop, "demand_forecast").entries()
    assert (same.origin, same.rows) == (entry.origin, entry.rows) == ("2026-02-16", 42)


def test_a_forecast_is_judged_when_its_horizon_is_over(shop):
    nightly.run(shop)
    assert shop.warehouse.table("forecast_accuracy").num_rows == 0
    later = 7 * WEEKS + 15
    with clock.frozen(NOW + timedelta(days=15)):
        shop.append_events(list(sales(later))[-200:])
        assert nightly.run(shop).judged == 1
        found = shop.warehouse.sql(
            "SELECT * FROM forecast_accuracy WHERE item_id = 'item-4' ORDER BY horizon"
        ).to_pylist()
        assert [row["horizon"] for row in found] == [1, 2]
        [truth] = shop.warehouse.sql(
            "SELECT sum(units) AS units FROM demand_history WHERE item_id = 'item-4'"
            " AND dt >= DATE '2026-02-16' AND dt < DATE '2026-03-02'"
        ).to_pylist()
        assert found[1]["actual"] == truth["units"]
        # Mean five a day: two weeks are 70, give or take.
        assert 40 < found[1]["mean"] < 100


def test_backtests_know_nothing_of_what_came_and_say_what_they_are(shop):
    found = known.read(shop.warehouse, now_us=clock.now_us())
    assert forecasts.backtest(shop, found, origins=4, settings=Settings(rounds=5)) == 4
    before = said(shop)
    assert set(shop.warehouse.table("demand_forecast")["kind"].to_pylist()) == {"backtest"}
    # Ten times the demand after the first of the origins moves nothing that was said there.
    changed = found.panel.units.copy()
    changed[:, -4:] *= 10
    loud = replace(found, panel=replace(found.panel, units=changed))
    forecasts.backtest(shop, loud, origins=4, settings=Settings(rounds=5))
    after = said(shop)
    assert after == before
    assert forecasts.judge(shop, lambda share, saying: None) == 4


def test_a_live_forecast_is_never_replaced_by_a_backtest(shop):
    with clock.frozen(NOW - timedelta(days=7)):
        nightly.run(shop)
    found = known.read(shop.warehouse, now_us=clock.now_us())
    forecasts.backtest(shop, found, origins=4, settings=Settings(rounds=5))
    kinds = {e.origin: e.kind for e in forecasts.shelf(shop, "demand_forecast").entries()}
    assert kinds["2026-02-09"] == "live"
    assert list(kinds.values()).count("backtest") == 3


def said(shop):
    return shop.warehouse.sql(
        "SELECT mean FROM demand_forecast WHERE origin = DATE '2026-01-19'"
        " ORDER BY item_id, horizon"
    )["mean"].to_pylist()


def test_reports_of_accuracy_are_sums_that_can_be_checked_by_hand(shop):
    """Three windows of one origin: errors 2 + 1, demand 10 + 5; the third was sold out."""
    schema = TABLES["forecast_accuracy"][1]
    rows = [
        {"item_id": "a", "actual": 10, "mean": 12, "naive": 15, "q10": 5, "q90": 14, "q95": 16},
        {"item_id": "b", "actual": 5, "mean": 4, "naive": 5, "q10": 1, "q90": 4, "q95": 4},
        {"item_id": "c", "actual": 0, "mean": 9, "naive": 9, "q10": 1, "q90": 9, "q95": 9},
    ]
    day = date(2026, 2, 9)
    facts = {"location_id": "", "origin": day, "horizon": 1, "days": 7, "kind": "live"}
    facts |= {"price_minor": 100, "segment": "smooth"}
    whole = [
        {**dict.fromkeys(schema.names), **facts, **row, "censored": row["item_id"] == "c"}
        for row in rows
    ]
    table = pa.Table.from_pylist(whole, schema=schema)
    forecasts.shelf(shop, "forecast_accuracy").write(day, table, model="m", kind="live")
    [found] = forecast_reports.over_time(shop.warehouse)
    assert (found["windows"], found["judged"], found["units"]) == (3, 2, 15)
    assert found["wape"] == pytest.approx((2 + 1) / 15)
    assert found["bias"] == pytest.approx((2 - 1) / 15)
    assert found["naive_wape"] == pytest.approx((5 + 0) / 15)
    assert found["value_added"] == pytest.approx((5 - 3) / 15)
    # At 95 %: six too many cost 0.05 each, one too few costs 0.95.
    assert found["pinball_95"] == pytest.approx((0.05 * 6 + 0.95 * 1) / 15)
    assert found["coverage_95"] == pytest.approx(1 / 2)
    assert found["coverage_80"] == pytest.approx(1 / 2)
    assert forecast_reports.by_group(shop.warehouse, "segment")[0]["name"] == "smooth"
    assert forecast_reports.by_horizon(shop.warehouse)[0]["days"] == 7
    dearest = forecast_reports.worst(shop.warehouse)
    assert [(row["item_id"], row["error_minor"]) for row in dearest[:2]] == [("a", 200), ("b", 100)]


def test_the_newest_forecast_answers_for_any_number_of_days(shop):
    nightly.run(shop)
    one = forecast_reports.forecast_of(shop.warehouse, "item-5")
    assert [row["horizon"] for row in one] == [1, 2, 3, 4, 6, 8, 13]
    weekly = {row["days"]: row["mean"] for row in one}
    for days, wanted in ((7, weekly[7]), (3, weekly[7] * 3 / 7), (10, weekly[14] * 10 / 14)):
        found = forecast_reports.newest(shop.warehouse, days=days)
        assert found["item-5", ""] == pytest.approx(wanted, rel=1e-5)
    assert forecast_reports.newest(shop.warehouse, days=182)["item-5", ""] == pytest.approx(
        weekly[91] * 2, rel=1e-5
    )


def test_an_edit_is_held_against_what_came(shop):
    """The planner added 30; what came decides whether that was nearer than the model."""
    nightly.run(shop)
    [one] = [p for p in proposals.listed(shop.warehouse) if p["item_id"] == "item-5"]
    states.act(shop, "edit", [one["decision_id"]], operator="li", quantity=one["quantity"] + 30)
    assert forecast_reports.overrides(shop.warehouse) == []
    with clock.frozen(NOW + timedelta(days=40)):
        shop.append_events(list(sales(7 * WEEKS + 40))[-400:])
        shop.warehouse.refresh()
        [found] = forecast_reports.overrides(shop.warehouse)
    assert found["changed"] == 30
    assert found["planner_units"] == pytest.approx(found["model_units"] + 30)
    better = abs(found["model_units"] - found["actual"])
    better -= abs(found["planner_units"] - found["actual"])
    assert found["value_added"] == pytest.approx(better)


def test_a_model_that_cannot_be_read_does_not_stop_the_night(shop, monkeypatch):
    """As one is that an earlier version wrote: the plan fits its own and says so."""

    def unreadable(*_):
        raise KeyError("shares")

    monkeypatch.setattr(Registry, "aliases", lambda self, name: {"champion": "ladder@1"})
    monkeypatch.setattr(Registry, "load", unreadable)
    assert nightly.run(shop).planned.proposed == 6
    [entry] = forecasts.shelf(shop, "demand_forecast").entries()
    assert entry.model == "ladder, fitted for the plan"


def test_what_nobody_counted_and_nobody_supplies_is_forecast_and_not_ordered(shop):
    goods = [Line(item_id="stray", quantity=3, price_minor=100)]
    at = NOW - timedelta(days=2)
    shop.append_events(
        [
            Event(
                event_id="x",
                kind="purchase",
                occurred_at=at,
                order_id="x",
                currency="EUR",
                lines=goods,
            )
        ]
    )
    done = nightly.run(shop).planned
    assert (done.products, done.unmanaged, done.proposed) == (7, 1, 6)
    assert forecast_reports.forecast_of(shop.warehouse, "stray")


def test_status_says_how_forecasts_did_and_warns_when_they_cover_too_little(shop, monkeypatch):
    found = known.read(shop.warehouse, now_us=clock.now_us())
    forecasts.backtest(shop, found, origins=6, settings=Settings(rounds=5))
    forecasts.judge(shop, lambda share, saying: None)
    monkeypatch.setattr(health, "LEAST_JUDGED", 10)
    told = status(shop)
    assert told["inventory"]["forecast"]["judged"] == 36
    # Steady Poisson demand is covered; the naive forecast, one week, is farther off.
    assert told["inventory"]["forecast"]["coverage_95"] > 0.85
    assert told["inventory"]["forecast"]["value_added"] > 0
    assert [alert for alert in told["alerts"] if alert.startswith("inventory: ")] == []
    monkeypatch.setattr(health, "LOW_COVERAGE", 1.01)
    assert any("95 % forecast" in alert for alert in status(shop)["alerts"])
