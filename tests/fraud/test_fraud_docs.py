"""What fraud offers is documented: costs, reasons, codes and the words of the language."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from shopkeeper.fraud.cases import CODES
from shopkeeper.fraud.costs import Costs
from shopkeeper.fraud.reasons import SENTENCES
from shopkeeper.fraud.request import FIELDS
from shopkeeper.fraud.rules import STATUSES
from shopkeeper.fraud.rules_language import FUNCTIONS

DOCS = Path(__file__).parents[2] / "docs"


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def test_every_cost_reason_and_field_is_in_the_reference():
    text = page("reference/fraud.md")
    names = [one.name for one in fields(Costs)] + list(SENTENCES)
    names += [name for name in FIELDS if name != "keys"]
    assert [name for name in names if f"`{name}`" not in text] == []
    for one in fields(Costs):
        assert f"| `{one.name}` | {one.default} |" in text


def test_every_code_status_and_function_is_in_the_guides():
    assert [code for code in CODES if f"`{code}`" not in page("how-to/review-fraud.md")] == []
    text = page("how-to/write-fraud-rules.md")
    assert [name for name in FUNCTIONS if f"`{name}(" not in text] == []
    assert [status for status in STATUSES if f"| {status} |" not in text] == []
