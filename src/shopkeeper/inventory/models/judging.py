"""Which rung serves which demand class, judged on origins before the end; and by how much it lies.

The loss is scaled pinball around the median and the service level plus a tenth of the bias: a
forecast of zero, which wins absolute error on intermittent demand, loses here. Beside single
rungs, quantiles of the global model averaged with those of a class's best local one may win.

Source: averaging quantiles, Lichtendahl, Grushka-Cockayne and Winkler (2013), Management Science
59(7).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shopkeeper.inventory import segments, spread
from shopkeeper.inventory.features import Prepared
from shopkeeper.inventory.models import calibrate
from shopkeeper.inventory.schema import SEGMENTS

GLOBAL = "cumulative"
# (rung, origin, horizon, offset) -> (quantiles (n, q), mean (n,))
Believe = Callable[[str, int, int, int], tuple[np.ndarray, np.ndarray]]
LEAST_ROWS = 30  # of a segment, below which it takes what most segments take
BIAS_WEIGHT = 0.1
SHARES = (0.25, 0.5, 0.75)  # of the global model where it is averaged with a local one


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``chosen`` (segments,) names of one rung, or of two joined by "+", the first of which has
    its ``shares`` of the average; losses segment -> name -> loss on validation; ``asked``
    (segments, q) the level that the chosen must be asked for to cover each standard level."""

    chosen: tuple[str, ...]
    losses: dict[str, dict[str, float]]
    asked: np.ndarray
    rows: int
    shares: tuple[float, ...] = (1.0,) * len(SEGMENTS)

    def parts(self, segment: int) -> list[tuple[str, float]]:
        """Return (rung, weight) of what serves a segment; weights sum to 1."""
        first, *other = self.chosen[segment].split("+")
        share = self.shares[segment]
        return [(first, share), (other[0], 1 - share)] if other else [(first, 1.0)]


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
        return unjudged(rungs[2])
    asked = [(k, h, offset) for k in origins for h, offset in spans]
    actual = np.concatenate([prepared.future(*one) for one in asked])
    by_origin = {k: segments.classify(prepared.panel.units[:, :k], frequency) for k in origins}
    codes = np.concatenate([by_origin[k] for k, _, _ in asked])
    good = np.isfinite(actual) & np.concatenate([prepared.first < k for k, _, _ in asked])
    beliefs: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for rung in rungs:
        found = [believe(rung, *one) for one in asked]
        quantiles = np.concatenate([q for q, _ in found]).astype(np.float32)
        beliefs[rung] = quantiles, np.concatenate([m for _, m in found])
    losses: dict[str, dict[str, float]] = {}
    shares: dict[str, float] = {}
    for code, segment in enumerate(SEGMENTS):
        rows = good & (codes == code)
        if rows.sum() >= LEAST_ROWS:
            mine = {rung: (q[rows], m[rows]) for rung, (q, m) in beliefs.items()}
            losses[segment], shares[segment] = _losses(actual[rows], mine, levels, service)
    usual, usual_share = _usual(losses, shares, rungs[2])
    picked = [
        (min(losses[s], key=losses[s].__getitem__), shares[s])
        if s in losses
        else (usual, usual_share)
        for s in SEGMENTS
    ]
    chosen = Judgement(
        chosen=tuple(name for name, _ in picked),
        losses=losses,
        asked=np.tile(levels, (len(SEGMENTS), 1)),
        rows=int(good.sum()),
        shares=tuple(share if "+" in name else 1.0 for name, share in picked),
    )
    taken = np.empty((len(actual), len(levels)))
    for code in range(len(SEGMENTS)):
        rows = codes == code
        taken[rows] = sum(w * beliefs[rung][0][rows] for rung, w in chosen.parts(code))
    moved = calibrate.asked_levels(actual[good], taken[good], codes[good], levels, len(SEGMENTS))
    return replace(chosen, asked=moved)


def unjudged(rung: str) -> Judgement:
    """Return one rung for every segment, taken at its word."""
    asked = np.tile(spread.standard_levels(), (len(SEGMENTS), 1))
    return Judgement(chosen=(rung,) * len(SEGMENTS), losses={}, asked=asked, rows=0)


def _losses(
    actual: np.ndarray,
    beliefs: dict[str, tuple[np.ndarray, np.ndarray]],
    levels: np.ndarray,
    service: float,
) -> tuple[dict[str, float], float]:
    """Return losses of every rung and of the best average with the global one; its share."""
    found = {rung: loss(actual, q, m, levels, service) for rung, (q, m) in beliefs.items()}
    local = min((rung for rung in found if rung != GLOBAL), key=found.__getitem__, default=None)
    if GLOBAL not in found or local is None:
        return found, 1.0
    (quantiles, mean), (other, level) = beliefs[GLOBAL], beliefs[local]
    mixed = {
        w: loss(
            actual, w * quantiles + (1 - w) * other, w * mean + (1 - w) * level, levels, service
        )
        for w in SHARES
    }
    share = min(mixed, key=mixed.__getitem__)
    return found | {f"{GLOBAL}+{local}": mixed[share]}, share


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


def _usual(
    losses: dict[str, dict[str, float]], shares: dict[str, float], default: str
) -> tuple[str, float]:
    """Return what wins most segments, for segments that validation never saw."""
    if not losses:
        return default, 1.0
    winners = {segment: min(found, key=found.__getitem__) for segment, found in losses.items()}
    names = list(winners.values())
    name = max(sorted(set(names)), key=names.count)
    return name, next(shares[segment] for segment, won in winners.items() if won == name)
