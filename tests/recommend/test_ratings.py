"""Stars: split by time, biases in closed form, factors learned by torch and served without it."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models.factors import Biases, Factors
from shopkeeper.recommend.ratings import evaluate as judge
from shopkeeper.recommend.ratings import table
from shopkeeper.recommend.ratings.table import Ratings

DEEP = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not DEEP, reason="the extra `deep` is not installed")


def made(*, users: int = 120, items: int = 60, each: int = 30, noise: float = 0.3) -> Ratings:
    """Return stars of a world with biases and two tastes; the noise is the floor of any RMSE."""
    rng = np.random.default_rng(3)
    p, q = rng.normal(0, 1, (users, 2)), rng.normal(0, 0.6, (items, 2))
    b_u, b_i = rng.normal(0, 0.3, users), rng.normal(0, 0.5, items)
    user = np.repeat(np.arange(users), each)
    item = np.concatenate([rng.permutation(items)[:each] for _ in range(users)])
    truth = 3 + b_u[user] + b_i[item] + (p[user] * q[item]).sum(1)
    order = rng.permutation(len(user))
    return Ratings(
        user=user[order].astype(np.int32),
        item=item[order].astype(np.int32),
        value=(truth + rng.normal(0, noise, len(user)))[order],
        at_us=np.arange(len(user), dtype=np.int64),
        user_ids=[f"u{n:03}" for n in range(users)],
        item_ids=[f"i{n:03}" for n in range(items)],
    )


def by_hand() -> Factors:
    """Return factors as if learned: two users, three items."""
    model = Factors(dimensions=2)
    model.user_ids_, model.item_ids_ = ["a", "b"], ["x", "y", "z"]
    model.mean_, model.low_, model.high_ = 3.0, 1.0, 5.0
    model.user_bias_ = np.array([0.5, 0.0], np.float32)
    model.item_bias_ = np.array([0.0, -0.5, 4.0], np.float32)
    model.user_vectors_ = np.array([[1, 0], [0, 1]], np.float32)
    model.item_vectors_ = np.array([[0.25, 0], [0, -1], [0, 0]], np.float32)
    return model


def pairs(user: list[int], item: list[int]) -> Ratings:
    n = len(user)
    return Ratings(
        user=np.array(user),
        item=np.array(item),
        value=np.zeros(n),
        at_us=np.arange(n),
        user_ids=["a", "b"],
        item_ids=["x", "y", "z"],
    )


def test_stars_are_mean_biases_and_product_inside_the_stars_given():
    guess = by_hand().predict(pairs([0, 1, 0], [0, 1, 2]))
    assert guess.tolist() == [3.75, 1.5, 5.0]
    assert by_hand().table(np.array([0]))[0].tolist() == [3.75, 3.0, 7.5]


def test_factors_are_kept_and_served_without_torch(tmp_path: Path):
    artefacts.save(by_hand().to_artefact(), tmp_path / "model")
    program = f"""
import sys
sys.modules["torch"] = None  # an import of it fails
from pathlib import Path
import numpy as np
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models.factors import Factors
model = Factors.from_artefact(artefacts.load(Path({str(tmp_path / "model")!r})))
print(model.dimensions, model.table(np.array([0]))[0].tolist(), model.item_ids_)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "2 [3.75, 3.0, 7.5] ['x', 'y', 'z']", done.stderr


def test_training_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInput, match="PyTorch") as problem:
        Factors().fit(made())
    assert "shopkeeper[deep]" in str(problem.value.hint)


def test_biases_shrink_what_has_few_ratings():
    data = pairs([0, 1, 0], [0, 0, 1])
    data.value[:] = [5, 5, 2]
    model = Biases(damping=1.0).fit(data)
    assert model.mean_ == 4.0
    assert model.item_bias_.tolist() == pytest.approx([2 / 3, -1.0, 0.0])
    # user a: rests 1 - 2/3 and -2 + 1, over two ratings and one of nothing
    assert model.user_bias_[0] == pytest.approx((1 / 3 - 1) / 3)


def test_each_user_is_split_by_own_time():
    data = made()
    teach, valid, test = judge.split(data)
    assert (teach.astype(int) + valid + test == 1).all()
    for user in (0, 17):
        mine = data.user == user
        assert (valid & mine).sum() == 3
        assert (test & mine).sum() == 6
        assert data.at_us[teach & mine].max() < data.at_us[valid & mine].min()
        assert data.at_us[valid & mine].max() < data.at_us[test & mine].min()


def test_the_last_rating_of_a_pair_counts(tmp_path: Path):
    path = tmp_path / "stars.csv"
    path.write_text("user_id,item_id,timestamp,rating\na,x,30,2\na,x,40,5\nb,x,10,1\nb,y,20,\n")
    found = table.read(path)
    assert found.value.tolist() == [1.0, 5.0]
    assert [found.user_ids[u] for u in found.user] == ["b", "a"]


def test_a_rating_that_is_no_number_is_named(tmp_path: Path):
    path = tmp_path / "stars.csv"
    path.write_text("user_id,item_id,timestamp,rating\na,x,30,good\n")
    with pytest.raises(BadInput, match="rating is no number"):
        table.read(path)


def test_top_k_counts_what_was_liked_and_new_to_the_user():
    past = pairs([0, 1, 1], [0, 1, 2])
    past.value[:] = [5, 5, 5]
    test = pairs([0, 1], [2, 0])
    test.value[:] = [5, 1]
    ranked = judge._ranked(by_hand(), past, test)["ranked"]
    # user b liked nothing; user a is shown z then y, never x again
    assert ranked["precision_at_10"].tolist() == [0.1]
    assert ranked["recall_at_10"].tolist() == [1.0]


@needs_torch
def test_factors_learn_tastes_that_biases_cannot():
    done = judge.evaluate(made(), grid=[{"dimensions": 4, "penalty": 0.02, "rate": 0.02}])
    models = done.report["models"]
    # Tastes have a variance of 0.72, the noise 0.09: biases stay above .8.
    assert models["biases"]["metrics"]["rmse"] > 0.8
    assert models["factors"]["metrics"]["rmse"] < 0.65
    assert models["factors"]["against_baseline"]["verdict"] == "better"
    assert done.report["champion"] == "factors"


@needs_torch
def test_training_stops_early_keeps_the_best_epoch_and_repeats_itself():
    data = made()
    teach, valid, _ = judge.split(data)
    settings = {"dimensions": 32, "penalty": 0.0, "rate": 0.05, "epochs": 60, "batch": 256}
    model = Factors(**settings).fit(data.take(teach), data.take(valid))
    curve = dict(model.curves_["valid_rmse"])
    assert model.best_epoch_ == min(curve, key=curve.__getitem__)
    assert len(curve) == model.best_epoch_ + model.patience < 60
    held = data.take(valid)
    now = float(((model.predict(held) - held.value) ** 2).mean() ** 0.5)
    assert now <= curve[model.best_epoch_] + 1e-3
    again = Factors(**settings).fit(data.take(teach), data.take(valid))
    assert np.array_equal(again.item_vectors_, model.item_vectors_)


@needs_torch
def test_curves_reach_tensorboard(tmp_path: Path):
    pytest.importorskip("tensorboard")
    small = {"dimensions": 2, "epochs": 2}
    judge.evaluate(made(), grid=[small, {**small, "penalty": 0.5}], log_folder=str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {"tried-1", "tried-2", "final"}
    assert all(any("tfevents" in one.name for one in run.iterdir()) for run in tmp_path.iterdir())
