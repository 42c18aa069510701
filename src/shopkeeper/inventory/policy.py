"""How much to order of everything, from whom and by when: beliefs, positions, terms and rules in,
proposals with reasons out.

One vectorised path serves a single question and ten thousand products. Orders are compared with
the inventory position (on hand + on order + already proposed - owed), so a second run the same
night proposes nothing new. This file knows no model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import (
    lead_time,
    levels,
    limits,
    overstock,
    quantities,
    segments,
    telling,
    timing,
)
from shopkeeper.inventory.schema import (
    FREQUENCIES,
    POLICIES,
    TARGETS,
    Demand,
    Features,
    LeadTime,
    Position,
    Proposal,
    Request,
    Rules,
    SupplyTerms,
)
from shopkeeper.learn.contracts import Choice, Reason

Told = tuple[str, Mapping[str, Any]]
LONG_LEAD_DAYS = 180
NO_SUPPLIER = SupplyTerms(supplier_id="", unit_cost_minor=0)


def choose(request: Request, features: Features, prediction: Demand) -> Choice:
    """Return what to order of one product, with every number that decided it."""
    terms = _of_request(request, features)
    rules = features.rules
    if request.review_period_days is not None:
        rules = replace(rules, review_period_days=request.review_period_days)
    if request.budget_minor is not None:
        rules = replace(rules, budget_minor=request.budget_minor)
    service = rules.service_level if request.service_level is None else request.service_level
    day = clock.from_us(features.as_of_us).date()
    [made] = propose_many(
        prediction,
        skus=[features.sku],
        locations=[features.location],
        positions=[features.position],
        terms=[terms],
        prices_minor=np.array([features.price_minor]),
        rules=rules,
        today=day,
        service=np.array([service]),
        notes=[features.notes],
    )
    return Choice(
        subject=f"{made.sku}@{made.location}" if made.location else made.sku,
        value=as_value(made),
        reasons=tuple(Reason(code=code, facts=dict(facts)) for code, facts in made.reasons),
    )


def propose_many(
    demand: Demand,
    *,
    skus: Sequence[str],
    locations: Sequence[str],
    positions: Sequence[Position],
    terms: Sequence[Sequence[SupplyTerms]],
    prices_minor: np.ndarray,
    rules: Rules,
    today: date,
    service: np.ndarray | None = None,
    notes: Sequence[Sequence[Told]] = (),
) -> list[Proposal]:
    """Return one proposal per product, in order; a quantity of 0 says why nothing is ordered.

    Parameters
    ----------
    terms
        Per product, each supplier's terms; empty: nobody is known to sell it.
    prices_minor
        (n,) sales price, 0 where unknown; margins and the cost of doing nothing come from it.
    service
        (n,) target per product; None: the rule's for all.
    notes
        Per product, what the data said (gaps, negative sales …); put before our reasons.
    """
    check(rules)
    asked = np.full(len(skus), rules.service_level) if service is None else service
    taken = [supplier(offers, rules) for offers in terms]
    lead, told = _lead_times(taken, rules)
    protection = levels.cover(demand, lead, rules.review_period_days)
    receipt = levels.cover(demand, lead)
    margin, top = _aims(protection, receipt, taken, prices_minor, asked, rules)
    stock = np.array([one.inventory_position for one in positions])
    daily = demand.mean[:, -1] / (demand.horizons[-1] * FREQUENCIES[demand.frequency])
    wanted = quantities.wanted(stock, top, daily, taken, rules)
    most = quantities.most(stock, daily, taken, rules)
    lots = quantities.all_buyable(wanted, most, daily, taken, rules)
    quantity = np.array([lot.quantity for lot in lots])
    cost = np.array([float(lot.unit_cost_minor) for lot in lots])
    p_now = protection.p_above(stock)
    quantity, filled = limits.supplier_minimum(quantity, cost, p_now, taken, most)
    quantity, cut = limits.within_caps(quantity, cost, stock, protection, taken, margin, rules)
    p_after = protection.p_above(stock + quantity)
    saved = (protection.short(stock) - protection.short(stock + quantity)) * margin
    wait = timing.days_to_wait(demand, lead, stock, asked)
    advice = overstock.advice(demand, stock, quantity, taken, skus, rules)
    numbers = telling.numbers(positions, top, asked, protection, receipt, lead, daily, rules)
    cover_after = np.minimum((stock + quantity) / np.maximum(daily, 1e-9), 9999).round(1).tolist()
    made = []
    for row, sku in enumerate(skus):
        reasons = telling.why(numbers[row], float(quantity[row]), float(wanted[row]), rules)
        reasons += [*(notes[row] if notes else ()), *told[row]]
        reasons += telling.about_position(positions[row]) + telling.about_belief(demand, row)
        reasons += [*lots[row].reasons, *(s[row] for s in (filled, cut) if row in s)]
        last, arrives = timing.days(today, int(wait[row]), lead[row], taken[row])
        one = Proposal(
            sku=sku,
            location=locations[row],
            supplier_id=taken[row].supplier_id,
            quantity=float(quantity[row]),
            unit_cost_minor=int(cost[row]),
            order_by=last,
            expected_receipt=arrives,
            p_stockout_now=round(float(p_now[row]), 4),
            p_stockout_after=round(float(p_after[row]), 4),
            cost_of_nothing_minor=round(float(saved[row])),
            reasons=tuple(reasons),
            numbers=numbers[row] | {"cover_days_after": cover_after[row]},
            advice=advice[row],
        )
        made.append(one)
    return made


def graded(
    proposals: Sequence[Proposal], units: np.ndarray, prices_minor: np.ndarray
) -> list[Proposal]:
    """Return the proposals with ABC by value of demand and XYZ by its steadiness."""
    value = np.nansum(units, axis=1) * prices_minor
    both = zip(proposals, segments.abc(value), segments.xyz(units), strict=True)
    return [replace(one, abc=str(a), xyz=str(x)) for one, a, x in both]


def approvable(proposal: Proposal, rules: Rules) -> bool:
    """Return whether a proposal may go without a planner: small, short cover, nothing odd."""
    if rules.auto_approve_value_minor is None or proposal.quantity <= 0:
        return False
    codes = {code for code, _ in proposal.reasons}
    odd = codes & {"default_lead_time", "never_counted", "negative_stock", "no_supplier"}
    odd |= codes & {"smallest_lot_above_cap", "unit_change", "launch"}
    cover = float(proposal.numbers.get("cover_days_after", 0))
    return (
        not odd
        and proposal.value_minor <= rules.auto_approve_value_minor
        and cover <= rules.auto_approve_cover_days
    )


def as_value(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal as the plain dict that a decision records."""
    return {
        "sku": proposal.sku,
        "location": proposal.location,
        "supplier_id": proposal.supplier_id,
        "quantity": proposal.quantity,
        "unit_cost_minor": proposal.unit_cost_minor,
        "value_minor": proposal.value_minor,
        "order_by": proposal.order_by,
        "expected_receipt": proposal.expected_receipt,
        "p_stockout_now": proposal.p_stockout_now,
        "p_stockout_after": proposal.p_stockout_after,
        "cost_of_nothing_minor": proposal.cost_of_nothing_minor,
        "advice": proposal.advice,
        "abc": proposal.abc,
        "xyz": proposal.xyz,
        "numbers": dict(proposal.numbers),
    }


def check(rules: Rules) -> None:
    """Raise BadInput naming the first rule that is out of its range."""
    ranges = {
        "service_level": (0.5, 0.999),
        "review_period_days": (0.0, 400.0),
        "default_lead_time_days": (0.0, float(lead_time.MOST_DAYS)),
        "holding_rate": (1e-6, 10.0),
        "stockout_cost_share": (1e-6, 10.0),
        "max_cover_days": (1.0, 3650.0),
    }
    for name, (low, high) in ranges.items():
        value = getattr(rules, name)
        if not low <= value <= high:
            raise BadInput(
                f"{name} must be {low:g} to {high:g}, but is {value}.",
                field=name,
                value=value,
                allowed=f"{low:g} to {high:g}",
            )
    for name, allowed in (("policy", POLICIES), ("target", TARGETS)):
        if getattr(rules, name) not in allowed:
            raise BadInput(
                f"{name} must be one of {', '.join(allowed)}, but is '{getattr(rules, name)}'.",
                field=name,
                value=getattr(rules, name),
                allowed=", ".join(allowed),
            )


def _of_request(request: Request, features: Features) -> tuple[SupplyTerms, ...]:
    """Return the terms that the request allows, with its lead time where it names one."""
    terms = features.terms
    if request.supplier_id is not None:
        terms = tuple(one for one in terms if one.supplier_id == request.supplier_id)
        if not terms:
            raise BadInput(
                f"supplier_id '{request.supplier_id}' does not deliver '{request.sku}'.",
                field="supplier_id",
                value=request.supplier_id,
                allowed=", ".join(sorted(one.supplier_id for one in features.terms)) or "none",
            )
    if request.lead_time_days is not None:
        asked = lead_time.certain(request.lead_time_days)
        terms = tuple(replace(one, lead_time=asked) for one in terms or (NO_SUPPLIER,))
    return terms


def supplier(offers: Sequence[SupplyTerms], rules: Rules) -> SupplyTerms:
    """Return the cheapest offer, its lead time priced as stock that must cover it."""
    if not offers:
        return NO_SUPPLIER

    def landed(one: SupplyTerms) -> float:
        days = one.lead_time.mean_days if one.lead_time else rules.default_lead_time_days
        return one.unit_cost_minor * (1 + rules.holding_rate * days / 365)

    return min(offers, key=lambda one: (landed(one), one.supplier_id))


def _aims(
    protection: levels.Cover,
    receipt: levels.Cover,
    taken: Sequence[SupplyTerms],
    prices_minor: np.ndarray,
    service: np.ndarray,
    rules: Rules,
) -> tuple[np.ndarray, np.ndarray]:
    """Return (margin lost per unit short, level to order up to); an unknown price is guessed."""
    cost = np.array([float(one.unit_cost_minor) for one in taken])
    price = np.where(prices_minor > 0, prices_minor, cost / 0.6).astype(float)
    top = levels.order_up_to(
        protection, receipt, rules, service=service, price_minor=price, unit_cost_minor=cost
    )
    return np.maximum(rules.stockout_cost_share * price, 1e-6), top


def _lead_times(
    taken: Sequence[SupplyTerms], rules: Rules
) -> tuple[list[LeadTime], list[list[Told]]]:
    default = lead_time.around(rules.default_lead_time_days, source="default")
    lead, told = [], []
    for one in taken:
        mine: list[Told] = []
        found = one.lead_time or default
        if not one.supplier_id:
            mine.append(("no_supplier", {}))
        if one.lead_time is None:
            mine.append(("default_lead_time", {"days": rules.default_lead_time_days}))
        elif found.mean_days > LONG_LEAD_DAYS:
            mine.append(("long_lead_time", {"days": round(found.mean_days)}))
        lead.append(found)
        told.append(mine)
    return lead, told
