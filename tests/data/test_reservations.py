"""Units are set aside at most once: by threads, by processes, through shipments and expiry."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from shopkeeper.data.reservations import FOREVER_US, Ended, Hold, Reservations

CELL = ("north", "mug")


def hold(order: str, quantity: float = 1.0, *, expires_us: int = FOREVER_US, item: str = "mug"):
    return Hold(
        order_id=order,
        location_id="north",
        item_id=item,
        quantity=quantity,
        decision_id=f"dec-{order}",
        made_us=0,
        expires_us=expires_us,
    )


@pytest.fixture
def kept(tmp_path: Path):
    made = Reservations(tmp_path / "reservations.sqlite3")
    yield made
    made.close()


def take(kept: Reservations, one: Hold, on_hand: float, *, seq: int = 1, now_us: int = 1) -> bool:
    return kept.take([one], {(one.location_id, one.item_id): on_hand}, seq=seq, now_us=now_us)


def test_the_last_unit_is_taken_once(kept):
    assert take(kept, hold("a"), 1.0)
    assert not take(kept, hold("b"), 1.0)
    assert kept.held(["mug"], seq=1, now_us=1) == {CELL: 1.0}


def test_a_checkout_sent_again_holds_its_units_once(kept):
    assert take(kept, hold("a", 2.0), 2.0)
    assert take(kept, hold("a", 2.0), 2.0)
    assert kept.held(["mug"], seq=1, now_us=1) == {CELL: 2.0}


def test_what_is_refused_changes_nothing(kept):
    assert take(kept, hold("a", 1.0), 3.0)
    assert not kept.take(
        [hold("a", 1.0), hold("a", 9.0, item="cup")],
        {CELL: 3.0, ("north", "cup"): 1.0},
        seq=1,
        now_us=1,
    )
    assert kept.held(None, seq=1, now_us=1) == {CELL: 1.0}


def test_a_hold_ends_with_its_time_unless_the_order_came(kept):
    assert take(kept, hold("a", expires_us=10), 1.0, now_us=1)
    assert take(kept, hold("b", expires_us=30), 1.0, now_us=11)
    kept.settle([Ended(order_id="b", why="bought", seq=2)])
    assert not take(kept, hold("c"), 1.0, now_us=31)


def test_a_reader_who_has_not_seen_the_shipment_still_counts_the_hold(kept):
    """Stock as of seq 5 still holds the unit that left with event 7: it must not be free."""
    assert take(kept, hold("a"), 1.0, seq=5)
    kept.settle(
        [Ended(order_id="a", why="shipped", seq=7, location_id="north", units={"mug": 1.0})]
    )
    assert not take(kept, hold("b"), 1.0, seq=5)
    assert not take(kept, hold("b"), 0.0, seq=7)
    assert take(kept, hold("b"), 1.0, seq=8)


def test_a_part_that_left_leaves_the_rest_held(kept):
    assert take(kept, hold("a", 5.0), 5.0)
    kept.settle(
        [Ended(order_id="a", why="shipped", seq=7, location_id="north", units={"mug": 2.0})]
    )
    assert kept.held(["mug"], seq=7, now_us=1) == {CELL: 3.0}
    assert kept.held(["mug"], seq=6, now_us=1) == {CELL: 5.0}


def test_a_cancelled_order_frees_all_it_held(kept):
    assert take(kept, hold("a", 5.0), 5.0)
    kept.settle([Ended(order_id="a", why="cancelled", seq=2)])
    assert kept.held(None, seq=2, now_us=1) == {}
    assert kept.live_orders() == set()


def _grab(path: str, name: str, wins: object) -> None:
    kept = Reservations(Path(path))
    for number in range(10):
        if take(kept, hold(f"{name}-{number}"), 25.0):
            wins.put(name)  # type: ignore[attr-defined]
    kept.close()


def test_processes_never_take_more_than_there_is(tmp_path: Path):
    path = tmp_path / "reservations.sqlite3"
    Reservations(path).close()
    context = multiprocessing.get_context("spawn")
    wins = context.Queue()
    some = [context.Process(target=_grab, args=(str(path), f"p{n}", wins)) for n in range(4)]
    for process in some:
        process.start()
    for process in some:
        process.join(60)
        assert process.exitcode == 0
    kept = Reservations(path)
    assert kept.held(["mug"], seq=1, now_us=1) == {CELL: 25.0}
    assert sum(1 for _ in range(25) if wins.get(timeout=5)) == 25
    assert wins.empty()
    kept.close()
