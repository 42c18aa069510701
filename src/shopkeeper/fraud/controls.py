"""What people set and the policy obeys, in memory: rules, lists, costs, and the budgets in use.

``apply`` takes ``rule`` events one by one; a rebuild feeds it the table ``rules`` in the same
shape. The desk (reviews of the last day) and the exploration budget (30 days) are counted as
decisions are made, and fed from the log's decisions at start.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data import fraud_reports
from shopkeeper.fraud.costs import DEFAULT_COSTS, Costs, from_text
from shopkeeper.fraud.lists import Entry, Lists
from shopkeeper.fraud.rules import Rule, RuleBook

COSTS_ID = "costs"
EXPLORE_DAYS = 30


@dataclass(slots=True)
class Controls:
    """The rules, lists and costs in force, and how much of desk and budget is used.

    ``draws`` decides which blocked payments are approved at random.
    """

    names: Mapping[str, str]  # feature -> type
    draws: np.random.Generator
    costs: Costs = DEFAULT_COSTS
    lists: Lists = field(default_factory=Lists)
    book: RuleBook = field(init=False)
    _reviews: deque[int] = field(default_factory=deque)  # when, oldest first
    _explored: deque[tuple[int, float]] = field(default_factory=deque)
    _spent: float = 0.0

    def __post_init__(self) -> None:
        self.book = RuleBook(names=self.names)

    def apply(self, fact: Mapping[str, Any]) -> None:
        """Take one ``rule`` event, of the log or of the table ``rules``; others pass by."""
        properties = as_properties(fact.get("properties"))
        if properties.get("capability") != "fraud":
            return
        match properties.get("type"):
            case "costs":
                self.costs = from_text(fact["text"])
            case "list":
                self.lists.put(entry_of(fact, properties))
            case "rule":
                self.book.put(rule_of(fact, properties))

    def note(self, outcome: str, at_us: int, explored_loss: float = 0.0) -> None:
        """Count a decision that was made against the desk and the exploration budget."""
        if outcome == "review":
            self._reviews.append(at_us)
        if explored_loss > 0:
            self._explored.append((at_us, explored_loss))
            self._spent += explored_loss

    def desk_used(self, at_us: int) -> float:
        """Return the share of the desk's 24 hours that is taken, 0 to 1 and above."""
        while self._reviews and self._reviews[0] <= at_us - DAY_US:
            self._reviews.popleft()
        capacity = self.costs.review_capacity
        return len(self._reviews) / capacity if capacity > 0 else 1.0

    def explore_left(self, at_us: int) -> float:
        """Return the expected loss that exploration may still cost, minor units."""
        while self._explored and self._explored[0][0] <= at_us - EXPLORE_DAYS * DAY_US:
            self._spent -= self._explored.popleft()[1]
        if not self._explored:
            self._spent = 0.0
        return self.costs.explore_budget_minor - self._spent


def load(warehouse: Any, draws: np.random.Generator, names: Mapping[str, str]) -> Controls:
    """Return the controls as the log has them, with the desk and the budget in use now."""
    since_us = clock.now_us() - EXPLORE_DAYS * DAY_US
    return rebuilt(
        names,
        draws,
        fraud_reports.controls_rows(warehouse),
        fraud_reports.recent_decisions(warehouse, since_us),
    )


def rebuilt(
    names: Mapping[str, str],
    draws: np.random.Generator,
    rules: Iterable[Mapping[str, Any]] = (),
    recent: Iterable[Mapping[str, Any]] = (),
) -> Controls:
    """Return controls from the tables: ``rules`` rows, and recent fraud decisions by time.

    ``recent`` rows: occurred_us, outcome, explored_loss_minor.
    """
    controls = Controls(names=names, draws=draws)
    for row in rules:
        controls.apply(row)
    for row in recent:
        controls.note(row["outcome"], row["occurred_us"], row["explored_loss_minor"] or 0.0)
    return controls


def rule_of(fact: Mapping[str, Any], properties: Mapping[str, Any]) -> Rule:
    """Return the rule that an event, or a row of ``rules``, tells."""
    return Rule(
        rule_id=fact.get("rule_id") or fact["label"],
        expression=fact["text"],
        outcome=str(properties.get("outcome")),
        status=fact["status"],
        priority=int(properties.get("priority", 100)),
        why=str(properties.get("why") or ""),
        ends_us=_us(properties.get("ends_us")),
        operator=fact.get("operator") or fact.get("source") or "unknown",
        changed_us=fact.get("occurred_us", 0),
    )


def entry_of(fact: Mapping[str, Any], properties: Mapping[str, Any]) -> Entry:
    """Return the list entry that an event, or a row of ``rules``, tells."""
    return Entry(
        list_name=str(properties.get("list")),
        kind=str(properties.get("kind")),
        key=fact["text"],
        status=fact["status"],
        ends_us=_us(properties.get("ends_us")) or 0,
        operator=str(properties.get("proposed_by") or "unknown"),
        why=str(properties.get("why") or ""),
        second=properties.get("second") or None,
        changed_us=fact.get("occurred_us", 0),
    )


def as_properties(value: Any) -> Mapping[str, Any]:
    """Return an event's properties, which a table holds as JSON."""
    if isinstance(value, str):
        value = json.loads(value)
    return value if isinstance(value, Mapping) else {}


def _us(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"ends_us must be microseconds, but is {value!r}.", field="ends_us")
    return int(value)
