"""One filled shop front for all console tests; tests that change it make their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from shopfront import Front


@pytest.fixture(scope="session")
def front(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A tiny shop with a trained model."""
    made = Front(tmp_path_factory.mktemp("console") / "shop")
    yield made
    made.close()


@pytest.fixture
def empty_front(tmp_path: Path) -> Iterator[Front]:
    """A shop in which nothing happened yet."""
    made = Front(tmp_path / "shop", filled=False)
    yield made
    made.close()
