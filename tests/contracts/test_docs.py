"""Docs cannot rot: what the code offers is documented, and the generated pages are current."""

from __future__ import annotations

import importlib
import importlib.util
import re
from pathlib import Path

import pytest

from shopkeeper.cli.main import COMMANDS
from shopkeeper.operate import capabilities

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "reference" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["events.md", "settings.md", "errors.md", "tables.md"])
def test_generated_pages_are_current(name):
    text = generator().pages()[name]
    assert (DOCS / "reference" / name).read_text("utf-8") == text, "run docs/reference/generate.py"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command):
    text = (DOCS / "reference" / "commands.md").read_text("utf-8")
    assert f"shopkeeper {command}" in text


@pytest.mark.parametrize("capability", capabilities.MODULES)
def test_every_metric_of_evaluate_is_documented(capability):
    evaluate = importlib.import_module(f"shopkeeper.{capability}.evaluate")
    text = (DOCS / "reference" / "metrics.md").read_text("utf-8")
    for name in evaluate.METRICS:
        assert f"`{name}`" in text


def test_links_between_docs_lead_somewhere():
    broken = []
    for page in [*DOCS.rglob("*.md"), *ROOT.glob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
