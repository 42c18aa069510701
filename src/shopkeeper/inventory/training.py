"""Train inventory on the shop's own log: measured on the last weeks, then fitted on all of them."""

from __future__ import annotations

import time
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import evaluate, known
from shopkeeper.inventory.live import FREQUENCY
from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import Ladder
from shopkeeper.inventory.protocol import Setup
from shopkeeper.learn.contracts import Trained

MIN_PERIODS = 20
HORIZON = 3  # weeks at the end that judge it
MOST_ROWS = 60_000
TRAINED_ON = 800  # products, most valuable first; the ladder then serves all of them


def train(
    warehouse: Any, settings: Any, *, products: int = TRAINED_ON, most_rows: int = MOST_ROWS
) -> Trained:
    """Return the ladder fitted on the products that sell; BadInput with too short a history.

    Fewer ``products`` and ``most_rows`` of the trees make it faster and weaker: for a demo.
    """
    started = time.perf_counter()
    found = known.read(
        warehouse, now_us=clock.now_us(), frequency=FREQUENCY, most=products, orders=False
    )
    periods = found.panel.units.shape[1] if found else 0
    if found is None or periods < MIN_PERIODS:
        raise BadInput(
            f"Training inventory needs {MIN_PERIODS} weeks of orders, but the log has {periods}.",
            hint="Send purchase events; until then a moving average decides.",
            field="weeks",
            value=periods,
        )
    panel = found.panel
    trees = Settings(seed=settings.random_seed, most_rows=most_rows)
    ahead, drivers = panel.planned_periods, tuple(sorted(panel.known))
    planned, seen = (drivers, ()) if ahead else ((), drivers)
    setup = Setup(
        horizon=HORIZON,
        origins=1,
        known=planned,
        ahead=ahead or None,
        seed=settings.random_seed,
        settings=trees,
    )
    printed = evaluate.evaluate(panel, setup, {"series": len(panel.skus), "periods": periods})
    model = Ladder(frequency=FREQUENCY, drivers=planned, observed=seen, ahead=ahead, settings=trees)
    model.fit(panel)
    assert model.judged_ is not None
    return Trained(
        model=model,
        # What serves is the ladder, whichever single rung validation would have taken.
        report={**printed, "champion": "ladder"},
        data={
            "series": len(panel.skus),
            "weeks": periods,
            "until": str(found.end),
            "chosen": list(model.judged_.chosen),
            "shares": list(model.judged_.shares),
            "planned_weeks": ahead,
            "seconds": round(time.perf_counter() - started, 1),
        },
        self_test={"sku": panel.skus[0], "location": panel.locations[0]},
    )
