"""The tiny shop keeps its own truth: same seed same events, habits repeat, pairs go together."""

from __future__ import annotations

from collections import Counter, defaultdict

import msgspec
import numpy as np

from shopkeeper.base import clock
from shopkeeper.data.events import KINDS, decoder, encoder
from shopkeeper.simulate.tiny_shop import DEFAULT_END_US, tiny_shop, truth


def test_same_arguments_give_the_same_bytes_and_another_seed_others():
    assert encoder.encode(tiny_shop(3)) == encoder.encode(tiny_shop(3))
    assert encoder.encode(tiny_shop(3)) != encoder.encode(tiny_shop(4))


def test_every_event_is_valid_unique_and_in_order():
    events = tiny_shop()
    assert len({e.event_id for e in events}) == len(events)
    for event in events:
        assert decoder.decode(encoder.encode(event)) == event
        for field in KINDS[event.kind][0]:
            assert getattr(event, field) not in (None, msgspec.UNSET), (event.kind, field)
    times = [e.occurred_at for e in events]
    assert times == sorted(times)
    assert clock.to_us(times[-1]) < DEFAULT_END_US


def test_pairs_are_bought_together_more_than_chance():
    world = truth()
    baskets = [{ln.item_id for ln in e.lines} for e in tiny_shop() if e.kind == "purchase"]
    first, second = (world.item_ids[i] for i in world.pairs[0])
    with_first = [b for b in baskets if first in b]
    share = np.mean([second in b for b in with_first])
    base = np.mean([second in b for b in baskets])
    assert len(with_first) >= 5
    assert share > 2 * base


def test_habit_items_come_back_no_sooner_than_their_interval_mostly():
    world = truth()
    bought = defaultdict(list)
    for event in tiny_shop():
        if event.kind == "purchase":
            for line in event.lines:
                bought[event.customer_id, line.item_id].append(event.occurred_at)
    repeats = Counter()
    for customer, habit in world.habits.items():
        for item in habit:
            days = bought[world.customer_ids[customer], world.item_ids[item]]
            repeats["pairs"] += 1
            repeats["again"] += len(days) > 1
    assert repeats["again"] / repeats["pairs"] > 0.5


def test_hidden_sold_out_and_new_items_are_never_bought():
    world = truth()
    never = {world.item_ids[i] for i in (world.hidden, world.sold_out, world.new)}
    bought = {ln.item_id for e in tiny_shop() if e.kind == "purchase" for ln in e.lines}
    assert bought
    assert not never & bought


def test_all_kinds_a_recommender_reads_occur():
    kinds = {e.kind for e in tiny_shop()}
    assert {"item", "price", "promotion", "stock_level", "impression", "select_item"} <= kinds
    assert {"view_item", "search", "add_to_cart", "purchase", "rating", "page_view"} <= kinds
