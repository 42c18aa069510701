"""The seed steps of every learner as visible stages: log, lake, tables, clean, label.

Each stage says what went in and what came out, so that a shop sees where its rows go.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from shopkeeper.data.cleaning import count as cleaned
from shopkeeper.data.definitions import tables
from shopkeeper.data.labels import MAKERS
from shopkeeper.data.reports import Tables, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One step. ``rows_in`` is None where rows are not passed on one to one."""

    group: str
    name: str
    says: str
    rows_in: int | None
    rows_out: int

    def to_dict(self) -> dict[str, Any]:
        """Return the stage as the console and --json print it."""
        return {
            "group": self.group,
            "name": self.name,
            "says": self.says,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
        }


def pipeline_report(warehouse: Tables, *, as_of_us: int | None = None) -> list[dict[str, Any]]:
    """Return the stages in their order: events, tables, cleaning rules, label tables."""
    counts = "SELECT CAST(coalesce(sum(events), 0) AS BIGINT) AS n FROM activity"
    events = warehouse.sql(counts, as_of_us=as_of_us)["n"][0].as_py()
    says = "events in the log and the lake"
    stages = [Stage(group="events", name="events", says=says, rows_in=None, rows_out=events)]
    for definition in tables().values():
        stages.append(
            Stage(
                group="tables",
                name=definition.name,
                says=definition.says,
                rows_in=None,
                rows_out=_count(warehouse, definition.name, as_of_us),
            )
        )
    for count in cleaned(warehouse, as_of_us=as_of_us):
        stages.append(
            Stage(
                group="clean",
                name=count.rule,
                says=f"leaves out {count.says}",
                rows_in=count.rows_in,
                rows_out=count.kept,
            )
        )
    for name, maker in MAKERS.items():
        table = maker(warehouse, as_of_us=as_of_us)
        positive = pc.sum(table["value"]).as_py() or 0
        stages.append(
            Stage(
                group="label",
                name=name,
                says=f"{positive} of them positive",
                rows_in=None,
                rows_out=table.num_rows,
            )
        )
    return [stage.to_dict() for stage in stages]


def _count(warehouse: Tables, name: str, as_of_us: int | None) -> int:
    if as_of_us is None:
        return int(rows(warehouse, f"SELECT count(*) AS n FROM {name}")[0]["n"])
    return int(
        warehouse.sql(f"SELECT count(*) AS n FROM {name}", as_of_us=as_of_us)["n"][0].as_py()
    )
