"""``shopkeeper fraud`` on an empty shop and with the first-day pack."""

from __future__ import annotations

import json

from shopkeeper.cli.main import main


def test_the_pack_is_put_into_shadow_once_and_listed(tmp_path, capsys):
    home = ["--home", str(tmp_path / "shop"), "fraud"]
    assert main([*home, "queue"]) == 0
    assert main([*home, "pack"]) == 0
    assert "17 rules run in shadow" in capsys.readouterr().out
    assert main([*home, "pack"]) == 0
    assert "0 rules run" in capsys.readouterr().out
    assert main([*home, "rules", "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)["rules"]
    assert {rule["status"] for rule in rules} == {"shadow"}
    for words in ("lists", "alerts"):
        assert main([*home, words]) == 0


def test_a_wrong_expression_is_bad_input(tmp_path, capsys):
    home = ["--home", str(tmp_path / "shop"), "fraud", "test"]
    assert main([*home, "amount_minor > 5"]) == 0
    assert "0 of 0 decisions" in capsys.readouterr().out
    assert main([*home, "amount_minor > 'x'"]) == 2
    assert "compares a number with a text" in capsys.readouterr().err
