"""``shopkeeper evaluate``: measure our models against simple baselines on anybody's data.

One file per capability, loaded only when called; each prints the object of evaluate.md.
"""

from __future__ import annotations

import importlib

import click

from shopkeeper.base.errors import BadInput

# In the order of the house; the module of the same name holds ``command``.
NAMES = (
    "recommend",
    "offpolicy",
    "behaviour",
    "session",
    "ratings",
    "inventory",
    "fraud",
    "support",
    "supply",
)


class _Group(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NAMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in NAMES:
            return None
        module = importlib.import_module(f"shopkeeper.cli.evaluate.{cmd_name}")
        found: click.Command = module.command
        return found


@click.group("evaluate", cls=_Group)
def command() -> None:
    """Measure models against baselines on held-out rows of a file, or of the shop's own log."""


def mapping(maps: tuple[str, ...]) -> dict[str, str]:
    """Return our column name -> the file's, from ``name=column`` words."""
    found = {}
    for word in maps:
        name, equals, column = word.partition("=")
        if not (name and equals and column):
            raise BadInput(
                f"--map must be name=column, but is '{word}'.",
                hint="For example --map user_id=customer.",
                field="map",
                value=word,
            )
        found[name.strip()] = column.strip()
    return found
