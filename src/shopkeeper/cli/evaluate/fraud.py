"""``shopkeeper evaluate fraud``: folds in time with late labels, on anybody's payments."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report

_HEAD = ("auc_roc", "average_precision", "card_precision_at_100", "tpr_at_fpr_5")


@click.command("fraud")
@click.option(
    "--transactions",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV or Parquet, .gz too: transaction_id, timestamp, customer_id, amount, is_fraud, …",
)
@click.option("--start", required=True, help="The first training day, as 2018-07-25.")
@click.option("--train-days", type=click.IntRange(1, 730), default=7, show_default=True)
@click.option("--delay-days", type=click.IntRange(0, 90), default=7, show_default=True)
@click.option("--test-days", type=click.IntRange(1, 365), default=7, show_default=True)
@click.option("--folds", type=click.IntRange(1, 100), default=1, show_default=True)
@click.option(
    "--models",
    default="",
    metavar="NAMES",
    help="Measure only these beside the baseline, comma-separated; without it all that can run.",
)
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--seed", default=7, show_default=True, help="Seed of models and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    transactions: Path,
    start: str,
    train_days: int,
    delay_days: int,
    test_days: int,
    folds: int,
    models: str,
    maps: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Train, wait for labels, test: means over folds; champion chosen before the test."""
    from shopkeeper.data.importers.interactions import parse_moment
    from shopkeeper.data.importers.payments_file import read_payments
    from shopkeeper.fraud import evaluate

    among = asked_models(models)
    data = read_payments(transactions, mapping(maps))
    setup = evaluate.Setup(
        start_us=parse_moment(start, "start"),
        train_days=train_days,
        delay_days=delay_days,
        test_days=test_days,
        folds=folds,
        seed=seed,
        among=among,
    )
    printed = evaluate.evaluate(data, setup, {"file": transactions.name}, tell=_tell)
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed))


def asked_models(text: str) -> tuple[str, ...]:
    """Return the candidates of a comma-separated text; all that can run here if it is empty."""
    from shopkeeper.fraud.models import candidates

    if not text.strip():
        return candidates.runnable()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    known = (*candidates.FITTERS, *candidates.DEEP)
    for name in names:
        if name not in known:
            raise BadInput(
                f"--models names '{name[:60]}', which is no model.",
                hint="For example --models trees,sequence",
                field="models",
                value=name[:60],
                allowed=", ".join(known),
            )
        if name in candidates.DEEP and name not in candidates.runnable():
            raise BadInput(
                f"--models names '{name}', which needs torch, and torch is not installed.",
                hint="pip install 'shopkeeper[deep]'",
                field="models",
                value=name,
                allowed=", ".join(candidates.FITTERS),
            )
    return names


def as_text(printed: dict[str, Any]) -> str:
    """Return the table for people: best first, then the champion and what was left out."""
    models, baseline = printed["models"], printed["baseline"]
    ordered = sorted(models, key=lambda n: -models[n]["metrics"]["average_precision"])
    head = ["model", "AUC", "AP", "95 % interval", "CP@100", "TPR@5%", "calibration"]
    head += ["cost", "best fixed"]
    rows = []
    for name in ordered:
        one = models[name]
        low, high = one["interval_95"]["average_precision"]
        auc, precision, cards, found = (one["metrics"][metric] for metric in _HEAD)
        rows.append(
            [
                name,
                f"{auc:.4f}",
                f"{precision:.4f}",
                f"{low:.4f} - {high:.4f}",
                f"{cards:.4f}",
                f"{found:.4f}",
                f"{one['metrics']['calibration_error']:.4f}",
                f"{one['metrics']['expected_cost']:.4f}",
                f"{min(f['cost'] for f in one['cost']['fixed_thresholds'].values()):.4f}",
            ]
        )
    data, parts = printed["data"], printed["protocol"]["folds"]
    lines = [
        report.table(head, rows),
        f"champion {printed['champion']} (by AP on days before the test), baseline {baseline}",
        f"  {data['rows']:,} payments, {data['frauds']:,} frauds, {data['customers']:,} customers",
        *(
            f"  trained from {one['train_from']}, tested from {one['test_from']}:"
            f" {one['test_rows']:,} payments, {one['test_frauds']:,} frauds"
            for one in parts
        ),
        "  cost: currency units per payment, by least expected cost of approve, challenge, review",
        "  and block; best fixed: the best single threshold, found in hindsight on the same days",
        _against(models[printed["champion"]]["cost"]["against_best_fixed"]),
    ]
    return "\n".join(lines)


def _against(told: dict[str, Any]) -> str:
    low, high = told["interval_95"]
    return (
        f"  the champion's cost less the best fixed threshold's ({told['kind']}):"
        f" {told['difference']:+.4f}, 95 % interval {low:+.4f} to {high:+.4f}: {told['verdict']}"
    )


def _tell(text: str) -> None:
    click.echo(text, err=True)
