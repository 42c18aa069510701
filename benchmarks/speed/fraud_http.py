"""How long POST /v1/fraud/score takes over HTTP at a fixed rate, open loop, beside a constant.

    python benchmarks/speed/fraud_http.py [--rates 100,250,500,1000,2000] [--seconds 20] [--save]

A seeded shop (the one of benchmarks/speed/fraud.py) is made, trained and served by its own
process; this one generates load as benchmarks/speed/serving.py does: requests leave at their
scheduled moments, latency counts from there. The record is queued before the answer leaves: the
bound of the queue is in the result, and so is whether every answered decision was found in the log
afterwards. CPU per request is the server process's, its log thread and line of log included.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import serving

import fraud
from shopkeeper.base import clock, settings
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop

RESULTS = Path(__file__).parents[1] / "results" / "fraud_http.json"
PATH = "/v1/fraud/score"


def requests(key: str, customers: int) -> list[bytes]:
    """Return 2,000 requests as bytes on the wire."""
    found = []
    for number in range(2000):
        body = json.dumps(fraud.question(number, customers)).encode()
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        found.append(head.encode() + body)
    return found


def cpu_seconds(pid: int) -> float:
    """Return user and system seconds of a process."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")


def measure(home: str, customers: int, rates: list[float], seconds: float) -> dict[str, Any]:
    """Measure ours at each rate, then the constant at the same rates."""
    config = settings.load(home)
    keys = open_keys(config)
    _, text = keys.make("benchmark", ["decisions:write"], expires_days=1)
    keys.close()
    asked = requests(text, customers)
    before = recorded(home)
    port = serving.free_port()
    command = [sys.executable, "-m", "shopkeeper.cli.main", "--home", home, "serve"]
    server = serving.start([*command, "--port", str(port)], port, "/ready")
    found: dict[str, Any] = {}
    answered = 0
    try:
        warm = asyncio.run(serving.load(port, asked, 200, min(serving.WARM_SECONDS, seconds)))
        answered += warm["statuses"].get("200", 0)
        for rate in rates:
            spent = cpu_seconds(server.pid)
            ours = asyncio.run(serving.load(port, asked, rate, seconds))
            spent = cpu_seconds(server.pid) - spent
            answered += ours["statuses"].get("200", 0)
            ours["server_cpu_ms_per_request"] = round(spent * 1000 / ours["requests"], 3)
            ours["server_cores_used"] = round(spent / seconds, 2)
            found[f"shopkeeper_{rate:g}"] = ours
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    found["record"] = {
        "queue_bound_requests": config.queue_requests,
        "answered": answered,
        "in_the_log_afterwards": recorded(home) - before,
    }
    found |= constant(asked, rates, seconds)
    for rate in rates:
        ours, floor = found[f"shopkeeper_{rate:g}"], found[f"starlette_constant_{rate:g}"]
        per_request = "server_cpu_ms_per_request"
        ours["cpu_times_the_floor"] = round(ours[per_request] / max(floor[per_request], 1e-9), 1)
    return found


def constant(asked: list[bytes], rates: list[float], seconds: float) -> dict[str, Any]:
    """Measure bare Starlette with a constant answer: the floor of machine and load generator."""
    port = serving.free_port()
    peer = [sys.executable, serving.__file__, "--constant", "600", "--port", str(port)]
    server = serving.start(peer, port, "/v1/recommendations")
    plain = [one.replace(PATH.encode(), b"/v1/recommendations", 1) for one in asked]
    plain = [one.replace(b"POST", b"GET", 1) for one in plain]
    found = {}
    try:
        asyncio.run(serving.load(port, plain, 200, min(serving.WARM_SECONDS, seconds)))
        for rate in rates:
            spent = cpu_seconds(server.pid)
            one = asyncio.run(serving.load(port, plain, rate, seconds))
            spent = cpu_seconds(server.pid) - spent
            one["server_cpu_ms_per_request"] = round(spent * 1000 / one["requests"], 3)
            one["server_cores_used"] = round(spent / seconds, 2)
            found[f"starlette_constant_{rate:g}"] = one
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    return found


def recorded(home: str) -> int:
    """Return how many fraud decisions the log of a shop holds."""
    with open_shop(settings.load(home)) as shop:
        shop.warehouse.refresh()
        return int(
            shop.warehouse.sql("SELECT count(*) AS n FROM fraud_decisions").column(0)[0].as_py()
        )


def main() -> None:
    """Build, measure, print, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument(
        "--rates", default="100,250,500,1000,2000", help="requests per second, in order"
    )
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--payments", type=int, default=40_000)
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    customers = max(100, given.payments // 20)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "shop"
        fraud.build(home, given.payments, customers)
        load_before = round(os.getloadavg()[0], 2)
        rates = [float(one) for one in given.rates.split(",")]
        latency = measure(str(home), customers, rates, given.seconds)
    result = {
        "benchmark": "fraud_http",
        "command": f"python benchmarks/speed/fraud_http.py --rates {given.rates} "
        f"--seconds {given.seconds:g} --payments {given.payments} --save",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_before": load_before,
        "load_average_after": round(os.getloadavg()[0], 2),
        "goal": "p99 at most 3 ms at 500 requests/s; 2,000/s sustained on two cores",
        "latency": latency,
    }
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
