"""Lead times: known answers, open orders that count, no look ahead, and refused files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import main
from shopkeeper.supply import lead_time, lead_time_committee
from shopkeeper.supply.lead_time import Deliveries, Settings, product_limit


def test_product_limit_matches_the_textbook():
    """Six orders, open ones at 6 and 9: S = 5/6, 5/6, 5/6 x 3/4 … (Kaplan and Meier 1958)."""
    days = np.array([3.0, 6.0, 7.0, 9.0, 10.0, 12.0])
    seen = np.array([True, False, True, False, True, True])
    at, cdf = product_limit(days, seen, np.ones(6))
    survival = [5 / 6, 5 / 6, 5 / 6 * 3 / 4, 5 / 6 * 3 / 4, 5 / 6 * 3 / 4 / 2, 0]
    assert at.tolist() == days.tolist()
    assert (1 - cdf).tolist() == pytest.approx(survival)


def made(received):
    n = len(received)
    return Deliveries(
        keys={"supplier": np.array(["a", "b"] * n)[:n]},
        ordered=np.arange(n),
        received=np.array(received, dtype=float),
        promised=np.arange(n) + 5.0,
    )


def test_nothing_known_later_changes_what_was_learned():
    rng = np.random.default_rng(3)
    received = np.arange(60) + rng.integers(2, 20, 60)
    changed = np.where(received >= 40, received + 500, received)
    settings = Settings()
    one, two = (lead_time.fit(made(r), settings, 40) for r in (received, changed))
    assert one.curve({"supplier": "a"}).cdf.tolist() == two.curve({"supplier": "a"}).cdf.tolist()


def test_open_orders_make_the_future_longer():
    received = [float(n + 4) for n in range(20)] + [np.nan] * 6
    open_too = lead_time.fit(made(received), Settings(half_life_days=None), 40)
    closed = lead_time.fit(made(received[:20]), Settings(half_life_days=None), 40)
    key = {"supplier": "a"}
    assert lead_time.quantile(open_too, key, 0.9) > lead_time.quantile(closed, key, 0.9)


def test_a_promise_moves_the_distribution():
    fitted = lead_time.fit(made([n + 7.0 for n in range(20)]), Settings(lateness=True), 40)
    lead = lead_time.lead_time(fitted, {"supplier": "a"}, promised_days=30)
    assert lead.at(0.5) == 32
    with pytest.raises(BadInput, match="no promised day"):
        lead_time.quantile(fitted, {"supplier": "a"}, 0.5)


def test_a_committee_answers_with_the_mean_of_its_members_quantiles():
    data = made([n + 4.0 + (n % 7) for n in range(40)])
    members = lead_time_committee.members_for((("supplier",),))
    committee = lead_time_committee.fit(data, members, 60)
    key = {"supplier": "a"}
    for level in (0.1, 0.5, 0.9):
        alone = [lead_time.fit(data, one, 60).curve(key).at(level) for one in members]
        assert committee.curve(key).at(level) == pytest.approx(np.mean(alone))
    served = lead_time.lead_time(committee, key)
    assert served.probability.sum() == pytest.approx(1)
    assert (np.diff(served.days) > 0).all()


def test_a_committee_knows_nothing_later_and_keeps_open_orders():
    members = lead_time_committee.members_for((("supplier",),))
    received = [float(n + 4) for n in range(20)] + [np.nan] * 6
    key = {"supplier": "a"}
    open_too = lead_time_committee.fit(made(received), members, 40).curve(key)
    closed = lead_time_committee.fit(made(received[:20]), members, 40).curve(key)
    assert open_too.at(0.9) > closed.at(0.9)
    later = [value if value < 30 else value + 500 for value in received]
    one, two = (lead_time_committee.fit(made(r), members, 20).curve(key) for r in (received, later))
    assert one.days.tolist() == two.days.tolist()
    with pytest.raises(BadInput, match="needs a member"):
        lead_time_committee.fit(made(received), (), 40)


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(5)
    path = tmp_path / "d.csv"
    start = np.datetime64("2023-01-01")
    with path.open("w", encoding="utf-8") as out:
        out.write("vendor,ordered,promised,received\n")
        for n in range(240):
            ordered = start + n * 2
            late = int(rng.choice([0, 0, 0, 2, 9]))
            out.write(f"s{n % 4},{ordered},{ordered + 20},{ordered + 20 + late}\n")
    return path


def test_evaluate_prints_models_baselines_and_champion(file, capsys):
    words = ["evaluate", "supply", "--lead-times", str(file), "--map", "supplier=vendor"]
    assert main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["baseline"] == "supplier_quantiles"
    assert printed["champion"] in printed["models"]
    assert {"promised_date", "shrunk", "committee", "shrunk_lateness", "committee_lateness"} <= set(
        printed["models"]
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("supplier,ordered\na,2024-01-01\n", "lacks received"),
        ("supplier,ordered,received\n", "has no rows"),
        ("supplier,ordered,received\na,2024-01-01,soon\n", "column 'received' is no date: 'soon'"),
        ("supplier,ordered,received\n,2024-01-01,2024-01-03\n", "column 'supplier' is empty"),
        (
            "supplier,ordered,received,received\na,2024-01-01,2024-01-03,2024-01-04\n",
            "column 'received' stands there twice",
        ),
        ("supplier,ordered,received\na,2024-01-01,\n", "column 'received' is empty in every row"),
    ],
)
def test_a_history_that_cannot_be_judged_is_refused(tmp_path, capsys, text, said):
    path = tmp_path / "d.csv"
    path.write_text(text, "utf-8")
    assert main(["evaluate", "supply", "--lead-times", str(path), "--json"]) == 2
    assert said in json.loads(capsys.readouterr().out)["error"]["message"]
