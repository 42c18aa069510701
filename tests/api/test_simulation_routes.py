"""Trials and the worth of policies over HTTP: asked once, listed, found by id, wrong ones named."""

from __future__ import annotations

from shopkeeper.operate import simulation


def test_a_trial_is_asked_for_listed_and_found(server):
    assert server.call("GET", "/v1/simulations").json() == {"simulations": [], "last": None}
    answer = server.call("POST", "/v1/simulations")
    assert answer.status_code == 202
    asked = answer.json()
    assert asked["state"] == "asked"
    assert asked["asked_by"].startswith("admin (")
    again = server.call("POST", "/v1/simulations").json()
    assert again["simulation_id"] == asked["simulation_id"]
    [listed] = server.call("GET", "/v1/simulations").json()["simulations"]
    one = server.call("GET", f"/v1/simulations/{asked['simulation_id']}")
    assert one.json() == listed == asked
    simulation.keep(server.shop.settings, {"policies": {}})
    assert server.call("GET", "/v1/simulations").json()["last"] == {"policies": {}}


def test_unknown_trials_and_scopes_are_refused(server):
    missing = server.call("GET", "/v1/simulations/job-nothing")
    assert missing.status_code == 404
    assert missing.json()["error"]["field"] == "simulation_id"
    reader = server.keys.make("reader", ["decisions:read"])[1]
    assert server.call("POST", "/v1/simulations", key=reader).status_code == 403
    assert server.call("GET", "/v1/simulations", key=reader).status_code == 200


def test_the_worth_of_policies_says_what_is_missing(server):
    told = server.call("GET", "/v1/policies/worth", params={"reward": "purchase", "days": 30})
    assert told.status_code == 200
    body = told.json()
    assert body["protocol"]["reward"] == "purchase"
    assert [one["code"] for one in body["missing"]] == ["no_slates"]
    wrong = server.call("GET", "/v1/policies/worth", params={"reward": "joy"})
    assert wrong.status_code == 400
    assert wrong.json()["error"]["field"] == "reward"
