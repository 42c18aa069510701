"""The forecast that serves: local methods, the global model, and the choice per demand class.

Each rung is judged on rolling origins by scaled pinball loss at the service quantile and by
bias, per segment; never by absolute error, which a forecast of zero wins on intermittent demand.
What was chosen is then calibrated per segment on the same origins, and fitted again on
everything. New products climb in by their neighbours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from shopkeeper.inventory import segments, spread
from shopkeeper.inventory.features import Prepared, Spec
from shopkeeper.inventory.models import calibrate, censoring, launch, local
from shopkeeper.inventory.models.cumulative import Cumulative, Settings, rows_of
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
    "W": ("ma8", "ma13", "ses10", "ses20", "tsb", "adida", "imapa", "ets"),
    "M": ("ma3", "ma12", "ses10", "ses20", "tsb10", "sba", "adida", "imapa", "ets"),
}
GLOBAL = "cumulative"
NEW = SEGMENTS.index("new")


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Loss of each rung per segment on validation; ``chosen`` (segments,) rung names."""

    chosen: tuple[str, ...]
    losses: dict[str, dict[str, float]]
    corrections: np.ndarray  # (segments, q)
    rows: int


@dataclass(slots=True)
class Ladder:
    """``service``: the level at which rungs are judged. ``judge_at``: the horizon they are judged
    at, in periods; take the usual protection interval. ``ahead``: periods of plan."""

    frequency: str = "W"
    drivers: tuple[str, ...] = ()
    ahead: int = 0
    horizons: tuple[int, ...] = ()
    service: float = 0.95
    judge_at: int = 3
    settings: Settings = field(default_factory=Settings)
    name: str = "ladder"
    judged_: Judgement | None = None
    trees_: Cumulative | None = None

    def fit(self, panel: DemandPanel, *, price: np.ndarray | None = None) -> Self:
        """Choose and calibrate on the last origins, then fit on everything."""
        self.horizons = self.horizons or HORIZONS[self.frequency]
        prepared = prepare(panel)
        origins = self._origins(prepared.periods)
        judging = self._trees(prepared, price, until=origins[0]) if origins else None
        self.judged_ = self._judge(prepared, origins, judging)
        uses_trees = GLOBAL in self.judged_.chosen
        self.trees_ = self._trees(prepared, price, until=prepared.periods) if uses_trees else None
        return self

    def predict(self, features: Asked) -> Demand:
        """Return the belief on one product, from its own panel of one series."""
        return self.belief(features.panel)

    def belief(self, panel: DemandPanel) -> Demand:
        """Return the belief on every series of a panel at its end."""
        assert self.judged_ is not None, "fit before predict"
        prepared = prepare(panel)
        t, n = prepared.periods, len(prepared.units)
        levels = spread.standard_levels()
        segment = segments.classify(prepared.panel.units, self.frequency)
        chosen = np.array(self.judged_.chosen)[segment]
        quantiles = np.zeros((n, len(self.horizons), len(levels)))
        mean = np.zeros((n, len(self.horizons)))
        for place, horizon in enumerate(self.horizons):
            for rung in set(chosen.tolist()):
                rows = chosen == rung
                q, m = self._rung(rung, prepared, self.trees_, t, horizon)
                norm = prepared.scale(t) * horizon + 0.5
                q = calibrate.apply(q, norm, segment, self.judged_.corrections)
                quantiles[rows, place], mean[rows, place] = q[rows], m[rows]
        young = np.flatnonzero(segment == NEW)
        if len(young):
            quantiles[young], mean[young] = launch.belief(prepared, young, self.horizons, levels)
        quantiles, mean = spread.tidy(quantiles), np.maximum.accumulate(mean, axis=1)
        return Demand(
            horizons=np.array(self.horizons),
            levels=levels,
            quantiles=quantiles,
            mean=mean,
            path=path_of(self.horizons, mean),
            frequency=self.frequency,
            model=tuple(
                "launch" if s == NEW else str(c) for s, c in zip(segment, chosen, strict=True)
            ),
            segment=tuple(SEGMENTS[s] for s in segment),
        )

    def _origins(self, periods: int) -> list[int]:
        last = periods - self.judge_at
        first = max(LEAST_HISTORY[self.frequency], last - ORIGINS + 1)
        return list(range(first, last + 1))

    def _spec(self) -> Spec:
        return Spec(frequency=self.frequency, drivers=self.drivers, ahead=self.ahead)

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
            self.horizons,
            price=price,
            until=until,
            most=self.settings.most_rows,
            rng=np.random.default_rng(self.settings.seed),
        )
        if len(rows.target) < LEAST_ROWS:
            return None
        return Cumulative(self._spec(), self.settings).fit(rows)

    def _rung(
        self, rung: str, prepared: Prepared, trees: Cumulative | None, origin: int, horizon: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return (quantiles (n, q) at the standard levels, mean (n,)) of one rung, uncorrected."""
        levels = spread.standard_levels()
        if rung == GLOBAL and trees is not None:
            heads, mean = trees.at(prepared, origin, horizon)
            return spread.at_levels(np.array(trees.heads), heads, levels), mean
        method = local.methods(self.frequency)["ses20" if rung == GLOBAL else rung]
        mean = method(prepared, origin, horizon)
        spreads = local.variance(prepared, origin, horizon)
        return local.negative_binomial(mean, spreads, levels), mean

    def _judge(
        self, prepared: Prepared, origins: Sequence[int], trees: Cumulative | None
    ) -> Judgement:
        levels = spread.standard_levels()
        nothing = np.zeros((len(SEGMENTS), len(levels)))
        default = RUNGS[self.frequency][2]
        if not origins:
            chosen = (default,) * len(SEGMENTS)
            return Judgement(chosen=chosen, losses={}, corrections=nothing, rows=0)
        h = self.judge_at
        rungs = [*RUNGS[self.frequency], *([GLOBAL] if trees else [])]
        actual = np.concatenate([prepared.future(k, h) for k in origins])
        norm = np.concatenate([prepared.scale(k) * h + 0.5 for k in origins])
        codes = np.concatenate(
            [segments.classify(prepared.panel.units[:, :k], self.frequency) for k in origins]
        )
        good = np.isfinite(actual)
        beliefs: dict[str, np.ndarray] = {}
        losses: dict[str, dict[str, float]] = {}
        for rung in rungs:
            found = [self._rung(rung, prepared, trees, k, h) for k in origins]
            beliefs[rung] = np.concatenate([q for q, _ in found])
            mean = np.concatenate([m for _, m in found])
            for code, segment in enumerate(SEGMENTS):
                rows = good & (codes == code)
                if rows.sum() >= 30:
                    losses.setdefault(segment, {})[rung] = self._loss(
                        actual[rows], beliefs[rung][rows], mean[rows], levels
                    )
        chosen = tuple(
            min(losses[s], key=losses[s].__getitem__)
            if s in losses
            else self._usual(losses, default)
            for s in SEGMENTS
        )
        taken = np.stack([beliefs[name] for name in chosen])[codes, np.arange(len(codes))]
        corrections = calibrate.corrections(
            actual[good], taken[good], norm[good], codes[good], levels, len(SEGMENTS)
        )
        return Judgement(
            chosen=chosen, losses=losses, corrections=corrections, rows=int(good.sum())
        )

    def _loss(
        self, actual: np.ndarray, quantiles: np.ndarray, mean: np.ndarray, levels: np.ndarray
    ) -> float:
        """Return scaled pinball around the service level and the median, plus a tenth of |bias|."""
        total = max(actual.sum(), 1e-9)
        wanted = [int(np.abs(levels - level).argmin()) for level in (0.5, 0.9, self.service)]
        error = actual[:, None] - quantiles[:, wanted]
        pinball = np.maximum(levels[wanted] * error, (levels[wanted] - 1) * error)
        bias = abs(mean.sum() - actual.sum()) / total
        return float(pinball.sum() / total / len(wanted) + 0.1 * bias)

    @staticmethod
    def _usual(losses: dict[str, dict[str, float]], default: str) -> str:
        """Return the rung that wins most segments, for segments that validation never saw."""
        winners = [min(found, key=found.__getitem__) for found in losses.values()]
        return max(sorted(set(winners)), key=winners.count) if winners else default

    def to_artefact(self) -> Artefact:
        """Return trees, corrections and choices as plain arrays and facts."""
        assert self.judged_ is not None, "fit before saving"
        arrays: dict[str, Any] = {"corrections": self.judged_.corrections}
        facts: dict[str, Any] = {
            "frequency": self.frequency,
            "drivers": list(self.drivers),
            "ahead": self.ahead,
            "horizons": list(self.horizons),
            "service": self.service,
            "judge_at": self.judge_at,
            "chosen": list(self.judged_.chosen),
            "losses": self.judged_.losses,
            "rows": self.judged_.rows,
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
            ahead=facts["ahead"],
            horizons=tuple(facts["horizons"]),
            service=facts["service"],
            judge_at=facts["judge_at"],
        )
        model.judged_ = Judgement(
            chosen=tuple(facts["chosen"]),
            losses=dict(facts["losses"]),
            corrections=np.asarray(arrays.pop("corrections")),
            rows=facts["rows"],
        )
        if facts["trees"] is not None:
            inner = Artefact(kind=GLOBAL, arrays=arrays, facts=facts["trees"])
            model.trees_ = Cumulative.from_artefact(inner)
        return model


def prepare(panel: DemandPanel) -> Prepared:
    """Return a panel ready for features: sold-out periods restored, negative units taken as 0."""
    units = np.where(panel.units < 0, 0.0, panel.units)
    if panel.in_stock_share is not None:
        units = censoring.restore(units, panel.in_stock_share)
    return Prepared(replace(panel, units=units))


def forecast(
    panel: DemandPanel,
    horizons: Sequence[int] = (),
    *,
    service: float = 0.95,
    judge_at: int = 3,
    ahead: int = 0,
    price: np.ndarray | None = None,
    settings: Settings | None = None,
) -> Demand:
    """Fit on a panel and return the belief at its end: cumulative demand per horizon."""
    model = Ladder(
        frequency=panel.frequency,
        drivers=tuple(sorted(panel.known)),
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
