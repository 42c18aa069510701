"""What one fraud decision costs, stage by stage, in processor time.

    python benchmarks/speed/fraud_stages.py [--payments 20000] [--requests 1000] [--save]

The shop of benchmarks/speed/fraud.py; each stage of the decision is run by itself over the same
requests, several rounds, and the quickest round counts: processor time of the thread, so others on
the machine disturb it little. A loop keeps the caches warm, which requests that come one by one do
not, so "decide, all" is more than the sum, and the log's thread runs beside it: the whole decision
at a rate is in fraud.py.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fraud
from shopkeeper.base import clock, log, settings
from shopkeeper.data.person_keys import hashed_request
from shopkeeper.data.shop import open_shop
from shopkeeper.data.validate import judged, to_row
from shopkeeper.fraud import policy, rings
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.features import features_at
from shopkeeper.fraud.registry import NAMES
from shopkeeper.fraud.rules_pack import PACK
from shopkeeper.operate.faults import require_finite
from shopkeeper.operate.runtime import Runtime, to_event

RESULTS = Path(__file__).parents[1] / "results" / "fraud_stages.json"
ROUNDS = 7


def cost(work: Callable[[Any], Any], asked: Sequence[Any]) -> float:
    """Return microseconds of processor time per call, of the quickest of ROUNDS."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.thread_time()
        for one in asked:
            work(one)
        best = min(best, time.thread_time() - started)
    return round(best / len(asked) * 1e6, 2)


def stages(home: Path, count: int, customers: int) -> dict[str, Any]:
    """Return stage -> microseconds, with the whole decision beside their sum."""
    with open_shop(settings.load(home)) as shop:
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        gc.collect()
        gc.freeze()
        live = runtime.live["fraud"]
        state, model, now = live.state, live.model, clock.now_us()
        for rule in PACK:
            state.controls.book.put(rule)
        asked = [fraud.question(number, customers) for number in range(count)]
        raws = [hashed_request(one, shop.keyring) for one in asked]
        requests = [CAPABILITY.parse(raw) for raw in raws]
        features = [features_at(state, one, now) for one in requests]
        believed = [model.predict(one) for one in features]
        put = list(zip(requests, features, believed, strict=True))
        chosen = [policy.choose(*one) for one in put]
        milder = [
            one for one, c in zip(put, chosen, strict=True) if c.value["outcome"] == "approve"
        ]
        others = [
            one for one, c in zip(put, chosen, strict=True) if c.value["outcome"] != "approve"
        ]
        decided = [runtime.decide("fraud", one) for one in asked]
        events = [to_event(one) for one in decided]
        good = [event for event in (judged(one)[0] for one in events) if event is not None]
        out = [0.0] * len(NAMES)
        fill, around = state.windows.fill, partial(rings.around, state.windows)
        found: dict[str, Any] = {
            "hash the person": cost(lambda one: hashed_request(one, shop.keyring), asked),
            "parse": cost(CAPABILITY.parse, raws),
            "features": cost(lambda one: features_at(state, one, now), requests),
            "of it windows": cost(
                lambda one: fill(one.entities, now, one.amount_minor, out), requests
            ),
            "of it ring": cost(lambda one: around(one.entities, now, state.signups), requests),
            "predict": cost(model.predict, features),
            "check the prediction": cost(require_finite, believed),
            "choose approve": cost(lambda one: policy.choose(*one), milder) if milder else None,
            "choose otherwise": cost(lambda one: policy.choose(*one), others) if others else None,
            "of it contributions": cost(lambda one: one.because(), believed),
            "record as event": cost(to_event, decided),
            "judge the event": cost(judged, events),
            "event to row": cost(lambda one: to_row(one, shop.keyring, now), good),
            "line of log": cost(partial(_line), decided),
            "decide, all": cost(lambda one: runtime.decide("fraud", one), asked),
        }
        runtime.close()
    return {
        "microseconds": found,
        "requests": count,
        "otherwise": len(others),
        "rules": len(PACK),
        "features": len(NAMES),
        "record_bytes": len(to_row(good[0], shop.keyring, now).body),
    }


def _line(decision: Any) -> None:
    log.info(
        "decision.made",
        capability="fraud",
        subject=decision.subject,
        model=decision.model,
        fallback=decision.fallback,
        reason=decision.reasons[0].code,
        decision_id=decision.decision_id,
        total_ms=1.234,
    )


def main() -> None:
    """Measure, print as a table, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--payments", type=int, default=20_000)
    words.add_argument("--requests", type=int, default=1_000)
    words.add_argument("--home", help="a shop that fraud.build made before")
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    log.configure("info")
    customers = max(100, given.payments // 20)
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nowhere:
        home = Path(given.home) if given.home else Path(folder) / "shop"
        if not given.home:
            fraud.build(home, given.payments, customers)
        shown, sys.stderr = sys.stderr, nowhere  # a line of log per decision
        try:
            told = stages(home, given.requests, customers)
        finally:
            sys.stderr = shown
    result = {
        "benchmark": "fraud_stages",
        "command": f"python benchmarks/speed/fraud_stages.py --payments {given.payments} "
        f"--requests {given.requests} --save",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_average": round(os.getloadavg()[0], 2),
        **told,
    }
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    for stage, microseconds in told["microseconds"].items():
        print(f"{stage:24} {'-' if microseconds is None else f'{microseconds:9.1f}'}")
    print(json.dumps({k: v for k, v in result.items() if k != "microseconds"}, indent=1))


if __name__ == "__main__":
    main()
