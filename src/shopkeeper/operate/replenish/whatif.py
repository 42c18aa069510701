"""What if: another service level, lead time, review period or budget; for a plan or one product.

Nothing is recorded. Both sides of a comparison run through the policy that the plan uses, on the
plan's own forecast and the stock of now, as if this cycle had proposed nothing yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import exchange, lead_time, policy
from shopkeeper.inventory.schema import LeadTime, Proposal, Rules, SupplyTerms
from shopkeeper.operate.replenish.bench import Bench

# name -> (least, most)
NUMBERS = {
    "service_level": (0.5, 0.999),
    "review_period_days": (1.0, 400.0),
    "lead_time_days": (0.0, 400.0),
    "lead_time_shift_days": (-60.0, 200.0),
    "budget_minor": (0.0, 1e13),
}
_NOW = "now"
_KEPT: dict[str, tuple[Bench, dict[str, Any]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked otherwise; None: as it is. ``lead_time_shift_days`` is added to all."""

    service_level: float | None = None
    review_period_days: float | None = None
    lead_time_days: float | None = None
    lead_time_shift_days: float | None = None
    budget_minor: int | None = None


def wish(raw: Mapping[str, Any]) -> Wish:
    """Return what raw values ask; a wrong one is named with what is allowed."""
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if name not in NUMBERS:
            raise BadInput(
                f"A what-if knows no '{name[:60]}'.",
                field=name[:60],
                value=value,
                allowed=", ".join(NUMBERS),
            )
        if value is None or value == "":
            continue
        low, high = NUMBERS[name]
        number = _number(value)
        if number is None or not low <= number <= high:
            raise BadInput(
                f"{name} must be a number from {low:g} to {high:g}, but is {value!r}.",
                field=name,
                value=value,
                allowed=f"{low:g} to {high:g}",
            )
        found[name] = round(number) if name == "budget_minor" else number
    return Wish(**found)


def plan(bench: Bench, asked: Wish) -> dict[str, Any]:
    """Return ``now`` and ``what_if`` of the whole plan, and the exchange curve of both."""
    now = _now(bench)
    return {
        "origin": str(bench.belief.origin),
        "model": bench.belief.model,
        "products": len(bench.positions),
        "wish": {k: v for k, v in asdict(asked).items() if v is not None},
        "now": now,
        "what_if": now if asked == Wish() else _side(bench, asked),
    }


def sku(bench: Bench, asked: Wish) -> tuple[Proposal, Proposal, Rules, LeadTime]:
    """Return one product's proposal by the shop's rules and by the wish, and the wish's terms."""
    rules, terms = _changed(bench, Wish())
    [now] = _propose(bench, rules, terms)
    rules, terms = _changed(bench, asked)
    [other] = _propose(bench, rules, terms)
    return now, other, rules, _leads(bench, rules, terms)[0]


def totals(made: list[Proposal], rules: Rules) -> dict[str, Any]:
    """Return what a plan comes to: orders, money, stock-outs and margin at risk with it."""
    ordered = [one for one in made if one.quantity > 0]
    return {
        "proposals": len(ordered),
        "suppliers": len({one.supplier_id for one in ordered}),
        "units": sum(one.quantity for one in ordered),
        "value_minor": sum(one.value_minor for one in ordered),
        "cost_of_nothing_minor": sum(one.cost_of_nothing_minor for one in ordered),
        "stockouts_expected_without": round(sum(one.p_stockout_now for one in made), 1),
        "stockouts_expected_with": round(sum(one.p_stockout_after for one in made), 1),
        "left_out_by_budget": sum(
            any(code in ("budget", "minimum_above_budget") for code, _ in one.reasons)
            for one in made
        ),
        "service_level": rules.service_level,
        "review_period_days": rules.review_period_days,
        "budget_minor": rules.budget_minor,
    }


def _now(bench: Bench) -> dict[str, Any]:
    """Return the side that no wish moves: kept, since one asks again while typing."""
    held = _KEPT.get(_NOW)
    if held is None or not _same(held[0], bench):
        held = _KEPT[_NOW] = (bench, _side(bench, Wish()))
    return held[1]


def _side(bench: Bench, asked: Wish) -> dict[str, Any]:
    rules, terms = _changed(bench, asked)
    made = _propose(bench, rules, terms)
    return {"totals": totals(made, rules), "curve": _curve(bench, rules, terms)}


def _same(one: Bench, other: Bench) -> bool:
    return (
        one.belief is other.belief
        and one.terms is other.terms
        and (one.today, one.rules) == (other.today, other.rules)
        and one.positions == other.positions
        and np.array_equal(one.prices_minor, other.prices_minor)
    )


def _changed(bench: Bench, asked: Wish) -> tuple[Rules, tuple[tuple[SupplyTerms, ...], ...]]:
    """Return rules and terms as the wish has them."""
    held = {
        name: value
        for name in ("service_level", "review_period_days", "budget_minor")
        if (value := getattr(asked, name)) is not None
    }
    rules = replace(bench.rules, **held)
    terms = bench.terms
    if asked.lead_time_days is not None:
        certain = lead_time.certain(asked.lead_time_days)
        rules = replace(rules, default_lead_time_days=asked.lead_time_days)
        terms = tuple(tuple(replace(o, lead_time=certain) for o in offers) for offers in terms)
    if asked.lead_time_shift_days:
        shift = asked.lead_time_shift_days
        usual = max(0.0, rules.default_lead_time_days + shift)
        rules = replace(rules, default_lead_time_days=usual)
        terms = tuple(
            tuple(replace(o, lead_time=_shifted(o.lead_time, shift)) for o in offers)
            for offers in terms
        )
    return rules, terms


def _shifted(one: LeadTime | None, days: float) -> LeadTime | None:
    if one is None:
        return None
    moved = np.clip(one.days + round(days), 0, lead_time.MOST_DAYS)
    return replace(one, days=moved)


def _propose(
    bench: Bench, rules: Rules, terms: tuple[tuple[SupplyTerms, ...], ...]
) -> list[Proposal]:
    keys = bench.belief.keys
    return policy.propose_many(
        bench.belief.demand,
        skus=[item for item, _ in keys],
        locations=[place for _, place in keys],
        positions=bench.positions,
        terms=terms,
        prices_minor=bench.prices_minor,
        rules=rules,
        today=bench.today,
    )


def _curve(
    bench: Bench, rules: Rules, terms: tuple[tuple[SupplyTerms, ...], ...]
) -> dict[str, Any]:
    chosen = [policy.supplier(offers, rules) for offers in terms]
    found = exchange.curve(
        bench.belief.demand,
        _leads(bench, rules, terms),
        prices_minor=bench.prices_minor,
        costs_minor=np.array([float(one.unit_cost_minor) for one in chosen]),
        rules=rules,
    )
    return {"points": [asdict(one) for one in found.points], "present": asdict(found.present)}


def _leads(
    bench: Bench, rules: Rules, terms: tuple[tuple[SupplyTerms, ...], ...]
) -> list[LeadTime]:
    usual = lead_time.around(rules.default_lead_time_days, source="default")
    return [policy.supplier(offers, rules).lead_time or usual for offers in terms]


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if number == number else None
