"""train, decide, explain, models and status from the command line, without a server."""

from __future__ import annotations

import json

import pytest

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import main
from shopkeeper.data.shop import open_shop
from shopkeeper.simulate.tiny_shop import tiny_shop

REQUEST = '{"placement": "home", "customer_id": "customer-001", "exclude": ["item-002"]}'


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "shop"
    with open_shop(settings.load(folder)) as shop:
        shop.append_events(tiny_shop(end_us=clock.now_us()))
    return str(folder)


def run(capsys, *words: str) -> tuple[int, str, str]:
    status = main(list(words))
    out, err = capsys.readouterr()
    return status, out, err


def run_json(capsys, *words: str):
    status, out, _ = run(capsys, *words, "--json")
    assert out.count("\n") == 1, "--json prints one line and nothing else"
    return status, json.loads(out)


def test_from_no_model_to_a_trained_one_to_an_explained_decision(capsys, home):
    status, told = run_json(capsys, "--home", home, "status")
    assert status == 0
    assert told["models"]["recommend"]["champion"] is None
    assert any("no trained model" in alert for alert in told["alerts"])

    status, told = run_json(capsys, "--home", home, "decide", "recommend", REQUEST)
    assert status == 0
    assert told["fallback_reason"] == "no_model"

    status, told = run_json(capsys, "--home", home, "train", "recommend")
    assert status == 0
    version = told["trained"][0]["version"]
    assert told["trained"][0]["alias"] == "champion", told["trained"][0]["verdict"]

    status, told = run_json(capsys, "--home", home, "decide", "recommend", REQUEST)
    assert told["model"] == version
    assert "item-002" not in [item["item_id"] for item in told["value"]["items"]]

    status, why = run_json(
        capsys, "--home", home, "explain", told["decision_id"], "--item", "item-002"
    )
    assert status == 0
    assert why["why_not"]["code"] == "excluded"
    assert len(why["items"]) == 10

    status, out, _ = run(capsys, "--home", home, "explain", told["decision_id"])
    assert status == 0
    assert "candidates" in out

    status, told = run_json(capsys, "--home", home, "models")
    assert told["models"]["recommend"][0]["aliases"] == ["champion"]
    status, told = run_json(capsys, "--home", home, "status")
    assert told["models"]["recommend"]["champion"] == version
    assert told["models"]["recommend"]["metrics"]["ndcg_at_10"] > 0


def test_people_get_the_answer_the_reason_and_the_next_command(capsys, home):
    status, out, _ = run(capsys, "--home", home, "decide", "recommend", REQUEST)
    assert status == 0
    assert out.startswith("10 items for customer-001 on home\n")
    assert "next: shopkeeper explain dec_" in out
    for words in (("models",), ("status",), ("models", "list", "recommend")):
        status, out, _ = run(capsys, "--home", home, *words)
        assert status == 0
        assert out


@pytest.mark.parametrize(
    ("words", "code", "exit_status"),
    [
        (("decide", "recommend", "{"), "bad_input", 2),
        (("decide", "recommend", '["home"]'), "bad_input", 2),
        (("decide", "recommend", '{"limit": 0}'), "bad_input", 2),
        (("decide", "teleport", "{}"), "not_found", 2),
        (("explain", "dec_nothing"), "not_found", 2),
        (("models", "promote", "recommend", "blend@0"), "not_found", 2),
        (("train", "teleport"), "not_found", 2),
    ],
)
def test_bad_words_are_told_with_a_code(capsys, home, words, code, exit_status):
    status, told = run_json(capsys, "--home", home, *words)
    assert status == exit_status
    assert told["error"]["code"] == code


def test_rollback_without_a_previous_model_is_a_conflict(capsys, tmp_path):
    status, told = run_json(
        capsys, "--home", str(tmp_path / "none"), "models", "rollback", "recommend"
    )
    assert status == 2
    assert told["error"]["code"] == "conflict"
