"""``shopkeeper simulate``: a file or the shop's own log, kept for the console where asked."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopkeeper.cli.main import main

ASKED = ["--items", "20", "--visits", "40", "--seeds", "2", "--json"]


@pytest.fixture
def purchases(tmp_path):
    rng = np.random.default_rng(3)
    lines = ["user_id,item_id,timestamp"]
    for user in range(100):
        mine = rng.integers(0, 25, 6)
        for day in np.sort(rng.choice(100, 8, replace=False)):
            lines += [
                f"u{user},i{item},{int(day) * 86_400 + 1_700_000_000}"
                for item in rng.choice(mine, 2)
            ]
    path = tmp_path / "purchases.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_file_is_tried_and_kept_only_when_asked(purchases, tmp_path, capsys):
    home = tmp_path / "shop"
    command = ["--home", str(home), "simulate", "--interactions", str(purchases), *ASKED]
    assert main(command) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["protocol"]["visits"] == 40
    assert not (home / "simulation.json").exists()
    assert main([*command, "--keep"]) == 0
    assert json.loads((home / "simulation.json").read_text("utf-8"))["policies"].keys() == (
        found["policies"].keys()
    )


def test_a_shop_with_too_little_says_what_is_lacking(tmp_path, capsys):
    assert main(["--home", str(tmp_path / "shop"), "simulate", *ASKED]) == 2
    told = json.loads(capsys.readouterr().out)["error"]
    assert told["code"] == "bad_input"
    assert "no purchase" in told["message"]
