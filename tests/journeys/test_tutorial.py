"""The first-day tutorial does what it says: every command runs, every shown line comes out."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorials" / "first-day.md"


def blocks(text: str) -> list[tuple[str, list[str]]]:
    """Return (command, shown lines) of every `$` line inside the page's console blocks."""
    steps: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", text, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                steps.append((line[2:], []))
            elif line.strip() and steps:
                steps[-1][1].append(line)
    return steps


def shown(pattern: str, output: str) -> bool:
    """Return whether a shown line is in the output; `…` stands for anything on the line."""
    parts = [re.escape(" ".join(part.split())) for part in pattern.split("…")]
    lines = [" ".join(line.split()) for line in output.splitlines()]
    return any(re.search(r"\s*.*?\s*".join(parts), line) for line in lines)


def test_a_shown_line_that_does_not_come_out_is_noticed():
    assert shown("accepted … 12", "  accepted   1,012 of 12 rows")
    assert not shown("accepted 13", "accepted 12")


@pytest.mark.slow
def test_the_first_day_runs_as_written(tmp_path):
    shutil.copytree(ROOT / "docs" / "tutorials" / "data", tmp_path / "data")
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "LANG": "C.UTF-8",
    }
    steps = blocks(PAGE.read_text("utf-8"))
    assert len(steps) >= 8
    for command, expected in steps:
        run = subprocess.run(
            ["bash", "-ec", command],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        output = run.stdout + run.stderr
        assert run.returncode == 0, f"$ {command}\n{output}"
        for line in expected:
            assert shown(line, output), f"$ {command}\nlacks: {line}\nprinted:\n{output}"
