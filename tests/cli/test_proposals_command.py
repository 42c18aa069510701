"""``shopkeeper proposals``: from a plan's rows to an order, aligned and as JSON."""

from __future__ import annotations

import json

import pytest

from shopkeeper.base import settings
from shopkeeper.cli.main import main
from shopkeeper.data.shop import open_shop


@pytest.fixture
def home(tmp_path, capsys) -> list[str]:
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parents[1] / "operate"))
    from test_replenish import proposal

    folder = tmp_path / "shop"
    with open_shop(settings.load(folder)) as shop:
        made = [proposal("p1", "a"), proposal("p2", "longer-name", supplier="best")]
        assert shop.append_events(made).rejected == []
    return ["--home", str(folder), "proposals"]


def test_rows_align_under_their_heading(home, capsys):
    assert main([*home, "list"]) == 0
    first, heading, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("2 proposals, value ")
    assert len(rows) == 2
    for word in ("supplier", "state", "order by"):
        at = heading.index(word)
        assert all(row[at - 1] == " " and row[at] != " " for row in rows), word


def test_from_a_list_to_a_purchase_order(home, capsys):
    assert main([*home, "show", "p1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["state"] == "proposed"
    assert main([*home, "change", "p1", "20", "--why", "a fair"]) == 0
    assert main([*home, "approve", "--all", "--supplier", "acme", "--json"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "p1: 20 units, proposed were 10"
    assert json.loads(told[1])["approved"] == ["p1"]
    assert main([*home, "approve", "p1"]) == 2
    assert "p1 is approved; approve needs proposed" in capsys.readouterr().err
    assert main([*home, "send", "p1"]) == 0
    assert "purchase order po-" in capsys.readouterr().out
    assert main([*home, "reject", "p2", "--reason", "enough"]) == 0
    assert main([*home, "list", "--json", "--state", "rejected"]) == 0
    [line] = [x for x in capsys.readouterr().out.splitlines() if x.startswith("{")]
    assert json.loads(line)["proposals"][0]["reason"] == "enough"


def test_the_export_is_a_file_and_wrong_words_are_named(home, tmp_path, capsys):
    file = tmp_path / "out.csv"
    assert main([*home, "export", "--to", str(file), "--supplier", "best"]) == 0
    assert file.read_text("utf-8-sig").splitlines()[1].startswith("p2,proposed,2026-01-26,longer")
    assert main([*home, "export"]) == 0
    assert main([*home, "list", "--state", "eaten"]) == 2
    assert main([*home, "approve"]) == 2
    assert main([*home, "show", "nope"]) == 2
    assert "There is no proposal 'nope'" in capsys.readouterr().err
