"""Off-policy on the shop's own slates: what is recorded suffices, and no verdict beyond it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from test_explore import HOME, made
from test_policy import NOW_US as SHOP_NOW_US
from test_policy import STATE, everything

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import main
from shopkeeper.data.events import Event, Line
from shopkeeper.data.shop import open_shop
from shopkeeper.learn.offpolicy import REFUSED
from shopkeeper.recommend.explore import DEPTH
from shopkeeper.recommend.features import features_at
from shopkeeper.recommend.offpolicy import asked, evaluate
from shopkeeper.recommend.offpolicy.places import Places, of_record
from shopkeeper.recommend.policy import choose

NOW_US = 1_800_000_000_000_000
HOUR_US = 3_600_000_000


def slates(n: int, share: float, seed: int = 0, wide: int = DEPTH) -> tuple[Places, np.ndarray]:
    """Return places of n slates of five, and the true chance (n, DEPTH) that each is taken.

    Each place has ``wide`` candidates. What is taken: likely where the ranker's score is high,
    and a few items that it does not know.
    """
    rng = np.random.default_rng(seed)
    loved = rng.permutation(60)[:12]
    columns = {name: np.zeros(5 * n, int) for name in ("at", "position", "request")} | {
        "propensity": np.zeros(5 * n)
    }
    item, score = np.full((5 * n, DEPTH), -1), np.zeros((5 * n, DEPTH))
    chances = np.zeros((5 * n, DEPTH))
    for row in range(5 * n):
        request, position = divmod(row, 5)
        pool, scores = rng.permutation(60)[:wide], np.sort(rng.gamma(4.0, 1.0, wide))[::-1]
        weight = scores / scores.sum() * share
        weight[0] += 1 - share
        at = min(int(np.searchsorted(np.cumsum(weight), rng.random())), wide - 1)
        item[row, :wide], score[row, :wide] = pool, scores
        taken = 0.02 + 0.05 * scores / scores.max() + 0.25 * np.isin(pool, loved)
        chances[row, :wide] = taken / (1 + position)
        told = {"at": at, "position": position, "request": request, "propensity": weight[at]}
        for name, value in told.items():
            columns[name][row] = value
    return Places(
        **columns,
        share=np.full(5 * n, share),
        item=item,
        score=score,
        reward=(rng.random(5 * n) < chances[np.arange(5 * n), columns["at"]]).astype(float),
        item_ids=[f"i{k}" for k in range(60)],
    ), chances


def test_every_policy_is_worth_what_it_would_have_earned():
    places, true = slates(1200, 0.5)
    found = evaluate.judged(places, ("greedy", "explore_0.3", "uniform"), 7)
    predicted = np.zeros(places.item.shape)
    for name in ("greedy", "explore_0.3", "uniform"):
        worth = float((asked.chances(name, places, predicted) * true).sum(axis=1).mean())
        for estimate in ("ips", "snips", "dr"):
            low, high = found[name]["interval_95"][estimate]
            slack = (high - low) / 2
            assert low - slack <= worth <= high + slack, (name, estimate)


def test_a_learned_policy_that_earns_more_is_found_better_and_really_is():
    places, true = slates(2500, 0.9, wide=6)
    found = evaluate.judged(places, ("learned",), 7)["learned"]
    predicted = asked.expected(places, np.random.default_rng(7))
    worth = float((asked.chances("learned", places, predicted) * true).sum(axis=1).mean())
    assert found["verdict"] == "better"
    assert worth > places.reward.mean()
    assert found["metrics"]["dr"] == pytest.approx(worth, rel=0.15)


def test_the_policy_that_ran_is_worth_what_it_earned():
    places, _ = slates(300, 0.4)
    chances = asked.chances("logged", places, np.zeros(places.item.shape))
    mine = chances[np.arange(len(places.at)), places.at]
    assert mine == pytest.approx(places.propensity)
    assert set(evaluate.judged(places, ("explore_0.4",), 7)) == {"logged"}
    found = evaluate.judged(places, ("explore_0.41",), 7)["explore_0.41"]
    assert found["metrics"]["ips"] == pytest.approx(places.reward.mean(), rel=0.02)


def test_a_small_sample_gets_no_verdict_and_hears_how_much_is_needed():
    places, _ = slates(40, 0.3)
    found = evaluate.judged(places, ("uniform",), 7)["uniform"]
    assert found["verdict"] == REFUSED
    assert found["why"]
    assert found["rows_needed"] > len(places.at)


def test_the_expectation_of_a_row_has_not_seen_its_slate():
    places, _ = slates(200, 0.5)
    rich = replace(places, reward=places.reward.copy())
    rich.reward[places.request == 3] = 100.0
    plain = asked.expected(places, np.random.default_rng(1))
    told = asked.expected(rich, np.random.default_rng(1))
    mine = places.request == 3
    assert np.array_equal(plain[mine], told[mine])
    assert not np.array_equal(plain[~mine], told[~mine])


def test_what_is_recorded_gives_the_chance_back():
    for seed in range(30):
        told = made(0.4, seed).value
        places = of_record(
            [{"decision_id": "d", "occurred_us": 0, "explored": told["explored"]}],
            {},
            {},
            window_us=HOUR_US,
        )
        ran = asked.chances("logged", places, np.zeros(places.item.shape))
        mine = ran[np.arange(len(places.at)), places.at]
        assert mine == pytest.approx([i["propensity"] for i in told["items"]], rel=1e-4)
        stood = [places.item_ids[k] for k in places.item[np.arange(len(mine)), places.at]]
        assert stood == [item["item_id"] for item in told["items"]]
    plain = choose(HOME, features_at(STATE, HOME, SHOP_NOW_US), everything(3, 1))
    assert "explored" not in plain.value


def recorded(shop, number: int, at_us: int) -> list[str]:
    """Put one exploring slate on the record; return its items."""
    choice = made(0.5, number)
    items = [one["item_id"] for one in choice.value["items"]]
    name = f"dec-{number}"
    moment = clock.from_us(at_us)
    value = json.dumps(choice.value)
    properties = {"capability": "recommend", "subject": "c3", "model": "m@1", "value": value}
    shop.append_events(
        [
            Event(
                event_id=name,
                kind="decision",
                occurred_at=moment,
                decision_id=name,
                placement=HOME.placement,
                properties=properties,
            )
        ]
    )
    return items


def follow(shop, number: int, kind: str, at_us: int, **fields) -> None:
    shop.append_events(
        [
            Event(
                event_id=f"{kind}-{number}-{fields.get('item_id', '')}",
                kind=kind,
                occurred_at=clock.from_us(at_us),
                decision_id=f"dec-{number}",
                **fields,
            )
        ]
    )


def test_only_what_was_seen_counts_and_only_what_came_in_time(tmp_path, capsys):
    home = tmp_path / "shop"
    with open_shop(settings.load(home)) as shop, clock.frozen(clock.from_us(NOW_US)):
        nothing = evaluate.of_shop(shop.warehouse)
        assert nothing["models"] == {}
        assert nothing["missing"][0]["code"] == "no_slates"
        start = NOW_US - 48 * HOUR_US
        first, second = (recorded(shop, n, start + n) for n in (1, 2))
        recorded(shop, 3, NOW_US - HOUR_US)  # its window is not over
        alone = evaluate.of_shop(shop.warehouse)
        assert alone["data"]["places"] == 10
        assert [one["code"] for one in alone["missing"]] == ["no_impressions", "no_rewards"]
        lines = [Line(item_id=item, position=at) for at, item in enumerate(first[:3])]
        follow(shop, 1, "impression", start + 5, placement="home", lines=lines)
        follow(shop, 1, "select_item", start + HOUR_US, item_id=first[1])
        follow(shop, 1, "add_to_cart", start + 30 * HOUR_US, item_id=first[2])  # too late
        follow(shop, 2, "select_item", start + HOUR_US, item_id=second[0])  # never seen
        told = evaluate.of_shop(shop.warehouse)
    with clock.frozen(clock.from_us(NOW_US)):
        assert main(["--home", str(home), "evaluate", "offpolicy"]) == 0
    assert "refused" in capsys.readouterr().out
    data = told["data"]
    assert (data["slates"], data["slates_drawn"], data["slates_seen"]) == (2, 2, 1)
    assert (data["places"], data["rewarded"]) == (3, 1)
    assert told["models"]["logged"]["metrics"]["mean"] == pytest.approx(1 / 3, abs=1e-6)
    others = [one for name, one in told["models"].items() if name != "logged"]
    assert len(others) == len(evaluate.ASKED)
    assert all(one["verdict"] == REFUSED for one in others)
    assert told["protocol"]["seen"] == "impressions"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"reward": "joy"}, "reward"), ({"days": 0}, "days"), ({"within_hours": 0}, "within_hours")],
)
def test_a_wrong_question_is_named(wrong, field):
    with pytest.raises(BadInput) as caught:
        evaluate.of_shop(None, **wrong)
    assert caught.value.field == field
