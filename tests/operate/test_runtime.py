"""The loop: decide, record, follow the log, swap models, and keep answering when parts fail."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np
import pytest

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput, NotFound, StoreUnavailable, TooBusy
from shopkeeper.data.events import Event, Person
from shopkeeper.data.shop import open_shop
from shopkeeper.learn.contracts import Artefact, Choice, Reason, Trained
from shopkeeper.operate import gate
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train, train_one
from shopkeeper.recommend import fallback
from shopkeeper.recommend.capability import CAPABILITY
from shopkeeper.recommend.schema import Prediction
from shopkeeper.simulate.tiny_shop import tiny_shop

HOME = {"placement": "home", "customer_id": "customer-001"}
NOW_US = clock.now_us()


class Steady:
    """A model that ranks by row and a number; kind and name of its own for the registry."""

    name = "steady"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def predict(self, features: Any) -> Prediction:
        size = len(features.item_ids)
        score = (np.arange(size, 0, -1) * self.scale).astype(np.float32)
        return Prediction(
            item=np.arange(size, dtype=np.int32),
            score=score,
            sources=("steady",),
            parts=score[:, None],
        )

    def to_artefact(self) -> Artefact:
        return Artefact(kind="steady", arrays={"scale": np.array([self.scale])}, facts={})

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Steady:
        return cls(float(artefact.arrays["scale"][0]))


class Failing(Steady):
    name = "failing"

    def predict(self, features: Any) -> Prediction:
        raise IndexError("row 9 is out of bounds")


def trained(model: Any, ndcg: float = 0.5, spread: float = 0.01) -> Trained:
    entry = {
        "metrics": {"ndcg_at_10": ndcg},
        "interval_95": {"ndcg_at_10": [ndcg - spread, ndcg + spread]},
    }
    report = {"models": {"blend": entry}, "champion": "blend", "baseline": "none"}
    return Trained(model=model, report=report, data={}, self_test=HOME)


CARD = dataclasses.replace(
    CAPABILITY, models={"steady": Steady}, train=lambda warehouse, settings: trained(Steady())
)


@pytest.fixture
def shop(tmp_path):
    with open_shop(settings.load(tmp_path / "shop")) as opened:
        opened.append_events(tiny_shop(customers=12, days=30, end_us=NOW_US))
        yield opened


@pytest.fixture
def runtime(shop):
    made = Runtime(shop, capabilities=[CARD]).start()
    yield made
    made.close()


def ids_of(decision: Any) -> list[str]:
    return [item["item_id"] for item in decision.value["items"]]


def view(name: str, item_id: str, **fields: Any) -> Event:
    at = clock.from_us(clock.now_us())
    return Event(event_id=name, kind="view_item", occurred_at=at, item_id=item_id, **fields)


def test_without_a_model_the_baseline_answers_and_says_so(runtime):
    decision = runtime.decide("recommend", HOME)
    assert len(ids_of(decision)) == 10
    assert decision.fallback
    assert decision.fallback_reason == "no_model"
    assert decision.model == "recommend-baseline"


def test_decision_is_an_event_with_its_lines_and_can_be_explained_from_the_log(shop, runtime):
    decision = runtime.decide("recommend", HOME)
    assert shop.record(view("flush", "item-001")).result() == ["accepted"]
    runtime._recent.clear()
    told = runtime.explain(decision.decision_id)
    assert [item["item_id"] for item in told["items"]] == ids_of(decision)
    assert told["fallback_reason"] == "no_model"
    assert told["request"] == HOME
    for item in told["items"]:
        assert sum(item["shares_percent"].values()) == pytest.approx(100, abs=0.5)


def test_outcome_is_any_later_event_that_names_the_decision(shop, runtime):
    decision = runtime.decide("recommend", HOME)
    click = view("click", ids_of(decision)[0], customer_id="customer-001")
    click.kind, click.decision_id = "select_item", decision.decision_id
    shop.append_events([click])
    shop.warehouse.refresh()
    outcomes = runtime.explain(decision.decision_id)["outcomes"]
    assert [(o["label"], o["item_id"]) for o in outcomes] == [("select_item", click.item_id)]


def test_an_event_changes_the_next_answer(shop, runtime):
    ask = {"placement": "home", "session_id": "fresh"}
    before = ids_of(runtime.decide("recommend", ask))
    shop.append_events([view("v", "item-005", session_id="fresh")])
    decision = runtime.decide("recommend", ask)
    assert ids_of(decision) != before
    shop.append_events([view("w", before[0], session_id="fresh")])
    decision = runtime.decide("recommend", ask)
    codes = {r["code"] for item in decision.value["items"] for r in item["reasons"]}
    assert "because_you_viewed" in codes


def test_state_after_a_restart_equals_the_state_before(shop, runtime):
    shop.append_events([view("v", "item-005", session_id="fresh")])
    asked = [runtime.decide("recommend", {**HOME, "placement": p}) for p in ("home", "trending")]
    again = Runtime(shop, capabilities=[CARD]).start(follow=False)
    for decision in asked:
        assert ids_of(again.decide("recommend", decision.request)) == ids_of(decision)


def test_why_not_names_the_filter_or_the_rank(runtime):
    asked = {**HOME, "exclude": ["item-002"], "limit": 3}
    decision = runtime.decide("recommend", asked)

    def why(item: str) -> str:
        return runtime.explain(decision.decision_id, item=item)["why_not"]["code"]

    assert why("item-002") == "excluded"
    assert why("item-037") == "hidden"
    assert why("item-038") == "sold_out"
    assert why("nothing") == "unknown"
    assert why(ids_of(decision)[0]) == "shown"


def test_train_promotes_and_a_running_server_notices(shop, runtime):
    done = train_one(shop, CARD, runtime.registry)
    assert done.alias == "champion"
    deadline = time.monotonic() + 5
    while runtime.healthy()["capabilities"]["recommend"]["model"] != done.version:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    decision = runtime.decide("recommend", HOME)
    assert decision.model == done.version
    assert not decision.fallback


def test_rollback_brings_the_model_before_back(shop, runtime):
    first = runtime.registry.register("recommend", trained(Steady(1.0)))
    second = runtime.registry.register("recommend", trained(Steady(2.0)))
    runtime.registry.promote("recommend", first)
    runtime.registry.promote("recommend", second)
    assert runtime.reload("recommend") == second
    runtime.registry.rollback("recommend")
    assert runtime.reload("recommend") == first
    assert runtime.registry.aliases("recommend") == {"champion": first, "previous": second}


def test_corrupt_champion_lets_the_previous_one_serve_and_health_says_so(shop):
    registry = Registry(shop.settings.models_path)
    names = [registry.register("recommend", trained(Steady(float(k)))) for k in (1, 2)]
    for name in names:
        registry.promote("recommend", name)
    path = registry.folder / "recommend" / names[1] / "arrays.npz"
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    runtime = Runtime(shop, capabilities=[CARD]).start(follow=False)
    assert runtime.decide("recommend", HOME).model == names[0]
    health = runtime.healthy()
    assert not health["ok"]
    assert names[1] in health["capabilities"]["recommend"]["fault"]


def test_corrupt_only_model_means_baseline_with_the_reason(shop):
    registry = Registry(shop.settings.models_path)
    name = registry.register("recommend", trained(Steady()))
    registry.promote("recommend", name)
    (registry.folder / "recommend" / name / "model.json").write_text("{")
    runtime = Runtime(shop, capabilities=[CARD]).start(follow=False)
    decision = runtime.decide("recommend", HOME)
    assert decision.fallback
    assert "model.json" in str(decision.fallback_reason)
    assert registry.versions("recommend")[0].broken


@pytest.mark.parametrize("model", [Failing(), Steady(float("nan")), Steady(float("inf"))])
def test_a_model_that_fails_while_serving_costs_the_model_not_the_answer(runtime, model):
    live = runtime.live["recommend"]
    live.model, live.version = model, "bad@1"
    decision = runtime.decide("recommend", HOME)
    assert len(ids_of(decision)) == 10
    assert decision.fallback
    assert str(decision.fallback_reason).startswith("bad@1: ")


def test_a_model_that_fails_its_self_test_never_goes_live(shop, runtime):
    card = dataclasses.replace(
        CARD, train=lambda warehouse, settings: trained(Steady(float("nan")))
    )
    done = train_one(shop, card, runtime.registry)
    assert done.alias == "challenger"
    assert "self-test failed" in done.verdict.facts[0]
    assert "champion" not in runtime.registry.aliases("recommend")


def test_a_model_clearly_worse_than_the_champion_stays_challenger(shop, runtime):
    registry = runtime.registry
    good = registry.register("recommend", trained(Steady(1.0), ndcg=0.6))
    registry.promote("recommend", good)
    worse = dataclasses.replace(CARD, train=lambda w, s: trained(Steady(2.0), ndcg=0.4))
    done = train_one(shop, worse, registry)
    assert done.alias == "challenger"
    assert registry.aliases("recommend")["champion"] == good
    within = dataclasses.replace(CARD, train=lambda w, s: trained(Steady(3.0), ndcg=0.59))
    assert train_one(shop, within, registry).alias == "champion"


def test_gate_without_intervals_that_touch_is_worse_than_the_baseline():
    low = {"metrics": {}, "interval_95": {"ndcg_at_10": [0.1, 0.2]}}
    high = {"metrics": {}, "interval_95": {"ndcg_at_10": [0.3, 0.4]}}
    report = {"models": {"a": low, "b": high}, "champion": "a", "baseline": "b"}
    assert not gate.judge(report, None, {"ndcg_at_10": 1}).passed
    assert gate.judge({**report, "champion": "b", "baseline": "a"}, None, {"ndcg_at_10": 1}).passed


def test_gate_knows_metrics_where_lower_is_better():
    low = {"metrics": {}, "interval_95": {"wape": [0.1, 0.2]}}
    high = {"metrics": {}, "interval_95": {"wape": [0.3, 0.4]}}
    report = {"models": {"a": low, "b": high}, "champion": "b", "baseline": "a"}
    assert not gate.judge(report, None, {"wape": -1}).passed
    assert gate.judge({**report, "champion": "a", "baseline": "b"}, None, {"wape": -1}).passed
    assert gate.judge(report, None, {}).passed


def test_a_state_is_told_only_of_the_kinds_it_listens_to(shop):
    told: list[dict[str, Any]] = []

    class Ear:
        def apply(self, event: Any) -> None:
            told.append(event)

    ear = dataclasses.replace(
        CARD,
        name="ear",
        rebuild=lambda warehouse: Ear(),
        attach=None,
        kinds=frozenset({"payment"}),
    )
    runtime = Runtime(shop, capabilities=[CARD, ear]).start()
    at = clock.from_us(clock.now_us())
    paid = Event(
        event_id="pay-1",
        kind="payment",
        occurred_at=at,
        payment_id="p1",
        value_minor=100,
        currency="USD",
        person=Person(email="ann@example.com"),
    )
    shop.append_events([view("seen-1", "item-001", customer_id="customer-001"), paid])
    deadline = time.monotonic() + 5
    while not told and time.monotonic() < deadline:
        time.sleep(0.01)
    runtime.close()
    assert [event["kind"] for event in told] == ["payment"]
    assert "email" in told[0]["person_keys"]
    assert "ann" not in str(told)


def test_full_queue_costs_the_record_never_the_answer(shop, runtime, monkeypatch):
    def full(event: Event, said: bytes, as_of_us: int) -> Any:
        raise TooBusy("2000 requests already wait for the log.")

    monkeypatch.setattr(shop, "record_decision", full)
    assert len(ids_of(runtime.decide("recommend", HOME))) == 10
    assert runtime.healthy()["unrecorded"] == 1


def test_a_state_that_cannot_be_built_leaves_the_others_running(shop):
    def broken(warehouse: Any) -> Any:
        raise KeyError("dt")

    def choose(request: Any, features: Any, prediction: Any) -> Choice:
        return Choice(subject="x", value={}, reasons=(Reason(code="always"),))

    other = dataclasses.replace(CARD, name="other", rebuild=broken, choose=choose)
    runtime = Runtime(shop, capabilities=[CARD, other]).start(follow=False)
    assert len(ids_of(runtime.decide("recommend", HOME))) == 10
    with pytest.raises(StoreUnavailable, match="other cannot answer"):
        runtime.decide("other", HOME)
    health = runtime.healthy()
    assert health["capabilities"]["recommend"]["ok"]
    assert "KeyError" in health["capabilities"]["other"]["state"]


def test_an_event_that_the_state_cannot_take_is_counted_and_the_next_is_taken(shop, runtime):
    live = runtime.live["recommend"]
    rows = len(live.state.catalogue)
    live.apply([{"kind": "view_item"}, {"kind": "price", "item_id": "x", "occurred_us": 1}])
    live.apply(
        [{"kind": "item", "item_id": "brand-new", "occurred_us": clock.now_us(), "title": "N"}]
    )
    assert live.health()["skipped_events"] == 2
    assert len(live.state.catalogue) > rows


def test_wrong_request_unknown_capability_and_unknown_decision_are_told_apart(runtime):
    with pytest.raises(BadInput):
        runtime.decide("recommend", {"placement": "nowhere"})
    with pytest.raises(NotFound, match="no capability 'teleport'"):
        runtime.decide("teleport", {})
    with pytest.raises(NotFound, match="no decision 'dec_0'"):
        runtime.explain("dec_0")


def test_registry_survives_aliases_that_do_not_parse(tmp_path):
    registry = Registry(tmp_path)
    name = registry.register("recommend", trained(Steady()))
    (tmp_path / "recommend" / "aliases.json").write_text("{broken")
    assert registry.promote("recommend", name) == {"champion": name}
    with pytest.raises(NotFound):
        registry.promote("recommend", "steady@0000000000000000")
    with pytest.raises(BadInput):
        registry.promote("recommend", "../../etc")


def test_served_blend_trains_goes_live_and_survives_the_disk(shop):
    done = train(shop, ["recommend"])[0]
    runtime = Runtime(shop).start(follow=False)
    for placement in ("home", "product", "cart", "buy_again", "trending"):
        asked = {"placement": placement, "customer_id": "customer-001", "items": ["item-000"]}
        decision = runtime.decide("recommend", asked)
        if done.alias == "champion":
            assert decision.model == done.version, decision.fallback_reason
        for item in decision.value["items"]:
            assert sum(item["sources"].values()) == pytest.approx(item["score"], abs=1e-4) or (
                "backfill" in item["sources"]
            )


def test_training_without_purchases_says_what_to_import(tmp_path):
    with open_shop(settings.load(tmp_path / "empty")) as empty:
        with pytest.raises(BadInput, match="needs 20 purchased lines, but the shop has 0"):
            train(empty, ["recommend"])
        runtime = Runtime(empty).start(follow=False)
        assert runtime.decide("recommend", HOME).value["items"] == []


def test_fallback_prediction_is_additive():
    assert fallback.SOURCES[-1] == "popularity"
    assert all(len(weights) == len(fallback.SOURCES) for weights in fallback.WEIGHTS.values())
