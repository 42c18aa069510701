"""Shared by all tests: a fresh shop folder and a quiet environment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from shopkeeper.base import settings as settings_file

sys.path.insert(0, str(Path(__file__).parent / "contracts"))


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [n for n in os.environ if n.startswith("SHOPKEEPER_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _every_decision_on_record_would_pass_judgement(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions are stored unjudged: hold each that any test makes to what judging would store."""
    from shopkeeper.data import shop, validate

    plain = shop.own_row

    def checked(event: Any, said: bytes, occurred_us: int, received_us: int) -> Any:
        found = plain(event, said, occurred_us, received_us)
        if found is not None:
            good, fault = validate.judged(event)
            assert good is not None, fault
            assert found == validate.to_row(good, None, received_us)  # type: ignore[arg-type]
        return found

    monkeypatch.setattr(shop, "own_row", checked)


@pytest.fixture
def settings(tmp_path: Path) -> settings_file.Settings:
    """Settings of an empty shop in a folder of its own."""
    return settings_file.load(tmp_path / "shop")
