"""``shopkeeper copy``: product copy from facts, in a tone, for a channel."""

from __future__ import annotations

from dataclasses import asdict

import click

from shopkeeper.base import settings
from shopkeeper.cli.main import print_json
from shopkeeper.language.copywriting.product import CHANNELS, TONES, Brief, write
from shopkeeper.language.model import from_settings


@click.command("copy")
@click.argument("title")
@click.option("--fact", "facts", multiple=True, help="A short true statement; as often as needed.")
@click.option("--price", default="", help="As it is to be written: 59.90 USD.")
@click.option("--language", default="en", show_default=True, help="zh or en.")
@click.option("--tone", default="plain", show_default=True, help=", ".join(TONES))
@click.option("--channel", default="page", show_default=True, help=", ".join(CHANNELS))
@click.option("--must-include", multiple=True, help="Words that must be there.")
@click.option("--forbid", multiple=True, help="Words that must not, beside the law's.")
@click.option("--seed", default=7, show_default=True, help="Another seed, another wording.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def command(
    home: str,
    title: str,
    facts: tuple[str, ...],
    price: str,
    language: str,
    tone: str,
    channel: str,
    must_include: tuple[str, ...],
    forbid: tuple[str, ...],
    seed: int,
    as_json: bool,
) -> None:
    """Write copy for TITLE; a language model rewrites it where the shop has one."""
    brief = Brief(
        title=title,
        facts=facts,
        price=price,
        language=language,
        tone=tone,
        channel=channel,
        must_include=must_include,
        forbidden=forbid,
        seed=seed,
    )
    made = write(brief, from_settings(settings.load(home)))
    if as_json:
        print_json(asdict(made))
        return
    print(made.text)
    print(f"  written by {made.written_by}, {len(made.text)} of {brief.most} characters")
    for reason in made.refused:
        print(f"  the rewrite was refused: {reason}")
