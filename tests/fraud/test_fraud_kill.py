"""kill -9 in the middle of a stream of payments, and the next decision is that of a twin."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import made_frauds
import pytest

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.data.keys import open_keys
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.costs import Costs
from shopkeeper.operate import fraud_desk
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.train import train_one

COMMAND = (sys.executable, "-m", "shopkeeper.cli.main")
CALM = Costs(explore_share=0.0, audit_share=0.0)
BATCHES, SIZE = 40, 10
TOLD = ("outcome", "probability", "rarity", "ring", "features", "costs_minor")


class Server:
    """``shopkeeper serve`` on a free port; killed without a word where the test says so."""

    def __init__(self, home: Path, key: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.output = home.parent / f"{home.name}-{port}.out"
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                [*COMMAND, "--home", str(home), "serve", "--port", str(port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}",
            headers={"authorization": f"Bearer {key}"},
            timeout=10,
        )

    def ready(self) -> Server:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if self.http.get("/ready").status_code == 200:
                    return self
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    def send(self, batch: list[dict]) -> None:
        answer = self.http.post("/v1/events", json={"events": batch})
        assert answer.status_code == 202, answer.text
        assert not answer.json()["rejected"], answer.text

    def decide(self, asked: dict) -> dict:
        answer = self.http.post("/v1/decisions/fraud", json=asked)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert not found["fallback"], found["fallback_reason"]
        return {name: found["value"][name] for name in TOLD}

    def end(self) -> None:
        self.http.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """(killed, twin, key, now): the same trained shop twice, its past ending a minute ago."""
    now_us = clock.now_us() - 60_000_000
    monkeypatch.setattr(made_frauds, "END_US", now_us)
    home = tmp_path / "killed"
    with open_shop(settings_file.load(home)) as shop:
        assert not shop.append_events(made_frauds.events(ring=8)).rejected
        train_one(shop, CAPABILITY, Registry(shop.settings.models_path))
        fraud_desk.put_costs(shop, CALM, "li")
    keys = open_keys(settings_file.load(home))
    _, text = keys.make("test", ["admin"])
    keys.close()
    shutil.copytree(home, tmp_path / "twin")
    return home, tmp_path / "twin", text, now_us


def stream(now_us: int) -> list[list[dict]]:
    """Return batches of payments and declines of few customers on shared devices."""
    found = []
    for number in range(BATCHES * SIZE):
        who = number % 7
        found.append(
            {
                "event_id": f"stream-{number}",
                "kind": "payment",
                "payment_id": f"s{number}",
                "customer_id": f"c{who}",
                "occurred_at": clock.iso(now_us + number * 100_000),
                "value_minor": 1000 + number,
                "currency": "EUR",
                "status": "declined" if number % 5 == 0 else "captured",
                "person": {
                    "email": f"c{who}@mail.test",
                    "device_id": f"stream-device-{number % 3}",
                    "card_fingerprint": f"card-{number % 11}",
                    "ip": "203.0.113.9",
                },
            }
        )
    return [found[at : at + SIZE] for at in range(0, len(found), SIZE)]


def questions(now_us: int) -> list[dict]:
    at = clock.iso(now_us + 50_000_000)
    plain = [made_frauds.question(n, thief=n if n % 2 else None) for n in range(7)]
    return [{**one, "occurred_at": at} for one in plain]


@pytest.mark.slow
def test_after_kill_9_the_next_decision_is_that_of_a_server_that_was_never_killed(homes):
    home, twin_home, key, now_us = homes
    batches, asked = stream(now_us), questions(now_us)
    servers = [Server(home, key), Server(twin_home, key)]
    mine, twin = servers
    try:
        for one in servers:
            one.ready()
        before = [twin.decide(question) for question in asked]
        for batch in batches:
            twin.send(batch)
        interrupted = False
        for number, batch in enumerate(batches):
            if number == BATCHES // 2:
                # While this batch is under way.
                threading.Timer(0.002, mine.process.kill).start()
            try:
                mine.send(batch)
            except httpx.TransportError:
                assert number >= BATCHES // 2
                interrupted = True
            if number == BATCHES // 2:
                mine.process.wait(10)
                interrupted = True
                servers.append(Server(home, key))
                mine = servers[-1].ready()
                mine.send(batch)  # a sender without a receipt sends again
        assert interrupted
        expected = settled(twin, asked)
        assert settled(mine, asked) == expected
        assert expected != before
        assert mine.http.get("/ready").json()["capabilities"]["fraud"]["skipped_events"] == 0
    finally:
        for one in servers:
            one.end()


def settled(server: Server, asked: list[dict]) -> list[dict]:
    """Return the decisions once the state has taken in every acknowledged event."""
    found = [server.decide(question) for question in asked]
    end = time.monotonic() + 20
    while time.monotonic() < end:
        time.sleep(0.5)
        again = [server.decide(question) for question in asked]
        if again == found:
            return found
        found = again
    raise AssertionError("the live state did not come to rest")
