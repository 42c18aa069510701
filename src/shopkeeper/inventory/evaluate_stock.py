"""What stock would the forecasts need? The held-out demand replayed with lost sales, per policy.

Forecasts are walked forward: each level knows only the periods before it. Sold-out periods are
restored first, since what was asked for on an empty shelf is not in the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.inventory import simulate, spread
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import local
from shopkeeper.inventory.models.ladder import LEAST_HISTORY, Ladder, prepare
from shopkeeper.inventory.protocol import Setup, cut, ladder_at, middle_price
from shopkeeper.inventory.schema import DemandPanel

SIMULATED = {"D": 91, "W": 25, "M": 12}  # held-out periods that the simulation replays, at most
# Fine where fills of 90 and 95 % lie: between settings a curve is read off linearly, and it bends.
SETTINGS = (0.5, 0.7, 0.8, 0.85, 0.88, *(round(0.9 + 0.01 * i, 2) for i in range(9)), 0.985, 0.997)
FACTORS = (0.5, 1.0, 1.25, 1.5, 1.645, 1.8, 2.0, 2.25, 2.5, 3.0, 4.0)
TIMES = (1.0, 1.25, 1.5, 1.75, 2.0, 2.25, 2.5, 2.75, 3.0, 4.0, 5.0, 6.0)
REFIT = {"D": 28, "W": 9, "M": 6}  # periods between fits in the simulation


def simulation(panel: DemandPanel, setup: Setup) -> dict[str, Any]:
    """Return, per policy, the exchange curve of fill against periods of supply."""
    prepared = prepare(panel)
    demand = prepared.units.astype(float)
    lead = setup.lead_time or 0
    t = demand.shape[1]
    span = lead + setup.review
    first = max(t - SIMULATED[panel.frequency], LEAST_HISTORY[panel.frequency], span)
    if first >= t - 4:
        least = LEAST_HISTORY[panel.frequency] + 8
        raise BadInput(
            f"The simulation needs {least} periods, but the file has {t}.",
            field="lead_time",
            hint="Leave --lead-time out, or give a longer history.",
        )
    warm_up = min(4, (t - first) // 4)
    runs = simulate.Setup(first=first, lead_time=lead, review=setup.review, warm_up=warm_up)
    price = middle_price(panel)
    quantiles = _walk(panel, prepared, setup, first, span)
    policies = _policies(prepared, quantiles, span, setup.service)
    found: dict[str, Any] = {}
    for name, (settings, nominal, level) in policies.items():
        levels = {s: _fixed(level, s) for s in settings}
        points = simulate.curve(demand, levels, runs, price)
        usual = next(p for p in points if p.setting == nominal)
        found[name] = {
            "cover_at_fill_90": simulate.cover_at(points, 0.90),
            "cover_at_fill_95": simulate.cover_at(points, 0.95),
            "nominal": {
                "setting": nominal,
                "fill": round(usual.fill, 4),
                "cover": round(usual.cover, 3),
                "short_share": round(usual.short_share, 4),
            },
            "curve": [[round(v, 4) for v in (p.setting, p.fill, p.cover)] for p in points],
        }
    return {
        "lead_time": lead,
        "review": setup.review,
        "first": first,
        "scored": t - first - warm_up,
        "policies": found,
    }


def _walk(
    panel: DemandPanel, prepared: Prepared, setup: Setup, first: int, span: int
) -> dict[int, np.ndarray]:
    """Return period -> (n, q) calibrated quantiles of demand over the protection interval."""
    found: dict[int, np.ndarray] = {}
    model: Ladder | None = None
    for t in range(first, prepared.periods):
        if model is None or (t - first) % REFIT[panel.frequency] == 0:
            model = ladder_at(panel, setup, t, horizons=(span,), judge_at=span)
        # Restoring sold-out periods looks at whole histories, so each sees its own past only.
        past = prepared if panel.in_stock_share is None else prepare(cut(panel, t, span))
        found[t], _ = model.at(past, t, span)
    return found


Level = Callable[[int, float], np.ndarray]


def _policies(
    prepared: Prepared, quantiles: dict[int, np.ndarray], span: int, service: float
) -> dict[str, tuple[tuple[float, ...], float, Level]]:
    levels = spread.standard_levels()
    asked = tuple(sorted({*SETTINGS, service}))

    def ours(t: int, level: float) -> np.ndarray:
        return spread.at_levels(levels, quantiles[t], np.array([level]))[:, 0]

    def smoothed(t: int, factor: float) -> np.ndarray:
        deviation = np.sqrt(local.variance(prepared, t, 1))
        return prepared.scale(t) * span + factor * deviation * np.sqrt(span)

    def velocity(t: int, factor: float) -> np.ndarray:
        return local.moving_average(prepared, t, span, 4) * factor

    return {
        "ladder": (asked, service, ours),
        "ewma_z": (FACTORS, 1.645, smoothed),
        "velocity": (TIMES, 1.5, velocity),
    }


def _fixed(level: Level, setting: float) -> Callable[[int], np.ndarray]:
    return lambda t: level(t, setting)
