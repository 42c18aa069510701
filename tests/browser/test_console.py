"""The console in a real browser: it draws, obeys its policy, and follows the shop."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator

import pytest
from shopfront import CUSTOMER, ITEM, PASSWORD, USER

from shopkeeper.base import clock

pytestmark = pytest.mark.browser
PAGES = {
    "": 2,
    "quality": 0,
    "customers": 0,
    f"customers/{CUSTOMER}": 0,
    "products": 0,
    f"products/{ITEM}": 2,
    "models": 3,
    "decisions": 0,
    "find?q=tea": 0,
}


class Visit:
    """One browser tab that keeps what went wrong in it and whom it asked."""

    def __init__(self, chromium, address: str, **options) -> None:
        self.address = address
        self.context = chromium.new_context(**{"locale": "en-US", **options})
        self.tab = self.context.new_page()
        self.faults: list[str] = []
        self.hosts: set[str] = set()
        self.tab.on("console", self._hear)
        self.tab.on("pageerror", lambda error: self.faults.append(str(error)))
        self.tab.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.tab.on("response", self._check)

    def _hear(self, message) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _check(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} {response.url}")

    def open(self, path: str) -> None:
        self.tab.goto(f"{self.address}/console/{path}")
        self.tab.wait_for_load_state("networkidle")

    def sign_in(self) -> Visit:
        self.open("sign-in")
        self.tab.fill("#name", USER)
        self.tab.fill("#password", PASSWORD)
        self.tab.click("button.main")
        self.tab.wait_for_selector("nav.side")
        return self


@pytest.fixture
def visit(chromium, shop_front) -> Iterator[Visit]:
    """A signed-in tab; at the end nothing may have gone wrong and no other host been asked."""
    made = Visit(chromium, shop_front[1]).sign_in()
    yield made
    made.context.close()
    assert made.faults == []
    assert made.hosts == {shop_front[1].split("/")[2]}


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_without_a_fault_and_draws_its_charts(visit: Visit, path: str):
    visit.open(path)
    charts = visit.tab.query_selector_all("[data-chart]")
    assert len(charts) >= PAGES[path]
    if charts:
        visit.tab.wait_for_function(
            "[...document.querySelectorAll('[data-chart]')].every(c => c.querySelector('canvas'))"
        )
    for chart in charts:
        box = chart.query_selector("canvas").bounding_box()
        assert box["width"] > 100
        assert box["height"] > 100


def test_a_chart_is_not_blank_and_its_tooltip_keeps_to_the_policy(visit: Visit):
    visit.open("models")
    chart = visit.tab.wait_for_selector("[data-drawn]")
    visit.tab.wait_for_timeout(400)
    inked = chart.query_selector("canvas").evaluate(
        "c => new Set(new Uint32Array(c.getContext('2d')"
        ".getImageData(0, 0, c.width, c.height).data.buffer)).size"
    )
    assert inked > 20
    chart.hover()
    visit.tab.wait_for_timeout(300)


@pytest.mark.parametrize("path", PAGES)
def test_a_narrow_screen_never_scrolls_sideways(chromium, shop_front, path: str):
    visit = Visit(chromium, shop_front[1], viewport={"width": 400, "height": 800}).sign_in()
    visit.open(path)
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 400
    visit.context.close()


def test_the_language_switch_turns_the_page_and_stays(visit: Visit):
    visit.open("models")
    visit.tab.click("button[name=language]")
    visit.tab.wait_for_selector("html[lang=zh-Hans]")
    assert visit.tab.inner_text("h1") == "模型"
    visit.open("customers")
    assert visit.tab.inner_text("h1") == "顾客"


def test_times_stand_in_the_browsers_zone_with_utc_beside(chromium, shop_front):
    visit = Visit(chromium, shop_front[1], timezone_id="Asia/Shanghai").sign_in()
    visit.open(f"customers/{CUSTOMER}")
    time = visit.tab.query_selector(".timeline time")
    shown = visit.tab.evaluate(
        "at => new Intl.DateTimeFormat('en', {dateStyle: 'medium', timeStyle: 'short',"
        " timeZone: 'Asia/Shanghai'}).format(new Date(at))",
        time.get_attribute("datetime"),
    )
    assert time.inner_text() == shown
    assert time.get_attribute("title").endswith("UTC")
    visit.context.close()


def test_typing_in_the_search_box_finds_and_a_click_leads_there(visit: Visit):
    visit.open("")
    visit.tab.type("#find", "candle", delay=20)
    first = visit.tab.wait_for_selector("#found a")
    name = first.inner_text()
    first.click()
    visit.tab.wait_for_selector("h1")
    assert name in visit.tab.inner_text("h1")


def test_leafing_through_a_history_keeps_the_address(visit: Visit):
    visit.open(f"products/{ITEM}")
    visit.tab.click("#who tbody a")
    visit.tab.wait_for_selector("#history .timeline")
    visit.tab.wait_for_load_state("networkidle")
    before = visit.tab.inner_text("#history .timeline")
    visit.tab.click("#history .pager a")
    visit.tab.wait_for_url("**history=10*")
    assert visit.tab.inner_text("#history .timeline") != before
    visit.tab.go_back()
    visit.tab.wait_for_function("!location.search")
    visit.tab.wait_for_load_state("networkidle")
    assert visit.tab.inner_text("#history .timeline") == before


def test_an_event_posted_changes_what_the_customers_page_recommends(visit: Visit, shop_front):
    front, address = shop_front
    _, key = front.keys.make("browser test", ["events:write"])
    customer = "browser-guest"

    def slate() -> list[str]:
        visit.open(f"customers/{customer}")
        return visit.tab.locator(".slate").first.locator(".ranked-item a").all_inner_texts()

    post(address, key, event("b1", customer, "view_item", "item-003"))
    before = slate()
    post(address, key, event("b2", customer, "less_like_this", before_id(visit)))
    after = slate()
    assert before
    assert before[0] not in after


def test_the_overview_refreshes_itself(visit: Visit, shop_front):
    front, address = shop_front
    visit.open("")
    total = visit.tab.inner_text("#live .stats .stat:nth-child(3) dd")
    _, key = front.keys.make("refresh test", ["events:write"])
    post(address, key, event("r1", "browser-guest", "view_item", ITEM))
    visit.tab.wait_for_function(
        "old => document.querySelector('#live .stats .stat:nth-child(3) dd').innerText !== old",
        arg=total,
        timeout=15_000,
    )
    assert visit.tab.query_selector("#live canvas")


def test_the_keyboard_reaches_the_content_first(visit: Visit):
    visit.open("")
    visit.tab.keyboard.press("Tab")
    assert visit.tab.evaluate("document.activeElement.className") == "skip"
    visit.tab.keyboard.press("Enter")
    assert visit.tab.evaluate("location.hash") == "#main"


def test_every_control_has_a_name(visit: Visit):
    for path in PAGES:
        visit.open(path)
        nameless = visit.tab.evaluate(
            "[...document.querySelectorAll('a, button, input:not([type=hidden]), [role=img]')]"
            ".filter(e => !(e.textContent.trim() || e.getAttribute('aria-label') || e.alt"
            " || (e.labels && e.labels.length))).map(e => e.outerHTML)"
        )
        assert nameless == [], path


def before_id(visit: Visit) -> str:
    """Return the id of the first product of the first slate."""
    return visit.tab.locator(".slate").first.locator(".ranked-item .id").first.inner_text()


def event(name: str, customer: str, kind: str, item: str) -> dict[str, str]:
    """Return an event of now."""
    at = clock.iso(clock.now_us())
    fields = {"kind": kind, "occurred_at": at, "customer_id": customer, "item_id": item}
    return {"event_id": name, **fields}


def post(address: str, key: str, body: dict[str, str]) -> None:
    """Post one event to the API and wait for its receipt."""
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = json.dumps(body).encode()
    request = urllib.request.Request(f"{address}/v1/events", data, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert json.loads(answer.read())["accepted"] == 1
