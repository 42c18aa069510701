"""`shopkeeper import KIND FILE…`: bring in events, items, customers, orders … from files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from shopkeeper.base import clock, settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import print_json
from shopkeeper.data.importers.kinds import IMPORT_KINDS
from shopkeeper.data.importers.mapping import load_mapping
from shopkeeper.data.importers.run import Summary, import_file
from shopkeeper.data.shop import open_shop


@click.command("import", epilog=f"Kinds: {', '.join(IMPORT_KINDS)}.")
@click.argument("kind")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--map", "mapping", multiple=True, help="A mapping file, or field=column.")
@click.option("--at", help="Time of rows that name none (ISO 8601); else the file's own time.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def command(
    home: str,
    kind: str,
    files: tuple[Path, ...],
    mapping: tuple[str, ...],
    at: str | None,
    as_json: bool,
) -> int:
    """Import FILES of one KIND; bad rows go to quarantine, the others go on.

    The same file a second time is all duplicates.
    """
    given = load_mapping(mapping)
    moment = _moment(at)
    with open_shop(settings.load(home)) as shop:
        summary = import_file(shop, kind, files, given, at=moment)
    if as_json:
        print_json(summary.to_dict())
    else:
        print(table(summary))
    # Nothing but bad rows is a bad input, so that a script notices.
    return 2 if summary.quarantined and not summary.events else 0


def table(summary: Summary) -> str:
    """Return the summary as people read it: what came of the rows, then why."""
    rate = summary.events / summary.seconds if summary.seconds else 0
    lines = [
        f"imported {summary.accepted:,} {summary.kind} from {', '.join(summary.files)}",
        f"  accepted     {summary.accepted:>10,} events",
        f"  duplicate    {summary.duplicate:>10,} events",
        f"  conflict     {summary.conflict:>10,} events",
        f"  quarantined  {summary.quarantined:>10,} rows",
    ]
    if summary.skipped:
        lines.append(f"  skipped      {summary.skipped:>10,} rows that say nothing about shopping")
    lines.append(f"  {summary.seconds:.1f} s, {rate:,.0f} events/s")
    if summary.reasons:
        lines.append(f"{'reason':<20}{'rows':>8}  first")
        for code, reason in sorted(summary.reasons.items(), key=lambda r: -r[1].rows):
            lines.append(f"{code:<20}{reason.rows:>8,}  {reason.first}")
    for name, columns in summary.unused.items():
        lines.append(f"  {name}: not used: {', '.join(columns)}")
    if summary.unused:
        lines.append('  next: name them in a mapping, as fields or under properties = ["…"]')
    return "\n".join(lines)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return clock.from_us(clock.to_us(datetime.fromisoformat(text)))
    except ValueError as problem:
        raise BadInput(
            f"--at must be an ISO 8601 time, but is {text!r}.",
            hint="For example --at 2026-01-31T12:00:00Z",
            field="at",
            value=text,
        ) from problem
