"""Before buying: what lies unused elsewhere is moved, held there and on order here."""

from __future__ import annotations

import pytest

from shopkeeper.base.errors import BadInput, Conflict, NotFound
from shopkeeper.data import transfer_reads
from shopkeeper.operate import stock_transfers, supplier_cards, transfer_desk
from shopkeeper.supply.rebuild import rebuild

CHEAP = {"parcel_minor": 100, "km_minor": 0, "unit_minor": 5, "days": 1}


def sell(depot, place: str, item: str, *, days: int = 28) -> None:
    """Sell one a day over the counter of a place."""
    for number in range(days):
        depot.tell(
            "purchase",
            hours_ago=24.0 * number + 25,
            order_id=f"{place}-{item}-{number}",
            location_id=place,
            lines=[{"item_id": item, "quantity": 1.0, "price_minor": 9000}],
            currency="USD",
        )


@pytest.fixture
def two(depot):
    """A hundred mugs lie in the north, where nobody buys; the south sells one a day, has four."""
    depot.rule("transfer", **CHEAP)
    depot.tell("item", hours_ago=900, item_id="mug", title="Mug", price_minor=9000, currency="USD")
    depot.stock(north={"mug": 100}, south={"mug": 4})
    sell(depot, "south", "mug")
    return depot


def told(depot) -> list[dict]:
    return stock_transfers.plain(stock_transfers.propose(depot.shop))["transfers"]


def test_two_weeks_of_demand_are_moved_from_where_nobody_buys(two):
    [way] = told(two)
    assert (way["from_id"], way["to_id"]) == ("north", "south")
    [mug] = way["items"]
    # 14 days at 1 a day, 4 are there.
    assert mug["units"] == way["units"] == 10
    assert way["cost_minor"] == 100 + 10 * 5
    assert mug["title"] == "Mug"


def test_what_costs_more_than_it_saves_stays(two):
    two.rule("transfer", **{**CHEAP, "parcel_minor": 1_000_000})
    assert told(two) == []


def test_a_place_keeps_what_it_sells_itself(two):
    sell(two, "north", "mug", days=27)
    # 100 less 42 days at almost 1 a day may go, and still the south gets its ten.
    [way] = told(two)
    assert way["units"] == 10
    two.tell("stock_level", hours_ago=0, location_id="north", item_id="mug", quantity=41.0)
    # 41 days of stock: only a crumb is beyond six weeks.
    assert sum(way["units"] for way in told(two)) <= 1


def test_an_accepted_transfer_is_held_then_leaves_then_arrives(two):
    name = transfer_desk.accept(two.shop, "north", "south", "li")
    held = two.shop.reservations.held(["mug"], seq=10**9, now_us=0)
    assert held == {("north", "mug"): 10.0}
    two.shop.warehouse.refresh()
    state = rebuild(two.shop.warehouse)
    [coming] = state.purchases.of("mug")
    assert (coming.location_id, coming.units) == ("south", 10.0)
    assert told(two) == []
    with pytest.raises(Conflict, match="Nothing is to be moved"):
        transfer_desk.accept(two.shop, "north", "south", "li")
    # Our own warehouse is no supplier to be judged.
    assert supplier_cards.cards(two.shop) == []
    transfer_desk.mark(two.shop, name, "left", "li")
    with pytest.raises(Conflict, match="has left already"):
        transfer_desk.mark(two.shop, name, "left", "li")
    transfer_desk.mark(two.shop, name, "arrived", "li")
    two.shop.warehouse.refresh()
    shelves = rebuild(two.shop.warehouse).on_hand(["mug"])
    assert shelves == {("north", "mug"): 90.0, ("south", "mug"): 14.0}
    [row] = transfer_reads.made(two.shop.warehouse)
    assert (row["from_id"], row["received"]) == ("north", 10.0)
    with pytest.raises(Conflict, match="has arrived already"):
        transfer_desk.mark(two.shop, name, "arrived", "li")
    decision = two.shop.warehouse.sql("SELECT value FROM decisions WHERE model = 'transfers-milp'")
    assert decision.num_rows == 1


def test_what_planning_would_buy_is_bought_less(two, monkeypatch):
    proposal = {
        "decision_id": "inv-1",
        "item_id": "mug",
        "location_id": "south",
        "quantity": 12.0,
        "unit_cost_minor": 4000,
    }
    done = []
    monkeypatch.setattr(stock_transfers.proposed, "listed", lambda *a, **k: [proposal])
    monkeypatch.setattr(
        transfer_desk.states,
        "act",
        lambda shop, label, ids, **facts: done.append((label, ids, facts.get("quantity"))),
    )
    [way] = told(two)
    assert way["items"][0]["instead_of"] == "inv-1"
    assert way["units"] == 12
    transfer_desk.accept(two.shop, "north", "south", "li")
    assert done == [("reject", ["inv-1"], None)]


def test_units_sold_meanwhile_are_not_moved(two, monkeypatch):
    monkeypatch.setattr(transfer_desk.reserve, "take", lambda *given: False)
    with pytest.raises(Conflict, match="sold meanwhile"):
        transfer_desk.accept(two.shop, "north", "south", "li")
    assert transfer_reads.made(two.shop.warehouse) == []


def test_unknown_transfers_and_states_are_named(two):
    with pytest.raises(NotFound):
        transfer_desk.mark(two.shop, "tr-none", "left", "li")
    with pytest.raises(BadInput) as refused:
        transfer_desk.mark(two.shop, "tr-none", "eaten", "li")
    assert refused.value.field == "status"


def test_one_place_has_nobody_to_move_to(depot):
    depot.stock(north={"mug": 9})
    assert stock_transfers.plain(stock_transfers.propose(depot.shop))["status"] == "one_place"
