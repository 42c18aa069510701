"""The house stands: imports run downward, files stay small, nothing forbidden slips in."""

from __future__ import annotations

import ast
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from house import (
    SRC,
    docstring_faults,
    files,
    layer_faults,
    size_faults,
    sql_faults,
    text_faults,
)

SOURCES = [(path, path.read_text("utf-8")) for path in files()]


def all_faults(check):
    return [fault for path, text in SOURCES for fault in check(path, ast.parse(text))]


def test_imports_run_downward():
    assert all_faults(layer_faults) == []


def test_nothing_forbidden_slips_in():
    assert all_faults(text_faults) == []


def test_sql_stays_in_data():
    assert all_faults(sql_faults) == []


def test_files_and_functions_stay_small():
    faults = [f for path, text in SOURCES for f in size_faults(path, text, ast.parse(text))]
    for path, text in SOURCES:
        if 300 < text.count("\n") <= 400:
            warnings.warn(f"{path.relative_to(SRC)} has {text.count(chr(10))} lines", stacklevel=1)
    assert faults == []


def test_every_public_thing_says_what_it_is():
    assert all_faults(docstring_faults) == []


@pytest.mark.parametrize(
    ("check", "file", "text"),
    [
        (layer_faults, "data/x.py", "from shopkeeper.recommend import policy"),
        (layer_faults, "recommend/x.py", "import shopkeeper.fraud.policy"),
        (layer_faults, "recommend/models/x.py", "from shopkeeper.recommend.policy import choose"),
        (layer_faults, "recommend/features.py", "from shopkeeper.recommend.evaluate import x"),
        (layer_faults, "operate/x.py", "import fastapi"),
        (layer_faults, "api/x.py", "import torch"),
        (text_faults, "data/x.py", "from datetime import datetime\ndatetime.now()"),
        (text_faults, "data/x.py", "import numpy as np\nnp.random.seed(1)"),
        (text_faults, "data/x.py", "try:\n    f()\nexcept Exception:\n    pass"),
        (sql_faults, "operate/x.py", "q = 'SELECT a FROM b'"),
        (docstring_faults, "data/x.py", "def f():\n    return 1"),
    ],
)
def test_each_rule_catches_its_broken_twin(check, file, text):
    assert check(SRC / file, ast.parse(text)) != []


def test_the_size_rule_catches_its_broken_twin():
    text = "def f():\n" + "    x = 1\n" * 61
    assert size_faults(SRC / "data/x.py", text, ast.parse(text)) != []


def test_the_server_never_imports_torch_or_pandas():
    heavy = "[m for m in ('torch', 'pandas') if m in sys.modules]"
    code = f"import sys, shopkeeper.api.app; print({heavy})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_no_address_of_another_host_in_pages_and_scripts():
    faults = []
    for folder in ("console", "api"):
        for path in (SRC / folder).rglob("*"):
            if path.suffix not in {".html", ".js", ".css"} or "vendor" in path.parts:
                continue
            text = path.read_text("utf-8")
            faults += [
                f"{path.name}: {scheme}"
                for scheme in ("https://", "http://")
                if scheme in text.replace("http://www.w3.org", "").replace("http://127.0.0.1", "")
            ]
    assert faults == []


def test_no_two_test_files_share_a_name():
    """Each folder of tests is on the path, so a second ``made.py`` would hide the first."""
    seen: dict[str, str] = {}
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        if path.name in {"conftest.py", "__init__.py"}:
            continue
        assert path.name not in seen, f"{path} and {seen[path.name]}"
        seen[path.name] = str(path)
