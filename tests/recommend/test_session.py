"""The chance that a visit buys: one definition learns and serves, and it beats the plain share."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import main
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.learn import artefacts
from shopkeeper.operate.runtime import Runtime
from shopkeeper.recommend.session import evaluate as book
from shopkeeper.recommend.session import state as live
from shopkeeper.recommend.session.card import CAPABILITY, SENTENCES, choose, fallback
from shopkeeper.recommend.session.model import Beginnings, Session, log_loss
from shopkeeper.recommend.session.visit import FEATURES, SILENCE_US, Visit

NOW_US = 1_790_000_000_000_000
MINUTE_US = 60_000_000


def at(minutes: float) -> int:
    return NOW_US + int(minutes * MINUTE_US)


def test_the_facts_of_a_visit_are_what_a_reader_counts_by_hand():
    visit = Visit(started_us=at(0), last_us=at(0), customer_id="c")
    for kind, item, price, minute in (
        ("page_view", None, 0, 0),
        ("search", None, 0, 1),
        ("view_item", "a", 1000, 2),
        ("view_item", "a", 1000, 3),
        ("view_item", "b", 4000, 4),
        ("add_to_cart", "a", 1000, 5),
        ("add_to_cart", "b", 4000, 6),
        ("remove_from_cart", "b", 0, 8),
    ):
        visit.take(kind, item, price, at(minute))
    told = dict(zip(FEATURES, visit.facts(3, at(-2 * 1440), at(8)), strict=True))
    assert [told[n] for n in ("events", "views", "items", "views_again")] == [8, 3, 2, 1]
    assert [told[n] for n in ("carts", "removed", "searches", "checkout")] == [1, 1, 1, 0]
    assert told["minutes"] == 8
    assert told["price"] == pytest.approx((2 * math.log(1000) + math.log(4000)) / 3)
    assert told["cart_value"] == pytest.approx(math.log1p(10))
    assert told["orders_before"] == pytest.approx(math.log(4))
    assert told["days_since_order"] == pytest.approx(2 + 8 / 1440)
    assert set(FEATURES) < set(SENTENCES)


def beginnings(n: int, seed: int, *, luck: bool = False) -> Beginnings:
    """Return visits whose carts decide, or nothing does."""
    rng = np.random.default_rng(seed)
    facts = rng.random((n, len(FEATURES)))
    facts[:, FEATURES.index("carts")] = rng.integers(0, 3, n)
    facts[rng.random(n) < 0.3, FEATURES.index("days_since_order")] = np.nan
    carts = np.zeros(n) if luck else facts[:, FEATURES.index("carts")]
    chance = 1 / (1 + np.exp(-(-2.0 + 1.5 * carts)))
    return Beginnings(
        facts=facts,
        bought=rng.random(n) < chance,
        visit=np.arange(n),
        at_us=np.arange(n, dtype=np.int64) * MINUTE_US,
    )


def test_what_was_learnt_beats_the_share_and_is_calibrated():
    model = Session().fit(beginnings(3_000, 1))
    fresh = beginnings(3_000, 2)
    chance = model.chances(fresh.facts)
    assert model.chosen_ != "share"
    loss = log_loss(chance, fresh.bought).mean()
    assert loss < log_loss(model.chances(fresh.facts, "share"), fresh.bought).mean() - 0.05
    for low, high in ((0.0, 0.25), (0.25, 0.6), (0.6, 1.0)):
        some = (chance >= low) & (chance < high)
        assert chance[some].mean() == pytest.approx(fresh.bought[some].mean(), abs=0.06)


def test_where_nothing_decides_or_visits_are_few_nobody_is_told_apart():
    lucky = Session().fit(beginnings(1_500, 3, luck=True))
    spread = lucky.chances(beginnings(500, 4).facts)
    assert np.ptp(spread) < 0.12
    few = Session().fit(beginnings(120, 5))
    assert few.chosen_ == "share"
    assert few.chances(np.zeros((2, len(FEATURES)))).tolist() == [few.share_, few.share_]


def test_saving_and_loading_changes_nothing(tmp_path):
    fresh = beginnings(200, 6)
    for chosen in ("simple", "logistic", "trees", "share"):
        model = Session().fit(replace(beginnings(1_500, 1), chosen=chosen))
        artefacts.save(model.to_artefact(), tmp_path / chosen, {})
        again = Session.from_artefact(artefacts.load(tmp_path / chosen))
        assert np.allclose(model.chances(fresh.facts), again.chances(fresh.facts), atol=1e-12)


def test_the_report_has_baselines_intervals_and_no_visit_twice():
    told = book.evaluate(beginnings(2_500, 7))
    assert told["baseline"] == "share"
    assert set(told["models"]) == {"share", "simple", "logistic", "trees"}
    best = told["models"][told["champion"]]
    assert best["against_baseline"]["verdict"] == "better"
    for name in book.METRICS:
        low, high = best["interval_95"][name]
        assert low <= best["metrics"][name] <= high
    three = beginnings(900, 8)
    three = replace(three, visit=np.arange(900) // 3)
    assert book.evaluate(three)["data"]["judged"] <= 900 / 3 * 0.2 + 2


def told_events() -> list[Event]:
    """Two visits of c1 with a silence between, one order; an anonymous session; c2 buys nothing."""
    rows = [
        ("page_view", 0, "s1", "c1", None),
        ("view_item", 1, "s1", "c1", "a"),
        ("add_to_cart", 2, "s1", "c1", "a"),
        ("view_item", 60, "s1", "c1", "b"),
        ("view_item", 61, "s2", None, "b"),
        ("search", 62, None, "c2", None),
        ("view_item", 63, None, "c2", "a"),
    ]
    found = [
        Event(
            event_id="item-a",
            kind="item",
            occurred_at=clock.from_us(at(-9)),
            item_id="a",
            title="A",
            price_minor=500,
            currency="EUR",
        ),
        Event(
            event_id="order",
            kind="purchase",
            occurred_at=clock.from_us(at(9)),
            order_id="o1",
            customer_id="c1",
            currency="EUR",
            lines=[Line(item_id="a", price_minor=500)],
        ),
    ]
    for number, (kind, minute, session, customer, item) in enumerate(rows):
        more = {"item_id": item} if item else {}
        more |= {"query": "tea"} if kind == "search" else {}
        found.append(
            Event(
                event_id=f"e{number}",
                kind=kind,
                occurred_at=clock.from_us(at(minute)),
                session_id=session,
                customer_id=customer,
                **more,
            )
        )
    return sorted(found, key=lambda one: one.occurred_at)


def test_the_state_from_the_tables_is_the_state_event_by_event(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as shop, clock.frozen(clock.from_us(at(64))):
        shop.append_events(told_events())
        whole = live.rebuild(shop.warehouse)
    step = live.State()
    for event in told_events():
        fact = {n: getattr(event, n) for n in ("kind", "session_id", "customer_id", "item_id")}
        fact |= {"price_minor": event.price_minor, "occurred_us": clock.to_us(event.occurred_at)}
        step.apply(fact)
    assert step.visits == whole.visits
    assert step.orders == whole.orders == {"c1": (1, at(9))}
    assert step.latest == whole.latest
    for raw in ({"customer_id": "c1"}, {"session_id": "s2"}, {"customer_id": "c2"}):
        facts = [live.features_at(s, live.parse(raw), at(64)).facts for s in (step, whole)]
        assert facts[0].shape == (1, len(FEATURES))
        np.testing.assert_array_equal(*facts)
    gone = live.features_at(step, live.parse({"session_id": "s2"}), at(64) + SILENCE_US)
    assert gone.visit is None


def test_an_order_belongs_to_the_visit_it_came_from(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as shop:
        shop.append_events(told_events())
        data = book.gather(shop.warehouse)
    events, carts = FEATURES.index("events"), FEATURES.index("carts")
    first = data.visit == data.visit[data.facts[:, carts] == 1][0]
    assert first.sum() == 3
    assert data.bought[first].all()
    assert not data.bought[~first].any()
    assert sorted(data.facts[first][:, events].tolist()) == [1, 2, 3]


def test_nobody_there_gets_no_chance_and_a_visitor_one_with_reasons(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as shop, clock.frozen(clock.from_us(at(64))):
        shop.append_events(told_events())
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        try:
            nobody = runtime.decide("session", {"session_id": "unknown"})
            assert nobody.value["visiting"] is False
            told = runtime.decide("session", {"customer_id": "c2"})
            assert told.fallback
            assert told.value["chance"] == 0.03
            assert told.value["reasons"][0]["text_zh"]
        finally:
            runtime.close()
    model = Session().fit(replace(beginnings(1_500, 1), chosen="logistic"))
    visit = Visit(started_us=at(0), last_us=at(2))
    visit.take("add_to_cart", "a", 500, at(2))
    request = live.Request(session_id="s", customer_id=None)
    facts = beginnings(1, 9).facts
    facts[0, FEATURES.index("carts")] = 2
    features = live.Features(subject="s", as_of_us=at(2), visit=visit, facts=facts)
    choice = choose(request, features, model.predict(features))
    assert 0 < choice.value["chance"] < 1
    assert choice.value["cart"] == ["a"]
    assert (choice.reasons[0].code, choice.reasons[0].facts) == ("carts", {"count": 2})
    assert choice.reasons[0].share > 0.5
    assert fallback(features).chance[0] == 0.3


@pytest.mark.parametrize(
    ("raw", "field"),
    [({}, "session_id"), ({"session": "s"}, "session"), ({"customer_id": ""}, "customer_id")],
)
def test_a_wrong_question_is_named(raw, field):
    with pytest.raises(BadInput) as caught:
        live.parse(raw)
    assert caught.value.field == field


def test_a_shop_without_visits_says_so(tmp_path, capsys):
    assert main(["--home", str(tmp_path / "shop"), "evaluate", "session"]) == 2
    assert "No visit is on record" in capsys.readouterr().err
