"""Praise and blame, learned and by the lexicon; negation is never lost."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from shopkeeper.cli.main import main
from shopkeeper.language.opinions import aspects, feel
from shopkeeper.learn import artefacts
from shopkeeper.support.models.sentiment import Letters

GOOD = [
    "质量很好",
    "非常满意",
    "物流很快",
    "值得购买",
    "做工不错",
    "I love it",
    "works great",
    "very nice",
]
BAD = [
    "质量很差",
    "非常失望",
    "物流太慢",
    "不值得买",
    "做工粗糙",
    "I hate it",
    "does not work",
    "very bad",
]
TEXTS = [f"{lead}{text}" for lead in ("", "真的", "总体来说", "my view: ") for text in GOOD + BAD]
LABELS = np.array(([1] * 8 + [0] * 8) * 4)


@pytest.mark.parametrize("odds", [False, True])
def test_save_and_load_change_nothing(odds, tmp_path):
    made = Letters(odds=odds).fit(TEXTS, LABELS).calibrate(TEXTS, LABELS)
    artefacts.save(made.to_artefact(), tmp_path / "m")
    loaded = Letters.from_artefact(artefacts.load(tmp_path / "m"))
    asked = ["物流慢", "满意", "not great"]
    assert np.allclose(loaded.predict(asked), made.predict(asked), atol=1e-9)
    assert (made.predict(TEXTS) > 0.5).astype(int).tolist() == LABELS.tolist()


def test_negation_turns_a_judgement_round():
    assert feel("质量不好").score < 0 < feel("质量不错").score
    assert feel("it is not good").score < 0 < feel("it is good").score
    made = Letters().fit(TEXTS, LABELS)
    assert made.scores(["不值得"])[0] < made.scores(["值得"])[0]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("物流很快，但是质量很差", [("logistics", True), ("quality", False)]),
        ("客服态度很好，价格太贵", [("service", True), ("price", False)]),
        ("尺码偏小", [("size", False)]),
        ("质量没有问题，快递不快", [("quality", None), ("logistics", None)]),
        ("delivery was fast but the fabric is awful", [("logistics", True), ("quality", False)]),
    ],
)
def test_aspects_are_judged_apart(text, found):
    made = aspects(text)
    assert [a.aspect for a in made] == [name for name, _ in found]
    for aspect, (_, good) in zip(made, found, strict=True):
        assert good is None or (aspect.polarity > 0) == good
        assert text[aspect.start : aspect.end]


def _file(path, rows, head=("text", "label")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return path


def test_evaluate_prints_the_promised_object(capsys, tmp_path):
    path = _file(tmp_path / "s.csv", zip(TEXTS, LABELS, strict=True))
    assert main(["evaluate", "support", "--sentiment", str(path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["baseline"] == "lexicon"
    assert set(printed["models"]) == {"lexicon", "word-bayes", "letters", "letters-and-odds"}
    for model in printed["models"].values():
        assert {"accuracy", "f1"} == set(model["metrics"]) == set(model["interval_95"])


def test_a_label_that_nobody_knows_is_named(capsys, tmp_path):
    path = _file(tmp_path / "s.csv", [["a", "1"], ["b", "so so"]] * 9)
    assert main(["evaluate", "support", "--sentiment", str(path), "--json"]) == 2
    assert "'so so' in row 2" in json.loads(capsys.readouterr().out)["error"]["message"]
