"""One definition, two executors: replaying one by one gives the batch's numbers."""

from __future__ import annotations

import math
from pathlib import Path

import made_payments as made
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud import batch
from shopkeeper.fraud.aggregates import HOUR_US, Agg, declare
from shopkeeper.fraud.online import KEEP_US, Windows
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream

AGGS = [a for a in declare() if a.entity in made.ENTITY_SIZES]
ROW = {agg.name: place for place, agg in enumerate(AGGS)}
HANDBOOK = Path(__file__).parents[2] / ".." / "shared" / "data" / "handbook_sim"


def ask(windows, rows, row, aggs=AGGS):
    out = [math.nan] * len(aggs)
    values = made.values_of(rows.payments, row)
    windows.fill(values, int(rows.payments.at_us[row]), int(rows.payments.amount[row]), out)
    return out


def test_batch_counts_what_can_be_counted_by_hand():
    """Three payments of one customer, a day apart less a second; the second was fraud."""
    at = np.array([0, DAY_US - 1_000_000, 2 * DAY_US - 2_000_000]) + made.START_US
    rows = Rows(
        payments=Stream(
            at_us=at, amount=np.array([100, 300, 800]), codes={"customer": np.zeros(3, int)}
        ),
        known_us=np.array([NEVER_US, at[1] + 5, NEVER_US]),
    )
    aggs = [
        Agg(name="count", entity="customer", function="count", window_us=DAY_US),
        Agg(name="mean", entity="customer", function="mean", window_us=2 * DAY_US),
        Agg(name="max", entity="customer", function="max", window_us=DAY_US, include_current=False),
        Agg(name="since", entity="customer", function="since_last", window_us=DAY_US),
        Agg(name="age", entity="customer", function="age", window_us=9 * DAY_US),
        Agg(name="bad", entity="customer", function="fraud_rate", window_us=9 * DAY_US),
    ]
    found = batch.aggregate(rows, aggs)
    assert found["count"].tolist() == [1, 2, 2]
    assert found["mean"].tolist() == [100, 200, 400]
    assert found["max"].tolist()[1:] == [100, 300]
    assert found["since"].tolist()[1:] == [86399, 86399]
    assert found["age"].tolist() == [0, 86399, 172798]
    assert found["bad"].tolist() == [0, 0, 1 / 3]


def test_replaying_sixty_thousand_payments_one_by_one_gives_the_batch():
    rows = made.payments(60_000, seed=3)
    expected = np.stack(list(batch.aggregate(rows, AGGS).values()), axis=1)
    windows = Windows(AGGS, ROW)
    found = np.full(expected.shape, np.nan)
    for step in made.steps(rows):
        if step[3] == "payments" and step[2] % 3 == 0:
            found[step[2]] = ask(windows, rows, step[2])
        made.take(windows, rows, step)
    asked = np.arange(0, len(rows), 3)
    np.testing.assert_array_equal(np.isnan(found[asked]), np.isnan(expected[asked]))
    assert np.nanmax(np.abs(found[asked] - expected[asked])) <= 1e-9


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), late=st.integers(1, 7 * 86_400))
def test_arrival_out_of_order_within_lateness_ends_in_the_same_features(seed, late):
    rows = made.payments(300, seed=seed, days=40)
    expected = batch.aggregate(rows, AGGS)
    draw = np.random.default_rng(seed)
    shuffled = [
        (s[0] + int(draw.integers(0, late * 1_000_000)), place, s)
        for place, s in enumerate(made.steps(rows))
    ]
    windows = Windows(AGGS, ROW)
    for _, _, step in sorted(shuffled):
        made.take(windows, rows, step)
    alone = [
        i for i in range(250, 300) if np.sum(rows.payments.at_us == rows.payments.at_us[i]) == 1
    ]
    assert alone
    for row in alone[:10]:
        held = windows.take_out(f"p{row}")
        found = ask(windows, rows, row)
        windows.put_back(f"p{row}", held)
        wanted = [expected[a.name][row] for a in AGGS]
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


def test_a_label_never_moves_a_feature_dated_before_it():
    rows = made.payments(3000, seed=5, days=60)
    before = batch.aggregate(rows, AGGS)
    moved = rows.known_us.copy()
    quiet = np.flatnonzero(moved == NEVER_US)[100]
    moved[quiet] = rows.payments.at_us[2500]
    after = batch.aggregate(Rows(payments=rows.payments, known_us=moved), AGGS)
    names = [a.name for a in AGGS if a.function.startswith("fraud")]
    early = rows.payments.at_us < moved[quiet]
    for name in names:
        np.testing.assert_array_equal(before[name][early], after[name][early])
    assert any(not np.array_equal(before[n], after[n], equal_nan=True) for n in names)


def test_a_payment_never_counts_its_own_label():
    """Some files stamp the label with the payment's own moment."""
    rows = made.payments(500, seed=6, days=30)
    own = Rows(
        payments=rows.payments,
        known_us=np.where(rows.known_us == NEVER_US, NEVER_US, rows.payments.at_us),
    )
    agg = Agg(name="n", entity="customer", function="fraud_count", window_us=30 * DAY_US)
    found = batch.aggregate(own, [agg])["n"]
    first = [
        np.flatnonzero((rows.payments.codes["customer"] == c) & (own.known_us != NEVER_US))[:1]
        for c in range(50)
    ]
    firsts = np.concatenate(first)
    assert len(firsts)
    assert (found[firsts] == 0).all()


def test_memory_is_bounded_by_the_horizon():
    """Two years of payments leave no more behind than the last horizon does."""
    windows = Windows(AGGS, ROW)
    step = HOUR_US * 6
    most = 0
    for number in range(3000):
        at_us = made.START_US + number * step
        values = {"customer": f"c{number}", "ip": "hot", "card": f"k{number % 7}"}
        windows.pay(f"p{number}", at_us, 100, values)
        windows.happened("declines", at_us, 0, {"device": f"d{number}"})
        most = max(most, len(windows.payments))
    kept = KEEP_US // step + 1
    assert most <= kept + 1
    assert len(windows.tables["customer"]) <= kept + 1
    assert len(windows.tables["device"]) <= kept + 1
    assert len(windows.tables["ip"]["hot"].payments.at) <= 2 * kept + 2


def test_a_label_that_comes_before_its_payment_waits_for_it():
    windows = Windows(AGGS, ROW)
    windows.label("late", made.START_US + 10)
    windows.pay("late", made.START_US, 100, {"customer": "c"})
    out = [math.nan] * len(AGGS)
    windows.fill({"customer": "c"}, made.START_US + DAY_US, 5, out)
    assert out[ROW["customer_fraud_count_90d"]] == 1
    windows.label("late", None)
    windows.fill({"customer": "c"}, made.START_US + DAY_US, 5, out)
    assert out[ROW["customer_fraud_count_90d"]] == 0


@pytest.mark.benchmark
@pytest.mark.timeout(3600)
def test_the_whole_handbook_replayed_one_by_one_gives_the_batch():
    """1.3 million payments; also the golden values of the published features."""
    import pyarrow.parquet as pq

    path = HANDBOOK / "transactions.parquet"
    if not path.exists():
        pytest.skip(f"{path} is missing")
    table = pq.read_table(path)
    at = table["TX_DATETIME"].cast("timestamp[us]").to_numpy().astype(np.int64)
    order = np.argsort(at, kind="stable")
    column = {n: table[n].to_numpy()[order].astype(np.int64) for n in table.column_names[2:]}
    column["id"] = table["TRANSACTION_ID"].to_numpy()[order]
    rows = Rows(
        payments=Stream(
            at_us=at[order],
            amount=column["TX_AMOUNT_CENTS"],
            codes={"customer": column["CUSTOMER_ID"], "terminal": column["TERMINAL_ID"]},
        ),
        known_us=np.where(column["TX_FRAUD"] == 1, at[order] + 7 * DAY_US, NEVER_US),
    )
    aggs = [a for a in declare() if a.entity in ("customer", "terminal")]
    expected = batch.aggregate(rows, aggs)
    [place] = np.flatnonzero(column["id"] == 500_000)
    golden = {
        "customer_count_1d": 2,
        "customer_count_7d": 14,
        "customer_count_30d": 65,
        "customer_mean_1d": 5172,
        "customer_mean_7d": 5669.7143,
        "customer_mean_30d": 6570.5231,
        "terminal_count_matured_1d": 0,
        "terminal_count_matured_7d": 6,
        "terminal_count_matured_30d": 26,
        "terminal_fraud_rate_matured_30d": 0.038462,
    }
    assert {n: expected[n][place] for n in golden} == pytest.approx(golden, abs=1e-4)
    until = rows.payments.at_us < 1_533_686_400_000_000  # 2018-08-08
    sums = {n: int(expected[n][until].sum()) for n in expected if "count" in n and "fraud" not in n}
    assert [sums[f"customer_count_{w}"] for w in ("1d", "7d", "30d")] == [
        *(4_398_451, 22_872_969, 85_482_453)
    ]
    assert [sums[f"terminal_count_matured_{w}"] for w in ("1d", "7d", "30d")] == [
        *(1_166_028, 7_960_607, 30_800_049)
    ]
    windows = Windows(aggs, {a.name: i for i, a in enumerate(aggs)})
    wanted = np.stack([expected[a.name] for a in aggs], axis=1)
    worst = 0.0
    for step in made.steps(rows):
        if step[3] == "payments":
            found = np.array(ask(windows, rows, step[2], aggs))
            mine = wanted[step[2]]
            assert (np.isnan(found) == np.isnan(mine)).all()
            worst = max(worst, float(np.nanmax(np.abs(found - mine))))
        made.take(windows, rows, step)
    assert worst <= 1e-9
