"""The published layout of tasks: its tools, its scripted customer, the judge; the real tasks."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.simulate.support_customer import compile_script
from shopkeeper.support import evaluate_tasks
from shopkeeper.support.retail import replay
from shopkeeper.support.retail_tools import Refused, cancel

DATA = Path(__file__).parents[3] / "shared" / "data" / "tau2_retail"


ADDRESS = {
    "address1": "1 Elm St",
    "address2": "",
    "city": "Reno",
    "state": "NV",
    "country": "USA",
    "zip": "89501",
}


def shop() -> dict:
    red = {"item_id": "1000000001", "options": {"color": "red"}, "available": True, "price": 10.5}
    blue = {"item_id": "1000000002", "options": {"color": "blue"}, "available": True, "price": 12.0}
    card = {"source": "gift_card", "id": "gift_card_1", "balance": 5.0}
    ann = {
        "user_id": "ann_lee_1",
        "name": {"first_name": "Ann", "last_name": "Lee"},
        "address": dict(ADDRESS),
        "email": "ann@example.com",
        "payment_methods": {"gift_card_1": card},
        "orders": ["#W1000001"],
    }
    line = {"name": "Tea Pot", "product_id": "p1", "item_id": "1000000001", "price": 10.5}
    paid = {"transaction_type": "payment", "amount": 10.5, "payment_method_id": "gift_card_1"}
    order = {
        "order_id": "#W1000001",
        "user_id": "ann_lee_1",
        "address": dict(ADDRESS),
        "items": [line | {"options": {"color": "red"}}],
        "status": "pending",
        "fulfillments": [],
        "payment_history": [paid],
    }
    pot = {
        "name": "Tea Pot",
        "product_id": "p1",
        "variants": {"1000000001": red, "1000000002": blue},
    }
    return {"products": {"p1": pot}, "users": {"ann_lee_1": ann}, "orders": {"#W1000001": order}}


def task(reason: str, actions: list, told: list | None = None) -> dict:
    instructions = {
        "reason_for_call": reason,
        "known_info": "You are Ann Lee in zip code 89501.",
        "task_instructions": ".",
    }
    return {
        "id": "t",
        "user_scenario": {"instructions": instructions},
        "evaluation_criteria": {"actions": actions, "communicate_info": told or []},
    }


CHANGE = {
    "name": "modify_pending_order_items",
    "arguments": {
        "order_id": "#W1000001",
        "item_ids": ["1000000001"],
        "new_item_ids": ["1000000002"],
        "payment_method_id": "gift_card_1",
    },
}


def test_a_task_passes_when_the_database_and_what_was_told_are_right():
    wanted = task("You want to change your tea pot to a blue one.", [CHANGE], ["1.50"])
    played = evaluate_tasks.play(shop(), wanted, [1])
    assert played.passed
    assert played.violations == []


def test_a_task_fails_when_nothing_was_done_or_something_else_was():
    wanted = task("You want to cancel your order.", [CHANGE])
    assert not evaluate_tasks.play(shop(), wanted, [1]).database


def test_cancelling_pays_a_gift_card_back_at_once():
    """5.00 on the card and 10.50 for the order: 15.50."""
    db = copy.deepcopy(shop())
    cancel(db, "#W1000001", "no longer needed")
    assert db["users"]["ann_lee_1"]["payment_methods"]["gift_card_1"]["balance"] == 15.5
    with pytest.raises(Refused):
        cancel(db, "#W1000001", "no longer needed")


def test_a_replay_leaves_the_database_alone():
    db = shop()
    assert replay(db, [CHANGE])["orders"]["#W1000001"]["status"] == "pending (item modified)"
    assert db == shop()


def test_the_customer_says_only_what_the_scenario_says():
    script = compile_script(
        {
            "reason_for_call": "You want to return the lamp. If that is not possible, you want to "
            "cancel it.",
            "known_info": "You are Ann Lee in zip code 89501.",
            "task_instructions": "You are shy.",
        }
    )
    assert script.opening == ["I want to return the lamp."]
    assert script.on_denied == ["I want to cancel it."]
    assert script.identity == ["I am Ann Lee in zip code 89501."]


def test_a_folder_without_tasks_says_what_is_missing(tmp_path):
    with pytest.raises(BadInput, match=r"db\.json cannot be read"):
        evaluate_tasks.evaluate(tmp_path)
    (tmp_path / "db.json").write_text(json.dumps(shop()))
    with pytest.raises(BadInput, match="has no tasks"):
        evaluate_tasks.evaluate(tmp_path)


@pytest.mark.benchmark
@pytest.mark.skipif(not DATA.exists(), reason="the shared tasks are not here")
def test_the_shared_tasks_reach_the_goal_without_a_violation():
    report = evaluate_tasks.evaluate(DATA)["models"]["assistant"]["metrics"]
    assert report["policy_violations"] == 0
    assert report["pass_1"] >= 0.60
    assert report["pass_4"] == report["pass_1"]
