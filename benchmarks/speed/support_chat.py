"""How long a customer waits for the first words, with 50 conversations at once.

    python benchmarks/speed/support_chat.py [--conversations 50] [--turns 6]

Fills a tiny shop in a temporary folder and lets as many threads as conversations talk at once
through the runtime, in process (no HTTP). A turn is measured from the message to the answer, which
is on disk by then; the first words go out at that moment. Writes
benchmarks/results/support_chat.json.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from shopkeeper.base import clock, settings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import articles, capabilities, conversations
from shopkeeper.operate.runtime import Runtime
from shopkeeper.operate.train import train
from shopkeeper.simulate.tiny_shop import tiny_shop

RESULTS = Path(__file__).parents[1] / "results"
ARTICLES = Path(__file__).parents[2] / "src/shopkeeper/support/articles"
SAID = (
    "hello",
    "where is my latest order?",
    "怎么退货，几天内可以退？",
    "what is the status of my order?",
    "do you have coffee in stock?",
    "我的订单到哪了",
)


def main() -> None:
    """Run and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=50)
    parser.add_argument("--turns", type=int, default=6)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shop = open_shop(settings.load(Path(folder) / "shop"))
        shop.append_events(tiny_shop(customers=60, items=40, days=30, end_us=clock.now_us()))
        articles.sync(shop, ARTICLES)
        train(shop, ["support"])
        runtime = Runtime(shop, capabilities=[capabilities.get("support")]).start()
        found = talk(runtime, given.conversations, given.turns)
        found["model"] = runtime.live["support"].version or "support-baseline"
        runtime.close()
        shop.close()
    target = RESULTS / "support_chat.json"
    target.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    print(json.dumps(found, indent=1))


def talk(runtime: Runtime, conversations_: int, turns: int) -> dict[str, object]:
    """Return the latencies of all turns, warm-up left out."""
    who = [
        row["customer_id"]
        for row in runtime.shop.warehouse.sql(
            "SELECT customer_id FROM customers ORDER BY customer_id"
        ).to_pylist()
    ]
    warm = {"conversation_id": "warm", "customer_id": who[0]}
    for text in SAID:
        conversations.take_turn(runtime, warm, {"text": text})
    waited: list[float] = []
    gate = threading.Barrier(conversations_)

    def one(number: int) -> None:
        session = {"conversation_id": f"c{number}", "customer_id": who[number % len(who)]}
        rng = np.random.default_rng([7, number])
        gate.wait()
        for turn in range(turns):
            # People read and type: half a second to two between two messages.
            time.sleep(float(rng.uniform(0.5, 2.0)))
            started = time.perf_counter()
            text = f"{SAID[(number + turn) % len(SAID)]} {'' if turn else number}".strip()
            conversations.take_turn(runtime, session, {"text": text})
            waited.append(1000 * (time.perf_counter() - started))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(conversations_)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "conversations": conversations_,
        "turns": len(waited),
        "cores": len(os.sched_getaffinity(0)),
        "pause_seconds": [0.5, 2.0],
        "first_words_ms_p50": round(float(np.percentile(waited, 50)), 1),
        "first_words_ms_p95": round(float(np.percentile(waited, 95)), 1),
        "first_words_ms_p99": round(float(np.percentile(waited, 99)), 1),
        "turns_per_second": round(len(waited) / (time.perf_counter() - started), 1),
    }


if __name__ == "__main__":
    main()
