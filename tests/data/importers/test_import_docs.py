"""The import pages cannot rot: their examples run, and every name in the code is on them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from shopkeeper.data.importers.ga4 import EVENTS
from shopkeeper.data.importers.kinds import IMPORT_KINDS, KIND_WORDS
from shopkeeper.data.importers.mapping import SYNONYMS
from shopkeeper.data.importers.segment import TRACKS

DOCS = Path(__file__).parents[3] / "docs"
HOW_TO = (DOCS / "how-to" / "import-your-data.md").read_text("utf-8")
REFERENCE = (DOCS / "reference" / "mapping.md").read_text("utf-8")


def test_the_how_to_runs_as_printed(tmp_path):
    blocks = re.findall(r"```sh\n(.*?)```", HOW_TO, re.DOTALL)
    answers = []
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for block in blocks:
        done = subprocess.run(
            ["bash", "-ec", block],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(done.stdout)
    assert len(answers) == 2
    printed = re.findall(r"```\n(imported.*?)```", HOW_TO, re.DOTALL)[0]
    without_times = [line for line in printed.splitlines() if "events/s" not in line]
    assert [a for a in answers[0].splitlines() if "events/s" not in a] == without_times
    assert "imported 1 orders" in answers[1]


def test_every_kind_of_import_is_documented():
    assert [kind for kind in IMPORT_KINDS if f"| `{kind}` |" not in HOW_TO] == []


def test_every_synonym_and_word_is_documented():
    lower = REFERENCE.lower()
    words = {word for words in SYNONYMS.values() for word in words}
    missing = [w for w in words if w.removesuffix("_minor") not in lower]
    missing += [w for w, kind in KIND_WORDS.items() if w != kind and w not in lower]
    missing += [name for name in [*EVENTS, *TRACKS] if name not in lower.replace("\n", " ")]
    assert missing == []


def test_every_reason_that_the_importers_give_is_documented():
    source = "".join(
        path.read_text("utf-8")
        for path in (Path(__file__).parents[3] / "src/shopkeeper/data/importers").glob("*.py")
    )
    codes = set(re.findall(r'Odd\(\s*[^,]+,\s*"(\w+)"', source))
    codes |= set(re.findall(r'NotAllowed\("(\w+)"', source))
    assert {"torn_row", "bad_time", "group_split"} <= codes
    assert [code for code in codes if f"| `{code}` |" not in REFERENCE] == []
