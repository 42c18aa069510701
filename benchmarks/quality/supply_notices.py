"""Measure the reading of suppliers' messages: F1 per field on seeded and hand-written corpora.

    python benchmarks/quality/supply_notices.py [--save] [--corpus NAME]

The corpora are the project's own and lie in tests/supply: "seeded" and "varied" are generated with
noise; "written" and "written_after" were written by hand and have been used to develop the rules;
"sealed" was written by hand before the second round of rules and judged once after it; its recorded
figures stay those of that judgement, for the faults it showed were mended afterwards. One and the
same author wrote messages and rules, so "sealed" too is kinder than a stranger's mail.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve()
RESULTS = HERE.parents[1] / "results"
sys.path.insert(0, str(HERE.parents[2] / "tests" / "supply"))

import notice_corpus as corpus  # noqa: E402
from notice_varied import varied  # noqa: E402

from shopkeeper.supply.models.notice_kinds import trained  # noqa: E402
from shopkeeper.supply.notices import read  # noqa: E402
from shopkeeper.supply.schema import Context  # noqa: E402

FILE = "supply_notices.json"
SEED, REPEATS = 20270310, 1000
SEALED = corpus.context_of(corpus.SEALED_SHOP, corpus.SEALED_DAY)
Pair = tuple[tuple[dict[str, str], ...], list[dict[str, str]]]


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--save", action="store_true")
    parser.add_argument("--corpus", default="")
    args = parser.parse_args()
    found = {
        name: measured(examples, context)
        for name, (examples, context) in corpora().items()
        if args.corpus == name or (not args.corpus and name != "sealed")
    }
    printed = {
        "made_by": "python benchmarks/quality/supply_notices.py --save",
        "machine": f"{platform.machine()}, one core, shared machine",
        "protocol": {
            "score": "F1 per field over messages; event: all fields of an event right",
            "interval": f"95 %, bootstrap of messages, {REPEATS} times",
            "baseline": "rules alone, without the classifier",
            "seed": SEED,
        },
        "corpora": found,
    }
    if args.save:
        if (RESULTS / FILE).exists():
            old = json.loads((RESULTS / FILE).read_text("utf-8"))["corpora"]
            printed["corpora"] = {**old, **found}
        text = json.dumps(printed, indent=1, ensure_ascii=False) + "\n"
        (RESULTS / FILE).write_text(text, "utf-8")
    for name, one in found.items():
        print(name, one["messages"], "messages", one["models"]["rules and classifier"]["f1"])


def corpora() -> dict[str, tuple[list[corpus.Example], Context]]:
    """Return each corpus with what the reader may look at."""
    return {
        "seeded": (corpus.made(800, np.random.default_rng(SEED)), corpus.CONTEXT),
        "varied": (varied(1000, np.random.default_rng(SEED)), SEALED),
        "written": (corpus.written("written.txt"), corpus.CONTEXT),
        "written_after": (corpus.written("written_after.txt"), corpus.CONTEXT),
        "sealed": (corpus.written("written_sealed.txt"), SEALED),
    }


def measured(examples: list[corpus.Example], context: Context) -> dict[str, Any]:
    """Return F1 with intervals, milliseconds and wrong automatic events, rules alone and both."""
    models = {}
    for name, kinds in (("rules alone", None), ("rules and classifier", trained())):
        started = time.perf_counter()
        events = [read(one.text, context, kinds) for one in examples]
        taken = time.perf_counter() - started
        pairs: list[Pair] = [
            (one.events, [corpus.said(event) for event in some])
            for one, some in zip(examples, events, strict=True)
        ]
        wrong = sum(
            event.automatic
            and event.kind in ("delay", "early")
            and corpus.said(event) not in one.events
            for one, some in zip(examples, events, strict=True)
            for event in some
        )
        models[name] = {
            "f1": {field: round(value, 4) for field, value in corpus.f1(pairs).items()},
            "interval_95": intervals(pairs),
            "automatic": sum(event.automatic for some in events for event in some),
            "automatic_day_wrong": int(wrong),
            "ms_per_message": round(1000 * taken / len(examples), 2),
        }
    said = sum(len(one.events) for one in examples)
    return {"messages": len(examples), "events": said, "models": models}


def intervals(pairs: list[Pair]) -> dict[str, list[float]]:
    """Return the 95 % interval of each field's F1, messages drawn again."""
    rng = np.random.default_rng(SEED)
    drawn: dict[str, list[float]] = {}
    for _ in range(REPEATS if len(pairs) < 200 else REPEATS // 10):
        some = [pairs[n] for n in rng.integers(len(pairs), size=len(pairs))]
        for field, value in corpus.f1(some).items():
            drawn.setdefault(field, []).append(value)
    return {
        f: [round(float(q), 4) for q in np.quantile(v, (0.025, 0.975))] for f, v in drawn.items()
    }


if __name__ == "__main__":
    main()
