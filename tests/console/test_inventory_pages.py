"""The planner's pages: bulk deeds, stale ones named, changed quantities, what-ifs, addresses."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from shopfront import Front, token

from shopkeeper.console import speech
from shopkeeper.data import proposals
from shopkeeper.inventory.telling import REASONS

sys.path.insert(0, str(Path(__file__).parents[1] / "operate"))
from planned_shop import planned

PAGES = ("", "/plan", "/accuracy", "/products/pan")


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    front = Front(tmp_path_factory.mktemp("stock") / "shop", filled=False)
    planned(front.shop)
    yield front
    front.close()


def of_item(front: Front, item: str) -> dict:
    return proposals.listed(front.shop.warehouse, states=(), item=item)[0]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_stands_whole_in_both_languages(stock: Front, page: str, language: str):
    answer = stock.signed_in(**{"accept-language": language}).get(f"/console/inventory{page}")
    assert answer.status_code == 200
    assert 'class="fault"' not in answer.text


@pytest.mark.parametrize("page", ["", "/plan", "/accuracy"])
def test_an_empty_shop_says_what_to_do(empty_front: Front, page: str):
    answer = empty_front.signed_in().get(f"/console/inventory{page}")
    assert answer.status_code == 200
    assert "shopkeeper plan inventory" in answer.text


def test_ticked_proposals_are_approved_once_and_a_second_time_refused_by_name(stock: Front):
    browser = stock.signed_in()
    names = [of_item(stock, item)["decision_id"] for item in ("mug", "cup")]
    csrf = token(browser.get("/console/inventory").text)
    form = {"csrf": csrf, "deed": "approve", "proposal": names}
    done = browser.post("/console/inventory/act", data=form)
    assert done.status_code == 303
    assert "2 proposals approved." in browser.get(done.headers["location"]).text
    again = browser.post("/console/inventory/act", data=form)
    assert again.status_code == 409
    assert f"Proposal {names[0]} is approved; approve needs proposed" in again.text
    assert 'id="proposals"' in again.text
    sent = browser.post("/console/inventory/act", data=form | {"deed": "send"})
    assert sent.status_code == 303
    assert {of_item(stock, item)["state"] for item in ("mug", "cup")} == {"sent"}


def test_all_that_fit_a_filter_are_decided_and_no_others(stock: Front):
    browser = stock.signed_in()
    csrf = token(browser.get("/console/inventory").text)
    form = {"csrf": csrf, "deed": "all-reject", "supplier": "best", "reason": "delisted"}
    assert browser.post("/console/inventory/act", data=form).status_code == 303
    lid = of_item(stock, "lid")
    assert (lid["state"], lid["operator"], lid["reason"]) == ("rejected", "li", "delisted")
    assert of_item(stock, "pan")["state"] == "proposed"


@pytest.mark.parametrize(
    ("quantity", "why", "said"),
    [
        ("6", "w", "sells pan from 12 units on, but quantity is 6"),
        ("15", "w", "in packs of 6, but quantity is 15"),
        ("-3", "w", "quantity must be above 0, but is -3"),
        ("nan", "w", "quantity must be above 0"),
        ("<b>", "w", "quantity must be above 0, but is &#39;&lt;b&gt;&#39;"),
        ("24", "", "A changed quantity needs a reason."),
    ],
)
def test_a_quantity_that_cannot_be_bought_is_named_on_the_page(stock: Front, quantity, why, said):
    browser = stock.signed_in()
    before = of_item(stock, "pan")
    form = {"csrf": token(browser.get("/console/inventory").text), "quantity": quantity, "why": why}
    page = browser.post(
        "/console/inventory/quantity", data=form | {"proposal": before["decision_id"]}
    )
    assert page.status_code == 400
    assert said in page.text
    assert of_item(stock, "pan")["quantity"] == before["quantity"]


def test_a_changed_quantity_shows_who_and_why_and_goes_into_the_csv(stock: Front):
    browser = stock.signed_in()
    pan = of_item(stock, "pan")
    form = {"csrf": token(browser.get("/console/inventory").text), "why": "a <fair>"}
    form |= {"proposal": pan["decision_id"], "quantity": str(pan["quantity"] + 12)}
    assert browser.post("/console/inventory/quantity", data=form).status_code == 303
    page = browser.get("/console/inventory").text
    assert "changed by li" in page
    assert "a &lt;fair&gt;" in page
    assert "<fair>" not in page
    text = browser.get("/console/inventory/proposals.csv?text=pan").text
    [row] = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert (row["item_id"], row["edited_by"], row["edit_reason"]) == ("pan", "li", "a <fair>")


def test_a_what_if_on_the_plan_moves_its_figures(stock: Front):
    page = stock.signed_in().get("/console/inventory/plan?service_level=99&lead_time_shift_days=9")
    assert page.text.count("data-figure=") == 8
    assert "Difference" in page.text
    wrong = stock.signed_in().get("/console/inventory/plan?service_level=200")
    assert "service_level must be a number from 0.5 to 0.999" in wrong.text


def test_unknown_products_and_filters_are_named(stock: Front):
    browser = stock.signed_in()
    assert browser.get("/console/inventory/products/nope").status_code == 404
    wrong = browser.get("/console/inventory?state=eaten")
    assert wrong.status_code == 400
    assert "state must be one of" in wrong.text
    bad = browser.get("/console/inventory/products/pan?lead_time_days=9999")
    assert "lead_time_days must be a number from 0 to 400" in bad.text
    assert browser.get("/console/inventory/proposals.csv?urgency=never").status_code == 400


def test_forms_need_their_token(stock: Front):
    form = {"deed": "approve", "proposal": [of_item(stock, "pan")["decision_id"]]}
    assert stock.signed_in().post("/console/inventory/act", data=form).status_code == 403


def test_every_reason_and_state_has_words():
    for language in ("en", "zh"):
        words = speech.words(language)
        assert [c for c in REASONS if f"inventory_reason.{c}" not in words] == []
        assert [s for s in proposals.STATES if f"proposal_state.{s}" not in words] == []
