"""``evaluate fraud`` on bad files: refused whole, with the column, the row and a way out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from shopkeeper.cli.main import main

HEAD = "transaction_id,timestamp,customer_id,amount,is_fraud,label_timestamp"
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def rows(count: int = 60, customers: int = 9) -> list[list[str]]:
    """Return payments of 30 days, every third a fraud, labels three days later."""
    found = []
    for number in range(count):
        at = FIRST + timedelta(hours=12 * number)
        bad = number % 3 == 0
        known = (at + timedelta(days=3)).isoformat() if bad else ""
        found.append(
            [f"t{number}", at.isoformat(), f"c{number % customers}", "12.5", str(int(bad)), known]
        )
    return found


def changed(row: int, column: int, value: str) -> list[list[str]]:
    found = rows()
    found[row][column] = value
    return found


def without(column: str) -> str:
    place = HEAD.split(",").index(column)
    kept = [",".join(r[:place] + r[place + 1 :]) for r in rows()]
    names = [name for name in HEAD.split(",") if name != column]
    return "\n".join([",".join(names), *kept])


def text(lines: list[list[str]]) -> str:
    return "\n".join([HEAD, *(",".join(line) for line in lines)])


def asked(path, *more: str) -> list[str]:
    return [
        *("evaluate", "fraud", "--transactions", str(path), "--start", "2026-01-01"),
        *(*more, "--json"),
    ]


BAD = {
    "missing column": (without("customer_id"), "customer_id"),
    "all one class": (text([[*r[:4], "0", ""] for r in rows()]), "is 0 in every row"),
    "NaN amount": (text(changed(4, 3, "NaN")), "row 5"),
    "infinite amount": (text(changed(4, 3, "inf")), "row 5"),
    "negative amount": (text(changed(4, 3, "-3")), "row 5"),
    "huge amount": (text(changed(4, 3, "1e12")), "row 5"),
    "bad date": (text(changed(7, 1, "yesterday")), "yesterday"),
    "no customer": (text(changed(7, 2, "")), "row 8"),
    "empty file": ("", "is empty: no heading and no rows"),
    "head only": (HEAD + "\n", "has no rows"),
    "label is a word": (text(changed(2, 4, "perhaps")), "perhaps"),
    "contradictory labels": (text([*rows(), [*rows()[3][:4], "0", ""]]), "contradicts the label"),
    "same id, other amount": (text([*rows(), [*rows()[1][:3], "9", "0", ""]]), "repeats the id"),
    "label before its payment": (text(changed(3, 5, "2025-12-01")), "before its payment"),
    "label without a date": (text(changed(3, 5, "later")), "later"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_its_column_and_row(name, tmp_path, capsys):
    content, said = BAD[name]
    path = tmp_path / "payments.csv"
    path.write_text(content, encoding="utf-8")
    assert main(asked(path)) == 2
    captured = capsys.readouterr()
    error = json.loads(captured.out or captured.err)["error"]
    assert said in error["message"]
    assert "Traceback" not in captured.err
    assert name == "empty file" or error.get("hint") or error.get("field")


def test_a_file_that_is_not_there_and_a_start_that_is_no_date(tmp_path, capsys):
    assert main(asked(tmp_path / "none.csv")) == 2
    assert "none.csv" in capsys.readouterr().out
    path = tmp_path / "payments.csv"
    path.write_text(text(rows()), encoding="utf-8")
    words = asked(path)
    words[words.index("2026-01-01")] = "soon"
    assert main(words) == 2
    assert "--start must be a date" in capsys.readouterr().out


def test_days_without_both_classes_say_what_the_file_covers(tmp_path, capsys):
    path = tmp_path / "payments.csv"
    path.write_text(text(rows()), encoding="utf-8")
    words = asked(path)
    words[words.index("2026-01-01")] = "2027-01-01"
    assert main(words) == 2
    assert "The file covers 2026-01-01 to 2026-01-30" in capsys.readouterr().out


def test_a_repeat_with_the_same_content_counts_once(tmp_path):
    from shopkeeper.data.importers.payments_file import read_payments

    path = tmp_path / "payments.csv"
    path.write_text(text([*rows(), rows()[5]]), encoding="utf-8")
    found = read_payments(path)
    assert found.duplicates == 1
    assert len(found.fraud) == 60
    assert np.all(np.diff(found.at_us) > 0)


def test_the_baseline_is_measured_whatever_is_asked_for(tmp_path):
    from shopkeeper.data.importers.payments_file import read_payments
    from shopkeeper.fraud import evaluate

    path = tmp_path / "payments.csv"
    path.write_text(text(rows(120, 50)), encoding="utf-8")
    start_us = int(FIRST.timestamp() * 1e6)
    setup = evaluate.Setup(start_us=start_us, train_days=20, among=("trees",))
    printed = evaluate.evaluate(read_payments(path), setup, {"file": path.name})
    assert list(printed["models"]) == ["logistic", "trees"]
    assert printed["champion"] == "trees"


def test_a_test_without_unknown_customers_is_refused(tmp_path, capsys):
    path = tmp_path / "payments.csv"
    path.write_text(text(rows(120)), encoding="utf-8")
    assert main([*asked(path), "--train-days", "20"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert "are left without customers who were known before" in error["message"]


def test_models_are_asked_for_by_name_and_priced_beside_fixed_thresholds(tmp_path, capsys):
    path = tmp_path / "payments.csv"
    path.write_text(text(rows(120, 50)), encoding="utf-8")
    words = [*asked(path), "--train-days", "20", "--models", "trees, strange"]
    assert main(words) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["models"]) == ["logistic", "trees", "strange"]
    cost = told["models"]["trees"]["cost"]
    assert set(cost["fixed_thresholds"]) == {"challenge", "review", "block", "ladder"}
    assert cost["fixed_thresholds"]["ladder"]["cost"] <= min(
        cost["fixed_thresholds"][kind]["cost"] for kind in ("challenge", "review", "block")
    )
    assert sum(cost["outcomes"].values()) == told["models"]["trees"]["test_rows"][0]
    assert told["models"]["strange"]["cost"]["outcomes"]["block"] == 0
    assert main([word for word in words if word != "--json"]) == 0
    shown = capsys.readouterr().out
    assert "best fixed" in shown
    assert "the champion's cost less the best fixed threshold's" in shown
    assert main([*asked(path), "--models", "trees,oracle"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["field"], error["value"]) == ("models", "oracle")
    assert "sequence" in error["allowed"]


def test_networks_are_measured_where_torch_is_and_named_where_it_is_not(monkeypatch):
    from shopkeeper.base.errors import BadInput
    from shopkeeper.cli.evaluate.fraud import asked_models
    from shopkeeper.fraud.models import candidates, deep

    monkeypatch.setattr(deep, "installed", lambda: True)
    assert {"encoder", "sequence"} < set(asked_models(""))
    monkeypatch.setattr(deep, "installed", lambda: False)
    assert set(asked_models("")) == set(candidates.FITTERS)
    with pytest.raises(BadInput, match="needs torch"):
        asked_models("sequence")
