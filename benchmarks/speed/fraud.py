"""How fast fraud is decided in process, and what its live state costs in memory.

    python benchmarks/speed/fraud.py [--payments 40000] [--decisions 5000] [--save]

Seeded shops are made and trained in a temporary folder, one of them with a tenth of the history.
One decision is everything between the
request and the queued record: keyed hashes of the person, windows, ring, rules, trees, costs,
reasons, record. Beside it the batch executor, the trees on many rows, the memory that entities
take, and one request's windows after little and much history.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base import clock, log, settings
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Person
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.aggregates import declare
from shopkeeper.fraud.batch import aggregate
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.registry import AGGREGATES, NAMES, ROW
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train_one

RESULTS = Path(__file__).parents[1] / "results" / "fraud_speed.json"
KINDS = ("customer", "card", "device", "ip", "email")


def person(who: int, thief: int | None) -> Person:
    """Return who pays: on the own device, or on a thief's."""
    device, ip = f"device-{who}", f"10.{who // 62500}.{who // 250 % 250}.{who % 250}"
    if thief is not None:
        device, ip = f"thief-{thief}", f"198.51.100.{thief}"
    mail = f"c{who}@mail.test"
    return Person(email=mail, device_id=device, card_fingerprint=f"card-{who}", ip=ip)


def events(payments: int, customers: int, end_us: int) -> list[Event]:
    """Return ninety days of payments, 3 % frauds of them, with chargebacks days later."""
    draw = np.random.default_rng(5)
    start = end_us - 90 * DAY_US
    found = []
    for number, at in enumerate(np.sort(draw.integers(0, 90 * DAY_US, payments)).tolist()):
        who, bad = int(draw.integers(customers)), bool(draw.random() < 0.03)
        thief = int(draw.integers(20)) if bad and draw.random() < 0.6 else None
        paid = Event(
            event_id=f"p{number}",
            kind="payment",
            payment_id=f"p{number}",
            customer_id=f"c{who}",
            occurred_at=clock.from_us(start + at),
            value_minor=int(draw.lognormal(8.5 if bad else 8, 0.6)),
            currency="EUR",
            status="declined" if bad and draw.random() < 0.3 else "captured",
            source="import",
            person=person(who, thief),
        )
        found.append(paid)
        known = start + at + int(draw.integers(DAY_US, 10 * DAY_US))
        if bad and known < end_us:
            found.append(
                Event(
                    event_id=f"cb{number}",
                    kind="chargeback",
                    payment_id=f"p{number}",
                    reason="fraud",
                    source="import",
                    occurred_at=clock.from_us(known),
                )
            )
    return found


def question(number: int, customers: int) -> dict[str, Any]:
    """Return a request; one in ten from a thief's device, so that reasons are asked for."""
    who = number * 7919 % customers
    one = person(who, number % 20 if number % 10 == 0 else None)
    told = {name: getattr(one, name) for name in ("email", "device_id", "card_fingerprint", "ip")}
    return {
        "payment_id": f"new-{number}",
        "customer_id": f"c{who}",
        "amount_minor": 900 + number % 9000,
        "currency": "EUR",
        "person": told,
    }


def build(home: Path, payments: int, customers: int) -> None:
    """Make and train the shop in a folder."""
    with open_shop(settings.load(home)) as shop:
        made = events(payments, customers, clock.now_us() - 60_000_000)
        if shop.append_events(made).rejected:
            raise SystemExit("an event of the benchmark was refused")
        train_one(shop, CAPABILITY, Registry(shop.settings.models_path))


def spread(ms: list[float]) -> dict[str, float]:
    """Return percentiles of milliseconds."""
    values = np.array(ms)
    found = {f"p{p:g}_ms": round(float(np.percentile(values, p)), 4) for p in (50, 90, 99, 99.9)}
    return {**found, "max_ms": round(float(values.max()), 3), "samples": len(ms)}


def decisions(home: Path, count: int, customers: int, rate: float) -> dict[str, Any]:
    """Return how long single decisions take, paced as requests come, and what each costs."""
    gc.set_threshold(1_000, 2, 50_000)  # as the server sets it
    with open_shop(settings.load(home), exclusive=True) as shop:
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start()
        asked = [question(number, customers) for number in range(count + 500)]
        for one in asked[:500]:
            runtime.decide("fraud", one)
        wall, held, outcomes = [], [], dict[str, int]()
        cpu = time.thread_time()
        begun = time.perf_counter()
        for number, one in enumerate(asked[500:]):
            while time.perf_counter() < begun + number / rate:
                time.sleep(0.0002)
            started, mine = time.perf_counter(), time.thread_time()
            decision = runtime.decide("fraud", one)
            wall.append((time.perf_counter() - started) * 1000)
            held.append((time.thread_time() - mine) * 1000)
            outcome = str(decision.value["outcome"])
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        cpu = time.thread_time() - cpu
        counts = dict(runtime.counts)
        model = runtime.live["fraud"].version
        runtime.close()
    return {
        "rate_per_second": rate,
        "wall": spread(wall),
        "own_cpu": spread(held),
        "outcomes": outcomes,
        "fallbacks": counts["fallbacks"],
        "unrecorded": counts["unrecorded"],
        "model": model,
    }


def batch(count: int) -> dict[str, Any]:
    """Return events per second of the batch executor over every declared aggregate."""
    draw = np.random.default_rng(6)
    at = np.sort(draw.integers(0, 90 * DAY_US, count)) + 1_700_000_000_000_000
    codes = {kind: draw.integers(0, count // 8, count) for kind in KINDS}
    bad = draw.random(count) < 0.01
    rows = Rows(
        payments=Stream(at_us=at, amount=draw.integers(100, 90_000, count), codes=codes),
        known_us=np.where(bad, at + 7 * DAY_US, NEVER_US),
    )
    aggs = [agg for agg in declare() if agg.entity in KINDS]
    started = time.perf_counter()
    aggregate(rows, aggs)
    seconds = time.perf_counter() - started
    return {"events": count, "aggregates": len(aggs), "events_per_second": round(count / seconds)}


def model(home: Path, count: int) -> dict[str, Any]:
    """Return rows per second of the served trees, many at once."""
    with open_shop(settings.load(home)) as shop:
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        detector = runtime.live["fraud"].model
        runtime.close()
    rows = np.random.default_rng(7).normal(size=(count, len(detector.names)))
    started = time.perf_counter()
    detector.predict_many(rows)
    return {"rows": count, "rows_per_second": round(count / (time.perf_counter() - started))}


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def memory(payments: int) -> dict[str, Any]:
    """Return bytes per payment and per entity, and one request's windows as history grows."""
    draw = np.random.default_rng(8)
    gc.collect()
    before = resident()
    windows = Windows(AGGREGATES, ROW)
    step = 90 * DAY_US // payments
    cost = {}
    marks = {payments // 100, payments // 10, payments}
    customers = payments // 10
    for number in range(payments):
        who = int(draw.integers(customers))
        values = {"customer": f"c{who}", "card": f"k{who}", "device": f"d{who}", "email": f"e{who}"}
        windows.pay(f"p{number}", 1_700_000_000_000_000 + number * step, 1000, values)
        if number + 1 in marks:
            cost[str(number + 1)] = _fill_us(windows, 1_700_000_000_000_000 + number * step, values)
    gc.collect()
    entities = sum(len(table) for table in windows.tables.values())
    used = resident() - before
    hot = _hot(windows, payments)
    return {
        "payments": payments,
        "entities": entities,
        "megabytes": round(used / 1e6, 1),
        "bytes_per_payment_of_four_entities": round(used / payments),
        "gigabytes_per_million_entities_of_ten_payments": round(used / entities / 1000, 2),
        "fill_us_after_payments": cost,
        "fill_us_of_one_device_with_payments": hot,
    }


def _hot(windows: Windows, most: int) -> dict[str, float]:
    """Return one request's windows when a single device has ever more payments."""
    start = 1_700_000_000_000_000 + 90 * DAY_US
    values = {"customer": "hot", "device": "hot", "card": "hot"}
    cost = {}
    for number in range(most):
        windows.pay(f"hot{number}", start + number * 1000, 1000, values)
        if number + 1 in (most // 100, most // 10, most):
            cost[str(number + 1)] = _fill_us(windows, start + number * 1000, values)
    return cost


def _fill_us(windows: Windows, at_us: int, values: dict[str, str]) -> float:
    out = [float("nan")] * len(NAMES)
    taken = []
    for _ in range(500):
        started = time.perf_counter()
        windows.fill(values, at_us, 1000, out)
        taken.append((time.perf_counter() - started) * 1e6)
    return round(float(np.median(taken)), 1)


def main() -> None:
    """Measure, print, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--payments", type=int, default=40_000)
    words.add_argument("--decisions", type=int, default=5_000)
    words.add_argument("--rate", type=float, default=200)
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    log.configure("info")  # a line for each decision, as the server writes it
    customers = max(100, given.payments // 20)
    result: dict[str, Any] = {
        "benchmark": "fraud_speed",
        "command": f"python benchmarks/speed/fraud.py --payments {given.payments} "
        f"--decisions {given.decisions} --rate {given.rate:g} --save",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }
    result["goal"] = "decision p99 below 1 ms; 100,000 events/s; 50,000 rows/s; flat in history"
    result["memory"] = memory(given.payments * 2)
    with tempfile.TemporaryDirectory() as folder:
        small = Path(folder) / "small"
        build(small, given.payments // 10, customers // 10)
        result["decide_a_tenth_of_the_history"] = decisions(
            small, given.decisions, customers // 10, given.rate
        )
        home = Path(folder) / "shop"
        build(home, given.payments, customers)
        result["model"] = model(home, 50_000)
        result["batch"] = batch(100_000)
        result["load_average_before"] = round(os.getloadavg()[0], 2)
        result["decide_whole_history"] = decisions(home, given.decisions, customers, given.rate)
        result["load_average_after"] = round(os.getloadavg()[0], 2)
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
