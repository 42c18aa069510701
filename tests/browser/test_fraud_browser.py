"""The fraud area in a real browser: it draws, obeys its policy, and a case is decided by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "fraud"))
sys.path.insert(0, str(Path(__file__).parent))

from test_console import Visit
from test_fraud_pages import fill

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
