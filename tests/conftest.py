"""Shared by all tests: a fresh shop folder and a quiet environment."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from shopkeeper.base import settings as settings_file

sys.path.insert(0, str(Path(__file__).parent / "contracts"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [n for n in os.environ if n.startswith("SHOPKEEPER_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def settings(tmp_path: Path) -> settings_file.Settings:
    """Settings of an empty shop in a folder of its own."""
    return settings_file.load(tmp_path / "shop")
