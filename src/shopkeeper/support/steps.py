"""How far a task went in a turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from shopkeeper.support.acts import Act
from shopkeeper.support.state import Write


@dataclass(slots=True, kw_only=True)
class Step:
    """How far a task went. ``writes`` are to be confirmed; ``over`` when nothing is left to do."""

    acts: list[Act] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    over: bool = False


def asks(one: Act) -> Step:
    """Return a step that waits for the customer."""
    return Step(acts=[one])


def denied(*some: Act) -> Step:
    """Return a step that refuses and is over."""
    return Step(acts=list(some), over=True)
