"""A challenger and a shadow on live payments: scored, recorded, compared; who acts is told."""

from __future__ import annotations

import shutil
from dataclasses import replace

import made_frauds
import pytest

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.registry import NAMES as FEATURES
from shopkeeper.fraud.rules_row import NAMES
from shopkeeper.fraud.says import says
from shopkeeper.learn.contracts import Trained
from shopkeeper.operate import fraud_performance
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train_one


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A shop with a trained champion, and as challenger its label-free part alone."""
    folder = tmp_path_factory.mktemp("beside") / "shop"
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(folder)) as shop,
    ):
        assert not shop.append_events(made_frauds.events(days=40, customers=150)).rejected
        registry = Registry(shop.settings.models_path)
        done = train_one(shop, CAPABILITY, registry)
        assert done.alias == "champion"
        champion = registry.load("fraud", done.version, CAPABILITY.models)
        plain = replace(champion, trees="", positives=0)
        question = {"payment_id": "t", "amount_minor": 100, "currency": "EUR"}
        made = Trained(model=plain, report={}, data={}, self_test=question)
        version = registry.register("fraud", made)
        registry.challenge("fraud", version)
    return folder


def asked(number: int) -> dict[str, object]:
    thief = number % 3 if number % 2 else None
    return made_frauds.question(number, thief=thief, amount=15_000 if number % 2 else 2_000)


def test_a_challenger_is_recorded_and_changes_nothing(home, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(home, folder)
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(folder)) as shop,
    ):
        alone = replace(CAPABILITY, beside=None)
        bare = Runtime(shop, capabilities=[alone]).start(follow=False)
        expected = [bare.decide("fraud", asked(n)).value for n in range(12)]
        bare.close()
        running = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        version = Registry(shop.settings.models_path).aliases("fraud")["challenger"]
        assert running.live["fraud"].health()["challenger"] == version
        for number in range(12):
            value = running.decide("fraud", asked(number)).value
            said = value.pop("challenger")
            assert said["model"] == version
            assert said["outcome"] in ("approve", "challenge", "review")  # it is not calibrated
            for name in ("probability", "rarity", "features", "outcome"):
                assert value[name] == expected[number][name]
        running.close()


def test_both_are_compared_on_payments_whose_truth_is_known(home, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(home, folder)
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(folder)) as shop,
    ):
        running = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        for number in range(12):
            running.decide("fraud", asked(number))
        running.close()
        labels = [
            made_frauds.Event(
                event_id=f"label-{number}",
                kind="label",
                label="fraud" if number % 2 else "legit",
                payment_id=str(asked(number)["payment_id"]),
                occurred_at=clock.now(),
            )
            for number in range(12)
        ]
        assert not shop.append_events(labels).rejected
        shop.warehouse.refresh()
        told = fraud_performance.rival(shop, clock.now_us())
    assert told is not None
    assert (told["decisions"], told["known"], told["frauds"]) == (12, 12, 6)
    assert told["champion"]["auc_roc"] > 0.9
    assert told["champion"]["frauds_stopped"] + told["challenger"]["frauds_stopped"] <= 12
    assert 0 <= told["agree"] <= 1


def test_a_challenger_that_fails_leaves_the_decision_alone(home, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(home, folder)
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(folder)) as shop,
    ):
        running = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        live = running.live["fraud"]

        class Broken:
            def predict(self, features):
                raise ValueError("no")

        live.rivals.held["challenger"].model = Broken()
        decision = running.decide("fraud", asked(1))
        assert not decision.fallback
        assert "challenger" not in decision.value
        assert "ValueError" in live.health()["challenger_fault"]
        assert "challenger" not in running.decide("fraud", asked(2)).value
        running.close()


def test_a_shadow_never_acts_and_a_challenger_acts_for_its_share_of_customers(home, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(home, folder)
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(folder)) as shop,
    ):
        registry = Registry(shop.settings.models_path)
        held = registry.aliases("fraud")
        rival = registry.load("fraud", held["challenger"], CAPABILITY.models)
        kept = Trained(
            model=replace(rival, positives=1),
            report={},
            data={},
            self_test={"payment_id": "t", "amount_minor": 100, "currency": "EUR"},
        )
        shade = registry.register("fraud", kept)
        registry.shadow("fraud", shade)
        registry.challenge("fraud", held["challenger"], 0.5)
        running = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        seen = {n: running.decide("fraud", asked(n)) for n in range(24)}
        again = {n: running.decide("fraud", asked(n)) for n in range(24)}
        for number, made in seen.items():
            assert made.value["shadow_model"]["model"] == shade
            assert made.arm == again[number].arm  # one customer stays on one side
            if made.arm == "challenger":
                assert made.model == held["challenger"]
                assert "challenger" not in made.value
                assert not made.value["calibrated"]
            else:
                assert (made.arm, made.model) == ("champion", held["champion"])
                assert made.value["challenger"]["model"] == held["challenger"]
        acted = sum(made.arm == "challenger" for made in seen.values())
        assert 4 <= acted <= 20
        registry.retire("fraud", "challenger")
        running.reload("fraud")
        after = running.decide("fraud", asked(1))
        assert (after.arm, after.model) == (None, held["champion"])
        assert after.value["shadow_model"]["model"] == shade
        running.close()
        shop.writer.submit([]).result(timeout=10)  # records share a commit: what lies is written
        shop.warehouse.refresh()
        told = fraud_performance.report(shop, clock.now_us() + 1)
        assert {arm["arm"]: arm["decisions"] for arm in told["arms"]} == {
            "challenger": 2 * acted,
            "champion": 2 * (24 - acted),
        }
        # The shadow is compared where the champion decided: there its view is one of two.
        assert told["shadow"]["decisions"] == 2 * (24 - acted) + 1
        assert told["shadow"]["champion_model"] == held["champion"]


def test_without_a_challenger_there_is_nothing_to_compare(settings):
    with open_shop(settings) as shop:
        assert fraud_performance.rival(shop, clock.now_us()) is None


def test_every_name_has_its_words_in_both_languages():
    for name in {*NAMES, *FEATURES}:
        assert says(name), name
        chinese = says(name, "zh")
        assert any("\u4e00" <= one <= "\u9fff" for one in chinese), name
    assert len({says(name, "zh") for name in FEATURES}) == len(FEATURES)
