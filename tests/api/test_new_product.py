"""A product's first minute over HTTP: posted, then recommended to whom it is for, and said why."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.operate import capabilities
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train
from shopkeeper.recommend.capability import CAPABILITY
from shopkeeper.recommend.models.entries import Entry

WORDS = {
    "tea": ("green tea leaves", "black tea leaves", "jasmine tea leaves", "oolong tea leaves"),
    "tool": ("steel wrench", "steel hammer", "steel spanner", "steel pliers"),
}
EACH, BUYS, CUSTOMERS, DAYS = 20, 15, 160, 80
NOW_US = clock.now_us()


def name_of(kind: str, n: int) -> str:
    return f"{kind}-{n:02}"


def shelf(kind: str, n: int) -> str:
    words = WORDS[kind]
    return f"Shop > {kind} > {words[n % len(words)]}"


def past() -> list[Event]:
    """Return a shop whose customers drink tea or mend things, and buy each product once."""
    rng = np.random.default_rng(11)
    start_us = NOW_US - DAYS * DAY_US
    made = [
        Event(
            event_id=f"entry-{name_of(kind, n)}",
            kind="item",
            occurred_at=clock.from_us(start_us),
            item_id=name_of(kind, n),
            title=f"{words[n % len(words)]} no {n}",
            category=shelf(kind, n),
            price_minor=500 + 10 * n,
        )
        for kind, words in WORDS.items()
        for n in range(EACH)
    ]
    for who in range(CUSTOMERS):
        kind = ("tea", "tool")[who % 2]
        order = rng.permutation(EACH)
        # Each buys most of the shelf, at any time of the eighty days; a few are left to propose.
        for step, at in enumerate(np.sort(rng.uniform(0, DAYS - 0.1, BUYS)).tolist()):
            made.append(
                Event(
                    event_id=f"buy-{who}-{step}",
                    kind="purchase",
                    occurred_at=clock.from_us(start_us + int(at * DAY_US)),
                    customer_id=f"{kind}-lover-{who}",
                    order_id=f"o-{who}-{step}",
                    currency="EUR",
                    lines=[Line(item_id=name_of(kind, int(order[step])), quantity=1.0)],
                )
            )
    return made


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from shopkeeper.base import settings

    patch = pytest.MonkeyPatch()
    patch.setattr("shopkeeper.recommend.models.entries.sentence_embedder", HashingEmbedder)
    found = settings.load(tmp_path_factory.mktemp("new-product") / "shop")
    with open_shop(found) as shop:
        shop.append_events(past())
        (done,) = train(shop, ["recommend"])
        assert done.alias == "champion"
        yield found, done
    patch.undo()


@pytest.fixture
def server(home: Any, server_over: Any) -> Any:
    with open_shop(home[0]) as shop:
        runtime = Runtime(shop, capabilities=capabilities.all_of(("recommend",))).start()
        made = server_over(shop, runtime)
        made.service.phase = "ready"
        yield made
        runtime.close()


def post(server: Any, **fields: Any) -> None:
    body = {"occurred_at": clock.iso(clock.now_us()), **fields}
    answer = server.call("POST", "/v1/events", json=body)
    assert answer.status_code == 202, answer.text
    assert answer.json()["accepted"] == 1, answer.text


def slate(server: Any, customer: str, limit: int = 8) -> dict[str, Any]:
    query = f"placement=home&customer_id={customer}&limit={limit}"
    found: dict[str, Any] = server.call("GET", f"/v1/recommendations?{query}").json()
    assert not found["fallback"]
    return found


def places(found: dict[str, Any]) -> dict[str, int]:
    return {one["item_id"]: at for at, one in enumerate(found["items"])}


def test_training_kept_the_source_because_hidden_products_gained(home):
    chosen = home[1].report["chosen"]
    told = chosen["validation"]["new_products"]
    assert told["discovery.with"] > told["discovery.without"] + told["discovery.gain_error"]
    assert chosen["weights"]["discovery"]["content"] > 0
    assert chosen["weights"]["all"]["content"] > 0


def test_two_towers_are_trained_by_name_kept_and_read_back(home, monkeypatch):
    pytest.importorskip("torch")
    # Without a rival they are chosen where they help at all.
    monkeypatch.setattr("shopkeeper.recommend.models.arrivals.GRID", ())
    with open_shop(home[0]) as shop:
        (done,) = train(shop, ["recommend"], promote=False, variant="towers")
        assert done.report["chosen"]["settings"]["content"]["towers"] is True
        registry = Registry(shop.settings.models_path)
        kept = registry.load("recommend", done.version, CAPABILITY.models)
    assert kept.sources_["content"].towers_ is not None
    assert kept.sources_["content"].place([Entry(text="white tea leaves")]).any()


def test_a_posted_product_reaches_whom_it_is_for_on_the_next_call_and_nobody_else(server):
    drinker, mender = "tea-lover-0", "tool-lover-1"
    assert "tea-new" not in places(slate(server, drinker))
    entry = {
        "title": "white tea leaves no 99",
        "category": "Shop > tea > white tea",
        "price_minor": 620,
    }
    post(server, event_id="e-new", kind="item", item_id="tea-new", **entry)
    found = slate(server, drinker)
    assert "tea-new" in places(found)
    # Who mends things has five tools left to buy: they all come first.
    theirs = places(slate(server, mender))
    assert theirs.get("tea-new", 99) > max(at for one, at in theirs.items() if "tool" in one)
    (shown,) = (one for one in found["items"] if one["item_id"] == "tea-new")
    assert shown["reason"]["code"] == "new_like"
    assert "tea" in shown["reason"]["text"]
    told = server.call("GET", f"/v1/decisions/{found['decision_id']}/explain").json()
    (item,) = (one for one in told["items"] if one["item_id"] == "tea-new")
    assert item["sources"]["content"] > 0
    assert math.isclose(sum(item["sources"].values()), item["score"], rel_tol=1e-3)


def test_the_trace_says_how_the_source_ranks_a_product_that_is_not_shown(server):
    post(
        server,
        event_id="e-far",
        kind="item",
        item_id="tool-far",
        title="steel file no 97",
        category="Shop > tool > steel file",
    )
    found = slate(server, "tea-lover-4", limit=3)
    assert "tool-far" not in places(found)
    path = f"/v1/decisions/{found['decision_id']}/explain?item=tool-far"
    told = server.call("GET", path).json()["why_not"]
    assert told["code"] in ("ranked_lower", "no_source")
    assert "content" in told["path"]["sources"]


def test_a_floor_for_new_products_is_filled_with_those_that_fit(server):
    shared = {"price_minor": 620}
    tea = {"title": "rooibos tea leaves no 98", "category": "Shop > tea > rooibos", **shared}
    tool = {"title": "steel chisel no 98", "category": "Shop > tool > steel chisel", **shared}
    post(server, event_id="e-tea", kind="item", item_id="tea-98", **tea)
    post(server, event_id="e-tool", kind="item", item_id="tool-98", **tool)
    rule = '{"action": "share", "items": {"new_days": 14}, "share": 0.2}'
    floor: dict[str, Any] = {"label": "floor", "status": "live", "text": rule}
    floor["properties"] = {"capability": "recommend"}
    post(server, event_id="e-floor", kind="rule", **floor)
    for customer, mine, other in (
        ("tea-lover-2", "tea-", "tool-98"),
        ("tool-lover-3", "tool-", "tea-98"),
    ):
        body = {"placement": "home", "customer_id": customer, "limit": 5}
        whole = server.call("POST", "/v1/decisions/recommend", json=body).json()
        found = whole["value"]
        held = [one["item_id"] for one in found["items"] if one.get("rule") == "floor"]
        assert held
        assert held[0].startswith(mine)
        assert other not in places(found)
