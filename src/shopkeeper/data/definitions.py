"""What each table is: the SQL files of tables/ and the facts in their header comments.

-- name: one sentence               -- grain, keys: what a row is, what names it
-- inputs: events or other tables   -- partition: dt, or none
-- build: append | partition | key | whole
   append     each row comes from one event, so new events only add rows
   partition  a day depends on that day's input only
   key        a row depends on input rows with the same first key only
   whole      computed again when an input changes
-- as of: the column that must not lie after the moment asked for (default occurred_us)
-- refresh: day   (too dear to compute for every event: leaves out the lake's newest day)
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

from shopkeeper.base.errors import NotFound

FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """One table: its SQL without the header, and the header."""

    name: str
    says: str
    sql: str
    inputs: tuple[str, ...]
    grain: str
    keys: tuple[str, ...]
    partition: str
    build: str
    as_of: str = "occurred_us"
    refresh: str = "event"


@functools.cache
def tables() -> dict[str, Definition]:
    """Return every table, inputs before those that read them."""
    found = {path.stem: parse(path.stem, path.read_text("utf-8")) for path in FOLDER.glob("*.sql")}
    ordered: dict[str, Definition] = {}

    def add(name: str) -> None:
        if name == "events" or name in ordered:
            return
        for source in found[name].inputs:
            add(source)
        ordered[name] = found[name]

    for name in sorted(found):
        add(name)
    return ordered


def table(name: str) -> Definition:
    """Return one table's definition, or raise NotFound with the names there are."""
    if name not in tables():
        raise NotFound(
            f"There is no table '{name}'.",
            field="table",
            value=name,
            allowed=", ".join(("events", *tables())),
        )
    return tables()[name]


def parse(name: str, text: str) -> Definition:
    """Read one SQL file; a header that lacks a fact is a fault of ours and raises KeyError."""
    head = [line[2:].strip() for line in text.splitlines() if line.startswith("--")]
    body = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    says = []
    facts: dict[str, str] = {}
    for line in head:
        match = re.match(r"(inputs|grain|keys|partition|build|as of|refresh): (.*)", line)
        if match:
            facts[match[1]] = match[2]
        elif not facts:
            says.append(line.removeprefix(f"{name}: "))
    return Definition(
        name=name,
        says=" ".join(says),
        sql=body.strip(),
        inputs=tuple(facts["inputs"].split(", ")),
        grain=facts["grain"],
        keys=tuple(facts["keys"].split(", ")),
        partition=facts["partition"],
        build=facts["build"],
        as_of=facts.get("as of", "occurred_us"),
        refresh=facts.get("refresh", "event"),
    )


def closure(names: set[str]) -> list[Definition]:
    """Return the tables named and all that they read, inputs first."""
    wanted = set(names)
    for definition in reversed(list(tables().values())):
        if definition.name in wanted:
            wanted.update(definition.inputs)
    return [definition for definition in tables().values() if definition.name in wanted]
