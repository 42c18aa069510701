"""How well the sides of reviews (物流 质量 价格 客服 尺码) are read, on sentences marked by hand.

    python benchmarks/quality/support_aspects.py

The 164 sentences were written before the reader was measured on them. Words were added with the
odd lines in view; the figures are those of the even lines. Both come from the same hand, so other
people's reviews will be read less well.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from shopkeeper.language import aspect_marks
from shopkeeper.language.opinions import aspects, feel
from shopkeeper.learn.metrics import bootstrap

ROOT = Path(__file__).parents[2]
MARKS = ROOT / "tests" / "language" / "data" / "aspects.txt"
RESULT = ROOT / "benchmarks" / "results" / "support_aspects.json"
SEED = 7


def whole_text(text: str) -> frozenset[tuple[str, int]]:
    """Return the baseline: every side named is judged as the whole text feels."""
    score = feel(text).score
    sign = 1 if score > 0 else -1
    return frozenset((one.aspect, sign) for one in aspects(text)) if score else frozenset()


def measured(marked: list[aspect_marks.Marked], read) -> dict:
    """Return exact share with its interval, precision and recall of one reader."""
    exact = np.array([read(one.text) == one.sides for one in marked], dtype=float)
    low, high = bootstrap(exact, np.random.default_rng(SEED))
    right = sum(len(read(one.text) & one.sides) for one in marked)
    told = sum(len(read(one.text)) for one in marked)
    truth = sum(len(one.sides) for one in marked)
    return {
        "n": len(marked),
        "exact": round(float(exact.mean()), 4),
        "exact_interval_95": [round(low, 4), round(high, 4)],
        "precision": round(right / max(told, 1), 4),
        "recall": round(right / truth, 4),
    }


def main() -> None:
    """Measure and write."""
    marked = aspect_marks.parse(MARKS.read_text("utf-8").splitlines())
    test = marked[1::2]
    parts = {
        "all": test,
        "zh": [one for one in test if not one.text.isascii()],
        "en": [one for one in test if one.text.isascii()],
    }
    readers = {"whole-text": whole_text, "pieces": aspect_marks.read}
    found = {
        "benchmark": "aspects",
        "capability": "support",
        "protocol": {"words added with": "odd lines", "measured on": "even lines", "seed": SEED},
        "models": {
            name: {part: measured(some, read) for part, some in parts.items()}
            for name, read in readers.items()
        },
        "sides": {
            name: {"right": a, "read": b, "marked": c}
            for name, (a, b, c) in aspect_marks.counted(test).items()
        },
        "baseline": "whole-text",
    }
    RESULT.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for name, told in found["models"].items():
        print(name, told["all"])


if __name__ == "__main__":
    main()
