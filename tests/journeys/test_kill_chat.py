"""kill -9 in the middle of a chat: tasks, what waits for a yes, and what was done survive; once.

A real server with real sockets. A customer whose answer died with the server sends the message
again, as the widget lets them; a confirmation that was carried out must not act twice.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.base.clock import DAY_US
from shopkeeper.data.events import Event, Line
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop

COMMAND = (sys.executable, "-m", "shopkeeper.cli.main")
CLICKS = 6


class Server:
    """``shopkeeper serve`` over one folder; ``kill`` ends it without a word."""

    def __init__(self, home: Path, key: str) -> None:
        self.home, self.key = home, key
        self.start()

    def start(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.output = self.home.parent / f"{port}.out"
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "--home", str(self.home), "serve", "--port", str(port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20)
        end = time.monotonic() + 90
        while time.monotonic() < end:
            try:
                if self.http.get("/ready").json()["ready"]:
                    return
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    def kill(self) -> None:
        self.process.kill()  # SIGKILL: nothing of it runs any further
        self.process.wait()
        self.http.close()

    def session(self, who: str) -> dict[str, Any]:
        body = {"customer_id": who}
        headers = {"Authorization": f"Bearer {self.key}"}
        found = self.http.post("/v1/support/sessions", json=body, headers=headers)
        assert found.status_code == 201, found.text
        return found.json()

    def say(self, session: dict[str, Any], **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {session['token']}"}
        found = self.http.post("/v1/support/turns", json=body, headers=headers)
        assert found.status_code == 200, found.text
        return found.json()


@pytest.fixture
def server(tmp_path):
    home, now_us = tmp_path / "shop", clock.now_us()
    with open_shop(settings_file.load(home)) as shop:
        told = [
            Event(
                event_id="i",
                kind="item",
                occurred_at=clock.from_us(now_us - 40 * DAY_US),
                item_id="mug",
                title="Blue Mug",
            )
        ]
        for number in range(40):
            told.append(
                Event(
                    event_id=f"p{number}",
                    kind="purchase",
                    occurred_at=clock.from_us(now_us - (9 if number % 2 else 1) * DAY_US - number),
                    order_id=f"{10_000_000 + number}",
                    customer_id=f"c{number // 2}",
                    lines=[Line(item_id="mug", price_minor=1200)],
                    currency="USD",
                )
            )
        assert not shop.append_events(told).rejected
    keys = open_keys(settings_file.load(home))
    _, key = keys.make("test", ["admin"])
    keys.close()
    made = Server(home, key)
    yield made
    made.process.kill()
    made.process.wait()


def written(home: Path, kind: str, order: str) -> int:
    with open_shop(settings_file.load(home)) as shop:
        sql = "SELECT count(*) AS n FROM events WHERE kind = ? AND order_id = ?"
        return int(shop.warehouse.sql(sql, [kind, order]).to_pylist()[0]["n"])


@pytest.mark.slow
def test_tasks_and_a_shown_plan_survive_kill_9_and_happen_once(server):
    chat = server.session("c0")  # orders 10000000 (open) and 10000001 (delivered)
    assert server.say(chat, text="I want to cancel order 10000000")["acts"][-1] == "confirm"
    # A digression: the plan stands, a question is answered, and it is shown again.
    shown = server.say(chat, text="where is order 10000001?")
    assert shown["acts"][-1] == "confirm"
    server.kill()
    server.start()
    done = server.say(chat, confirm=shown["confirm"]["token"])
    assert done["acts"][0] == "done"
    server.kill()
    server.start()
    for body in ({"confirm": shown["confirm"]["token"]}, {"text": "yes"}):
        assert "done" not in server.say(chat, **body)["acts"]
    again = server.say(chat, text="cancel order 10000000")
    assert "deny_cancel" in again["acts"]
    server.kill()
    assert written(server.home, "cancel", "10000000") == 1
    with open_shop(settings_file.load(server.home)) as shop:
        sql = "SELECT count(*) AS n FROM messages WHERE conversation_id = ?"
        told = shop.warehouse.sql(sql, [chat["conversation_id"]]).to_pylist()
    assert told == [{"n": 12}]  # six turns, each asked and answered: none lost, none twice


@pytest.mark.slow
def test_confirmations_clicked_while_the_server_dies_are_carried_out_once_or_not(server):
    """Each click is acknowledged or not; sent again it acts once in all."""
    plans = []
    for number in range(CLICKS):
        chat = server.session(f"c{number + 1}")
        order = f"{10_000_000 + 2 * (number + 1)}"
        shown = server.say(chat, text=f"cancel order {order}")
        assert shown["acts"][-1] == "confirm", shown
        plans.append((chat, order, shown["confirm"]["token"]))
    acknowledged: dict[str, bool] = {}
    gate = threading.Barrier(CLICKS + 1)

    def click(chat: dict[str, Any], order: str, token: str) -> None:
        gate.wait()
        try:
            acknowledged[order] = "done" in server.say(chat, confirm=token)["acts"]
        except (httpx.HTTPError, AssertionError):
            acknowledged[order] = False

    threads = [threading.Thread(target=click, args=plan) for plan in plans]
    for thread in threads:
        thread.start()
    gate.wait()
    time.sleep(0.03)
    server.kill()
    for thread in threads:
        thread.join(30)
    told = [order for order, done in acknowledged.items() if done]
    for order in told:
        assert written(server.home, "cancel", order) == 1, "acknowledged and lost"
    server.start()
    for chat, order, token in plans:
        acts = server.say(chat, confirm=token)["acts"]
        # One that was not acknowledged may have been carried out all the same: then not again.
        assert order not in told or "done" not in acts
    server.kill()
    assert [written(server.home, "cancel", order) for _, order, _ in plans] == [1] * CLICKS
