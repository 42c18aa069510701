"""The command line: one file per command, loaded only when called, errors in three lines."""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

import click

from shopkeeper import __version__
from shopkeeper.base import log
from shopkeeper.base.errors import ShopError

# name -> (module, one line). The line stands here so that --help imports nothing.
COMMANDS = {
    "demo": ("demo", "Build the demo shop from real data, train, and serve it."),
    "import": ("import_", "Bring in events, items, customers … from files."),
    "check": ("check", "Named data-quality checks with counts and sample rows."),
    "compact": ("compact", "Move the log's tail into the lake."),
    "train": ("train", "Train capabilities and register what won."),
    "evaluate": ("evaluate", "Measure models against baselines on any data."),
    "simulate": ("simulate", "Try policies on customers simulated from the log."),
    "jobs": ("jobs", "What the server does on its own: list, run, look back."),
    "plan": ("plan", "Make this review cycle's purchase proposals."),
    "proposals": ("proposals", "Purchase proposals: list, approve, reject, send, export."),
    "decide": ("decide", "Make one decision, the same way the API does."),
    "explain": ("explain", "Say why a decision came out as it did, and why not otherwise."),
    "knowledge": ("knowledge", "What support may cite: sync a folder, list, see the gaps."),
    "mcp": ("mcp", "The read tools for another assistant, over stdio (MCP)."),
    "models": ("models", "List model versions; promote or roll back."),
    "routes": ("routes", "Plan a day's deliveries as a job, and publish the plan."),
    "transfers": ("transfers", "Move units between warehouses before buying new ones."),
    "copy": ("copy", "Write product copy from facts, in a tone, for a channel."),
    "merchandise": ("merchandise", "Pin, boost, bury, filter: the shop's own rules."),
    "serve": ("serve", "Serve the API and the console."),
    "status": ("status", "What is live: models, metrics, freshness."),
    "keys": ("keys", "Make, list and revoke API keys and console users."),
    "fraud": ("fraud", "Held payments, rules with back-tests, lists and alerts."),
    "webhooks": ("webhooks", "Tell other programs, signed and again until they answer."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported on use, so that --help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"shopkeeper.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup)
@click.version_option(__version__, prog_name="shopkeeper")
@click.option("--home", envvar="SHOPKEEPER_HOME", default="shop", help="The shop folder.")
@click.pass_context
def cli(ctx: click.Context, home: str) -> None:
    """Shopkeeper (掌柜): five kinds of shop decision over one event log."""
    os.environ["SHOPKEEPER_HOME"] = home
    ctx.obj = home


def say(error: ShopError, *, as_json: bool) -> None:
    """Print an error: JSON on standard output for machines, three lines for people."""
    if as_json:
        print(json.dumps({"error": error.to_dict()}, ensure_ascii=False))
        return
    print(f"error: {error.message}", file=sys.stderr)
    if error.allowed:
        print(f" allowed: {error.allowed}", file=sys.stderr)
    if error.hint:
        print(f" hint: {error.hint}", file=sys.stderr)
    print(f" code: {error.code}", file=sys.stderr)


def print_json(value: Any) -> None:
    """Print the one JSON object that --json promises."""
    print(json.dumps(value, ensure_ascii=False, allow_nan=False))


def main(argv: list[str] | None = None) -> int:
    """Run a command; exit 0 done, 2 bad input, 1 our fault."""
    arguments = sys.argv[1:] if argv is None else argv
    log.configure(os.environ.get("SHOPKEEPER_LOG_LEVEL", "warning"))
    try:
        result = cli.main(args=arguments, standalone_mode=False)
        return int(result) if isinstance(result, int) else 0
    except ShopError as error:
        say(error, as_json="--json" in arguments)
        return error.exit_status
    except click.exceptions.Abort:
        return 1
    except click.ClickException as error:
        error.show()
        return 2
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
