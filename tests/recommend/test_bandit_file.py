"""``evaluate offpolicy --file``: anybody's logged bandit file, and complaints that name the row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.cli.main import main
from shopkeeper.recommend.offpolicy import from_file

OPEN_BANDIT = Path(__file__).parents[3] / "shared" / "data" / "open_bandit"


def write(path: Path, rows: list[tuple], head: str) -> Path:
    path.write_text("\n".join([head, *(",".join(map(str, r)) for r in rows)]) + "\n", "utf-8")
    return path


def logged(n: int = 9000) -> list[tuple]:
    """Two places, three actions shown alike; action c is taken most, the first place more."""
    rng = np.random.default_rng(5)
    rows = []
    for _ in range(n):
        place, action = int(rng.integers(1, 3)), int(rng.integers(0, 3))
        chance = (0.05, 0.1, 0.3)[action] / place
        rows.append((place, "abc"[action], int(rng.random() < chance), round(1 / 3, 12)))
    return rows


def test_the_learned_policy_finds_the_best_action_on_rows_it_did_not_see(tmp_path, capsys):
    path = write(tmp_path / "log.csv", logged(), "position,action,reward,pscore")
    assert main(["evaluate", "offpolicy", "--file", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    told = found["models"]["learned"]
    assert found["data"] | {"rewarded": 0} == {
        "source": "log.csv",
        "rows": 9000,
        "judged": 4500,
        "rewarded": 0,
        "actions": 3,
        "positions": 2,
    }
    assert told["verdict"] == "better"
    assert told["metrics"]["dr"] == pytest.approx(0.225, abs=0.04)  # (.3 + .15) / 2


def test_a_column_of_chances_is_judged_without_a_model(tmp_path):
    rows = [(*row, 0.8 if row[1] == "c" else 0.1) for row in logged()]
    path = write(tmp_path / "log.csv", rows, "position,action,reward,pscore,policy")
    told = from_file.evaluate(path)["models"]["column"]
    assert set(told["metrics"]) == {"ips", "clipped", "snips"}
    assert told["metrics"]["ips"] == pytest.approx(0.75 * (0.8 * 0.3 + 0.1 * 0.15), abs=0.03)


def test_the_shares_of_another_file_are_its_policy(tmp_path):
    path = write(tmp_path / "log.csv", logged(), "position,action,reward,pscore")
    shown = [(1, "c")] * 3 + [(1, "a")] + [(2, "c")] * 4
    other = write(tmp_path / "asked.csv", shown, "position,action")
    told = from_file.evaluate(path, against=other)["models"]["file"]
    assert told["metrics"]["ips"] == pytest.approx((0.75 * 0.3 + 0.25 * 0.05 + 0.15) / 2, abs=0.03)
    strange = write(tmp_path / "strange.csv", [(1, "z"), (2, "c")], "position,action")
    with pytest.raises(BadInput, match="shows action 'z'"):
        from_file.evaluate(path, against=strange)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ((1, "a", 0, 0), "row 2: column 'pscore' must lie above 0"),
        ((1, "a", "much", 0.5), "row 2: column 'reward' is no number: 'much'"),
        ((1, "", 1, 0.5), "row 2: column 'action' is empty"),
    ],
)
def test_a_bad_row_is_named(tmp_path, row, says):
    path = write(tmp_path / "log.csv", [(1, "b", 1, 0.5), row], "position,action,reward,pscore")
    with pytest.raises(BadInput, match=says):
        from_file.evaluate(path)


def test_missing_columns_and_unknown_policies_are_named(tmp_path):
    path = write(tmp_path / "log.csv", [("a", 1)], "action,reward")
    with pytest.raises(MissingColumns, match="lacks pscore"):
        from_file.evaluate(path)
    whole = write(tmp_path / "whole.csv", [("a", 1, 0.5)], "action,reward,pscore")
    with pytest.raises(BadInput, match="no policy 'best'"):
        from_file.evaluate(whole, policy="best")


@pytest.mark.benchmark
@pytest.mark.skipif(not OPEN_BANDIT.exists(), reason="Open Bandit Data is not there")
def test_open_bandit_data_gives_the_pipelines_numbers():
    """obp 0.4.1: IPW 0.005035366932711512, SNIPW 0.0052530721964214695."""
    names = {"action": "item_id", "reward": "click", "pscore": "propensity_score"}
    found = from_file.evaluate(
        OPEN_BANDIT / "random_all.parquet", names, against=OPEN_BANDIT / "bts_all.parquet"
    )
    told = found["models"]["file"]
    assert told["metrics"]["ips"] == pytest.approx(0.005035366932711512, abs=1e-6)
    assert told["metrics"]["snips"] == pytest.approx(0.0052530721964214695, abs=1e-6)
    assert told["verdict"] == "refused"
