"""Two towers: new products and new customers meet where purchases did; serving needs no torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from test_content import EACH, NEW, one_click, shop

from shopkeeper.language.embedder import HashingEmbedder
from shopkeeper.recommend.capability import CAPABILITY
from shopkeeper.recommend.models import arrivals, histories, towers_torch
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.entries import Entries, Entry, of_training
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.towers import Towers
from shopkeeper.recommend.training import train_with_towers

pytest.importorskip("torch")
DATA = replace(
    shop(), customer_attributes=[{"hobby": "tea" if n % 2 == 0 else "tools"} for n in range(200)]
)


@pytest.fixture(scope="module")
def towers():
    return made()


def made(**settings):
    settings = {"dimensions": 16, "hidden": 32, "epochs": 40, "batch": 64, **settings}
    return Towers(entries=Entries(HashingEmbedder()), **settings).fit(DATA)


def nobody() -> Histories:
    none = np.zeros(0, dtype=np.int64)
    return Histories(
        start=np.array([0, 0]),
        item=none.astype(np.int32),
        at_us=none,
        kind=none.astype(np.int8),
        quantity=none.astype(float),
        basket=none,
        as_of_us=np.array([DATA.as_of_us]),
    )


def test_one_click_on_a_kettle_finds_the_new_teapot_before_the_new_wrench(towers):
    scores = towers.score_one(one_click(DATA, 0))[NEW]
    assert min(scores[0], scores[1]) > 2 * max(scores[2], scores[3], 0.05)


def test_attributes_alone_find_what_such_customers_buy(towers):
    tea, tools = (towers.scores(nobody(), [{"hobby": h}])[0] for h in ("tea", "tools"))
    half = 2 * EACH
    assert tea[:half].mean() > tea[half:].mean() + 0.1
    assert tools[half:].mean() > tools[:half].mean() + 0.1


def test_the_batch_is_the_requests_and_an_entry_later_is_the_entry_at_training(towers):
    past = histories.group(DATA.interactions, DATA.as_of_us).chunk(0, 5)
    whole = towers.scores(past, DATA.customer_attributes[:5])
    for row in range(5):
        one = towers.scores(past.chunk(row, row + 1), DATA.customer_attributes[row : row + 1])
        assert one[0] == pytest.approx(whole[row], abs=1e-5)
    later = towers.place(of_training(DATA, np.array(NEW)))
    assert later == pytest.approx(towers.vectors_[NEW], abs=1e-5)
    assert not towers.place([Entry(text="")]).any()


def content():
    told = Entries(HashingEmbedder())
    return Content(dimensions=8, towers=True, entries=told).fit(DATA)


def test_beside_the_map_the_batch_is_the_request_and_because_sums_to_the_score():
    model = content()
    for rows in ((0, 7, 1), (NEW[0], 3), (NEW[2],)):
        asked = one_click(DATA, *rows)
        one = model.score_one(asked)
        assert model.scores(asked)[0] == pytest.approx(one, abs=1e-5)
        shares = model.because(asked, np.arange(len(one))).sum(axis=0)
        assert np.maximum(shares, 0) == pytest.approx(one, abs=2e-2)
        assert 0 <= one.min() <= one.max() <= 1 + 1e-5


def test_beside_the_map_a_later_entry_and_a_kept_model_answer_the_same():
    model = content()
    (entry,) = of_training(DATA, np.array([NEW[1]]))
    placed = model.place([entry])
    assert placed[0] == pytest.approx(model.vectors_[NEW[1]], abs=1e-5)
    again = Content.from_artefact(model.to_artefact())
    asked = one_click(DATA, 0)
    assert np.array_equal(again.score_with(asked, placed), model.score_with(asked, placed))
    scores = model.score_with(asked, placed)
    assert scores[-1] == pytest.approx(scores[NEW[1]], abs=1e-5)
    assert scores[-1] > 1.5 * scores[NEW[2]]


def test_training_lets_the_towers_compete_where_they_are_asked_for():
    assert not any(one.get("towers") for one in arrivals.GRID)
    assert arrivals.WITH_TOWERS["towers"] is True
    assert CAPABILITY.variants["towers"] is train_with_towers


def test_the_same_seed_learns_the_same(towers):
    again = made()
    assert all(np.array_equal(again.weights_[n], w) for n, w in towers.weights_.items())


def test_the_loss_is_a_softmax_over_the_batch_corrected_by_how_often_each_stands_there():
    """Three examples; the first and the last have the same target, which is no negative to it."""
    import torch

    rng = np.random.default_rng(2)
    shapes = {"w1": (4, 5), "b1": (5,), "w2": (5, 3), "b2": (3,)}
    shapes |= {"u1": (3 + 2, 5), "c1": (5,), "u2": (5, 3), "c2": (3,)}
    layers = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    entries, people = rng.normal(size=(4, 4)), rng.normal(size=(3, 2))
    history = np.array([[1, 2], [3, 0], [0, 0]])
    weight = np.array([[1.0, 0.5], [1.0, 0.0], [0.0, 0.0]])
    target, q = np.array([0, 2, 0]), np.array([0.5, 0.1, 0.3, 0.1])

    def unit(x):
        return x / np.linalg.norm(x, axis=-1, keepdims=True)

    inner = np.maximum(entries @ layers["w1"] + layers["b1"], 0)
    vectors = unit(inner @ layers["w2"] + layers["b2"])
    mean = (vectors[history] * weight[:, :, None]).sum(1)
    mean /= np.maximum(weight.sum(1, keepdims=True), 1e-9)
    inner = np.maximum(np.hstack([mean, people]) @ layers["u1"] + layers["c1"], 0)
    who = unit(mean + inner @ layers["u2"] + layers["c2"])
    logits = who @ vectors[target].T / 0.2 - np.log(q[target])
    logits[0, 2] = logits[2, 0] = -np.inf
    wanted = -np.log(np.exp(logits)[range(3), range(3)] / np.exp(logits).sum(axis=1)).mean()
    rows = [torch.as_tensor(x) for x in (np.arange(3), history, weight, target)]
    given = {name: torch.as_tensor(value) for name, value in layers.items()}
    told = [torch.as_tensor(x) for x in (entries, people)]
    settings = {"dropout": 0.0, "temperature": 0.2}
    found = towers_torch._loss(torch, given, *told, rows, torch.as_tensor(np.log(q)), settings)
    assert float(found) == pytest.approx(wanted, rel=1e-6)


def test_an_example_knows_only_baskets_before_its_own_and_no_repeat_is_one():
    past = Histories(
        start=np.array([0, 5]),
        item=np.array([4, 5, 6, 4, 7], np.int32),
        at_us=np.arange(5),
        kind=np.zeros(5, np.int8),
        quantity=np.ones(5),
        basket=np.array([0, 0, 1, 2, 2]),
        as_of_us=np.array([9]),
    )
    _, history, weight, target = towers_torch.examples(past, 0.5)
    assert target.tolist() == [4, 5, 6, 7]
    told = [h[w > 0].tolist() for h, w in zip(history, weight, strict=True)]
    assert told == [[], [], [4, 5], [4, 5, 6]]
    assert weight[3][:3].tolist() == [0.5, 0.5, 1.0]


def test_what_was_exported_answers_without_torch(towers, tmp_path):
    from shopkeeper.learn import artefacts

    artefacts.save(towers.to_artefact(), tmp_path / "towers")
    wanted = towers.score_one(one_click(DATA, 0))
    np.save(tmp_path / "wanted.npy", wanted)
    code = f"""
import sys
from pathlib import Path
import numpy as np
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.towers import Towers
folder = Path({str(tmp_path)!r})
model = Towers.from_artefact(artefacts.load(folder / "towers"))
asked = Histories(
    start=np.array([0, 1]), item=np.array([0], np.int32), at_us=np.array([0]),
    kind=np.zeros(1, np.int8), quantity=np.ones(1), basket=np.zeros(1, np.int64),
    as_of_us=np.array([1]),
)
assert np.allclose(model.score_one(asked), np.load(folder / "wanted.npy"), atol=1e-6)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
