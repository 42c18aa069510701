"""How long GET /v1/recommendations takes over HTTP at a fixed rate, on a built shop.

    SHOPKEEPER_HOME=shop python benchmarks/speed/serving.py [--rate 500] [--seconds 20] [--save]

Two processes: the server (``shopkeeper serve``: keys, limits, live features, model, decision on
the record) and this one as load generator on raw asyncio connections. Open loop: each request
leaves at its scheduled moment whatever became of those before it, and its latency counts from
that moment, so a stall is seen by every request that it delays. The named peer in the same run,
at the same rate: bare Starlette on the same uvicorn returning a constant JSON of the same size.
It is the floor of this machine under this load generator.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import platform
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

from shopkeeper.base import clock, settings
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop

RESULTS = Path(__file__).parents[1] / "results" / "http.json"
# The first seconds after a start pay for cold memory and the tables that warm beside them.
WARM_SECONDS = 15.0


def constant(size: int, port: int) -> None:
    """Serve a constant JSON of a size: the peer."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    body = json.dumps({"items": "x" * max(0, size - 14)}).encode()

    async def answer(request: Request) -> Response:
        return Response(body, media_type="application/json")

    app = Starlette(routes=[Route("/v1/recommendations", answer)])
    uvicorn.run(app, port=port, log_level="warning", access_log=False, http="httptools")


class Line(asyncio.Protocol):
    """One kept-alive connection; one request at a time on it."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.buffer = b""
        self.waiting: asyncio.Future[bytes] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, split, body = self.buffer.partition(b"\r\n\r\n")
        if not split:
            return
        length = int(re.search(rb"content-length: (\d+)", head, re.I).group(1))
        if len(body) >= length and self.waiting is not None:
            whole, self.buffer = self.buffer, b""
            waiting, self.waiting = self.waiting, None
            waiting.set_result(whole)

    def connection_lost(self, problem: Exception | None) -> None:
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(problem or ConnectionError("closed"))

    def ask(self, request: bytes) -> asyncio.Future[bytes]:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return self.waiting


async def load(port: int, requests: list[bytes], rate: float, seconds: float) -> dict[str, Any]:
    """Send at a rate and return latencies from the scheduled moments, in ms."""
    loop = asyncio.get_running_loop()
    idle: list[Line] = []
    made = 0
    for _ in range(32):
        idle.append((await loop.create_connection(Line, "127.0.0.1", port))[1])
        made += 1
    latencies: list[float] = []
    statuses: dict[str, int] = {}
    tasks = set()

    async def one(number: int, due: float) -> None:
        nonlocal made
        if not idle:
            made += 1
            idle.append((await loop.create_connection(Line, "127.0.0.1", port))[1])
        line = idle.pop()
        try:
            answer = await line.ask(requests[number % len(requests)])
            status = answer[9:12].decode()
            idle.append(line)
        except OSError:
            status = "broken"
        latencies.append((time.perf_counter() - due) * 1000)
        statuses[status] = statuses.get(status, 0) + 1

    gc.disable()
    start = time.perf_counter() + 0.1
    total = int(rate * seconds)
    late = 0.0
    for number in range(total):
        due = start + number / rate
        # Sleep coarsely, then give the loop its turns until the moment itself.
        while (left := due - time.perf_counter()) > 0:
            await asyncio.sleep(left - 0.001 if left > 0.002 else 0)
        late = max(late, (time.perf_counter() - due) * 1000)
        task = asyncio.ensure_future(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    if tasks:
        await asyncio.wait(tasks, timeout=30)
    gc.enable()
    values = np.array(latencies)
    spread = {f"p{p:g}_ms": round(float(np.percentile(values, p)), 3) for p in (50, 90, 99, 99.9)}
    return {
        "requests": total,
        "rate_per_second": rate,
        "statuses": statuses,
        **spread,
        "max_ms": round(float(values.max()), 3),
        "connections": made,
        "generator_late_max_ms": round(late, 3),
    }


def questions(home: str, key: str) -> list[bytes]:
    """Return requests of a usual mix: real customers and items of the shop, all placements."""
    draw = np.random.default_rng(7)
    with open_shop(settings.load(home)) as shop:
        shop.warehouse.refresh()
        customers = shop.warehouse.sql(
            "SELECT customer_id FROM customers ORDER BY customer_id"
        ).column(0)
        items = shop.warehouse.sql(
            "SELECT item_id FROM order_lines GROUP BY item_id ORDER BY count(*) DESC, item_id "
            "LIMIT 2000"
        ).column(0)
    customers, items = customers.to_pylist(), items.to_pylist()
    found = []
    for _ in range(2000):
        placement = str(draw.choice(["home", "product", "bought_together", "cart", "buy_again"]))
        ask: list[tuple[str, str]] = [("placement", placement), ("limit", "10")]
        ask.append(("customer_id", customers[int(draw.integers(len(customers)))]))
        if placement in ("product", "bought_together", "cart"):
            for _ in range(3 if placement == "cart" else 1):
                ask.append(("item_id", items[int(draw.integers(len(items)))]))
        found.append(
            f"GET /v1/recommendations?{urlencode(ask)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {key}\r\n\r\n".encode()
        )
    return found


def start(command: list[str], port: int, path: str) -> subprocess.Popen[bytes]:
    """Start a server and wait until ``path`` answers 200."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if process.poll() is not None:
            raise SystemExit(f"server ended: {command}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                if answer.status == 200:
                    return process
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SystemExit("server did not get ready in 120 s")


def processor_seconds(pid: int) -> float:
    """Return what a process has used of the processor so far; what others do does not add to it."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure(home: str, rate: float, seconds: float) -> dict[str, Any]:
    """Measure ours, then the peer with answers of the same size."""
    keys = open_keys(settings.load(home))
    key, text = keys.make("benchmark", ["decisions:write"], expires_days=1)
    asked = questions(home, text)
    port = free_port()
    serve = [sys.executable, "-m", "shopkeeper.cli.main", "--home", home, "serve"]
    found: dict[str, Any] = {}
    server = start([*serve, "--port", str(port)], port, "/ready")
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready") as answer:
            ready = json.load(answer)
        asyncio.run(load(port, asked, rate, WARM_SECONDS))
        before = processor_seconds(server.pid)
        found["shopkeeper"] = asyncio.run(load(port, asked, rate, seconds))
        spent = processor_seconds(server.pid) - before
        found["shopkeeper"]["processor_ms_per_request"] = round(1000 * spent / (rate * seconds), 3)
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{asked[0].split()[1].decode()}",
            headers={"Authorization": f"Bearer {text}"},
        )
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
        keys.revoke(key.key_id)
        keys.close()
    port = free_port()
    peer = [sys.executable, __file__, "--constant", str(len(body)), "--port", str(port)]
    server = start(peer, port, "/v1/recommendations")
    try:
        asyncio.run(load(port, asked, rate, WARM_SECONDS))
        found["starlette_constant"] = asyncio.run(load(port, asked, rate, seconds))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    return {
        "benchmark": "http",
        "command": f"SHOPKEEPER_HOME=… python benchmarks/speed/serving.py --rate {rate:g} "
        f"--seconds {seconds:g}",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_after": round(os.getloadavg()[0], 2),
        "model": ready["capabilities"]["recommend"]["model"],
        "on_fallback": ready["on_fallback"],
        "answer_bytes": len(body),
        "goal": "p99 below 10 ms at 500 requests/s on two cores",
        "latency": found,
    }


def main() -> None:
    """Measure and print, as a table or as JSON."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rate", type=float, default=500)
    words.add_argument("--seconds", type=float, default=20)
    words.add_argument("--json", action="store_true")
    words.add_argument("--save", action="store_true", help="write benchmarks/results/http.json")
    words.add_argument("--constant", type=int, help=argparse.SUPPRESS)
    words.add_argument("--port", type=int, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.constant is not None:
        constant(given.constant, given.port)
        return
    result = measure(os.environ.get("SHOPKEEPER_HOME", "shop"), given.rate, given.seconds)
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if given.json:
        print(json.dumps(result))
        return
    print(f"{'':<20}{'p50 ms':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'max':>9}  statuses")
    for name, one in result["latency"].items():
        numbers = "".join(
            f"{one[k]:>9.2f}" for k in ("p50_ms", "p90_ms", "p99_ms", "p99.9_ms", "max_ms")
        )
        print(f"{name:<20}{numbers}  {one['statuses']}")
    print(f"model {result['model']}, load average {result['load_average_after']}")


if __name__ == "__main__":
    main()
