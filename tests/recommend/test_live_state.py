"""The live state: built from the tables equals built event by event, whatever the order."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.recommend.features import LiveState, features_at
from shopkeeper.recommend.pairs import LivePairs
from shopkeeper.recommend.rebuild import rebuild
from shopkeeper.recommend.schema import Request
from shopkeeper.simulate.tiny_shop import DEFAULT_END_US, tiny_shop

END_US = DEFAULT_END_US
MINUTE_US = 60_000_000


def event(name: str, kind: str, minutes: int, **fields: Any) -> Event:
    at = clock.from_us(END_US - 10 * clock.DAY_US + minutes * MINUTE_US)
    return Event(event_id=name, kind=kind, occurred_at=at, **fields)


def told(state: LiveState, as_of_us: int = END_US) -> dict[str, Any]:
    """Return everything that a state says, by ids, so that row numbers do not matter."""
    ids = state.catalogue.index.ids
    popularity, trend = state.popularity.read(as_of_us), state.trend.read(as_of_us)
    sold = np.zeros(len(ids))
    known = state.catalogue.sold.read(as_of_us)
    sold[: len(known)] = known
    facts: dict[str, Any] = {"items": {}, "histories": {}, "pairs": {}}
    for row, item_id in enumerate(ids):
        columns = {
            name: state.catalogue.column(name)[row].item()
            for name in ("price", "replenishable", "created", "updated", "blocked")
        }
        facts["items"][item_id] = {
            **columns,
            "title": state.catalogue.title(row),
            "text": state.catalogue.text(row),
            "popularity": popularity[row],
            "trend": trend[row],
            "sold": sold[row],
            "cost": np.nan_to_num(state.catalogue.column("cost")[row], nan=-1.0).item(),
        }
        others, weights = state.pairs.row(row)
        facts["pairs"][item_id] = {
            ids[other]: weight for other, weight in zip(others, weights, strict=True)
        }
    for subjects in (state.customers, state.sessions):
        for row, name in enumerate(subjects.index.ids):
            past = subjects.history(row)
            facts["histories"][name] = [
                (ids[item], int(at), int(kind), float(quantity), state.baskets.ids[basket])
                for item, at, kind, quantity, basket in zip(
                    past.item, past.at_us, past.kind, past.quantity, past.basket, strict=True
                )
            ]
    facts["histories"] = {name: past for name, past in facts["histories"].items() if past}
    facts["disliked"] = {k: {ids[r] for r in v} for k, v in state.disliked.items()}
    facts["uncarted"] = {k: {ids[r]: at for r, at in v.items()} for k, v in state.uncarted.items()}
    facts["customer_of"] = {s: c for s, (_, c) in state.customer_of.items()}
    facts["voided"] = state.voided
    facts["attributes"] = {k: dict(v) for k, v in state.attributes.all().items()}
    return facts


def assert_equal(left: Any, right: Any, where: str = "") -> None:
    """Compare nested facts: numbers within 1e-9, all else exactly."""
    if isinstance(left, dict):
        assert left.keys() == right.keys(), (where, left.keys() ^ right.keys())
        for key in left:
            assert_equal(left[key], right[key], f"{where}/{key}")
    elif isinstance(left, float):
        assert left == pytest.approx(right, rel=1e-9, abs=1e-9), where
    else:
        assert left == right, where


def one_by_one(shop: Any, *, after_seq: int = 0, state: LiveState | None = None) -> LiveState:
    """Apply the log's events to a state the way the runtime does."""
    state = state or LiveState()
    for seq, row in shop.store.read(after_seq, 10**6):
        if row.kind == "decision":
            continue
        fact = msgspec.json.decode(row.body)
        state.apply({**fact, "seq": seq, "occurred_us": row.occurred_us})
    return state


def awkward() -> list[Event]:
    """Return what a real shop sends: late, doubled, taken back, renamed, anonymous."""
    line = Line(item_id="item-001", quantity=2.0)
    both = [line, Line(item_id="item-004")]
    anna, home = "customer-001", "s-home"
    return [
        event("late-view", "view_item", -9000, customer_id=anna, item_id="item-007"),
        event("rename", "item", 5, item_id="item-003", title="New name", category="Toys > Blocks"),
        event("old-name", "item", -500, item_id="item-003", title="Old name, late"),
        event("gone", "item_removed", 6, item_id="item-006"),
        event("unknown", "view_item", 7, session_id=home, item_id="never-in-catalogue"),
        event("anon-1", "add_to_cart", 8, session_id=home, item_id="item-008"),
        event("anon-2", "remove_from_cart", 9, session_id=home, item_id="item-008"),
        event("ours", "decision", 9, session_id=home, customer_id="not-her", decision_id="ours"),
        event("sign-in", "page_view", 10, session_id=home, customer_id="customer-777"),
        event("p-1", "purchase", 20, customer_id=anna, order_id="o-1", lines=both, currency="USD"),
        event("p-2", "purchase", 21, customer_id=anna, order_id="o-2", lines=both, currency="USD"),
        event("p-3", "purchase", 22, customer_id=anna, order_id="o-3", lines=both, currency="USD"),
        event("terms", "supplier", 22, supplier_id="s", item_id="item-003", price_minor=700),
        event("old-terms", "supplier", 2, supplier_id="s", item_id="item-003", price_minor=600),
        event("c-1", "cancel", 30, order_id="o-1"),
        event("r-2", "refund", 31, order_id="o-2", lines=[line], currency="USD"),
        event("c-early", "cancel", 32, order_id="o-later"),
        event(
            "p-4", "purchase", 19, customer_id=anna, order_id="o-later", lines=both, currency="USD"
        ),
        event("told-1", "customer", 33, customer_id=anna, properties={"age": "25-34", "kids": 2}),
        event("told-old", "customer", 3, customer_id=anna, properties={"age": "19-24"}),
        event("told-bare", "customer", 34, customer_id="customer-002"),
        event("less", "less_like_this", 33, customer_id=anna, item_id="item-010"),
        event("price-late", "price", -9000, item_id="item-002", price_minor=1, currency="USD"),
        event("stock-a", "stock_level", 40, item_id="item-005", quantity=0.0, location_id="main"),
        event("stock-b", "stock_level", 41, item_id="item-005", quantity=3.0, location_id="b"),
        event("stock-old", "stock_level", 2, item_id="item-005", quantity=9.0, location_id="b"),
    ]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from shopkeeper.base import settings

    home = tmp_path_factory.mktemp("live") / "shop"
    with open_shop(settings.load(home)) as opened:
        receipt = opened.append_events([*tiny_shop(customers=25, days=40), *awkward()])
        assert not receipt.rejected
        opened.warehouse.refresh()
        yield opened


def test_state_from_the_tables_equals_state_event_by_event(shop):
    assert_equal(told(rebuild(shop.warehouse, pairs_since_us=0)), told(one_by_one(shop)))


def test_state_from_the_tables_equals_state_event_by_event_with_young_pairs_only(shop):
    since = END_US - 15 * clock.DAY_US
    batch = rebuild(shop.warehouse, pairs_since_us=since)
    assert_equal(told(batch), told(one_by_one(shop, state=LiveState(pairs_since_us=since))))
    assert 0 < batch.pairs.seen.values.sum() < len(shop.warehouse.table("interactions"))


def test_any_order_of_arrival_gives_the_same_state(settings, tmp_path):
    events = tiny_shop(customers=6, items=14, days=14)
    # Two events of one moment have no order but that of arrival; here every moment is one event.
    events = list({e.occurred_at: e for e in events}.values())
    first, second = LiveState(), LiveState()
    shuffled = events.copy()
    random.Random(3).shuffle(shuffled)
    for state, order in ((first, events), (second, shuffled)):
        for one in order:
            plain = msgspec.to_builtins(one)
            state.apply({**plain, "occurred_us": clock.to_us(one.occurred_at)})
    assert_equal(told(first), told(second))


def test_an_event_that_the_tables_held_already_changes_nothing(shop):
    state = rebuild(shop.warehouse, pairs_since_us=0)
    before = told(state)
    assert_equal(told(one_by_one(shop, state=state)), before)


def test_state_after_a_restart_goes_on_where_the_log_is(shop, tmp_path):
    """Stopped in the middle and gone on from its seq: the same as all at once."""
    middle = shop.store.last_seq() // 2
    half = LiveState()
    for seq, row in shop.store.read(0, middle):
        fact = msgspec.json.decode(row.body)
        half.apply({**fact, "seq": seq, "occurred_us": row.occurred_us})
    whole = one_by_one(shop, after_seq=half.seq, state=half)
    assert_equal(told(whole), told(rebuild(shop.warehouse, pairs_since_us=0)))


def long_history(order: list[int], state: LiveState) -> LiveState:
    """Apply 70 events of one customer, three times the window, in the order given."""
    dice = random.Random(5)
    items = [f"item-{dice.randint(1, 12)}" for _ in range(70)]
    for at in order:
        view = {"kind": "view_item", "item_id": items[at], "customer_id": "x"}
        state.apply({**view, "occurred_us": at + 1})
    return state


@pytest.mark.parametrize("since", [0, 30])
@pytest.mark.parametrize("seed", range(5))
def test_a_history_longer_than_the_window_counts_the_same_in_any_order(seed, since):
    shuffled = list(range(70))
    random.Random(seed).shuffle(shuffled)
    in_order = long_history(list(range(70)), LiveState(pairs_since_us=since))
    assert_equal(told(long_history(shuffled, LiveState(pairs_since_us=since))), told(in_order))
    assert in_order.pairs.seen.values.sum() == (70 if not since else 41)


class LeavesTheRestInPlace(LivePairs):
    """A broken twin: a late entry is counted, but those behind it keep their old pairs."""

    def insert(self, items, at_us, place):
        self.append(items[place], items[:place], place + 1, at_us[place])


def test_the_long_history_catches_a_broken_twin():
    twin = LiveState()
    twin.pairs = LeavesTheRestInPlace(0)
    backwards = list(range(69, -1, -1))
    with pytest.raises(AssertionError):
        assert_equal(
            told(long_history(backwards, twin)), told(long_history(backwards, LiveState()))
        )


class ForgetsLateEvents(LiveState):
    """A broken twin: takes a late event as if it came last."""

    def _remember(self, subjects, name, entry):
        subjects.append(subjects.index.add(name), entry)


class NeverTakesBack(LiveState):
    """A broken twin: a cancelled order stays in every count."""

    def _void(self, event):
        return


@pytest.mark.parametrize("twin", [ForgetsLateEvents, NeverTakesBack])
def test_the_comparison_catches_a_broken_twin(shop, twin):
    with pytest.raises(AssertionError):
        assert_equal(
            told(rebuild(shop.warehouse, pairs_since_us=0)), told(one_by_one(shop, state=twin()))
        )


def test_pair_counts_follow_the_formula():
    """a, b, c: at distance 1 the weight is 1 / log2(2 + m), at distance 2 0.8 / log2(2 + m)."""
    state = LiveState()
    for at, item in enumerate("abc"):
        state.apply(
            {"kind": "view_item", "item_id": item, "customer_id": "x", "occurred_us": at + 1}
        )
    rows = {item: state.catalogue.index.get(item) for item in "abc"}
    cols, weights = state.pairs.row(rows["a"])
    got = dict(zip(cols.tolist(), weights, strict=True))
    assert got[rows["b"]] == pytest.approx(1 / np.log2(4))
    assert got[rows["c"]] == pytest.approx(0.8 / np.log2(5))
    cols, weights = state.pairs.row(rows["c"])
    assert dict(zip(cols.tolist(), weights, strict=True))[rows["b"]] == pytest.approx(
        0.5 / np.log2(5)
    )


def test_popularity_halves_after_the_known_time():
    state = LiveState()
    state.apply({"kind": "rating", "item_id": "a", "customer_id": "x", "occurred_us": 0})
    after = int(45 * np.log(2) * clock.DAY_US)
    assert state.popularity.read(after)[0] == pytest.approx(0.5, abs=1e-9)


def test_popularity_survives_a_century_between_two_events():
    state = LiveState()
    for at_us in (0, 36_525 * clock.DAY_US):
        state.apply({"kind": "rating", "item_id": "a", "customer_id": "x", "occurred_us": at_us})
    read = state.trend.read(36_525 * clock.DAY_US)
    assert np.isfinite(read).all()
    assert read[0] == pytest.approx(1.0)


def test_what_a_session_did_is_known_once_its_customer_is():
    state = LiveState()
    view = {"kind": "view_item", "item_id": "mug", "session_id": "s", "occurred_us": 1}
    state.apply(view)
    request = Request(placement="home", customer_id="anna")
    assert len(features_at(state, request, 10).history.item) == 0
    state.apply({"kind": "page_view", "session_id": "s", "customer_id": "anna", "occurred_us": 2})
    assert features_at(state, request, 10).history.item.tolist() == [0]
    by_session = Request(placement="home", session_id="s")
    assert features_at(state, by_session, 10).history.item.tolist() == [0]


def test_cart_forgets_what_was_bought_or_taken_out():
    state = LiveState()
    at = END_US
    for item in ("mug", "tea", "pot"):
        at += 1
        state.apply({"kind": "add_to_cart", "item_id": item, "customer_id": "x", "occurred_us": at})
    state.apply(
        {"kind": "remove_from_cart", "item_id": "tea", "customer_id": "x", "occurred_us": at + 1}
    )
    bought = {"kind": "purchase", "order_id": "o", "lines": [{"item_id": "pot"}]}
    state.apply({**bought, "customer_id": "x", "occurred_us": at + 2})
    features = features_at(state, Request(placement="cart", customer_id="x"), at + 3)
    names = [features.item_ids[row] for row in features.cart]
    assert names == ["mug"]
    assert features.context.tolist() == features.cart.tolist()
