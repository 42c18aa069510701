"""A real server process: warm start, a second server, SIGTERM under load, a corrupt model."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest

from shopkeeper.base import clock
from shopkeeper.data.shop import open_shop

COMMAND = (sys.executable, "-m", "shopkeeper.cli.main")


class Process:
    """``shopkeeper serve`` on a free port, with the keys it printed at its first start."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home, self.output = home, home.parent / f"{home.name}.out"
        self.address = f"http://127.0.0.1:{self.port}"
        command = [*COMMAND, "--home", str(home), "serve"]
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)],
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )

    def wait_ready(self) -> dict:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                answer = httpx.get(f"{self.address}/ready", timeout=5)
                if answer.status_code == 200:
                    return answer.json()
            except httpx.TransportError:
                pass
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.05)
        raise AssertionError(self.output.read_text())

    @property
    def key(self) -> dict[str, str]:
        found = re.search(r"secret key\s+(sk_\S+)", self.output.read_text())
        return {"Authorization": f"Bearer {found.group(1)}"}

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(20)


@pytest.fixture
def running(tmp_path):
    made = []

    def start(home: Path | None = None) -> Process:
        made.append(Process(home or tmp_path / "shop"))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def item(number: int) -> dict:
    return {
        "event_id": f"e{number}",
        "kind": "item",
        "item_id": f"i{number}",
        "title": f"Mug {number}",
        "occurred_at": clock.iso(clock.now_us()),
    }


def test_from_the_first_start_to_a_recommendation_that_knows_the_last_event(running):
    server = running()
    assert server.wait_ready()["on_fallback"][0] == "recommend"
    with httpx.Client(base_url=server.address, headers=server.key) as client:
        assert client.post("/v1/events", json=[item(1), item(2)]).json()["accepted"] == 2
        slate = client.get("/v1/recommendations?placement=trending").json()
        assert {one["item_id"] for one in slate["items"]} == {"i1", "i2"}
        gone = {**item(1), "event_id": "gone", "kind": "item_removed", "title": None}
        assert client.post("/v1/events", json=gone).json()["accepted"] == 1
        slate = client.get("/v1/recommendations?placement=trending&lang=zh").json()
        assert [one["item_id"] for one in slate["items"]] == ["i2"]
        assert slate["items"][0]["reason"]["text"] == "本店新品"
        told = client.get(f"/v1/decisions/{slate['decision_id']}/explain").json()
        assert told["decision_id"] == slate["decision_id"]
        assert client.get("/v1/items/i2").json()["title"] == "Mug 2"
        whole = client.post("/v1/decisions/recommend", json={"placement": "trending"}).json()
        assert whole["capability"] == "recommend"
    second = subprocess.run(
        [*COMMAND, "--home", str(server.home), "serve", "--port", "0"],
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert "Another server" in second.stderr
    assert "shop_locked" in second.stderr
    assert server.stop() == 0


def test_sigterm_under_load_keeps_every_acknowledged_event(running):
    server = running()
    server.wait_ready()
    acknowledged: list[str] = []

    def post(worker: int) -> None:
        with httpx.Client(base_url=server.address, headers=server.key) as client:
            for number in range(10_000):
                one = item(worker * 10_000 + number)
                try:
                    if client.post("/v1/events", json=one).status_code == 202:
                        acknowledged.append(one["event_id"])
                except httpx.TransportError:
                    return

    threads = [threading.Thread(target=post, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(1.0)
    assert server.stop() == 0
    for thread in threads:
        thread.join(10)
    assert len(acknowledged) > 50
    from shopkeeper.base import settings

    with open_shop(settings.load(server.home)) as shop:
        stored = {row.event_id for _, row in shop.store.read(0, 1_000_000)}
    assert set(acknowledged) <= stored


def test_a_corrupt_model_leaves_the_baseline_and_ready_says_so(running, tmp_path):
    home = tmp_path / "shop"
    folder = home / "models" / "recommend"
    broken = folder / "blend@0123456789abcdef"
    broken.mkdir(parents=True)
    (broken / "model.json").write_text("{ half a file")
    (folder / "aliases.json").write_text('{"champion": "blend@0123456789abcdef"}')
    server = running(home)
    facts = server.wait_ready()
    assert facts["on_fallback"][0] == "recommend"
    assert "blend@0123456789abcdef" in facts["capabilities"]["recommend"]["fault"]
    with httpx.Client(base_url=server.address, headers=server.key) as client:
        client.post("/v1/events", json=item(1))
        slate = client.get("/v1/recommendations?placement=home").json()
        assert slate["fallback"] is True
        assert slate["items"]
        (listed,) = client.get("/v1/models").json()["models"]["recommend"]["versions"]
        assert listed["broken"]
