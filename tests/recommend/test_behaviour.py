"""What is foretold of a customer: counted right, better than her average pace, the same at rest."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.learn import artefacts
from shopkeeper.recommend.behaviour import card, state
from shopkeeper.recommend.behaviour import model as made
from shopkeeper.recommend.behaviour import orders as book
from shopkeeper.recommend.behaviour.evaluate import evaluate

DAYS = 400


def shop(n: int = 160, seed: int = 5) -> book.Orders:
    """Customers with a steady gap of their own, a third of whom stop at some day."""
    rng = np.random.default_rng(seed)
    who, at, value = [], [], []
    for customer in range(n):
        gap = rng.uniform(5, 40)
        end = rng.uniform(60, DAYS) if rng.random() < 0.35 else DAYS
        day = rng.uniform(0, 60)
        while day < end:
            who.append(f"c{customer:04}")
            at.append(int(day * DAY_US))
            value.append(rng.gamma(4, 500) + 20 * gap)
            day += max(0.5, rng.normal(gap, gap / 5))
    return book.grouped(who, np.array(at), np.array(value))


ORDERS = shop()


@pytest.fixture(scope="module")
def model():
    return made.Behaviour().fit(made.Past(orders=ORDERS, as_of_us=DAYS * DAY_US))


def test_facts_are_what_a_reader_counts_by_hand():
    """Orders on days 0, 10 and 40, worth 100, 200 and 300; asked on day 50."""
    at = np.array([0, 10, 40]) * DAY_US
    known = book.known_at(book.grouped(["a"] * 3, at, np.array([100, 200, 300])), 50 * DAY_US)
    told = dict(zip(book.FEATURES, known.features[0].tolist(), strict=True))
    assert (known.x[0], known.t_x[0], known.t[0], known.mean_value[0]) == (2, 40, 50, 200)
    assert (told["days_since_last"], told["days_since_first"], told["orders"]) == (10, 50, 3)
    assert (told["mean_gap_days"], told["last_gap_days"], told["age_over_gap"]) == (20, 30, 0.5)
    assert told["gap_spread"] == pytest.approx(10 / 20)
    assert [told[f"orders_{days}"] for days in (7, 28, 91)] == [0, 1, 3]
    assert told["spent_28"] == pytest.approx(np.log(301))


def test_one_customer_alone_has_the_facts_she_has_among_all():
    """Training and serving read one definition."""
    whole = book.known_at(ORDERS, DAYS * DAY_US)
    for at in (0, 17, 123):
        rows = slice(ORDERS.start[at], ORDERS.start[at + 1])
        name = [ORDERS.customer_ids[at]] * (rows.stop - rows.start)
        alone = book.grouped(name, ORDERS.at_us[rows], ORDERS.value[rows])
        one = book.known_at(alone, DAYS * DAY_US)
        assert np.allclose(one.features[0], whole.features[at], equal_nan=True)


def test_the_future_never_reaches_the_facts():
    cut = 200 * DAY_US
    later = book.grouped(
        [*ORDERS.before(cut).customer_ids[:1]], np.array([cut + DAY_US]), np.array([1e9])
    )
    whole = book.grouped(
        [*np.array(ORDERS.customer_ids)[ORDERS.customer], *later.customer_ids],
        np.concatenate([ORDERS.at_us, later.at_us]),
        np.concatenate([ORDERS.value, later.value]),
    )
    a, b = (book.known_at(one.before(cut), cut) for one in (ORDERS, whole))
    assert np.array_equal(a.features, b.features, equal_nan=True)


def test_chances_rise_with_the_horizon_and_agree_in_between(model):
    known = book.known_at(ORDERS, DAYS * DAY_US)
    for way in made.WAYS:
        told = [model.chance(known, days, way) for days in (1, 2, 5, 7, 20, 28, 70, 84)]
        for low, high in pairwise(told):
            assert (high - low > -1e-9).all()
        assert all(((chance >= 0) & (chance <= 1)).all() for chance in told)


def test_trees_beat_the_average_pace_on_days_they_never_saw():
    told = evaluate(ORDERS)["models"]
    gap = told["trees"]["against_baseline"]["log_loss"]
    assert gap["interval_95"][1] < 0
    assert told["trees"]["metrics"]["next_date_error_days"] < 8
    assert {"rate", "trees", "bg_nbd", "pareto_nbd"} == set(told)


def test_a_luck_of_the_draw_is_not_foretold():
    """Customers who order by chance at one pace: nobody ranks them, and nobody claims to."""
    rng = np.random.default_rng(1)
    n = 6000
    who = [f"c{c}" for c in rng.integers(0, 300, n)]
    at = np.sort(rng.integers(0, DAYS * DAY_US, n))
    told = evaluate(book.grouped(who, at, np.ones(n)))["models"]["trees"]["metrics"]
    assert told["auc_7"] == pytest.approx(0.5, abs=0.09)


def test_the_model_at_rest_foretells_the_same(model, tmp_path):
    artefacts.save(model.to_artefact(), tmp_path / "m")
    back = made.Behaviour.from_artefact(artefacts.load(tmp_path / "m"))
    known = book.known_at(ORDERS, DAYS * DAY_US)
    assert np.allclose(model.chance(known, 28), back.chance(known, 28))
    assert np.allclose(model.value(known), back.value(known))


def purchase(seq: int, order: str, customer: str, day: int, price: int) -> dict:
    return {
        "kind": "purchase",
        "seq": seq,
        "order_id": order,
        "customer_id": customer,
        "occurred_us": day * DAY_US,
        "lines": [{"item_id": "i", "quantity": 2, "price_minor": price, "discount_minor": 10}],
    }


def test_the_state_keeps_orders_once_and_takes_back_what_went_back():
    told = state.State()
    told.apply(purchase(1, "o1", "a", 10, 100))
    told.apply(purchase(1, "o1", "a", 10, 100))
    told.apply(purchase(2, "o2", "a", 5, 100))
    told.apply({"kind": "refund", "seq": 3, "order_id": "o1", "value_minor": 90})
    found = told.history("a", 11 * DAY_US)
    assert (found.at_us // DAY_US).tolist() == [5, 10]
    assert found.value.tolist() == [190, 100]
    told.apply({"kind": "cancel", "seq": 4, "order_id": "o2"})
    assert told.history("a", 11 * DAY_US).value.tolist() == [100]
    assert told.history("a", 10 * DAY_US).value.tolist() == []


def test_an_answer_has_dates_risks_and_reasons_in_two_languages(model):
    told = state.State()
    for at, day in enumerate((300, 310, 320, 330)):
        told.apply(purchase(at + 1, f"o{at}", "a", day, 1000))
    request = state.parse({"customer_id": "a"})
    features = state.features_at(told, request, 335 * DAY_US)
    choice = card.choose(request, features, model.predict(features))
    assert choice.value["known"]
    assert choice.value["next_order_days"] < 30
    assert choice.value["churn_risk"] < 0.5
    assert len(choice.reasons) >= 1
    for one in choice.value["reasons"]:
        assert "{" not in one["text"] + one["text_zh"]
    baseline = card.choose(request, features, card.fallback(features))
    assert baseline.value["by"] == {"purchase": "rate", "value": "rate"}


def test_a_stranger_is_told_as_one(model):
    request = state.parse({"customer_id": "nobody"})
    features = state.features_at(state.State(), request, DAY_US)
    for answer in (model.predict(features), card.fallback(features)):
        choice = card.choose(request, features, answer)
        assert not choice.value["known"]
        assert choice.reasons[0].code == "no_orders"


@pytest.mark.parametrize("raw", [{}, {"customer_id": 3}, {"customer_id": "a", "days": 3}])
def test_a_wrong_request_names_its_field(raw):
    with pytest.raises(BadInput, match=r"customer_id|days"):
        state.parse(raw)
