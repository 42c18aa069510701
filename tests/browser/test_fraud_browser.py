"""The fraud area in a real browser: it draws, obeys its policy, and a case is decided by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "fraud"))
sys.path.insert(0, str(Path(__file__).parent))

from made_shop import CARD
from test_console import Visit
from test_fraud_pages import fill

from shopkeeper.operate.runtime import Runtime

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def case(shop_front) -> str:
    return fill(shop_front[0].shop)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"locale": "zh-CN", "color_scheme": "dark"},
        {"viewport": {"width": 400, "height": 800}},
    ],
    ids=["en", "zh-dark", "small"],
)
def test_every_page_draws_without_a_fault_and_fits(chromium, shop_front, case, options):
    visit = Visit(chromium, shop_front[1], **options).sign_in()
    pages = {
        "fraud": 0,
        f"fraud/cases/{case}": 1,
        "fraud/rules": 0,
        "fraud/lists": 0,
        "fraud/alerts": 0,
        "fraud/performance": 1,
    }
    for page, charts in pages.items():
        visit.open(page)
        assert visit.tab.locator("[data-drawn=yes]").count() == charts, page
        assert visit.tab.locator(".fault").count() == 0, page
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not visit.tab.evaluate(wide), page
    assert visit.faults == []
    visit.context.close()


def test_a_rule_is_back_tested_and_a_case_decided_by_hand(chromium, shop_front, case):
    visit = Visit(chromium, shop_front[1]).sign_in()
    tab = visit.tab
    visit.open("fraud/rules")
    tab.fill("textarea[name=expression]", "amount_minor >= 3003")
    tab.click("#test")
    tab.wait_for_selector("#told [data-drawn=yes]")
    visit.open("fraud")
    tab.click("text=p9")
    tab.select_option("select[name=code]", "verified")
    tab.click("#decide button.main")
    tab.wait_for_selector(".notice")
    assert "1 case decided" in tab.inner_text(".notice")
    assert visit.faults == []
    visit.context.close()


def test_an_analyst_works_the_queue_by_keyboard(chromium, shop_front, case):
    runtime = Runtime(shop_front[0].shop, capabilities=[CARD]).start()
    for number in range(3):
        asked = {"payment_id": f"key{number}", "amount_minor": 150_000, "currency": "EUR"}
        assert runtime.decide("fraud", asked).value["outcome"] == "review"
    runtime.close()
    visit = Visit(chromium, shop_front[1]).sign_in()
    tab = visit.tab
    tab.wait_for_timeout(1500)  # decisions reach the tables within a second
    visit.open("fraud")
    first, second = (
        tab.locator("#queue tbody tr td:first-child a").nth(n).inner_text() for n in (0, 1)
    )
    tab.keyboard.press("j")
    tab.keyboard.press("j")
    tab.keyboard.press("k")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#decide")
    assert first in tab.inner_text("h1")
    tab.keyboard.press("n")
    tab.keyboard.type("rang her, 12 j")  # typed into the note, and no key of the page
    tab.keyboard.press("Escape")
    tab.keyboard.press("5")
    assert tab.input_value("input[name=note]") == "rang her, 12 j"
    assert tab.evaluate("document.querySelector('select[name=code]').selectedIndex") == 4
    tab.keyboard.press("Enter")
    tab.wait_for_selector(".notice")
    assert "1 case decided" in tab.inner_text(".notice")
    assert second in tab.inner_text("h1")  # the next case of the queue
    tab.keyboard.press("l")
    tab.wait_for_load_state("networkidle")
    tab.keyboard.press("u")
    tab.wait_for_selector("#queue")
    assert first not in tab.inner_text("#queue")
    assert visit.faults == []
    visit.context.close()
