"""How many durable events per second the HTTP entrance takes, and how long one request waits.

    python benchmarks/speed/ingest.py [--seconds 8] [--connections 48] [--ids ordered|random]
                                      [--times shuffled|rising] [--app] [--json] [--save]

Two processes: the server (uvicorn, one worker, the real route and log; with --app the whole
server with keys, counters and live features) and this one as load generator (raw sockets,
bodies made beforehand). Closed loop: every connection
sends its next request when the last was answered; gives the throughput. Open loop: requests
leave on a schedule at half that rate; latency counts from the scheduled moment, so a stall is
seen by every request that it delays. The floor, in the same run: fsync alone, and the same
rows into bare SQLite (WAL, FULL) without HTTP, validation or grouping of requests.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import msgspec
import numpy as np

from shopkeeper.base import clock, ids, settings
from shopkeeper.data.validate import parse

RISING = itertools.count(1_772_323_200_000_000, 1000)  # one event each millisecond of March 2026
RESULTS = Path(__file__).parents[1] / "results" / "ingest.json"


def serve(home: str, port: int, whole: bool) -> None:
    """Run the real route over a real shop folder: alone, or inside the whole server."""
    import uvicorn
    from starlette.applications import Starlette
    from starlette.routing import Route

    from shopkeeper.api.events import post_events
    from shopkeeper.data.shop import open_shop

    if whole:
        os.environ["SHOPKEEPER_RATE_PER_SECOND"] = "1000000"
    with open_shop(settings.load(home), exclusive=True) as shop:
        if whole:
            from shopkeeper.api.app import create_app
            from shopkeeper.api.server import uvicorn_config
            from shopkeeper.data import keys
            from shopkeeper.operate.runtime import Runtime

            ring = keys.open_keys(shop.settings)
            secret = ring.make("bench", keys.SECRET_SCOPES)[1]
            (Path(home) / "bench.key").write_text(secret)
            config = uvicorn_config(create_app(Runtime(shop), keys=ring), shop.settings)
            config.port = port
            uvicorn.Server(config).run()
            return
        app = Starlette(routes=[Route("/v1/events", post_events, methods=["POST"])])
        app.state.ingest = shop.ingest
        uvicorn.run(app, port=port, log_level="warning", access_log=False)


def event(dice: random.Random, id_: str) -> dict[str, object]:
    """Return one event of a usual mix: mostly views, some carts, few purchases."""
    at = (
        f"2026-03-{dice.randint(1, 28):02}T{dice.randint(0, 23):02}:15:27.{dice.randint(100, 999)}Z"
    )
    one: dict[str, object] = {
        "event_id": id_,
        "kind": "view_item",
        "occurred_at": at,
        "customer_id": f"c{dice.randint(1, 50_000)}",
        "session_id": f"s{dice.randint(1, 400_000)}",
    }
    draw = dice.random()
    if draw < 0.92:
        one |= {"item_id": f"sku-{dice.randint(1, 90_000)}"}
        one["kind"] = "view_item" if draw < 0.8 else "add_to_cart"
        return one
    lines = [
        {"item_id": f"sku-{dice.randint(1, 90_000)}", "quantity": 1, "price_minor": 399}
        for _ in range(3)
    ]
    order = f"o{dice.randint(1, 10**9)}"
    return one | {"kind": "purchase", "order_id": order, "lines": lines, "currency": "USD"}


def requests(
    number: int, batch: int, id_kind: str, seed: int, key: str = "", rising: bool = False
) -> list[bytes]:
    """Return whole HTTP requests with fresh event ids, last to send first."""
    dice = random.Random(seed)
    made = []
    for _ in range(number):
        names = [
            ids.new_id("evt") if id_kind == "ordered" else str(uuid.UUID(int=dice.getrandbits(128)))
            for _ in range(batch)
        ]
        events = [event(dice, name) for name in names]
        if rising:
            events = [one | {"occurred_at": clock.iso(next(RISING))} for one in events]
        body = msgspec.json.encode(events)
        head = (
            "POST /v1/events HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made[::-1]


class Client(asyncio.Protocol):
    """One keep-alive connection; a request at a time."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""
        self.done: asyncio.Future[int] | None = None

    def send(self, request: bytes) -> asyncio.Future[int]:
        """Send a request; the future gives the status."""
        self.done = asyncio.get_running_loop().create_future()
        self.transport.write(request)  # type: ignore[attr-defined]
        return self.done

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, gap, body = self.buffer.partition(b"\r\n\r\n")
        if not gap:
            return
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        if len(body) >= length and self.done is not None:
            self.buffer = b""
            self.done.set_result(int(head[9:12]))


async def connect(port: int, number: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    return [(await loop.create_connection(Client, "127.0.0.1", port))[1] for _ in range(number)]


async def closed_loop(port: int, connections: int, stock: list[bytes], seconds: float) -> dict:
    """Keep every connection busy; return the rate of requests answered 202."""
    clients = await connect(port, connections)
    latencies: list[float] = []
    wrong = 0
    started = time.perf_counter()
    end = started + seconds

    async def one(client: Client) -> None:
        nonlocal wrong
        while stock and (begun := time.perf_counter()) < end:
            status = await client.send(stock.pop())
            latencies.append(time.perf_counter() - begun)
            wrong += status != 202

    await asyncio.gather(*(one(client) for client in clients))
    took = time.perf_counter() - started
    for client in clients:
        client.transport.close()
    rate = (len(latencies) - wrong) / took
    return {
        "requests": len(latencies),
        "requests_per_second": rate,
        "wrong": wrong,
        **spread(latencies),
    }


async def open_loop(
    port: int, connections: int, stock: list[bytes], rate: float, seconds: float
) -> dict:
    """Send on a schedule; latency runs from the moment a request was due."""
    clients = await connect(port, connections)
    free: asyncio.Queue[Client] = asyncio.Queue()
    for client in clients:
        free.put_nowait(client)
    latencies: list[float] = []
    wrong = 0
    tasks = set()
    number = min(int(rate * seconds), len(stock))
    started = time.perf_counter()

    async def one(due: float, request: bytes) -> None:
        nonlocal wrong
        client = await free.get()
        status = await client.send(request)
        latencies.append(time.perf_counter() - due)
        wrong += status != 202
        free.put_nowait(client)

    for place in range(number):
        due = started + place / rate
        if (pause := due - time.perf_counter()) > 0:
            await asyncio.sleep(pause)
        task = asyncio.create_task(one(due, stock.pop()))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    took = time.perf_counter() - started
    for client in clients:
        client.transport.close()
    return {"requests_per_second": number / took, "wrong": wrong, **spread(latencies)}


def spread(latencies: list[float]) -> dict[str, float]:
    """Return p50, p99 and the longest in milliseconds."""
    p50, p99, most = np.percentile(np.array(latencies) * 1000, [50, 99, 100])
    return {"p50_ms": float(p50), "p99_ms": float(p99), "max_ms": float(most)}


def floor(folder: Path, batch: int, stock: list[bytes], group: int) -> dict[str, float]:
    """Return what the disk and bare SQLite do with the same rows, nothing around them."""
    handle = os.open(folder / "fsync.bin", os.O_CREAT | os.O_WRONLY)
    started = time.perf_counter()
    for _ in range(300):
        os.write(handle, b"x" * 4096)
        os.fdatasync(handle)
    fsyncs = 300 / (time.perf_counter() - started)
    os.close(handle)
    shop = settings.load(folder / "floor")
    from shopkeeper.data.privacy import Keyring

    ring = Keyring(bytes(32))
    bodies = [one.partition(b"\r\n\r\n")[2] for one in stock]
    started = time.perf_counter()
    rows = [
        tuple(row) for raw in bodies for row in parse(raw, shop, ring, 1_800_000_000_000_000).rows
    ]
    judge_us = (time.perf_counter() - started) / len(rows) * 1e6
    base = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    base.execute("PRAGMA journal_mode = WAL")
    base.execute("PRAGMA synchronous = FULL")
    base.execute(
        "CREATE TABLE events (seq INTEGER PRIMARY KEY, event_id TEXT UNIQUE, kind TEXT, occurred_us"
        " INTEGER, received_us INTEGER, customer_id TEXT, body BLOB, person_keys TEXT, sealed BLOB)"
    )
    names = "(event_id, kind, occurred_us, received_us, customer_id, body, person_keys, sealed)"
    insert = f"INSERT OR IGNORE INTO events {names} VALUES (?,?,?,?,?,?,?,?)"
    started = time.perf_counter()
    for start in range(0, len(rows), batch * group):
        base.execute("BEGIN IMMEDIATE")
        base.executemany(insert, rows[start : start + batch * group])
        base.execute("COMMIT")
    rate = len(rows) / (time.perf_counter() - started)
    base.close()
    return {"fsyncs_per_second": fsyncs, "bare_sqlite_rows_per_second": rate, "judge_us": judge_us}


def measure(arguments: argparse.Namespace, batch: int) -> dict[str, object]:
    """Start a server on a fresh folder, load it, stop it, and measure the floor."""
    with tempfile.TemporaryDirectory(prefix="ingest-", dir=arguments.folder) as folder:
        home, port = f"{folder}/shop", free_port()
        # -P: this folder holds an http.py, which must not stand in for Python's own.
        command = [sys.executable, "-P", __file__, "--serve", home, str(port)]
        server = subprocess.Popen(command + ["--app"] * arguments.app)
        try:
            wait_for(port)
            closed, opened = load(arguments, batch, port, server.pid, Path(home))
            peak_mb = memory_mb(server.pid)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
        few = requests(min(2000, 40_000 // batch), batch, arguments.ids, 2)
        base = floor(Path(folder), batch, few, arguments.connections)
    return {
        "batch": batch,
        "events_per_second": closed["requests_per_second"] * batch,
        "closed": closed,
        "open_at_half": opened,
        "peak_memory_mb": peak_mb,
        "floor": base,
    }


def load(
    arguments: argparse.Namespace, batch: int, port: int, pid: int, home: Path
) -> tuple[dict, dict]:
    """Load a running server in a closed and in an open loop."""
    key = (home / "bench.key").read_text() if arguments.app else ""
    number = int((5000 if batch > 1 else 14_000) * arguments.seconds)

    def stock(size: int, seed: int) -> list[bytes]:
        return requests(size, batch, arguments.ids, seed, key, arguments.times == "rising")

    asyncio.run(closed_loop(port, arguments.connections, stock(300, 3), 5))
    waiting = stock(number, 1)
    before = cpu_seconds(pid)
    closed = asyncio.run(closed_loop(port, arguments.connections, waiting, arguments.seconds))
    used = cpu_seconds(pid) - before
    closed["server_cpu_us_per_request"] = used * 1e6 / closed["requests"]
    half = closed["requests_per_second"] / 2
    waiting = stock(int(half * arguments.seconds), 4)
    opened = asyncio.run(open_loop(port, arguments.connections, waiting, half, arguments.seconds))
    return closed, opened


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def memory_mb(pid: int) -> float | None:
    """Return the highest memory of a process so far, where the system says it."""
    path = Path(f"/proc/{pid}/status")
    if not path.exists():
        return None
    line = next(one for one in path.read_text().splitlines() if one.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)


def cpu_seconds(pid: int) -> float:
    """Return the processor time a process has used, all threads; 0 where nobody says."""
    path = Path(f"/proc/{pid}/stat")
    if not path.exists():
        return 0.0
    after = path.read_text().rpartition(")")[2].split()
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


def wait_for(port: int) -> None:
    """Return once the server answers on its port."""
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


def main() -> None:
    """Measure batches of 20 and single events; print, and keep with --save."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--serve", nargs=2, metavar=("HOME", "PORT"))
    words.add_argument("--seconds", type=float, default=8)
    words.add_argument("--connections", type=int, default=48)
    words.add_argument("--ids", choices=("ordered", "random"), default="ordered")
    # Shuffled over a month, a third of the events come late for their customer.
    words.add_argument("--times", choices=("shuffled", "rising"), default="shuffled")
    words.add_argument("--folder", default=None, help="where the log is written")
    words.add_argument("--batch", type=int, action="append")
    words.add_argument("--app", action="store_true", help="the whole server, keys and all")
    words.add_argument("--json", action="store_true")
    words.add_argument("--save", action="store_true", help=f"append to {RESULTS.name}")
    arguments = words.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]), arguments.app)
        return
    busy = os.getloadavg()[0]
    rows = [measure(arguments, batch) for batch in arguments.batch or (20, 1)]
    report = {
        "measured_at": clock.iso(clock.now_us()),
        "command": "python benchmarks/speed/ingest.py " + " ".join(sys.argv[1:]),
        "cores": os.cpu_count(),
        "load_before": round(busy, 2),
        "idle_machine": busy < 0.3,
        "connections": arguments.connections,
        "ids": arguments.ids,
        "times": arguments.times,
        "server": "whole" if arguments.app else "route alone",
        "runs": rows,
    }
    if arguments.save:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        RESULTS.write_text(json.dumps([*kept, report][-20:], indent=1) + "\n")
    if arguments.json:
        print(json.dumps(report))
        return
    print(f"{arguments.connections} connections, ids {arguments.ids}, load before {busy:.2f}")
    heads = ("batch", "events/s", "p50 ms", "p99 ms", "cpu us/req")
    half_heads = ("half rate: p50 ms", "p99 ms", "max ms")
    floor_heads = ("floor: events/s", "fsync/s", "judge us")
    print(" | ".join("  ".join(some) for some in (heads, half_heads, floor_heads)))
    for row in rows:
        shut, half, base = row["closed"], row["open_at_half"], row["floor"]
        print(
            f"{row['batch']:5}  {row['events_per_second']:8,.0f}  {shut['p50_ms']:6.1f}"
            f"  {shut['p99_ms']:6.1f}  {shut['server_cpu_us_per_request']:10.0f}"
            f" | {half['p50_ms']:17.1f}  {half['p99_ms']:6.1f}  {half['max_ms']:6.1f}"
            f" | {base['bare_sqlite_rows_per_second']:15,.0f}"
            f"  {base['fsyncs_per_second']:7,.0f}  {base['judge_us']:8.1f}"
        )
        if shut["wrong"] or half["wrong"]:
            print(f"      not 202: {shut['wrong']} closed, {half['wrong']} open")


if __name__ == "__main__":
    main()
