"""The operators' inbox and knowledge as pages: drafts, tools with a look before, canned answers."""

from __future__ import annotations

import re

import pytest
from shopfront import Front, token

from shopkeeper.operate import canned, conversations


@pytest.fixture
def desk(tmp_path):
    front = Front(tmp_path / "shop")
    yield Desk(front)
    front.close()


class Desk:
    """A console with a conversation that an operator has taken."""

    def __init__(self, front: Front) -> None:
        self.front, self.browser = front, front.signed_in()
        sql = "SELECT customer_id, order_id FROM orders WHERE status = 'placed' LIMIT 1"
        self.row = front.shop.warehouse.sql(sql).to_pylist()[0]
        session = conversations.open_session(front.shop, customer_id=self.row["customer_id"])
        self.session, self.name = session, session["conversation_id"]
        self.say(f"订单 {self.row['order_id']} 到哪了？")
        self.say("转人工")
        self.post("support/do", conversation_id=self.name, doing="taken")

    def say(self, text: str) -> None:
        facts = {"conversation_id": self.name, "customer_id": self.row["customer_id"]}
        conversations.take_turn(self.front.runtime, facts, {"text": text})

    def get(self, path: str = "") -> str:
        found = self.browser.get(f"/console/support/{path or self.name}")
        assert found.status_code == 200, found.text
        return found.text

    def post(self, path: str, **data: str) -> None:
        data["csrf"] = token(self.browser.get("/console/support").text)
        found = self.browser.post(f"/console/{path}", data=data)
        assert found.status_code == 303, found.text


def test_a_draft_names_its_source_in_the_language_of_the_customer(desk):
    page = desk.get()
    assert f"order:{desk.row['order_id']}" in page
    draft = page.split("Drafts with sources")[1].split("</form>")[0]
    assert re.search(r"[一-鿿]", draft)


def test_looking_at_a_tool_changes_nothing_and_the_button_does_it_once(desk):
    shop, order = desk.front.shop, desk.row["order_id"]
    before = shop.store.last_seq()
    page = desk.get(f"{desk.name}?tool=return&order={order}")
    assert shop.store.last_seq() == before
    confirm = re.search(r'name="confirm" value="([^"]+)"', page)[1]
    for _ in range(2):
        desk.post("support/carry-out", conversation_id=desk.name, confirm=confirm)
    sql = "SELECT operator FROM actions WHERE label = 'return_requested' AND order_id = ?"
    assert shop.warehouse.sql(sql, [order]).to_pylist() == [{"operator": "li"}]


def test_another_order_has_no_button(desk):
    sql = "SELECT order_id FROM orders WHERE customer_id <> ? LIMIT 1"
    other = desk.front.shop.warehouse.sql(sql, [desk.row["customer_id"]]).to_pylist()[0]
    page = desk.get(f"{desk.name}?tool=return&order={other['order_id']}")
    assert 'name="confirm"' not in page


def test_canned_answers_are_the_shops_own_per_language(desk):
    assert "感谢您的等待" in desk.get()  # the customer wrote Chinese, the operator reads English
    desk.post("support/canned", language="zh", texts="马上为您处理。\r\n\r\n请稍等。")
    desk.post("support/canned", language="en", texts="One moment.")
    page = desk.get()
    assert "马上为您处理。" in page
    assert "感谢您的等待" not in page
    assert "One moment." not in page
    assert canned.texts(desk.front.shop.warehouse, "zh") == ["马上为您处理。", "请稍等。"]
    assert "请稍等。" in desk.get("knowledge")


def test_without_a_runtime_the_inbox_still_shows_the_talk(desk):
    found = desk.front.alone().get(f"/console/support/{desk.name}")
    assert found.status_code == 200
    assert "转人工" in found.text
