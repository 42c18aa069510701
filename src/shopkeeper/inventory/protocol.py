"""The protocol of an evaluation: what was known at an origin, and the model fitted on just that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shopkeeper.inventory.models.cumulative import Settings
from shopkeeper.inventory.models.ladder import Ladder
from shopkeeper.inventory.schema import DemandPanel


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Protocol. ``horizon`` and times in periods; ``known``: drivers known beyond the origin;
    the panel's other drivers are known up to it. ``ahead``: periods that plans reach; None: as far
    as is asked."""

    horizon: int
    origins: int = 2
    known: tuple[str, ...] = ()
    ahead: int | None = None
    lead_time: int | None = None
    review: int = 1
    service: float = 0.95
    least_history: int = 0  # periods a series must have before an origin to be judged
    seed: int = 7
    settings: Settings = field(default_factory=Settings)


def cut(panel: DemandPanel, origin: int, ahead: int) -> DemandPanel:
    """Return the panel as it was known at an origin, with plans for ``ahead`` periods."""

    def until(values: np.ndarray | None, end: int) -> np.ndarray | None:
        return None if values is None else values[:, :end]

    return DemandPanel(
        skus=panel.skus,
        locations=panel.locations,
        frequency=panel.frequency,
        starts=panel.starts[:origin],
        units=panel.units[:, :origin],
        in_stock_share=until(panel.in_stock_share, origin),
        price_minor=until(panel.price_minor, origin),
        known={name: values[:, : origin + ahead] for name, values in panel.known.items()},
        category=panel.category,
    )


def ladder_at(panel: DemandPanel, setup: Setup, origin: int, **more: Any) -> Ladder:
    """Return the ladder fitted at an origin; ``more``: its horizons, steps, judge_at."""
    asked = more.get("steps") or more["judge_at"]
    ahead = asked if setup.ahead is None else min(asked, setup.ahead)
    model = Ladder(
        frequency=panel.frequency,
        drivers=tuple(setup.known),
        observed=tuple(name for name in sorted(panel.known) if name not in setup.known),
        ahead=ahead if setup.known else 0,
        service=setup.service,
        settings=setup.settings,
        **more,
    )
    past = cut(panel, origin, ahead)
    return model.fit(past, price=None if past.price_minor is None else middle_price(past))


def middle_price(panel: DemandPanel) -> np.ndarray:
    """Return (n,) the middle price of each series; the middle of all where it has none; else 1."""
    if panel.price_minor is None:
        return np.ones(len(panel.skus))
    known = np.isfinite(panel.price_minor) & (panel.price_minor > 0)
    found = np.full(len(panel.skus), np.nan)
    for row in np.flatnonzero(known.any(axis=1)).tolist():
        found[row] = np.median(panel.price_minor[row][known[row]])
    usual = float(np.nanmedian(found)) if np.isfinite(found).any() else 1.0
    return np.where(np.isfinite(found), found, usual)
