"""The forecast that serves: local methods, the global model, and the choice per demand class.

Each rung is judged on rolling origins by scaled pinball loss at the service quantile and by
bias, per segment; never by absolute error, which a forecast of zero wins on intermittent demand.
What was chosen is then calibrated per segment on the same origins, and fitted again on
everything. New products climb in by their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

import numpy as np

from shopkeeper.inventory import segments, spread
from shopkeeper.inventory.features import Prepared, Spec, is_whole
from shopkeeper.inventory.models import calibrate, censoring, launch, local
from shopkeeper.inventory.models.censoring import Blend
from shopkeeper.inventory.models.cumulative import Cumulative, Settings, rows_of
from shopkeeper.inventory.models.judging import GLOBAL, Judgement, judge
from shopkeeper.inventory.schema import SEGMENTS, Demand, DemandPanel
from shopkeeper.inventory.schema import Features as Asked
from shopkeeper.learn.contracts import Artefact

HORIZONS = {
    "D": (1, 3, 7, 14, 21, 28, 42, 63, 91),
    "W": (1, 2, 3, 4, 6, 8, 13),
    "M": (1, 2, 3, 6, 12),
}
ORIGINS = 8  # validation origins
LEAST_HISTORY = {"D": 56, "W": 16, "M": 12}  # periods before the first validation origin
LEAST_ROWS = 2000  # training rows below which trees would learn noise
STRIDE = {"D": 5, "W": 1, "M": 1}  # periods between training origins
RUNGS = {
    "D": ("ma28", "ma56", "ses10", "tsb", "imapa"),
    "W": ("ma8", "ma13", "ses10", "ses20", "normal20", "tsb", "adida", "imapa", "ets"),
    "M": ("ma3", "ma12", "ses10", "ses20", "tsb10", "sba", "adida", "imapa", "ets"),
}
NEW = SEGMENTS.index("new")


@dataclass(slots=True)
class Ladder:
    """``service``: the level at which rungs are judged. ``judge_at``: the horizon they are judged
    at, in periods; take the usual protection interval. ``ahead``: periods of plan. ``steps``: also
    learn single periods so far ahead, and judge on them."""

    frequency: str = "W"
    drivers: tuple[str, ...] = ()
    observed: tuple[str, ...] = ()
    ahead: int = 0
    horizons: tuple[int, ...] = ()
    service: float = 0.95
    judge_at: int = 3
    steps: int = 0
    settings: Settings = field(default_factory=Settings)
    name: str = "ladder"
    judged_: Judgement | None = None
    trees_: Cumulative | None = None
    blend_: Blend | None = None  # how sold-out periods are restored; None: never sold out
    kept_: tuple[DemandPanel, Prepared] | None = None  # the last panel, and ready for features

    def fit(self, panel: DemandPanel, *, price: np.ndarray | None = None) -> Self:
        """Choose and calibrate on the last origins, then fit on everything."""
        self.kept_ = None
        self.horizons = self.horizons or HORIZONS[self.frequency]
        self.blend_ = chosen_blend(panel)
        prepared = prepare(panel, self.blend_)
        origins = self._origins(prepared.periods)
        trees = self._trees(prepared, price, until=origins[0]) if origins else None
        rungs = [*RUNGS[self.frequency], *([GLOBAL] if trees else [])]
        self.judged_ = judge(
            prepared,
            lambda rung, k, h, offset: self._rung(rung, prepared, trees, k, h, offset),
            rungs,
            origins,
            [(1, step) for step in range(self.steps)] or [(self.judge_at, 0)],
            self.service,
        )
        uses_trees = any(GLOBAL in name for name in self.judged_.chosen)
        self.trees_ = self._trees(prepared, price, until=prepared.periods) if uses_trees else None
        return self

    def predict(self, features: Asked) -> Demand:
        """Return the belief on one product of a panel, as ``belief`` has it for all of them."""
        if self.kept_ is None or self.kept_[0] is not features.panel:
            self.kept_ = features.panel, prepare(features.panel, self.blend_)
        return self._believe(self.kept_[1], np.array([getattr(features, "row", 0)]))

    def belief(self, panel: DemandPanel) -> Demand:
        """Return the belief on every series of a panel at its end."""
        return self._believe(prepare(panel, self.blend_), np.arange(len(panel.skus)))

    def _believe(self, whole: Prepared, rows: np.ndarray) -> Demand:
        """Return the belief on some series among all of them."""
        assert self.judged_ is not None, "fit before predict"
        prepared = whole if len(rows) == len(whole.units) else whole.only(rows)
        t = prepared.periods
        levels = spread.standard_levels()
        segment = segments.classify(prepared.panel.units, self.frequency)
        found = [self.at(prepared, t, horizon, segment=segment) for horizon in self.horizons]
        quantiles = np.stack([q for q, _ in found], axis=1)
        mean = np.stack([m for _, m in found], axis=1)
        young = np.flatnonzero(segment == NEW)
        if len(young):
            every = segments.classify(whole.panel.units, self.frequency) == NEW
            quantiles[young], mean[young] = launch.belief(
                whole, rows[young], self.horizons, levels, new=np.flatnonzero(every)
            )
        quantiles, mean = spread.tidy(quantiles), np.maximum.accumulate(mean, axis=1)
        return Demand(
            horizons=np.array(self.horizons),
            levels=levels,
            quantiles=quantiles,
            mean=mean,
            path=path_of(self.horizons, mean),
            frequency=self.frequency,
            model=tuple("launch" if s == NEW else self.judged_.chosen[s] for s in segment.tolist()),
            segment=tuple(SEGMENTS[s] for s in segment),
        )

    def at(
        self,
        prepared: Prepared,
        origin: int,
        horizon: int,
        offset: int = 0,
        *,
        segment: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (calibrated quantiles (n, q) at the standard levels, mean (n,)) from an origin."""
        assert self.judged_ is not None, "fit before asking"
        if segment is None:
            segment = segments.classify(prepared.panel.units[:, :origin], self.frequency)
        weights: dict[str, np.ndarray] = {}
        for code in np.unique(segment).tolist():
            for rung, share in self.judged_.parts(code):
                weights.setdefault(rung, np.zeros(len(segment)))[segment == code] = share
        quantiles = np.zeros((len(segment), len(spread.standard_levels())))
        mean = np.zeros(len(segment))
        for rung, weight in weights.items():
            q, m = self._rung(rung, prepared, self.trees_, origin, horizon, offset)
            quantiles += weight[:, None] * q
            mean += weight * m
        moved = calibrate.apply(quantiles, segment, self.judged_.asked, spread.standard_levels())
        return np.round(moved) if prepared.whole else moved, mean

    def _origins(self, periods: int) -> list[int]:
        last = periods - max(self.judge_at, self.steps)
        first = max(LEAST_HISTORY[self.frequency], last - ORIGINS + 1)
        return list(range(first, last + 1))

    def _spec(self) -> Spec:
        return Spec(
            frequency=self.frequency,
            drivers=self.drivers,
            observed=self.observed,
            ahead=self.ahead,
        )

    def _trees(
        self, prepared: Prepared, price: np.ndarray | None, *, until: int
    ) -> Cumulative | None:
        """Return the global model of rows that end by ``until``; None with too few of them."""
        stride = STRIDE[self.frequency]
        start = max(4, LEAST_HISTORY[self.frequency] // 2)
        origins = range(until - 1, start - 1, -stride)
        rows = rows_of(
            prepared,
            self._spec(),
            origins,
            [*self.horizons, *((1, step) for step in range(1, self.steps))],
            price=price,
            until=until,
            most=self.settings.most_rows,
            rng=np.random.default_rng(self.settings.seed),
        )
        if len(rows.target) < LEAST_ROWS:
            return None
        return Cumulative(self._spec(), self.settings).fit(rows)

    def _rung(
        self,
        rung: str,
        prepared: Prepared,
        trees: Cumulative | None,
        origin: int,
        horizon: int,
        offset: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (quantiles (n, q) at the standard levels, mean (n,)) of one rung, uncorrected."""
        if rung == GLOBAL and trees is not None:
            heads, mean = trees.at(prepared, origin, horizon, offset)
            return spread.at_levels(np.array(trees.heads), heads, spread.standard_levels()), mean
        name = RUNGS[self.frequency][-1] if rung == GLOBAL else rung
        return local.belief(name, prepared, origin, horizon, offset)

    def to_artefact(self) -> Artefact:
        """Return trees, calibration and choices as plain arrays and facts."""
        assert self.judged_ is not None, "fit before saving"
        arrays: dict[str, Any] = {"asked": self.judged_.asked}
        facts: dict[str, Any] = {
            "frequency": self.frequency,
            "drivers": list(self.drivers),
            "observed": list(self.observed),
            "ahead": self.ahead,
            "horizons": list(self.horizons),
            "service": self.service,
            "judge_at": self.judge_at,
            "steps": self.steps,
            "chosen": list(self.judged_.chosen),
            "shares": list(self.judged_.shares),
            "losses": self.judged_.losses,
            "rows": self.judged_.rows,
            "blend": asdict(self.blend_) if self.blend_ else None,
            "trees": None,
        }
        if self.trees_ is not None:
            inner = self.trees_.to_artefact()
            arrays |= dict(inner.arrays)
            facts["trees"] = dict(inner.facts)
        return Artefact(kind=self.name, arrays=arrays, facts=facts)

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` described."""
        facts, arrays = artefact.facts, dict(artefact.arrays)
        model = cls(
            frequency=facts["frequency"],
            drivers=tuple(facts["drivers"]),
            observed=tuple(facts.get("observed", ())),
            ahead=facts["ahead"],
            horizons=tuple(facts["horizons"]),
            service=facts["service"],
            judge_at=facts["judge_at"],
            steps=facts["steps"],
        )
        model.judged_ = Judgement(
            chosen=tuple(facts["chosen"]),
            losses=dict(facts["losses"]),
            asked=np.asarray(arrays.pop("asked")),
            rows=facts["rows"],
            shares=tuple(facts["shares"]),
        )
        if facts.get("blend"):
            model.blend_ = Blend(**facts["blend"])
        if facts["trees"] is not None:
            inner = Artefact(kind=GLOBAL, arrays=arrays, facts=facts["trees"])
            model.trees_ = Cumulative.from_artefact(inner)
        return model


def chosen_blend(panel: DemandPanel) -> Blend | None:
    """Return how a panel's sold-out periods are to be restored, from its own in-stock periods."""
    if panel.in_stock_share is None:
        return None
    units = np.where(panel.units < 0, 0.0, panel.units)
    return censoring.choose(units, panel.in_stock_share, panel.frequency)


def prepare(panel: DemandPanel, blend: Blend | None = None) -> Prepared:
    """Return a panel ready for features: sold-out periods restored, negative units taken as 0.

    ``blend``: how to restore; None lets the panel choose.
    """
    units = np.where(panel.units < 0, 0.0, panel.units)
    if panel.in_stock_share is not None:
        how = blend or censoring.choose(units, panel.in_stock_share, panel.frequency)
        units = censoring.restore(units, panel.in_stock_share, panel.frequency, how)
    prepared = Prepared(replace(panel, units=units))
    prepared.whole = is_whole(panel.units)
    return prepared


def forecast(
    panel: DemandPanel,
    horizons: Sequence[int] = (),
    *,
    service: float = 0.95,
    judge_at: int = 3,
    price: np.ndarray | None = None,
    settings: Settings | None = None,
) -> Demand:
    """Fit on a panel and return the belief at its end: cumulative demand per horizon.

    Drivers count as planned as far as the panel's plans reach.
    """
    ahead, drivers = panel.planned_periods, tuple(sorted(panel.known))
    model = Ladder(
        frequency=panel.frequency,
        drivers=drivers if ahead else (),
        observed=() if ahead else drivers,
        ahead=ahead,
        horizons=tuple(horizons),
        service=service,
        judge_at=judge_at,
        settings=settings or Settings(),
    )
    return model.fit(panel, price=price).belief(panel)


def path_of(horizons: Sequence[int], mean: np.ndarray) -> np.ndarray:
    """Return (n, longest horizon) expected units per period from cumulative means (n, h)."""
    known = np.array([0, *horizons], dtype=float)
    whole = np.concatenate([np.zeros((len(mean), 1)), mean], axis=1)
    steps = np.arange(1, int(known[-1]) + 1)
    place = np.searchsorted(known, steps)
    rate = np.diff(whole, axis=1) / np.diff(known)
    return np.asarray(rate[:, place - 1])
