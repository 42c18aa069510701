"""A customer's first page over HTTP: nothing bought, only what the shop says of her."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train

CUSTOMERS, EACH = 260, 12
NOW_US = clock.now_us()


def past() -> list[Event]:
    """Return families who buy toys, singles who buy records, and bread for all."""
    rng = np.random.default_rng(3)
    start_us = NOW_US - 60 * DAY_US
    made = []
    for who in range(CUSTOMERS):
        name, kids = f"c-{who:03}", who % 2 == 0
        at_us = start_us + int(rng.uniform(0, 55) * DAY_US)
        told = {"kids": "yes" if kids else "no"}
        made.append(
            Event(
                event_id=f"told-{who}",
                kind="customer",
                occurred_at=clock.from_us(at_us),
                customer_id=name,
                properties=told,
            )
        )
        own = "toy" if kids else "record"
        names = [f"{own}-{n}" for n in rng.permutation(EACH)[:5]]
        names += [f"bread-{n}" for n in rng.permutation(EACH)[:3]]
        made.append(
            Event(
                event_id=f"buy-{who}",
                kind="purchase",
                occurred_at=clock.from_us(at_us + 60_000_000),
                customer_id=name,
                order_id=f"o-{who}",
                currency="EUR",
                lines=[Line(item_id=one, quantity=1.0) for one in names],
            )
        )
    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from shopkeeper.base import settings

    found = settings.load(tmp_path_factory.mktemp("stranger") / "shop")
    with open_shop(found) as shop:
        shop.append_events(past())
        (done,) = train(shop, ["recommend"])
        assert done.alias == "champion"
    return found, done


def page(settings: Any, server_over: Any, name: str, kids: str) -> dict[str, Any]:
    """Return the home slate of a customer who was made known a moment ago."""
    with open_shop(settings) as shop:
        runtime = Runtime(shop, capabilities=capabilities.all_of(("recommend",))).start()
        server = server_over(shop, runtime)
        server.service.phase = "ready"
        body = {
            "event_id": f"told-{name}",
            "kind": "customer",
            "occurred_at": clock.iso(clock.now_us()),
            "customer_id": name,
            "properties": {"kids": kids},
        }
        assert server.call("POST", "/v1/events", json=body).json()["accepted"] == 1
        query = {"placement": "home", "customer_id": name, "limit": 8}
        found: dict[str, Any] = server.call("POST", "/v1/decisions/recommend", json=query).json()[
            "value"
        ]
        runtime.close()
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [one["item_id"].split("-")[0] for one in found["items"]]


def test_a_stranger_sees_what_customers_like_her_buy_and_the_reason(trained, server_over):
    settings, done = trained
    told = done.report["chosen"]["attributes"]["validation"]
    assert told["attributes"] > told["popularity"] + 2 * told["gain_error"]
    family = page(settings, server_over, "new-family", "yes")
    single = page(settings, server_over, "new-single", "no")
    assert kinds(family).count("toy") > 4 > kinds(family).count("record")
    assert kinds(single).count("record") > 4 > kinds(single).count("toy")
    first = family["items"][0]
    assert first["reasons"][0]["code"] == "popular_like_you"
    assert first["reasons"][0]["text_zh"] == "与您情况相近的顾客常买"
    assert list(first["sources"]) == ["attributes"]
    # Neither the attribute nor its value stands on the record.
    assert "kids" not in str(family)


def test_a_shop_that_allows_none_treats_strangers_alike(trained, server_over):
    settings, _ = trained
    closed = dataclasses.replace(settings, customer_attributes="none")
    family = page(closed, server_over, "shy-family", "yes")
    single = page(closed, server_over, "shy-single", "no")
    assert kinds(family) == kinds(single)
    assert {one["reasons"][0]["code"] for one in family["items"]} == {"popular"}


def test_training_does_not_learn_from_what_the_setting_leaves_out(trained):
    settings, _ = trained
    with open_shop(dataclasses.replace(settings, customer_attributes="age")) as shop:
        (done,) = train(shop, ["recommend"], promote=False)
    assert done.report["chosen"]["attributes"]["validation"]["customers"] == 0
