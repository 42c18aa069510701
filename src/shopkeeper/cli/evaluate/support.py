"""``shopkeeper evaluate support``: intents, FAQ retrieval or sentiment on anybody's file.

One option per kind of file. A kind is a row of KINDS: option, module with ``evaluate(path,
names, seed=)``, and the columns of the table for people; another kind is one more row.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import click

from shopkeeper.base.errors import BadInput
from shopkeeper.cli.evaluate import mapping
from shopkeeper.cli.main import print_json
from shopkeeper.learn import report

# option -> (module, metrics shown to people, first one with its interval)
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "intents": (
        "shopkeeper.support.evaluate_intents",
        ("accuracy", "macro_f1", "oos_auroc", "oos_recall", "accuracy_at_threshold"),
    ),
    "faq": (
        "shopkeeper.support.evaluate_faq",
        ("recall_at_1", "recall_at_5", "mrr", "answered", "refused_without_article"),
    ),
    "sentiment": ("shopkeeper.support.evaluate_sentiment", ("accuracy", "f1")),
    "tasks": (
        "shopkeeper.support.evaluate_tasks",
        ("pass_1", "pass_2", "pass_3", "pass_4", "database_1", "policy_violations"),
    ),
}


@click.command("support")
@click.option(
    "--intents", type=click.Path(path_type=Path), help="text, intent [, split]; oos: out of scope."
)
@click.option("--faq", type=click.Path(path_type=Path), help="question, answer, query [, split].")
@click.option("--sentiment", type=click.Path(path_type=Path), help="text, label [, split].")
@click.option("--tasks", type=click.Path(path_type=Path), help="Folder: db.json, tasks*.json.")
@click.option("--map", "maps", multiple=True, metavar="NAME=COLUMN", help="Rename a column.")
@click.option("--seed", default=7, show_default=True, help="Seed of splits and intervals.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    intents: Path | None,
    faq: Path | None,
    sentiment: Path | None,
    tasks: Path | None,
    maps: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Fit on train, thresholds and champion on validation, judged once on test."""
    given = {
        name: path
        for name, path in (
            ("intents", intents),
            ("faq", faq),
            ("sentiment", sentiment),
            ("tasks", tasks),
        )
        if path is not None
    }
    if len(given) != 1:
        raise BadInput(
            f"evaluate support reads one file, but {len(given)} were named.",
            hint="Name one of --" + ", --".join(KINDS) + ".",
            allowed=", ".join(f"--{name}" for name in KINDS),
        )
    [(kind, path)] = given.items()
    module, shown = KINDS[kind]
    printed = importlib.import_module(module).evaluate(path, mapping(maps), seed=seed)
    if as_json:
        print_json(printed)
    else:
        print(as_text(printed, shown))


def as_text(printed: dict[str, Any], shown: tuple[str, ...]) -> str:
    """Return the table for people: best first, then the champion and the split."""
    models, baseline = printed["models"], printed["baseline"]
    first = shown[0]
    held = [name for name in shown if any(name in m["metrics"] for m in models.values())]
    head = ["model", first, "95 % interval", *held[1:], "fit s", "ms a row", "against baseline"]
    rows = []
    for name in sorted(models, key=lambda n: -models[n]["metrics"][first]):
        model = models[name]
        low, high = model["interval_95"][first]
        others = [model["metrics"].get(metric) for metric in held[1:]]
        found = model.get("against_baseline")
        rows.append(
            [
                name,
                f"{model['metrics'][first]:.4f}",
                f"{low:.4f} - {high:.4f}",
                *("-" if value is None else f"{value:.4f}" for value in others),
                f"{model['fit_seconds']:.1f}",
                f"{model['predict_ms_per_row']:.2f}",
                f"{found['difference']:+.4f}, {found['verdict']}" if found else "(baseline)",
            ]
        )
    data, protocol = printed["data"], printed["protocol"]
    return "\n".join(
        [
            report.table(head, rows),
            f"champion {printed['champion']} (by {protocol['champion']}), baseline {baseline}",
            f"  {data['rows']:,} rows: {data['train']:,} train, {data['validation']:,} validation,"
            f" {data['test']:,} test; split by {protocol['split']}",
        ]
    )
