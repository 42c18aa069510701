"""What ``evaluate`` prints: intervals, cost of a model, and the table for people."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.learn.metrics import bootstrap

_DIGITS = 5


class Cost:
    """Seconds and the process's peak memory over one piece of work."""

    seconds = 0.0
    peak_memory_mb = 0.0


@contextmanager
def measured() -> Iterator[Cost]:
    """Measure a block; the peak is the whole process's, reset at its start where Linux allows."""
    cost = Cost()
    # Writing 5 resets the high-water mark of this process (man proc, clear_refs). Elsewhere the
    # mark only grows, which overstates and never understates.
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")
    started = time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - started
    cost.peak_memory_mb = _peak_mb()


def _peak_mb() -> float:
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text("ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def summary(
    per_subject: Mapping[str, np.ndarray], seed: int
) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Return (means, 95 % intervals) of metrics given per subject; NaN is left out."""
    means: dict[str, float] = {}
    intervals: dict[str, list[float]] = {}
    for name, values in per_subject.items():
        if len(values):
            means[name] = round(float(values.mean()), _DIGITS)
            low, high = bootstrap(values, np.random.default_rng(seed))
            intervals[name] = [round(low, _DIGITS), round(high, _DIGITS)]
    return means, intervals


def against(values: np.ndarray, baseline: np.ndarray, seed: int) -> dict[str, Any]:
    """Return the paired difference to the baseline, with its interval and a verdict."""
    gap = values - baseline
    low, high = bootstrap(gap, np.random.default_rng(seed))
    verdict = "better" if low > 0 else "worse" if high < 0 else "no clear difference"
    return {
        "difference": round(float(gap.mean()), _DIGITS),
        "interval_95": [round(low, _DIGITS), round(high, _DIGITS)],
        "verdict": verdict,
    }


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return aligned columns, two or more spaces apart, for a terminal."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "    ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [head, *rows]
    ]
    return "\n".join(lines)
