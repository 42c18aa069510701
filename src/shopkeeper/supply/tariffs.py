"""What carriers cost and how fast they say they are, read from the shop's rules.

A tariff is a rule of capability supply with the id ``carrier:NAME`` and a JSON text; the costs
of an allocation are the rule ``allocation``. docs/reference/supply.md lists the fields.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.supply.schema import Rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A parcel costs parcel_minor + km × km_minor + units × unit_minor.

    ``days`` and ``km_per_day`` are the carrier's own word on its speed, used until deliveries
    have taught better; ``most_km`` is how far it goes, 0 anywhere.
    """

    carrier: str
    parcel_minor: float = 500.0
    km_minor: float = 1.0
    unit_minor: float = 0.0
    days: float = 2.0
    km_per_day: float = 500.0
    most_km: float = 0.0


DEFAULT_TARIFF = Tariff(carrier="standard")


def tariff_of(carrier: str, text: str) -> Tariff:
    """Return the tariff that a rule's text says.

    >>> tariff_of("van", '{"parcel_minor": 300}').parcel_minor
    300.0
    """
    facts = _numbers(f"carrier:{carrier}", text, [f.name for f in fields(Tariff)][1:])
    return Tariff(carrier=carrier, **facts)


def check_rule(rule_id: str, text: str) -> None:
    """Raise BadInput unless a rule of supply says what it should."""
    if rule_id.startswith("carrier:") and len(rule_id) > len("carrier:"):
        tariff_of(rule_id.removeprefix("carrier:"), text)
    elif rule_id.startswith("vehicle:") and len(rule_id) > len("vehicle:"):
        vehicle_of(rule_id.removeprefix("vehicle:"), text)
    elif rule_id == "transfer":
        tariff_of(rule_id, text)
    elif rule_id == "allocation":
        rules_of(_numbers(rule_id, text, [f.name for f in fields(Rules)]))
    else:
        raise BadInput(
            f"Supply has no rule '{shorten(rule_id)}'.",
            field="rule_id",
            value=rule_id,
            allowed="allocation, transfer, carrier:NAME, vehicle:NAME",
        )


def vehicle_of(vehicle_id: str, text: str) -> dict[str, Any]:
    """Return a vehicle of the plan from its rule; day_plan.py checks its fields.

    >>> vehicle_of("van-1", '{"capacity": 40}')
    {'vehicle_id': 'van-1', 'capacity': 40}
    """
    rule = f"vehicle:{vehicle_id}"
    try:
        facts = json.loads(text)
    except ValueError as problem:
        raise BadInput(f"The rule {rule} is not JSON: {problem}.", field="text") from problem
    if not isinstance(facts, dict):
        raise BadInput(f"The rule {rule} is not a JSON object.", field="text", value=text)
    return {"vehicle_id": vehicle_id, **facts}


def rules_of(facts: Mapping[str, Any]) -> Rules:
    """Return the costs and limits of an allocation from a rule's JSON."""
    whole = ("short_minor", "split_minor", "late_day_minor")
    typed: dict[str, Any] = {k: int(v) if k in whole else float(v) for k, v in facts.items()}
    return Rules(**typed)


def _numbers(rule: str, text: str, allowed: list[str]) -> dict[str, float]:
    try:
        facts = json.loads(text)
    except ValueError as problem:
        raise BadInput(f"The rule {rule} is not JSON: {problem}.", field="text") from problem
    if not isinstance(facts, dict):
        raise BadInput(f"The rule {rule} is not a JSON object.", field="text", value=text)
    for name, value in facts.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name not in allowed or not number or not math.isfinite(value) or value < 0:
            raise BadInput(
                f"{name} of the rule {rule} must be a number of 0 or more, but is {value!r}."
                if name in allowed
                else f"The rule {rule} has no field '{shorten(name)}'.",
                field=str(name),
                value=value,
                allowed=", ".join(allowed),
            )
    return {name: float(value) for name, value in facts.items()}
