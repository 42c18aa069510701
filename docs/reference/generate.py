"""Write the reference pages that are true by construction: events, settings, errors, tables.

    .venv/bin/python docs/reference/generate.py

A test compares the pages with what this prints, so they cannot go stale.
"""

from __future__ import annotations

import typing
from dataclasses import fields
from pathlib import Path

import msgspec

from shopkeeper.base import errors
from shopkeeper.base.settings import Settings
from shopkeeper.data import definitions, events, forecasts

HERE = Path(__file__).parent
MADE = "<!-- Made by docs/reference/generate.py; edit the code, then run it. -->\n\n"


def pages() -> dict[str, str]:
    """Return file name -> text of every generated page."""
    return {
        "events.md": _events(),
        "settings.md": _settings(),
        "errors.md": _errors(),
        "tables.md": _tables(),
    }


def _tables() -> str:
    rows = "\n".join(
        f"| `{one.name}` | {one.says} | {one.grain.removeprefix('one row per ')} "
        f"| {', '.join(one.keys)} | {one.build} |"
        for one in sorted(definitions.tables().values(), key=lambda one: one.name)
    )
    return (
        f"{MADE}# Tables\n\n"
        'SQL over these views: `warehouse.sql("SELECT … FROM orders")`. Money is in minor units, '
        "`*_us` are\nmicroseconds UTC, `dt` is the UTC day. `events` has every field of an event "
        "as a column.\nHow they are built and what `build` means: [the lake](../explain/lake.md)."
        f"\n\n| table | is | one row per | keys | build |\n|---|---|---|---|---|\n{rows}\n\n"
        "## Written by a job\n\nOne Parquet file per origin, with a manifest; kept are all origins "
        f"of {forecasts.KEPT_DAYS} days, then one\na week for {forecasts.KEPT_WEEKS} weeks.\n\n"
        "| table | is | columns |\n|---|---|---|\n"
        + "".join(
            f"| `{name}` | {says} | {', '.join(f'`{column}`' for column in schema.names)} |\n"
            for name, (says, schema) in forecasts.TABLES.items()
        )
    )


def _events() -> str:
    rows = "\n".join(
        f"| `{kind}` | {', '.join(f'`{f}`' for f in needs) or '–'} | {line} |"
        for kind, (needs, line) in events.KINDS.items()
    )
    return (
        f"{MADE}# Events\n\n"
        f"{events.__doc__.split('This file')[0].strip()}\n\n"
        "Every event carries `event_id` (yours; sending it twice is harmless), `kind` and\n"
        "`occurred_at` (ISO 8601; without a zone it is UTC). The other fields are optional unless\n"
        "the kind needs them.\n\n"
        f"## Kinds\n\n| kind | needs | says |\n|---|---|---|\n{rows}\n\n"
        f"## Fields\n\n{_struct(events.Event)}\n"
        f"## A line\n\n{_struct(events.Line)}\n"
        "## A person\n\nStored only as a keyed HMAC (to join) and one sealed value (to read).\n\n"
        f"{_struct(events.Person)}"
    )


def _struct(kind: type[msgspec.Struct]) -> str:
    rows = ["| field | type | limits |", "|---|---|---|"]
    hints = typing.get_type_hints(kind, include_extras=True)
    for name in kind.__struct_fields__:
        text, limits = _describe(hints[name])
        rows.append(f"| `{name}` | {text} | {limits} |")
    return "\n".join(rows) + "\n"


def _describe(hint: typing.Any) -> tuple[str, str]:
    args = typing.get_args(hint)
    if hasattr(hint, "__metadata__"):
        meta = hint.__metadata__[0]
        limits = {k: getattr(meta, k) for k in ("ge", "le", "min_length", "max_length", "pattern")}
        shown = ", ".join(f"{k} {v}" for k, v in limits.items() if v is not None)
        return _describe(args[0])[0], shown
    if typing.get_origin(hint) in (typing.Union, type(int | str)):
        real = [a for a in args if a not in (type(None), msgspec.UnsetType)]
        parts = [_describe(a) for a in real]
        return " or ".join(p[0] for p in parts), next((p[1] for p in parts if p[1]), "")
    if typing.get_origin(hint) is list:
        return f"list of {_describe(args[0])[0]}", ""
    if typing.get_origin(hint) is dict:
        return "object of plain values", ""
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}
    plain = getattr(hint, "__name__", str(hint))
    return names.get(plain, {"datetime": "time"}.get(plain, plain.lower())), ""


def _settings() -> str:
    rows = "\n".join(
        f"| `{f.name}` | `SHOPKEEPER_{f.name.upper()}` | `{f.default}` | {f.metadata['help']} |"
        for f in fields(Settings)
    )
    return (
        f"{MADE}# Settings\n\nIn `shopkeeper.toml` in the shop folder, or in the environment, "
        "which wins.\n\n| setting | environment | default | says |\n|---|---|---|---|\n"
        f"{rows}\n"
    )


def _errors() -> str:
    rows = []

    def walk(kind: type[errors.ShopError]) -> None:
        for child in kind.__subclasses__():
            if child.__module__ == errors.__name__:
                line = (child.__doc__ or "").strip().splitlines()[0]
                rows.append(
                    f"| `{child.code}` | {child.http_status} | {child.exit_status} | {line} |"
                )
                walk(child)

    walk(errors.ShopError)
    return (
        f'{MADE}# Errors\n\nOver HTTP: `{{"error": {{code, message, hint, field, value, '
        "allowed}}`. On the command line: `error:`, `hint:`, `code:`, and the exit status.\n\n"
        "| code | HTTP | exit | says |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
        "| `internal` | 500 | 1 | Our fault; the log holds the trace under the id shown. |\n"
    )


if __name__ == "__main__":
    for name, text in pages().items():
        (HERE / name).write_text(text, "utf-8")
        print(name)
