"""The checkpointing thread ends whenever it is told to."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from shopkeeper.data.log.checkpoint import Checkpointer


class Interrupted(threading.Event):
    """The word that something was committed; ``close`` comes while the thread takes it back."""

    def __init__(self, closing: threading.Event) -> None:
        super().__init__()
        self.closing = closing

    def clear(self) -> None:
        self.closing.set()
        self.set()
        super().clear()


class Full:
    """A store that cannot be checkpointed."""

    @property
    def engine(self) -> Any:
        raise sqlite3.OperationalError("disk is full")


def test_close_between_the_pause_and_the_checkpoint_ends_the_thread(monkeypatch):
    monkeypatch.setattr("shopkeeper.data.log.checkpoint.PAUSE_SECONDS", 0.0)
    made = Checkpointer.__new__(Checkpointer)
    made._store = Full()
    made._closing = threading.Event()
    made._wanted = Interrupted(made._closing)
    made._wanted.set()
    thread = threading.Thread(target=made._run, daemon=True)
    thread.start()
    thread.join(timeout=10)
    assert not thread.is_alive()
