"""The dispatcher's page: a plan as a map and a day, a move by hand, words for every reason."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec
import pytest
from shopfront import Front, token

from shopkeeper.base import clock
from shopkeeper.console import speech
from shopkeeper.console.pages.supply.drawing import outline
from shopkeeper.data.events import Event
from shopkeeper.operate import route_jobs
from shopkeeper.supply.routing_schema import DROP_REASONS


def day() -> dict:
    return {
        "date": "2026-11-25",
        "depots": [{"depot_id": "north", "latitude": 41.0, "longitude": -84.0}],
        "vehicles": [
            {"vehicle_id": "van-1", "capacity": 20},
            {"vehicle_id": "bike", "capacity": 1},
        ],
        "stops": [
            {"stop_id": f"s{n}", "latitude": 41.0 + n / 50, "longitude": -84.0, "demand": 2}
            for n in range(1, 6)
        ]
        + [{"stop_id": "big", "latitude": 41.1, "longitude": -84.1, "demand": 99}],
        "seconds": 0.3,
    }


@pytest.fixture(scope="module")
def job(front: Front) -> str:
    home = front.shop.settings.home
    made = route_jobs.submit(home, day())["job_id"]
    assert route_jobs.wait(home, made, 30)["status"] == "time_limit"
    return made


def test_a_plan_is_drawn_with_its_stops_and_what_was_left_out_and_why(front: Front, job: str):
    page = front.signed_in().get(f"/console/supply?job={job}")
    assert page.status_code == 200
    assert 'class="fault"' not in page.text
    assert len(re.findall(r'data-stop="', page.text)) == 5
    assert "too much for the vehicle" in page.text
    assert page.text.count('class="map-depot"') == 1


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_empty_shop_says_what_to_do(empty_front: Front, language: str):
    page = empty_front.signed_in(**{"accept-language": language}).get("/console/supply")
    assert page.status_code == 200
    assert 'class="fault"' not in page.text
    assert "shopkeeper routes plan" in page.text


def test_a_move_is_judged_before_it_is_made(front: Front, job: str):
    browser = front.signed_in()
    csrf = token(browser.get("/console/supply").text)
    form = {"csrf": csrf, "job": job, "stop": "s1", "vehicle": "bike", "position": "1"}
    assert "Does not fit" in browser.post("/console/supply/move", data=form).text
    good = {**form, "vehicle": "van-1", "position": "9"}
    assert "Fits" in browser.post("/console/supply/move", data=good).text
    before = route_jobs.plan(front.shop.settings.home, job)
    assert browser.post("/console/supply/move", data={**form, "apply": "yes"}).status_code == 400
    assert route_jobs.plan(front.shop.settings.home, job) == before
    done = browser.post("/console/supply/move", data={**good, "apply": "yes"})
    assert done.status_code == 303
    after = route_jobs.plan(front.shop.settings.home, job)
    assert after.routes[0].stop_ids[-1] == "s1"


def test_planning_without_vehicles_says_how_to_name_one(front: Front):
    browser = front.signed_in()
    form = {"csrf": token(browser.get("/console/supply").text)}
    page = browser.post("/console/supply/plan", data=form)
    assert page.status_code == 400
    assert "No vehicle is known" in page.text


def test_every_reason_for_leaving_a_stop_out_has_words():
    for language in ("en", "zh"):
        assert [r for r in DROP_REASONS if f"drop.{r}" not in speech.words(language)] == []


def test_the_outline_holds_every_point():
    points = [(float(x % 7), float(x * 5 % 11)) for x in range(40)]
    hull = outline(points)
    for x, y in points:
        turns = [
            (b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])
            for a, b in zip(hull, [*hull[1:], hull[0]], strict=True)
        ]
        assert all(t > 0 for t in turns) or all(t < 0 for t in turns)


def test_a_suppliers_message_is_shown_escaped_and_can_be_rejected(front: Front):
    from shopkeeper.base import clock
    from shopkeeper.data.events import Event, Line

    order = Event(
        event_id="po-page",
        kind="purchase_order",
        occurred_at=clock.now(),
        purchase_order_id="PO-31",
        supplier_id="acme",
        lines=[Line(item_id="item-001", quantity=5)],
        promised_at=clock.from_us(clock.now_us() + 5 * clock.DAY_US),
    )
    mail = Event(
        event_id="mail-page",
        kind="message",
        occurred_at=clock.now(),
        conversation_id="acme",
        supplier_id="acme",
        text="PO-31 is late <script>alert(1)</script>",
    )
    assert front.shop.append_events([order, mail]).rejected == []
    browser = front.signed_in()
    page = browser.get("/console/supply/messages").text
    assert "<mark>PO-31</mark>" in page
    assert "<script>alert" not in page
    form = {"csrf": token(page), "notice": "mail-page", "take": "1", "kind.1": "day"}
    form |= {"purchase_order_id.1": "PO-31", "new_day.1": "03/04/05"}
    assert "YYYY-MM-DD" in browser.post("/console/supply/notice", data=form).text
    good = {**form, "new_day.1": clock.iso(clock.now_us() + 9 * clock.DAY_US)[:10]}
    assert "PO-31 would come" in browser.post("/console/supply/notice", data=good).text
    assert browser.post("/console/supply/notice", data={**form, "reject": "yes"}).status_code == 303
    assert "rejected" in browser.get("/console/supply/messages").text


def test_a_suppliers_message_shows_what_was_read_and_fills_in_the_day(front: Front):
    now = clock.now()
    order = {"purchase_order_id": "PO-7", "lines": [{"item_id": "mug", "quantity": 10.0}]}
    text = "PO-7 will be delayed by 6 days. Then PO-99 arrives on 03/04/05. <b>"
    for number, facts in enumerate(
        (
            {"kind": "purchase_order", "promised_at": now + timedelta(days=5), **order},
            {"kind": "message", "conversation_id": "c", "text": text},
        )
    ):
        told = {"event_id": f"read-{number}", "occurred_at": now, "supplier_id": "s-1", **facts}
        assert not front.shop.append_events([msgspec.convert(told, Event)]).rejected
    front.shop.warehouse.refresh()
    day = (now + timedelta(days=11)).date().isoformat()
    for language, ask in (("en", "Ask the supplier"), ("zh", "请问供应商")):
        page = front.signed_in(**{"accept-language": language}).get("/console/supply/messages").text
        assert 'class="fault"' not in page
        assert "<mark>6 days</mark>" in page
        assert f'value="{day}"' in page
        assert ask in page
        assert "<b>" not in page


def test_a_day_is_marked_and_planned_again_from_the_page(front: Front):
    home = front.shop.settings.home
    made = route_jobs.submit(home, day())["job_id"]
    route_jobs.wait(home, made, 30)
    browser = front.signed_in()
    csrf = token(browser.get(f"/console/supply?job={made}").text)
    assert 'id="today"' not in browser.get(f"/console/supply?job={made}").text
    form = {"csrf": csrf, "job": made}
    assert browser.post("/console/supply/publish", data=form).status_code == 303
    page = browser.get(f"/console/supply?job={made}").text
    plan = re.search(r'name="plan" value="([^"]+)"', page)[1]
    form |= {"plan": plan}
    assert browser.post("/console/supply/mark", data={**form, "done": "s1"}).status_code == 303
    assert browser.post("/console/supply/mark", data={**form, "failed": "s2"}).status_code == 303
    assert browser.post("/console/supply/mark", data=form).status_code == 400
    page = browser.get(f"/console/supply?job={made}").text
    assert 'name="retry" value="s2"' in page
    assert "is-over" in page
    refused = browser.post("/console/supply/replan", data={**form, "now": "noon"})
    assert refused.status_code == 400
    broken = {**form, "now": "01:00", "broken": "van-1"}
    answer = browser.post("/console/supply/replan", data={**broken, "retry": "s2"})
    assert answer.status_code == 303, answer.text
    job = answer.headers["location"].partition("job=")[2]
    route_jobs.wait(home, job, 30)
    page = browser.get(f"/console/supply?job={job}").text
    assert 'class="fault"' not in page
    assert "plan it again instead of moving stops by hand" in page
    assert 'class="gantt-now"' in page


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("part", ["orders", "stock", "suppliers", "messages"])
def test_every_part_of_an_empty_shop_opens(empty_front: Front, language: str, part: str):
    page = empty_front.signed_in(**{"accept-language": language}).get(f"/console/supply/{part}")
    assert page.status_code == 200
    assert 'class="fault"' not in page.text
    assert 'class="empty"' in page.text


def test_suppliers_are_shown_with_the_one_to_buy_from(front: Front):
    now = clock.now_us()
    told = []
    for supplier, price, days in (("cheap-co", 400, (4, 30)), ("steady-co", 402, (5, 5))):
        terms = {"kind": "supplier", "item_id": "item-001", "price_minor": price}
        told.append({**terms, "supplier_id": supplier, "currency": "USD", "at": now - 10**13})
        for number in range(8):
            order = f"{supplier}-{number}"
            at = now - (200 - number) * clock.DAY_US
            lines = [{"item_id": "item-001", "quantity": 5.0}]
            common = {"supplier_id": supplier, "purchase_order_id": order, "lines": lines}
            promised = clock.from_us(at + 6 * clock.DAY_US)
            told.append({"kind": "purchase_order", "at": at, "promised_at": promised, **common})
            came = at + days[number % 2] * clock.DAY_US
            told.append({"kind": "delivery", "at": came, "shipment_id": order, **common})
    events = [
        msgspec.convert(
            {"event_id": f"sup-{n}", "occurred_at": clock.from_us(one.pop("at")), **one}, Event
        )
        for n, one in enumerate(told)
    ]
    assert front.shop.append_events(events).rejected == []
    front.shop.warehouse.refresh()
    page = front.signed_in().get("/console/supply/suppliers?item=item-001").text
    assert 'class="fault"' not in page
    best = page.index("cheapest in all")
    assert page.index("steady-co", page.index('id="choice"')) < best
    assert "erratic: more stock to cover" in page
