"""The nightly plan: what is known -> belief -> proposals on the record, once per review cycle.

A product that already has a proposal in this cycle gets no second one, and what is proposed or
approved counts in its position; so a second run never doubles an order. Proposals of earlier
cycles that nobody answered expire first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.data import proposals as tables
from shopkeeper.data.events import Event
from shopkeeper.inventory import known, policy
from shopkeeper.inventory.known import Known
from shopkeeper.inventory.models import ladder
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.schema import Demand, DemandPanel, Proposal
from shopkeeper.inventory.training import MOST_ROWS
from shopkeeper.learn.contracts import Decision, Reason
from shopkeeper.operate.replenish import forecasts
from shopkeeper.operate.replenish.rules import rules_of
from shopkeeper.operate.replenish.states import deed, letters
from shopkeeper.operate.runtime import to_event

FITTED = "ladder, fitted for the plan"
_MONDAY = date(1970, 1, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What one run came to; ``value_minor`` of what it proposed.

    ``unmanaged``: products that sell, but were never counted and have no supplier's terms: there
    is nothing to plan with, so they are forecast and not ordered.
    """

    cycle: str
    products: int = 0
    proposed: int = 0
    approved: int = 0
    expired: int = 0
    known_already: int = 0
    unmanaged: int = 0
    value_minor: int = 0


def cycle_of(day: date, review_days: float) -> str:
    """Return the first day of the review cycle that a day lies in; a week begins on Monday.

    >>> cycle_of(date(2026, 1, 29), 7)
    '2026-01-26'
    """
    length = max(1, round(review_days))
    return str(_MONDAY + timedelta(days=(day - _MONDAY).days // length * length))


def plan(
    shop: Any, *, most: int = 20_000, model: Any = None, version: str | None = None
) -> Planned:
    """Make this cycle's proposals and write the forecast that they rest on.

    ``model`` None: the ladder, fitted on what is known. ``version`` names the model.
    """
    now = clock.now_us()
    today = clock.from_us(now).date()
    rules = rules_of(shop)
    cycle = cycle_of(today, rules.review_period_days)
    waiting = tables.pending(shop.warehouse)
    stale = [one for one in waiting if one["state"] == "proposed" and one["cycle"] < cycle]
    gone = {one["decision_id"] for one in stale}
    held: dict[tuple[str, str], float] = {}
    for one in waiting:
        if one["decision_id"] not in gone:
            key = (one["item_id"], one["location_id"])
            held[key] = held.get(key, 0.0) + float(one["quantity"])
    found = known.read(shop.warehouse, now_us=now, most=most, proposed=held)
    events = [
        deed("expire", one, now, "plan", event_id=f"expire-{one['decision_id']}") for one in stale
    ]
    done = Planned(cycle=cycle, expired=len(stale))
    if found is not None:
        already = set(tables.of_cycle(shop.warehouse, cycle))
        belief = model.belief(found.panel) if model else _fitted(found.panel)
        forecasts.keep(shop, belief, found.panel, model=version or FITTED)
        made = policy.propose_many(
            belief,
            skus=found.panel.skus,
            locations=found.panel.locations,
            positions=found.positions,
            terms=found.terms,
            prices_minor=found.prices_minor,
            rules=rules,
            today=today,
            notes=found.notes,
        )
        made = policy.graded(made, found.panel.units, found.prices_minor)
        managed = _managed(found)
        wanted = managed.difference(already)
        fresh = [p for p in made if p.quantity > 0 and (p.sku, p.location) in wanted]
        names = dict(zip(found.keys, belief.model, strict=True))
        events += [_decided(one, cycle, now, names[one.sku, one.location]) for one in fresh]
        auto = [one for one in fresh if policy.approvable(one, rules)]
        events += [_auto(one, cycle, now) for one in auto]
        done = replace(
            done,
            products=len(made),
            proposed=len(fresh),
            approved=len(auto),
            known_already=len(already),
            unmanaged=len(made) - len(managed),
            value_minor=sum(one.value_minor for one in fresh),
        )
    shop.append_events(events, source="plan")
    log.info("plan.made", cycle=cycle, proposed=done.proposed, approved=done.approved)
    return done


def _managed(found: Known) -> set[tuple[str, str]]:
    """Return the (item, location) that were ever counted or that somebody supplies."""
    rows = zip(found.keys, found.positions, found.terms, strict=True)
    return {key for key, position, terms in rows if position.counted or terms}


def _fitted(panel: DemandPanel) -> Demand:
    return ladder.forecast(panel, settings=Settings(most_rows=MOST_ROWS))


def proposal_id(one: Proposal, cycle: str) -> str:
    """Return the id that the same proposal has in every run of a cycle."""
    return "inv-" + letters(one.sku, one.location, one.supplier_id, cycle)


def _decided(one: Proposal, cycle: str, at_us: int, model: str) -> Event:
    decision = Decision(
        decision_id=proposal_id(one, cycle),
        capability="inventory",
        subject=f"{one.sku}@{one.location}" if one.location else one.sku,
        as_of_us=at_us,
        model=model,
        fallback=False,
        fallback_reason=None,
        arm=None,
        propensity=None,
        value={**policy.as_value(one), "cycle": cycle},
        reasons=tuple(Reason(code=code, facts=dict(facts)) for code, facts in one.reasons),
        request={"sku": one.sku, "location": one.location},
        latency_ms=0.0,
    )
    return to_event(decision)


def _auto(one: Proposal, cycle: str, at_us: int) -> Event:
    name = proposal_id(one, cycle)
    named = {"decision_id": name, "item_id": one.sku, "location_id": one.location}
    return deed(
        "approve", named, at_us + 1, "auto", event_id=f"auto-{name}", reason="within limits"
    )
