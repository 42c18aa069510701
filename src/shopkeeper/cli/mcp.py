"""``shopkeeper mcp``: the shop's read tools for another assistant, over standard input and output.

One JSON message per line, as the Model Context Protocol's stdio transport has it; nothing else is
printed. It runs beside a server and follows the same log.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, TextIO

import click
import msgspec

from shopkeeper.base import settings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities, conversations, mcp
from shopkeeper.operate.runtime import Runtime

NEEDED = ("support", "recommend", "supply")


@click.command("mcp")
@click.option(
    "--session",
    envvar="SHOPKEEPER_SESSION",
    default="",
    help="Token of POST /v1/support/sessions: whose orders the tools may see.",
)
@click.pass_obj
def command(home: str, session: str) -> None:
    """Speak the Model Context Protocol on standard input and output until it ends."""
    with open_shop(settings.load(home)) as shop:
        if session:
            conversations.session_of(shop, session)  # a bad token is said now, not at each call
        runtime = Runtime(shop, capabilities=capabilities.all_of(NEEDED)).start()
        try:
            talk(runtime, partial(_customer, shop, session), sys.stdin, sys.stdout)
        finally:
            runtime.close()


def talk(runtime: Any, customer: mcp.Customer, lines: TextIO, out: TextIO) -> None:
    """Answer each line until the input ends."""
    for line in lines:
        if not line.strip():
            continue
        told = mcp.from_text(runtime, line, customer)
        if told is not None:
            out.write(msgspec.json.encode(told).decode() + "\n")
            out.flush()


def _customer(shop: Any, session: str) -> str | None:
    """Return the session's customer; asked at each call, so that a session that ended is over."""
    return conversations.session_of(shop, session)["customer_id"] if session else None
