"""Which rung serves which demand class, judged on origins before the end; and by how much it lies.

The loss is scaled pinball around the median and the service level plus a tenth of the bias: a
forecast of zero, which wins absolute error on intermittent demand, loses here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shopkeeper.inventory import segments, spread
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import calibrate
from shopkeeper.inventory.schema import SEGMENTS

# (rung, origin, horizon, offset) -> (quantiles (n, q), mean (n,))
Believe = Callable[[str, int, int, int], tuple[np.ndarray, np.ndarray]]
LEAST_ROWS = 30  # of a segment, below which it takes what most segments take
BIAS_WEIGHT = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``chosen`` (segments,) rung names; losses segment -> rung -> loss on validation;
    corrections (segments, q) of what was chosen, in scaled units."""

    chosen: tuple[str, ...]
    losses: dict[str, dict[str, float]]
    corrections: np.ndarray
    rows: int


def judge(
    prepared: Prepared,
    believe: Believe,
    rungs: Sequence[str],
    origins: Sequence[int],
    spans: Sequence[tuple[int, int]],
    service: float,
) -> Judgement:
    """Return the choice and calibration from validation origins and (horizon, offset) spans."""
    levels = spread.standard_levels()
    frequency = prepared.panel.frequency
    if not origins:
        nothing = np.zeros((len(SEGMENTS), len(levels)))
        return Judgement(chosen=(rungs[2],) * len(SEGMENTS), losses={}, corrections=nothing, rows=0)
    asked = [(k, h, offset) for k in origins for h, offset in spans]
    actual = np.concatenate([prepared.future(*one) for one in asked])
    norm = np.concatenate([prepared.scale(k) * h + 0.5 for k, h, _ in asked])
    by_origin = {k: segments.classify(prepared.panel.units[:, :k], frequency) for k in origins}
    codes = np.concatenate([by_origin[k] for k, _, _ in asked])
    good = np.isfinite(actual) & np.concatenate([prepared.first < k for k, _, _ in asked])
    beliefs: dict[str, np.ndarray] = {}
    losses: dict[str, dict[str, float]] = {}
    for rung in rungs:
        found = [believe(rung, *one) for one in asked]
        beliefs[rung] = np.concatenate([q for q, _ in found]).astype(np.float32)
        mean = np.concatenate([m for _, m in found])
        for code, segment in enumerate(SEGMENTS):
            rows = good & (codes == code)
            if rows.sum() >= LEAST_ROWS:
                losses.setdefault(segment, {})[rung] = loss(
                    actual[rows], beliefs[rung][rows], mean[rows], levels, service
                )
    usual = _usual(losses, rungs[2])
    chosen = tuple(
        min(losses[s], key=losses[s].__getitem__) if s in losses else usual for s in SEGMENTS
    )
    taken = np.empty_like(beliefs[rungs[0]])
    for code, name in enumerate(chosen):
        taken[codes == code] = beliefs[name][codes == code]
    moved = calibrate.corrections(
        actual[good], taken[good], norm[good], codes[good], levels, len(SEGMENTS)
    )
    return Judgement(chosen=chosen, losses=losses, corrections=moved, rows=int(good.sum()))


def loss(
    actual: np.ndarray, quantiles: np.ndarray, mean: np.ndarray, levels: np.ndarray, service: float
) -> float:
    """Return scaled pinball at the median, 0.9 and the service level, plus a tenth of |bias|."""
    total = max(float(actual.sum()), 1e-9)
    wanted = [int(np.abs(levels - level).argmin()) for level in (0.5, 0.9, service)]
    error = actual[:, None] - quantiles[:, wanted]
    pinball = np.maximum(levels[wanted] * error, (levels[wanted] - 1) * error)
    bias = abs(float(mean.sum()) - float(actual.sum())) / total
    return float(pinball.sum() / total / len(wanted) + BIAS_WEIGHT * bias)


def _usual(losses: dict[str, dict[str, float]], default: str) -> str:
    """Return the rung that wins most segments, for segments that validation never saw."""
    winners = [min(found, key=found.__getitem__) for found in losses.values()]
    return max(sorted(set(winners)), key=winners.count) if winners else default
