"""Roles beside the champion over HTTP, on the command line and in the console."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import made_frauds
import pytest
from starlette.testclient import TestClient

sys.path.insert(0, str(Path(__file__).parents[1] / "console"))

from shopfront import Front, token

from shopkeeper.api.app import create_app
from shopkeeper.base import settings as settings_file
from shopkeeper.cli.main import main
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.models.detector import Detector, learn_strangeness
from shopkeeper.fraud.registry import NAMES
from shopkeeper.learn.contracts import Trained
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime


@pytest.fixture
def versions(tmp_path):
    """A home whose fraud has a champion and two other versions: (home, names)."""
    import numpy as np

    home = tmp_path / "shop"
    rows = np.random.default_rng(4).lognormal(1, 1, (300, len(NAMES)))
    plain = Detector(names=NAMES, strange=learn_strangeness(rows, NAMES, 1))
    question = {"payment_id": "t", "amount_minor": 100, "currency": "EUR"}
    registry = Registry(settings_file.load(home).models_path)
    names = [
        registry.register(
            "fraud",
            Trained(model=replace(plain, positives=n), report={}, data={}, self_test=question),
        )
        for n in range(3)
    ]
    registry.promote("fraud", names[0])
    return home, names


def test_a_shadow_set_over_http_is_scored_and_recorded_at_once(versions):
    home, (champion, second, third) = versions
    with open_shop(settings_file.load(home)) as shop:
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        app = create_app(runtime, warm=False)
        with TestClient(app, raise_server_exceptions=False) as client:
            keys = app.state.service.keys
            admin = {"authorization": f"Bearer {keys.make('lead', ['admin'])[1]}"}
            till = {"authorization": f"Bearer {keys.make('till', ['decisions:write'])[1]}"}
            path = "/v1/models/fraud/roles"

            def give(role, body, status=200, key=admin):
                answer = client.put(f"{path}/{role}", headers=key, json=body)
                assert answer.status_code == status, answer.text
                return answer.json()

            assert give("shadow", {"version": second})["aliases"]["shadow"] == second
            told = give("challenger", {"version": third, "share": 1.0})
            assert told["challenger_share"] == 1.0
            made = client.post(
                "/v1/decisions/fraud", headers=till, json=made_frauds.question(1)
            ).json()
            assert (made["arm"], made["model"]) == ("challenger", third)
            assert made["value"]["shadow_model"]["model"] == second
            listed = client.get("/v1/models", headers=admin).json()["models"]["fraud"]
            assert listed["aliases"]["shadow"] == second
            assert listed["challenger_share"] == 1.0
            give("shadow", {"version": second}, 403, key=till)
            give("emperor", {"version": second}, 400)
            give("shadow", {"version": champion}, 409)
            give("shadow", {"version": "none@1"}, 404)
            give("shadow", {"version": 7}, 400)
            give("shadow", {"versions": second}, 400)
            give("challenger", {"version": third, "share": 1.5}, 400)
            give("challenger", {"version": third, "share": "all"}, 400)
            give("champion", {"version": None}, 400)
            assert "challenger" not in give("challenger", {"version": None})["aliases"]
            give("challenger", {"version": None}, 404)
            after = client.post(
                "/v1/decisions/fraud", headers=till, json=made_frauds.question(2)
            ).json()
            assert (after["arm"], after["model"]) == (None, champion)
            assert give("champion", {"version": second})["aliases"] == {
                "champion": second,
                "previous": champion,
            }
        runtime.close()


def test_roles_are_given_listed_and_ended_on_the_command_line(versions, capsys):
    home, (champion, second, third) = versions

    def run(*words, status=0):
        assert main(["--home", str(home), *words]) == status, capsys.readouterr()
        return capsys.readouterr()

    assert f"shadow {second}, decides for nobody" in run("models", "shadow", "fraud", second).out
    told = run("models", "challenge", "fraud", third, "--share", "0.05").out
    assert f"challenger {third}, decides for 5.0% of customers" in told
    shown = json.loads(run("models", "list", "fraud", "--json").out)["models"]["fraud"]
    assert {one["version"]: one["aliases"] for one in shown} == {
        champion: ["champion"],
        second: ["shadow"],
        third: ["challenger"],
    }
    state = json.loads(run("status", "--json").out)["models"]["fraud"]
    assert (state["shadow"], state["challenger_share"]) == (second, 0.05)
    assert "own shadow" in run("models", "shadow", "fraud", champion, status=2).err
    assert "no shadow ran along" in run("fraud", "compare").out
    assert "no shadow" in run("models", "retire", "fraud", "shadow").out
    run("models", "retire", "fraud", "shadow", status=2)


def test_roles_are_given_and_ended_on_the_models_page(versions):
    home, (_, second, third) = versions
    front = Front(home, filled=False)
    browser = front.signed_in(fresh=True, **{"accept-language": "en"})

    def post(**fields):
        page = browser.get("/console/models").text
        data = {"csrf": token(page), **fields}
        return browser.post("/console/models/fraud/role", data=data).text

    assert "Done: Shadow" in post(role="shadow", version=second)
    page = post(role="challenger", version=third, share="20")
    assert "The challenger decides for 20.0 % of customers" in page
    assert front.runtime.live["fraud"].health()["challenger_share"] == 0.2
    assert "share must be from 0 to 1" in post(role="challenger", version=third, share="200")
    assert "share must be from 0 to 1" in post(role="challenger", version=third, share="all")
    assert "Retire the Challenger" in page
    assert "Retire the Challenger" not in post(role="challenger", version="")
    assert front.runtime.live["fraud"].health()["challenger"] is None
    assert browser.post("/console/models/fraud/role", data={"role": "shadow"}).status_code == 403
    front.close()
