"""The merchandiser's page: rules listed and saved, a preview, and what is wrong said in place."""

from __future__ import annotations

from shopfront import ITEM, token

RULE = {
    "rule_id": "top-item",
    "action": "pin",
    "amount": "1",
    "item_ids": ITEM,
    "status": "draft",
    "placements": ["home"],
    "note": "for the season",
}


def post(browser, where: str, **change: object):
    csrf = token(browser.get("/console/merchandising").text)
    data = {**RULE, "csrf": csrf, **change}
    return browser.post(f"/console/merchandising/{where}", data=data)


def test_a_rule_is_saved_listed_and_opened_again(front):
    browser = front.signed_in()
    answer = post(browser, "save")
    assert answer.status_code == 200
    assert "Rule top-item is saved" in answer.text
    opened = browser.get("/console/merchandising?rule=top-item").text
    assert 'value="top-item"' in opened
    assert "for the season" in opened
    assert f'value="{ITEM}"' in opened


def test_the_preview_shows_who_comes_in_without_a_record(front):
    browser = front.signed_in()
    before = front.runtime.counts["decisions"]
    answer = post(browser, "preview", item_ids="item-007")
    assert answer.status_code == 200
    assert "It would change" in answer.text
    assert "item-007" in answer.text
    assert front.runtime.counts["decisions"] == before


def test_what_is_wrong_is_said_and_nothing_is_saved(front):
    browser = front.signed_in()
    answer = post(browser, "save", rule_id="bad-one", action="boost", amount="0.2")
    assert "factor must be a number from 1 to 100 on boost" in answer.text
    assert "bad-one" not in browser.get("/console/merchandising").text
    assert "amount must be a number" in post(browser, "preview", amount="much").text


def test_an_empty_shop_says_that_there_is_nothing_yet(empty_front):
    page = empty_front.signed_in().get("/console/merchandising").text
    assert "No rule yet" in page
    assert "No recommendation is on the record yet" in page


def test_the_page_speaks_chinese(front):
    page = front.signed_in(**{"accept-language": "zh"}).get("/console/merchandising").text
    assert "陈列" in page
    assert "保留份额" in page
