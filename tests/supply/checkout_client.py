"""One shopper's process: checkouts one after another; prints what it got and how long it took.

    checkout_client.py PORT KEY NAME COUNT START

Nothing of ours is imported, so that 32 of them start quickly; all begin at the time START.
"""

from __future__ import annotations

import http.client
import json
import sys
import time


def main() -> None:
    """Ask for two units of one product and one of another, COUNT times."""
    port, key, name, count, start = sys.argv[1:]
    link = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
    link.connect()
    time.sleep(max(0.0, float(start) - time.time()))
    got = []
    for number in range(int(count)):
        body = {
            "order_id": f"{name}-{number}",
            "items": [{"item_id": "mug", "quantity": 2}, {"item_id": "cup", "quantity": 1}],
            "to": {"latitude": 39.2, "longitude": -84.1},
        }
        began = time.perf_counter()
        link.request(
            "POST",
            "/v1/decisions/supply",
            json.dumps(body),
            {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        )
        answer = link.getresponse()
        told = json.loads(answer.read())
        seconds = time.perf_counter() - began
        lines = told["value"]["lines"] if answer.status == 200 else []
        got.append({"status": answer.status, "lines": lines, "seconds": seconds})
    print(json.dumps(got))


if __name__ == "__main__":
    main()
