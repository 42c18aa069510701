"""The planner in a real browser: ticks, approves, changes a quantity, asks what if while typing."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_console import Visit

from shopkeeper.data import proposals

sys.path.insert(0, str(Path(__file__).parents[1] / "operate"))

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str]]:
    """A console over a small shop whose week is planned, and its address."""
    import uvicorn
    from planned_shop import planned
    from shopfront import Front

    front = Front(tmp_path_factory.mktemp("stock") / "shop", filled=False)
    planned(front.shop)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(front.app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started and time.monotonic() < end:
        time.sleep(0.05)
    assert server.started
    yield front, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    front.close()


@pytest.fixture
def visit(chromium, stock) -> Iterator[Visit]:
    made = Visit(chromium, stock[1]).sign_in()
    yield made
    made.context.close()
    assert made.faults == []
    assert made.hosts == {stock[1].split("/")[2]}


def figure(visit: Visit, name: str, column: int = 3) -> str:
    return visit.tab.inner_text(f"[data-figure={name}] td:nth-child({column})")


def test_ticking_all_and_approving_changes_their_state(visit: Visit, stock):
    front = stock[0]
    visit.open("inventory?supplier=acme")
    rows = visit.tab.query_selector_all("[data-proposal]")
    assert len(rows) == 3
    visit.tab.check("[data-all]")
    assert all(r.query_selector("input[name=proposal]").is_checked() for r in rows)
    visit.tab.uncheck(f"[data-proposal={rows[0].get_attribute('data-proposal')}] input")
    visit.tab.click("#bulk button[value=approve]")
    visit.tab.wait_for_selector(".notice")
    assert visit.tab.inner_text(".notice") == "2 proposals approved."
    found = proposals.listed(front.shop.warehouse, states=(), supplier="acme")
    assert sorted(one["state"] for one in found) == ["approved", "approved", "proposed"]


def test_a_quantity_is_changed_in_its_row_with_a_reason(visit: Visit, stock):
    visit.open("inventory?text=lid")
    visit.tab.click("[data-proposal] summary")
    visit.tab.fill("[data-proposal] input[name=quantity]", "48")
    visit.tab.fill("[data-proposal] input[name=why]", "a fair")
    visit.tab.click("[data-proposal] form button")
    visit.tab.wait_for_selector(".notice")
    row = visit.tab.inner_text("[data-proposal]")
    assert "48" in row
    assert "changed by li: a fair" in row


def test_a_what_if_answers_while_one_types_and_keeps_the_focus(visit: Visit):
    visit.open("inventory/plan")
    before = figure(visit, "value_minor", 2)
    visit.tab.type("input[name=service_level]", "99")
    visit.tab.wait_for_selector("[data-figure=value_minor] td:nth-child(4)")
    assert figure(visit, "value_minor", 2) == before
    assert figure(visit, "value_minor", 4).startswith("+")
    assert visit.tab.evaluate("document.activeElement.name") == "service_level"
    visit.tab.wait_for_selector("#answer [data-drawn] canvas")
    visit.tab.reload()
    assert visit.tab.input_value("input[name=service_level]") == "99"
    assert figure(visit, "value_minor", 4).startswith("+")


def test_a_product_page_draws_its_four_charts_and_answers_a_longer_lead_time(visit: Visit):
    visit.open("inventory/products/pan")
    visit.tab.wait_for_function(
        "document.querySelectorAll('[data-chart] canvas').length >= 3"
        " && [...document.querySelectorAll('[data-chart]')].every(c => c.querySelector('canvas'))"
    )
    visit.tab.fill("input[name=lead_time_days]", "40")
    visit.tab.wait_for_selector("[data-figure=quantity] td:nth-child(3)")
    now, then = (float(figure(visit, "quantity", n).replace(",", "")) for n in (2, 3))
    assert then > now
    visit.tab.wait_for_selector("#answer [data-drawn] canvas")


@pytest.mark.parametrize("path", ["", "/plan", "/accuracy", "/products/pan"])
def test_a_narrow_screen_never_scrolls_sideways(chromium, stock, path: str):
    visit = Visit(chromium, stock[1], viewport={"width": 400, "height": 800}).sign_in()
    visit.open(f"inventory{path}")
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 400
    visit.context.close()
    assert visit.faults == []
