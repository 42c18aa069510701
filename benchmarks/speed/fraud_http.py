"""How long POST /v1/fraud/score takes over HTTP at a fixed rate, open loop, beside a constant.

    python benchmarks/speed/fraud_http.py [--rate 500] [--seconds 20] [--payments 40000] [--save]

A seeded shop (the one of benchmarks/speed/fraud.py) is made, trained and served by its own
process; this one generates load as benchmarks/speed/serving.py does: requests leave at their
scheduled moments, latency counts from there. The record is queued before the answer leaves. CPU
per request is the server process's, its log thread and line of log included.
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


def measure(home: str, customers: int, rate: float, seconds: float) -> dict[str, Any]:
    """Measure ours, then the constant at the same rate."""
    keys = open_keys(settings.load(home))
    _, text = keys.make("benchmark", ["decisions:write"], expires_days=1)
    keys.close()
    asked = requests(text, customers)
    port = serving.free_port()
    command = [sys.executable, "-m", "shopkeeper.cli.main", "--home", home, "serve"]
    server = serving.start([*command, "--port", str(port)], port, "/ready")
    found: dict[str, Any] = {}
    try:
        asyncio.run(serving.load(port, asked, rate, min(serving.WARM_SECONDS, seconds)))
        before = cpu_seconds(server.pid)
        ours = asyncio.run(serving.load(port, asked, rate, seconds))
        spent = cpu_seconds(server.pid) - before
        ours["server_cpu_ms_per_request"] = round(spent * 1000 / ours["requests"], 3)
        found["shopkeeper"] = ours
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    port = serving.free_port()
    peer = [sys.executable, serving.__file__, "--constant", "600", "--port", str(port)]
    server = serving.start(peer, port, "/v1/recommendations")
    plain = [one.replace(PATH.encode(), b"/v1/recommendations", 1) for one in asked]
    plain = [one.replace(b"POST", b"GET", 1) for one in plain]
    try:
        asyncio.run(serving.load(port, plain, rate, min(serving.WARM_SECONDS, seconds)))
        found["starlette_constant"] = asyncio.run(serving.load(port, plain, rate, seconds))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    return found


def main() -> None:
    """Build, measure, print, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rate", type=float, default=500)
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--payments", type=int, default=40_000)
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    customers = max(100, given.payments // 20)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "shop"
        fraud.build(home, given.payments, customers)
        load_before = round(os.getloadavg()[0], 2)
        latency = measure(str(home), customers, given.rate, given.seconds)
    result = {
        "benchmark": "fraud_http",
        "command": f"python benchmarks/speed/fraud_http.py --rate {given.rate:g} "
        f"--seconds {given.seconds:g} --payments {given.payments} --save",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_before": load_before,
        "goal": "p99 at most 3 ms at 500 requests/s",
        "latency": latency,
    }
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
