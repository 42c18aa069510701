"""How long a customer waits for the first words over HTTP, with 50 conversations at once.

    python benchmarks/speed/support_http.py [--conversations 50] [--turns 6] [--save]

A seeded shop with articles and trained intents is served by its own process, without a language
model; here every conversation is an own connection that reads server-sent events and pauses as
people do. The wait counts from the sending of a message to the first event of the answer, which
is on disk by then. Memory of the language models is the growth of a fresh process that loads
the sentence encoder, the intents and the word list and has read one message in each language.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import serving
from support_chat import ARTICLES, SAID

from shopkeeper.base import clock, settings
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import articles
from shopkeeper.operate.train import train
from shopkeeper.simulate.tiny_shop import tiny_shop

RESULTS = Path(__file__).parents[1] / "results" / "support_http.json"
PAUSE = (0.5, 2.0)  # people read and type
MEMORY = """
import sys
def rss():
    lines = open('/proc/self/status').read().splitlines()
    return int(next(x for x in lines if x.startswith('VmRSS')).split()[1]) / 1024
from shopkeeper.base import settings
from shopkeeper.operate import capabilities
from shopkeeper.operate.registry import Registry
card = capabilities.get('support')
before = rss()
from shopkeeper.language.embedder import sentence_embedder
sentence_embedder().encode(['where is my order', '我的订单到哪了'])
encoder = rss()
from shopkeeper.language.tokens import tokenise
registry = Registry(settings.load(sys.argv[1]).models_path)
model = registry.load('support', registry.aliases('support')['champion'], card.models)
model.intents.predict(['where is my order', '我的订单到哪了'])
tokenise('我的订单到哪了')
print(round(encoder - before, 1), round(rss() - before, 1))
"""


def build(home: Path) -> list[str]:
    """Make the shop and return its customers."""
    with open_shop(settings.load(home)) as shop:
        shop.append_events(tiny_shop(customers=60, items=40, days=30, end_us=clock.now_us()))
        articles.sync(shop, ARTICLES)
        train(shop, ["support", "recommend"])
        sql = "SELECT customer_id FROM customers ORDER BY customer_id"
        return [row["customer_id"] for row in shop.warehouse.sql(sql).to_pylist()]


async def converse(
    http: httpx.AsyncClient, key: str, who: str, number: int, turns: int, waited: list[float]
) -> None:
    """Hold one conversation and note each wait in milliseconds."""
    opened = await http.post(
        "/v1/support/sessions",
        json={"customer_id": who},
        headers={"Authorization": f"Bearer {key}"},
    )
    headers = {
        "Authorization": f"Bearer {opened.json()['token']}",
        "Accept": "text/event-stream",
    }
    rng = np.random.default_rng([7, number])
    for turn in range(turns):
        await asyncio.sleep(float(rng.uniform(*PAUSE)))
        body = {"text": SAID[(number + turn) % len(SAID)]}
        started = time.perf_counter()
        async with http.stream("POST", "/v1/support/turns", json=body, headers=headers) as answer:
            answer.raise_for_status()
            first = True
            async for _ in answer.aiter_bytes():
                if first:
                    waited.append(1000 * (time.perf_counter() - started))
                    first = False


async def load(port: int, key: str, who: list[str], many: int, turns: int) -> dict[str, Any]:
    """Return the waits of all turns."""
    waited: list[float] = []
    limits = httpx.Limits(max_connections=many)
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as http:
        await converse(http, key, who[0], 0, len(SAID), [])  # warm: every kind of turn once
        started = time.perf_counter()
        talks = [converse(http, key, who[n % len(who)], n, turns, waited) for n in range(many)]
        await asyncio.gather(*talks)
        seconds = time.perf_counter() - started
    return {
        "conversations": many,
        "turns": len(waited),
        "pause_seconds": list(PAUSE),
        "first_words_ms": {
            f"p{q}": round(float(np.percentile(waited, q)), 1) for q in (50, 95, 99)
        },
        "turns_per_second": round(len(waited) / seconds, 1),
    }


def main() -> None:
    """Build, measure, print, and save when asked."""
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--conversations", type=int, default=50)
    words.add_argument("--turns", type=int, default=6)
    words.add_argument("--save", action="store_true", help="write benchmarks/results")
    given = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "shop"
        who = build(home)
        keys = open_keys(settings.load(home))
        _, key = keys.make("benchmark", ["decisions:write"], expires_days=1)
        keys.close()
        run = [sys.executable, "-c", MEMORY, str(home)]
        encoder, all_models = subprocess.check_output(run, text=True).split()[-2:]
        load_before = round(os.getloadavg()[0], 2)
        port = serving.free_port()
        command = [sys.executable, "-m", "shopkeeper.cli.main", "--home", str(home), "serve"]
        server = serving.start([*command, "--port", str(port)], port, "/ready")
        try:
            found = asyncio.run(load(port, key, who, given.conversations, given.turns))
            status = Path(f"/proc/{server.pid}/status").read_text()
            resident = next(x for x in status.splitlines() if x.startswith("VmRSS")).split()[1]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    result = {
        "benchmark": "support_http",
        "command": "python benchmarks/speed/support_http.py "
        f"--conversations {given.conversations} --turns {given.turns} --save",
        "at": clock.iso(clock.now_us()),
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "load_average_before": load_before,
        "goal": "p95 under 150 ms at 50 conversations at once; language models under 400 MB",
        **found,
        "memory_mb": {
            "sentence_encoder": float(encoder),
            "language_models": float(all_models),
            "server": round(int(resident) / 1024, 1),
        },
    }
    if given.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
