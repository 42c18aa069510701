"""32 shoppers at once, each a process, against a real server process: nothing is sold twice."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from shopkeeper.base import settings as settings_file
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop

HERE = Path(__file__).parent
SHOPPERS, EACH = 32, 4
STOCK = {
    ("north", "mug"): 41.0,
    ("south", "mug"): 60.0,
    ("north", "cup"): 33.0,
    ("south", "cup"): 29.0,
}


@pytest.mark.slow
def test_32_shoppers_in_32_processes_never_get_more_than_there_is(depot):
    depot.stock(north={"mug": 41, "cup": 33}, south={"mug": 60, "cup": 29})
    home = depot.shop.settings.home
    depot.shop.close()
    keys = open_keys(settings_file.load(home))
    key = keys.make("shop", ["admin"])[1]
    keys.close()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "SHOPKEEPER_LOG_LEVEL": "error"}
    server = subprocess.Popen(
        [sys.executable, str(HERE / "checkout_server.py"), str(home), str(port)], env=env
    )
    try:
        _wait_ready(port)
        start = time.time() + 4
        shoppers = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-S",
                    str(HERE / "checkout_client.py"),
                    str(port),
                    key,
                    f"s{n}",
                    str(EACH),
                    str(start),
                ],
                stdout=subprocess.PIPE,
            )
            for n in range(SHOPPERS)
        ]
        got = [
            one for shopper in shoppers for one in json.loads(shopper.communicate(timeout=120)[0])
        ]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)
    assert len(got) == SHOPPERS * EACH
    assert {one["status"] for one in got} == {200}
    taken: dict[tuple[str, str], float] = {}
    for one in got:
        for line in one["lines"]:
            if line["warehouse_id"]:
                cell = (line["warehouse_id"], line["item_id"])
                taken[cell] = taken.get(cell, 0.0) + line["quantity"]
    assert all(taken[cell] <= STOCK[cell] for cell in taken), taken
    # 128 wanted 256 mugs of 101 and 128 cups of 62: what can be sold is sold, in whole lines.
    assert taken["north", "mug"] == 40
    assert taken["south", "mug"] == 60
    assert taken["north", "cup"] + taken["south", "cup"] == 62
    with open_shop(settings_file.load(home)) as shop:
        assert shop.reservations.held(None, seq=10**9, now_us=0) == taken
        told = shop.warehouse.sql(
            "SELECT location_id, item_id, sum(quantity) AS units FROM reservation_lines"
            " GROUP BY ALL"
        )
        assert {(r["location_id"], r["item_id"]): r["units"] for r in told.to_pylist()} == taken
    seconds = np.array([one["seconds"] for one in got])
    print(
        f"checkout under {SHOPPERS} at once: p50 {np.quantile(seconds, 0.5) * 1000:.0f} ms, "
        f"p99 {np.quantile(seconds, 0.99) * 1000:.0f} ms"
    )


def _wait_ready(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/ready", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise AssertionError("the server did not get ready")
