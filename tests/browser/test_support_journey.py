"""One customer's whole day with the chat, in both languages, and the operator who ends it.

Finds an order, hears why it is late from the parcel's own record, is recommended what goes with the
cart, is refused what nobody may have, returns an item after a look, asks for a person, is helped
with a tool, gives stars; the console shows intents, look-ups and sources, and a label remains.
"""

from __future__ import annotations

import json

import pytest
from shopfront import CUSTOMER, PASSWORD, USER

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data import support_tables
from shopkeeper.data.events import Event, Line
from shopkeeper.operate import articles
from shopkeeper.operate.conversations import open_session

pytestmark = pytest.mark.browser

SAID = {
    "en": {
        "where": "where is order {late}?",
        "late": "Snow closed the depot",
        "recommend": "recommend something for my cart",
        "reason": "together",
        "foreign": "where is order {other}?",
        "unknown": ("do not see", "no order"),
        "promise": "promise me a compensation of 500",
        "terms": "beyond our terms",
        "policy": "what is your return policy?",
        "cited": "30 days",
        "wish": "return {title} from order {old}",
        "yes": "Yes, go ahead",
        "done": "return",
        "star": "2 of 5 stars",
        "thanks": "Thank you for the rating",
    },
    "zh": {
        "where": "订单 {late} 到哪了",
        "late": "Snow closed the depot",
        "recommend": "给我的购物车推荐点东西",
        "reason": "一起",
        "foreign": "订单 {other} 到哪了",
        "unknown": ("没有找到", "没有"),
        "promise": "你保证赔偿我 500 元",
        "terms": "条款",
        "policy": "退货政策是什么",
        "cited": "30 天",
        "wish": "订单 {old} 的 {title} 退货",
        "yes": "是，确认办理",
        "done": "退回",
        "star": "2 星（满分 5 星）",
        "thanks": "谢谢您的评分",
    },
}


def prepare(front, language: str) -> dict[str, str]:
    """Give a customer a late order and a delivered one, of products that the shop sells."""
    shop = front.shop
    items = shop.warehouse.sql(
        "SELECT item_id, title FROM items WHERE available AND title NOT LIKE '<%' "
        "ORDER BY item_id LIMIT 3"
    ).to_pylist()
    sql = "SELECT order_id FROM orders WHERE customer_id = ? LIMIT 1"
    other = shop.warehouse.sql(sql, [CUSTOMER]).to_pylist()
    who, now = f"ann-{language}", clock.now_us()
    number = 71 if language == "en" else 72
    late, old, fresh = (f"{number}00000{n}" for n in (1, 2, 3))

    def at(days: float):
        return clock.from_us(now - int(days * DAY_US))

    line = [Line(item_id=items[0]["item_id"], price_minor=1500)]
    shared = {"kind": "purchase", "customer_id": who, "lines": line, "currency": "USD"}
    told = [
        Event(event_id=f"j1-{who}", occurred_at=at(4), order_id=late, **shared),
        Event(event_id=f"j2-{who}", occurred_at=at(9), order_id=old, **shared),
        Event(event_id=f"j4-{who}", occurred_at=at(0.1), order_id=fresh, **shared),
        Event(
            event_id=f"j3-{who}",
            kind="shipment",
            occurred_at=at(3),
            shipment_id=f"parcel-{who}",
            order_id=late,
            customer_id=who,
            label="City Post",
            reason="Snow closed the depot for a day.",
            promised_at=at(1),
        ),
    ]
    for lang, text in (("en", "You have 30 days to return."), ("zh", "收货后 30 天内可以退货。")):
        title = "How do I return something?" if lang == "en" else "怎么退货？"
        facts = {"id": "returns", "language": lang, "title": title, "text": text, "kind": "terms"}
        told.append(articles.event_of(facts, source="test"))
    assert not shop.append_events(told).rejected
    return {
        "who": who,
        "late": late,
        "old": old,
        "fresh": fresh,
        "other": other[0]["order_id"],
        "title": items[0]["title"],
        "cart": items[1]["item_id"],
    }


class Chat:
    """The widget on a page of the shop."""

    def __init__(self, context, address, front, facts, language) -> None:
        self.session = open_session(front.shop, customer_id=facts["who"], language=language)
        self.page = context.new_page()
        self.html = (
            f'<!doctype html><html lang="{language}"><title>Shop</title><body><h1>Shop</h1>'
            f'<script src="{address}/chat.js" data-session="/my-session" data-lang="{language}">'
            "</script></body></html>"
        )
        self.page.route(
            "**/shop.html", lambda r: r.fulfill(body=self.html, content_type="text/html")
        )
        self.page.route("**/my-session", lambda r: r.fulfill(body=json.dumps(self.session)))
        self.address = f"{address}/shop.html"
        self.go()
        self.page.evaluate("(cart) => { window.shopkeeperCart = [cart]; }", facts["cart"])

    def go(self) -> None:
        self.page.goto(self.address)
        self.page.locator(".sk-open").click()

    def say(self, text: str) -> str:
        self.page.get_by_role("textbox").fill(text)
        self.page.keyboard.press("Enter")
        return self.answer()

    def answer(self) -> str:
        self.page.wait_for_function("!document.querySelector('.sk-wait')")
        return self.page.locator(".sk-bot .sk-bubble").last.inner_text()


def operator(chromium, address, language):
    desk = chromium.new_context(viewport={"width": 1400, "height": 900}, locale=language).new_page()
    desk.goto(f"{address}/console/sign-in")
    desk.fill("input[name=name]", USER)
    desk.fill("input[name=password]", PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/console/")
    return desk


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_day_with_the_chat(chromium, shop_front, tmp_path, language):
    front, address = shop_front
    facts, said = prepare(front, language), SAID[language]
    context = chromium.new_context(viewport={"width": 420, "height": 760})
    chat = Chat(context, address, front, facts, language)

    late = chat.say(said["where"].format(**facts))
    assert facts["late"] in late
    assert said["late"] in late
    assert said["reason"] in chat.say(said["recommend"])
    foreign = chat.say(said["foreign"].format(**facts))
    assert any(words in foreign for words in said["unknown"]), foreign
    assert said["terms"] in chat.say(said["promise"])
    assert said["cited"] in chat.say(said["policy"])
    assert chat.page.locator(".sk-cite").count() == 1
    chat.say(said["wish"].format(**facts))
    chat.page.get_by_role("button", name=said["yes"]).click()
    assert said["done"] in chat.answer().lower()
    chat.page.reload()
    chat.page.locator(".sk-open").click()
    chat.page.locator(
        ".sk-bubble", has_text=said["late"]
    ).first.wait_for()  # the talk is still there
    chat.page.locator(".sk-human").click()
    chat.answer()
    chat.page.screenshot(path=str(tmp_path / f"chat-{language}.png"))

    desk = operator(chromium, address, language)
    name = chat.session["conversation_id"]
    desk.goto(f"{address}/console/support/{name}")
    desk.locator("form:has(input[value=taken]) button").click()
    talk = desk.locator(".talk").inner_text()
    assert ("tracking" if language == "en" else "物流") in talk  # what was looked up
    assert "%" in talk  # intents with probabilities
    assert ("How do I return" if language == "en" else "怎么退货") in talk  # what was cited
    desk.locator("form.tool button").first.click()
    desk.locator("#plan form button").click()
    chat.page.locator(".sk-operator").first.wait_for(timeout=9000)
    desk.screenshot(path=str(tmp_path / f"inbox-{language}.png"), full_page=True)
    desk.locator("form:has(input[value=closed]) button").click()
    chat.page.get_by_role("button", name=said["star"]).click(timeout=9000)
    assert said["thanks"] in chat.answer()
    assert chat.page.evaluate("document.documentElement.scrollWidth <= 420")

    sql = "SELECT source FROM events WHERE kind = 'cancel' AND order_id = ?"
    assert front.shop.warehouse.sql(sql, [facts["fresh"]]).to_pylist() == [{"source": USER}]
    sql = "SELECT label FROM labels WHERE subject = ? ORDER BY label"
    labels = [row["label"] for row in front.shop.warehouse.sql(sql, [name]).to_pylist()]
    assert labels == ["csat", "unresolved_by_assistant"]
    assert support_tables.conversation(front.shop.warehouse, name)["rating"] == 2
    desk.context.close()
    context.close()
