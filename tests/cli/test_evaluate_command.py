"""``shopkeeper evaluate recommend`` from the outside: one object or a table, clear refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import main


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    rng = np.random.default_rng(4)
    path = tmp_path_factory.mktemp("files") / "log.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write("who,item_id,timestamp,event\n")
        for user in range(60):
            for _ in range(rng.integers(2, 12)):
                item = user % 5 * 4 + rng.integers(0, 6)
                day = f"2024-{rng.integers(1, 13):02}-{rng.integers(1, 28):02}"
                file.write(f"u{user},i{item},{day},{'view' if rng.random() < 0.3 else 'buy'}\n")
    return path


def words(log, *more: str) -> list[str]:
    return ["evaluate", "recommend", "--interactions", str(log), "--map", "user_id=who", *more]


def test_json_prints_one_object_and_nothing_else(log, capsys):
    assert main(words(log, "--protocol", "time", "--at", "2024-09-01", "--repeats", "--json")) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["capability"] == "recommend"
    assert printed["protocol"]["repeats"] is True
    assert len(printed["data"]["sha256"]) == 64


def test_the_table_stands_on_standard_output_without_progress(log, capsys):
    assert main(words(log)) == 0
    out = capsys.readouterr().out
    assert out.startswith("model ")
    assert "(baseline)" in out
    assert "champion" in out
    assert "fit ease" not in out


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--at", "2024-09-01"), "bad_input", "--at goes with --protocol time only"),
        (("--protocol", "time", "--at", "soon"), "bad_input", "--at must be a date"),
        (("--protocol", "time", "--at", "2031-01-01"), "bad_input", "--at leaves no rows"),
        (("--map", "item_id=sku"), "missing_columns", "lacks sku; it has who, item_id"),
        (("--map", "item_id"), "bad_input", "--map must be name=column"),
    ],
)
def test_a_refusal_has_a_code_and_exit_2(log, capsys, more, code, said):
    assert main(words(log, *more, "--json")) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code
    assert said in error["message"]


def test_events_that_nobody_knows_are_refused_with_what_is_known(tmp_path, capsys):
    path = tmp_path / "odd.csv"
    path.write_text("user_id,item_id,timestamp,event\na,x,1,sneeze\nb,y,2,sneeze\n", "utf-8")
    assert main(["evaluate", "recommend", "--interactions", str(path), "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "it has sneeze" in error["message"]
    assert "purchase" in error["allowed"]


def test_map_words_become_names():
    assert mapping(("user_id=customer id", "timestamp=when")) == {
        "user_id": "customer id",
        "timestamp": "when",
    }
