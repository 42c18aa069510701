"""The chat on a shop's page and the operators' inbox, together in Chromium."""

from __future__ import annotations

import json

import pytest
from shopfront import PASSWORD, USER

from shopkeeper.operate.conversations import open_session

pytestmark = pytest.mark.browser


def shop_page(context, address, front, language):
    """Open a page of a shop that holds the chat, signed in as a customer with orders."""
    found = front.shop.warehouse.sql(
        "SELECT customer_id, order_id FROM orders WHERE customer_id IS NOT NULL "
        "AND status = 'placed' ORDER BY occurred_us, order_id LIMIT 1 OFFSET ?",
        [int(language == "zh")],
    ).to_pylist()[0]
    session = open_session(front.shop, customer_id=found["customer_id"], language=language)
    page = context.new_page()
    html = (
        f'<!doctype html><html lang="{language}"><title>Shop</title><body><h1>Shop</h1>'
        f'<script src="{address}/chat.js" data-session="/my-session" data-lang="{language}">'
        "</script></body></html>"
    )
    page.route("**/shop.html", lambda r: r.fulfill(body=html, content_type="text/html"))
    page.route("**/my-session", lambda r: r.fulfill(body=json.dumps(session)))
    page.goto(f"{address}/shop.html")
    return page, found["order_id"], session["conversation_id"]


def say(page, text):
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")
    page.wait_for_function("!document.querySelector('.sk-wait')")


@pytest.mark.parametrize(
    ("language", "wish", "yes", "done"),
    [
        ("en", "Return everything from order {order}", "Yes, go ahead", "return"),
        ("zh", "订单 {order} 全部退货", "是，确认办理", "退回"),
    ],
)
def test_a_customer_returns_with_a_click_and_gets_a_person(
    chromium, shop_front, tmp_path, language, wish, yes, done
):
    front, address = shop_front
    context = chromium.new_context(viewport={"width": 400, "height": 700})
    page, order, name = shop_page(context, address, front, language)
    page.locator(".sk-open").click()
    say(page, wish.format(order=order))
    page.get_by_role("button", name=yes).click()
    page.wait_for_function("!document.querySelector('.sk-wait')")
    assert done in page.locator(".sk-bot .sk-bubble").last.inner_text().lower()
    page.screenshot(path=str(tmp_path / f"chat-{language}.png"))
    page.locator(".sk-human").click()
    page.wait_for_function("document.querySelectorAll('.sk-bot').length >= 4")
    assert page.evaluate("document.documentElement.scrollWidth <= 400")
    desk = chromium.new_context(viewport={"width": 1400, "height": 900}, locale=language).new_page()
    desk.goto(f"{address}/console/sign-in")
    desk.fill("input[name=name]", USER)
    desk.fill("input[name=password]", PASSWORD)
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/console/")
    desk.goto(f"{address}/console/support/{name}")
    desk.locator("form:has(input[value=taken]) button").click()
    desk.locator("textarea[name=text]").first.fill("Eve here, hello.")
    desk.locator("form:has(textarea):has(input[value=said]) button").click()
    desk.screenshot(path=str(tmp_path / f"inbox-{language}.png"), full_page=True)
    page.locator(".sk-operator", has_text="Eve here").wait_for(timeout=8000)
    context.close()
    desk.context.close()
