"""What understanding a text costs: milliseconds per text and memory of the language models.

    python benchmarks/speed/support_language.py

One thread. Writes benchmarks/results/support_language_speed.json. Texts are our own utterances,
each made new by a number, so that no memory of equal texts helps.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from shopkeeper.language.embedder import sentence_embedder
from shopkeeper.language.entities import Known, recognise
from shopkeeper.language.normalise import normalise
from shopkeeper.language.opinions import feel
from shopkeeper.language.pii import mask
from shopkeeper.language.tokens import tokenise
from shopkeeper.support.models.intents import OOS, IntentData, IntentMix
from shopkeeper.support.seeds import OUTSIDE, utterances
from shopkeeper.support.understand import Context, understand

RESULT = Path(__file__).parents[1] / "results" / "support_language_speed.json"


def memory_mb() -> float:
    """Return the memory that the process holds now."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def timed(work: Callable[[str], object], texts: list[str]) -> dict[str, float]:
    """Return the median and the 95th percentile in milliseconds."""
    spent = []
    for text in texts:
        started = time.perf_counter()
        work(text)
        spent.append(1000 * (time.perf_counter() - started))
    low, high = np.percentile(spent, [50, 95])
    return {"p50_ms": round(float(low), 3), "p95_ms": round(float(high), 3)}


def main() -> int:
    """Measure, write, print."""
    seeds = utterances()
    texts = [f"{one.text} {place}" for place, one in enumerate(seeds)][::2]
    known = Known(today=datetime.date(2026, 11, 24))
    before = memory_mb()
    tokenise("预热分词")
    cut = memory_mb()
    embedder = sentence_embedder()
    embedder.encode(["warm"])
    encoder = memory_mb()
    labels = [OOS if one.intent == OUTSIDE else one.intent for one in seeds]
    started = time.perf_counter()
    model = IntentMix().fit(IntentData(texts=[one.text for one in seeds], labels=labels))
    fit_seconds = time.perf_counter() - started
    context = Context(known=known, model=model)
    understand("warm", context)
    found = {
        "texts": len(texts),
        "normalise": timed(normalise, texts),
        "tokenise": timed(tokenise, texts),
        "mask": timed(mask, texts),
        "entities": timed(lambda text: recognise(text, known), texts),
        "sentiment_lexicon": timed(feel, texts),
        "encode": timed(lambda text: embedder.encode([f"{text}!"]), texts),
        "understand": timed(lambda text: understand(f"{text}?", context), texts),
        "intent_fit_seconds": round(fit_seconds, 2),
        "memory_mb": {
            "words": round(cut - before, 1),
            "encoder": round(encoder - cut, 1),
            "intents": round(memory_mb() - encoder, 1),
            "language_models": round(memory_mb() - before, 1),
        },
    }
    RESULT.write_text(json.dumps({"benchmark": "support_language", **found}, indent=1) + "\n")
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    with threadpool_limits(1):
        sys.exit(main())
