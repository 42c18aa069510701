"""Real Chromium on a real server with a tiny shop; SHOPKEEPER_CHROMIUM names another binary."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "console"))

CHROMIUM = os.environ.get("SHOPKEEPER_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"


@pytest.fixture(scope="session")
def chromium():
    """The browser; tests are skipped where none is installed."""
    from playwright.sync_api import sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def shop_front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[object, str]]:
    """The whole server, API and console, over a tiny shop with a trained model, and its address."""
    import uvicorn
    from shopfront import Front

    from shopkeeper.api.app import create_app

    front = Front(tmp_path_factory.mktemp("browser") / "shop")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = create_app(front.runtime, keys=front.keys, warm=False)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started and time.monotonic() < end:
        time.sleep(0.05)
    assert server.started
    yield front, f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)
    front.runtime.close()
    front.shop.close()
