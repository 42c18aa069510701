"""Rules of the shop: what one is, which of several counts, and the book that holds those that run.

A rule lives as ``rule`` events: draft → shadow → live → off; the last event is the rule as it
stands. Live rules decide, shadow rules only leave a trace. Of the live rules that hit, the one
with the lowest ``priority`` number counts; at equal numbers the severer outcome, then the name.
What a counting rule may do: ``approve`` ends the matter, anything else is a floor under what the
expected cost says (policy.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from shopkeeper.base.errors import BadInput
from shopkeeper.fraud.rules_language import Expression, Row, compile_expression

OUTCOMES = ("approve", "challenge", "review", "block")  # mild to severe
SEVERITY = {name: place for place, name in enumerate(OUTCOMES)}
STATUSES = ("draft", "shadow", "live", "off")
# The steps that a rule may take; a live rule is changed by a draft of its own first.
NEXT: dict[str, tuple[str, ...]] = {
    "draft": ("draft", "shadow", "off"),
    "shadow": ("draft", "shadow", "live", "off"),
    "live": ("shadow", "off", "live"),
    "off": ("draft", "shadow", "off"),
}
MOST_RULES = 500
_RULE_ID = re.compile(r"[a-z][a-z0-9_]{1,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. ``ends_us``: from then on it no longer counts; ``why``: what an analyst reads."""

    rule_id: str
    expression: str
    outcome: str
    status: str = "draft"
    priority: int = 100
    why: str = ""
    ends_us: int | None = None
    operator: str = "unknown"
    changed_us: int = 0

    def __post_init__(self) -> None:
        if not _RULE_ID.fullmatch(self.rule_id):
            raise _bad("rule_id", self.rule_id, "2 to 64 of a-z, 0-9 and _, a letter first")
        if self.outcome not in OUTCOMES:
            raise _bad("outcome", self.outcome, ", ".join(OUTCOMES))
        if self.status not in STATUSES:
            raise _bad("status", self.status, ", ".join(STATUSES))
        whole = isinstance(self.priority, int) and not isinstance(self.priority, bool)
        if not whole or not 0 <= self.priority <= 999:
            raise _bad("priority", self.priority, "a whole number from 0 (first) to 999")
        if not isinstance(self.why, str) or len(self.why) > 400:
            raise _bad("why", self.why, "a text of up to 400 characters")

    def in_force(self, at_us: int) -> bool:
        """Return whether the rule runs at a moment, live or shadow."""
        return self.status in ("live", "shadow") and (self.ends_us is None or at_us < self.ends_us)

    @property
    def rank(self) -> tuple[int, int, str]:
        """Return what puts rules in order: priority, then severity, then name."""
        return self.priority, -SEVERITY[self.outcome], self.rule_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """What the rules say of one request: the one that counts, all live hits, all shadow hits."""

    counts: Rule | None = None
    live: tuple[str, ...] = ()
    shadow: tuple[str, ...] = ()


@dataclass(slots=True)
class RuleBook:
    """The rules that run, compiled and in order; ``put`` as events come."""

    names: Mapping[str, str]  # feature -> type, from the registry of the schema
    broken: dict[str, str] = field(default_factory=dict)  # rule_id -> why it cannot run
    _rules: dict[str, Rule] = field(default_factory=dict)
    _running: list[tuple[Rule, Expression]] = field(default_factory=list)
    reads: frozenset[str] = frozenset()  # the features that the running rules read

    def put(self, rule: Rule) -> None:
        """Take a rule as it stands now; one that no longer fits the features is set aside."""
        self._rules[rule.rule_id] = rule
        self._running = [(r, e) for r, e in self._running if r.rule_id != rule.rule_id]
        self.broken.pop(rule.rule_id, None)
        self._run(rule)
        self.reads = frozenset(name for _, one in self._running for name in one.names)

    def _run(self, rule: Rule) -> None:
        if rule.status not in ("live", "shadow"):
            return
        try:
            compiled = compile_expression(rule.expression, self.names)
        except BadInput as problem:
            self.broken[rule.rule_id] = problem.message
            return
        self._running.append((rule, compiled))
        self._running.sort(key=lambda pair: pair[0].rank)

    def apply(self, row: Row, at_us: int) -> Hits:
        """Return what the rules in force say of a row of features."""
        live: list[Rule] = []
        shadow: list[str] = []
        for rule, expression in self._running:
            if rule.in_force(at_us) and expression.run(row) is True:
                if rule.status == "live":
                    live.append(rule)
                else:
                    shadow.append(rule.rule_id)
        return Hits(
            counts=live[0] if live else None,
            live=tuple(rule.rule_id for rule in live),
            shadow=tuple(shadow),
        )

    def all(self) -> list[Rule]:
        """Return every rule, those that count first on top."""
        return sorted(self._rules.values(), key=lambda rule: rule.rank)

    def get(self, rule_id: str) -> Rule | None:
        """Return a rule by its name."""
        return self._rules.get(rule_id)


def checked(new: Rule, old: Rule | None, names: Mapping[str, str], *, tested: bool) -> Rule:
    """Return a rule that may be stored, or say why not.

    ``tested``: the same expression was back-tested. A rule goes live from shadow only, and into
    shadow only after a back-test; an expression is changed in a draft, never while it decides.
    """
    compile_expression(new.expression, names)
    before = old.status if old else "draft"
    if new.status not in NEXT[before]:
        raise _bad("status", new.status, f"after {before}: {', '.join(NEXT[before])}")
    changed = old is None or old.expression != new.expression or old.outcome != new.outcome
    if changed and new.status == "live":
        raise BadInput(
            f"Rule {new.rule_id} would decide with an expression that never ran in shadow.",
            hint="Save it as draft, back-test it, then put it into shadow before it goes live.",
            field="status",
            value=new.status,
            allowed="draft",
        )
    if new.status == "shadow" and (changed or before in ("draft", "off")) and not tested:
        raise BadInput(
            f"Rule {new.rule_id} was not back-tested as it stands.",
            hint="Back-test it on the last 30 days first, then put it into shadow.",
            field="status",
            value=new.status,
            allowed="draft",
        )
    return new


def severer(one: str, other: str) -> str:
    """Return the severer of two outcomes.

    >>> severer("review", "challenge")
    'review'
    """
    return one if SEVERITY[one] >= SEVERITY[other] else other


def with_book(rules: Iterable[Rule], names: Mapping[str, str]) -> RuleBook:
    """Return a book that holds some rules."""
    book = RuleBook(names=names)
    for rule in rules:
        book.put(rule)
    return book


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {value!r}."[:300],
        hint="docs/how-to/write-fraud-rules.md describes rules.",
        field=name,
        value=value,
        allowed=allowed,
    )
