"""Cleaning removes what its rules name, counts it once, and labels never look ahead."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopfloor import NOW, event, mixed, purchase, us

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data import labels
from shopkeeper.data.augment import MASK, crop, mask, reorder
from shopkeeper.data.cleaning import RULES, Rules, clean, count
from shopkeeper.data.events import Line
from shopkeeper.data.pipeline import pipeline_report
from shopkeeper.data.shop import open_shop


@pytest.fixture
def shop(settings):
    with clock.frozen(NOW), open_shop(settings) as opened:
        yield opened


# rule -> events of which exactly one interaction falls to it
FALLS = {
    "nobody": [event("f", "view_item", 1, item_id="a")],
    "test_orders": [purchase("f", 1, ["a"], "c", order_id="test-1")],
    "cancelled": [purchase("f", 1, ["a"], "c"), event("g", "cancel", 2, order_id="o-f")],
    "not_positive": [purchase("f", 1, [Line(item_id="a", quantity=0)], "c")],
    "absurd_quantity": [purchase("f", 1, [Line(item_id="a", quantity=1001)], "c")],
    "copies": [purchase("f", 1, ["a"], "c"), purchase("g", 1.001, ["a"], "c")],
    "bots": [event("f", "view_item", 1, item_id="a", session_id="bot")],
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_removes_what_it_is_named_for_and_nothing_else(shop, name):
    shop.append_events([purchase("ok", 3, ["a", "b"], "latest"), *FALLS[name]])
    rules = Rules(bot_events_per_hour=0) if name == "bots" else Rules()
    kept, counts = clean(shop.warehouse, rules)
    assert {c.rule: c.removed for c in counts if c.removed} == {name: 1}
    assert clean(shop.warehouse, rules, skip=[name])[0].num_rows == kept.num_rows + 1
    assert kept["customer_id"].to_pylist()[-2:] == ["latest", "latest"]


def test_the_counts_add_up_and_agree_with_the_rows(shop):
    shop.append_events(mixed(Random(1)))
    kept, counts = clean(shop.warehouse)
    assert counts[0].rows_in == shop.warehouse.table("interactions").num_rows
    for before, after in pairwise(counts):
        assert after.rows_in == before.kept
    assert counts[-1].kept == kept.num_rows
    assert count(shop.warehouse) == counts
    assert [c.rule for c in counts] == list(RULES)


def test_cleaning_gives_rows_by_time_and_arrival_whatever_the_order(shop):
    shop.append_events(mixed(Random(2)))
    kept, _ = clean(shop.warehouse)
    keys = list(zip(*(kept[k].to_pylist() for k in ("occurred_us", "seq", "line")), strict=True))
    assert keys == sorted(keys)


def test_a_cancellation_after_the_moment_is_not_known_yet(shop):
    shop.append_events(FALLS["cancelled"])
    assert clean(shop.warehouse, as_of_us=us(1.5))[0].num_rows == 1
    assert clean(shop.warehouse, as_of_us=us(2.5))[0].num_rows == 0


def test_an_unknown_rule_is_named(shop):
    with pytest.raises(BadInput, match="no cleaning rule 'nope'"):
        clean(shop.warehouse, skip=["nope"])


# --- labels


def found(table):
    return [(r["subject"], r["item_id"], r["value"], r["label_us"]) for r in table.to_pylist()]


def test_a_purchase_after_an_impression_is_positive_from_then_on(shop):
    seen = [Line(item_id="a", position=0), Line(item_id="b", position=1)]
    shop.append_events(
        [
            event(
                1, "impression", 1, placement="home", lines=seen, decision_id="d", customer_id="c"
            ),
            purchase(2, 3, ["a"], "c"),
            purchase(3, 3, ["b"], "somebody else"),
        ]
    )
    make = labels.bought_after_impression
    assert found(make(shop.warehouse, as_of_us=us(2))) == []
    assert found(make(shop.warehouse, as_of_us=us(4))) == [("d", "a", 1, us(3))]
    assert found(make(shop.warehouse, as_of_us=us(8))) == [
        ("d", "a", 1, us(3)),
        ("d", "b", 0, us(8)),
    ]


def test_returned_and_bought_again_close_after_their_window(shop):
    shop.append_events(
        [
            purchase(1, 1, ["a"], "c"),
            purchase(2, 20, ["a"], "c"),
            event(3, "refund", 5, order_id="o-1", currency="EUR"),
        ]
    )
    assert found(labels.returned(shop.warehouse)) == [
        ("o-1", None, 1, us(5)),
        ("o-2", None, 0, us(50)),
    ]
    assert found(labels.bought_again(shop.warehouse)) == [
        ("o-1", None, 1, us(20)),
        ("o-2", None, 0, us(50)),
    ]


def test_a_decision_is_good_when_its_outcome_is_a_purchase(shop):
    shop.append_events(
        [
            event("d", "decision", 1, decision_id="d"),
            event("e", "decision", 1, decision_id="e"),
            purchase(2, 2, ["a"], "c", decision_id="d"),
        ]
    )
    assert found(labels.bought_after_decision(shop.warehouse)) == [
        ("d", None, 1, us(2)),
        ("e", None, 0, us(8)),
    ]


@pytest.mark.parametrize("name", labels.MAKERS)
def test_labels_as_of_a_moment_are_those_known_by_then(shop, name):
    """No look ahead: asking early gives exactly the later labels with label_us up to then."""
    shop.append_events(mixed(Random(3)))
    make, moment = labels.MAKERS[name], us(40)
    early = found(make(shop.warehouse, as_of_us=moment))
    late = found(make(shop.warehouse, as_of_us=us(80)))
    assert early == [row for row in late if row[3] <= moment]


def test_judged_labels_carry_their_source(shop):
    shop.append_events([event(1, "label", 3, label="fraud", order_id="o", source="import")])
    (row,) = labels.judged(shop.warehouse).to_pylist()
    assert (row["subject"], row["label"], row["source"]) == ("o", "fraud", "import")


def test_a_window_of_no_days_is_refused(shop):
    with pytest.raises(BadInput, match="days must be 1 or more, but is 0"):
        labels.returned(shop.warehouse, days=0)


def test_the_pipeline_report_shows_every_stage(shop):
    shop.append_events(mixed(Random(4)))
    stages = pipeline_report(shop.warehouse)
    assert {s["group"] for s in stages} == {"events", "tables", "clean", "label"}
    assert stages[0]["rows_out"] == 300
    assert [s["name"] for s in stages if s["group"] == "clean"] == list(RULES)


# --- augmentation

sequences = st.lists(st.integers(0, 50), max_size=40).map(lambda v: np.array(v, np.int32))
shares = st.floats(0.01, 1)
seeds = st.integers(0, 2**32 - 1)


@given(items=sequences, share=shares, seed=seeds)
def test_a_crop_is_a_run_of_the_sequence(items, share, seed):
    part = crop(items, np.random.default_rng(seed), share=share).tolist()
    whole = items.tolist()
    assert any(whole[n : n + len(part)] == part for n in range(len(whole) + 1))
    assert len(part) == (max(1, int(share * len(whole))) if whole else 0)


@given(items=sequences, share=shares, seed=seeds)
def test_a_mask_hides_its_share_and_moves_nothing(items, share, seed):
    hidden = mask(items, np.random.default_rng(seed), share=share)
    assert int((hidden == MASK).sum()) == int(share * items.size)
    assert ((hidden == MASK) | (hidden == items)).all()


@given(items=sequences, share=shares, seed=seeds)
def test_reordering_keeps_the_items_and_moves_one_run(items, share, seed):
    moved = reorder(items, np.random.default_rng(seed), share=share)
    assert sorted(moved.tolist()) == sorted(items.tolist())
    places = np.flatnonzero(moved != items)
    assert places.size == 0 or places[-1] - places[0] < int(share * items.size)


@given(items=sequences, seed=seeds, share=shares)
def test_the_same_generator_state_gives_the_same_and_the_input_stays(items, seed, share):
    before = items.copy()
    for change in (crop, mask, reorder):
        one = change(items, np.random.default_rng(seed), share=share)
        two = change(items, np.random.default_rng(seed), share=share)
        assert one.tolist() == two.tolist()
    assert items.tolist() == before.tolist()


@pytest.mark.parametrize("share", [0, -1, 1.5, float("nan")])
def test_a_share_outside_its_range_is_named(share):
    with pytest.raises(BadInput, match="share must be above 0 and at most 1"):
        mask(np.arange(3), np.random.default_rng(1), share=share)


def test_a_table_is_no_sequence():
    with pytest.raises(BadInput, match="one dimension"):
        crop(np.zeros((2, 2)), np.random.default_rng(1))
