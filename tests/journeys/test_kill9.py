"""Kill the server under load, again and again: nothing acknowledged is lost, nothing doubles.

Real processes, real sockets, SIGKILL. Clients repeat a request until it is acknowledged, as the
documentation tells them to, so a request whose answer died with the server arrives twice.
Losing power is not tested: the operating system keeps what a killed process had written.
"""

from __future__ import annotations

import http.client
import json
import random
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shopkeeper.base import settings as settings_file
from shopkeeper.data.log.store import open_store

SERVER = Path(__file__).with_name("event_server.py")
CLIENTS = 8
BATCH = 10


class Client(threading.Thread):
    """Sends batches with fresh ids and repeats each until it is acknowledged."""

    def __init__(self, number: int, port: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.number, self.port, self.stop = number, port, stop
        self.acknowledged: list[str] = []
        self.sent: set[str] = set()
        self.repeats = self.known = 0
        self.odd: list[str] = []

    def run(self) -> None:
        turn = 0
        while not self.stop.is_set():
            names = [f"c{self.number}-{turn}-{i}" for i in range(BATCH)]
            turn += 1
            self.sent.update(names)
            if self._until_acknowledged(names):
                self.acknowledged += names

    def _until_acknowledged(self, names: list[str]) -> bool:
        body = json.dumps(
            [
                {
                    "event_id": name,
                    "kind": "view_item",
                    "occurred_at": "2026-03-01T10:00:00Z",
                    "item_id": name[-1],
                }
                for name in names
            ]
        )
        while not self.stop.is_set():
            try:
                self.connection.request("POST", "/v1/events", body)
                answer = self.connection.getresponse()
                said = json.loads(answer.read())
            except (OSError, http.client.HTTPException, AttributeError, ValueError):
                self.repeats += 1
                time.sleep(0.02)
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                continue
            if answer.status == 202 and said["accepted"] + said["duplicate"] == BATCH:
                self.known += said["duplicate"]
                return True
            self.odd.append(f"{answer.status} {said}")
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(home: Path, port: int, *more: str) -> subprocess.Popen:
    server = subprocess.Popen([sys.executable, str(SERVER), str(home), str(port), *more])
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server
        assert server.poll() is None, "the server did not start"
        time.sleep(0.02)
    raise AssertionError("the server does not answer")


def storm(home: Path, kills: int, *more: str) -> tuple[list[Client], list[str]]:
    """Load a server, kill and restart it; return the clients and all stored ids in order."""
    dice = random.Random(9)
    port = free_port()
    stop = threading.Event()
    server = start(home, port, *more)
    clients = [Client(number, port, stop) for number in range(CLIENTS)]
    try:
        for client in clients:
            client.start()
        for _ in range(kills):
            before = sum(len(client.acknowledged) for client in clients)
            time.sleep(0.3 + dice.random() * 0.4)
            while sum(len(client.acknowledged) for client in clients) < before + 200:
                time.sleep(0.01)
            server.kill()  # SIGKILL: nothing of it runs any further
            server.wait()
            server = start(home, port, *more)
        time.sleep(0.3)
        stop.set()
        for client in clients:
            client.join(20)
    finally:
        stop.set()
        server.kill()
        server.wait()
    store = open_store(settings_file.load(home))
    rows = store.read(0, 10_000_000)
    with store.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    store.close()
    assert [seq for seq, _ in rows] == list(range(1, len(rows) + 1))
    return clients, [row.event_id for _, row in rows]


@pytest.mark.timeout(120)
def test_five_kills_under_load_lose_nothing_and_double_nothing(tmp_path):
    clients, stored = storm(tmp_path / "shop", 5)
    acknowledged = [name for client in clients for name in client.acknowledged]
    sent = {name for client in clients for name in client.sent}
    assert [text for client in clients for text in client.odd] == []
    assert sum(client.repeats for client in clients) >= 5  # the kills did hit somebody
    assert len(acknowledged) >= 1000
    assert len(acknowledged) == len(set(acknowledged))
    assert set(acknowledged) <= set(stored)
    assert len(stored) == len(set(stored))
    assert set(stored) <= sent


@pytest.mark.timeout(60)
def test_the_kill_test_catches_a_log_that_answers_before_it_commits(tmp_path):
    """The broken twin loses what it acknowledged last."""
    clients, stored = storm(tmp_path / "shop", 1, "answers-first")
    acknowledged = {name for client in clients for name in client.acknowledged}
    assert acknowledged - set(stored)
