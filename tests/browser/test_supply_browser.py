"""The dispatcher drags a stop in a real browser and is told at once whether it fits."""

from __future__ import annotations

import pytest
from test_console import Visit

from shopkeeper.operate import route_jobs

pytestmark = pytest.mark.browser


def day() -> dict:
    return {
        "date": "2026-11-25",
        "depots": [{"depot_id": "north", "latitude": 41.0, "longitude": -84.0}],
        "vehicles": [
            {"vehicle_id": "van-1", "capacity": 20},
            {"vehicle_id": "bike", "capacity": 1},
            {"vehicle_id": "van-2", "capacity": 20, "fixed_minor": 9000},
        ],
        "stops": [
            {"stop_id": f"s{n}", "latitude": 41.0 + n / 50, "longitude": -84.0, "demand": 2}
            for n in range(1, 6)
        ],
        "seconds": 0.3,
    }


@pytest.mark.parametrize(("lane", "said"), [("bike", "Does not fit"), ("van-2", "Fits")])
def test_a_stop_dragged_to_another_vehicle_is_judged_at_once(chromium, shop_front, lane, said):
    front, address = shop_front
    home = front.shop.settings.home
    job = route_jobs.submit(home, day())["job_id"]
    route_jobs.wait(home, job, 30)
    visit = Visit(chromium, address).sign_in()
    visit.open(f"supply?job={job}")
    bar = visit.tab.query_selector("[data-stop]").bounding_box()
    row = visit.tab.query_selector(f'[data-lane="{lane}"] .gantt-lane').bounding_box()
    visit.tab.mouse.move(bar["x"] + 2, bar["y"] + 8)
    visit.tab.mouse.down()
    visit.tab.mouse.move(bar["x"] + 4, row["y"] + 10, steps=4)
    visit.tab.mouse.up()
    visit.tab.wait_for_selector("#moved .badge")
    assert said in visit.tab.inner_text("#moved")
    visit.context.close()
    assert visit.faults == []


def test_the_page_fits_a_narrow_screen(chromium, shop_front):
    visit = Visit(chromium, shop_front[1], viewport={"width": 400, "height": 800}).sign_in()
    visit.open("supply")
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 400
    visit.context.close()
    assert visit.faults == []
