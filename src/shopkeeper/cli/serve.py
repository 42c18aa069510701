"""`shopkeeper serve`: the API and the console on one port."""

from __future__ import annotations

import dataclasses
import sys

import click

from shopkeeper.base import log, settings


@click.command("serve")
@click.option("--host", help="Address to listen on; without it from shopkeeper.toml.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on.")
@click.pass_obj
def command(home: str, host: str | None, port: int | None) -> None:
    """Serve the API (OpenAPI at /docs) and the console until stopped."""
    run_server(home, host=host, port=port)


def run_server(home: str, *, host: str | None = None, port: int | None = None) -> None:
    """Serve a shop folder until SIGTERM or SIGINT; ``demo`` ends here too."""
    given = {"host": host, "port": port}
    wanted = {name: value for name, value in given.items() if value is not None}
    chosen = dataclasses.replace(settings.load(home), **wanted)  # type: ignore[arg-type]
    log.configure(chosen.log_level)
    from shopkeeper.api.server import serve

    serve(chosen, say=_say)


def _say(line: str) -> None:
    print(line)
    sys.stdout.flush()
