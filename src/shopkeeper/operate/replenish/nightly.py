"""The night of inventory: tell what came, plan with the model that serves, judge the past.

Each step stands alone and doubles nothing, so a night that broke off is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from shopkeeper.base import log
from shopkeeper.operate import capabilities, webhooks
from shopkeeper.operate.faults import FAULTS
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.replenish import forecasts, outcomes
from shopkeeper.operate.replenish.cycle import Planned, plan

TOPIC = "inventory.plan_made"
Tell = Callable[[float | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """What a night came to: outcomes told, the plan, and how many past origins were judged."""

    planned: Planned
    judged: int
    outcomes: int


def run(shop: Any, *, tell: Tell = lambda share, saying: None, most: int = 20_000) -> Night:
    """Tell outcomes, plan, write the forecast and judge past ones."""
    shop.warehouse.refresh()
    tell(0.0, "outcomes")
    told = outcomes.tell(shop)
    version, model = champion(shop)
    tell(0.1, "planning")
    planned = plan(shop, most=most, model=model, version=version)
    if planned.proposed:
        # Planned again in the same cycle, the rest is news of its own; the same news is told once.
        name = f"plan-{planned.cycle}-{planned.known_already}-{planned.proposed}"
        webhooks.send(shop, TOPIC, asdict(planned), name)
    tell(0.6, "judging past forecasts")
    judged = forecasts.judge(shop, lambda share, saying: tell(0.6 + 0.3 * (share or 0), saying))
    return Night(planned=planned, judged=judged, outcomes=told)


def champion(shop: Any) -> tuple[str | None, Any]:
    """Return version and model that serve; (None, None) without: the plan then fits one."""
    card = capabilities.get("inventory")
    registry = Registry(shop.settings.models_path)
    try:
        version = registry.aliases(card.name).get("champion")
        return (
            (version, registry.load(card.name, version, card.models)) if version else (None, None)
        )
    except FAULTS as problem:
        # Also one that an earlier version of this software wrote: the night must not stop.
        log.warning("plan.model_not_loaded", reason=f"{type(problem).__name__}: {problem}"[:200])
        return None, None
