"""The transformer: learned by torch, served without it, and it reads the order of a history."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models import histories, holdout, windows
from shopkeeper.recommend.models.fusion import solo_ndcg
from shopkeeper.recommend.models.neighbours import ItemKnn
from shopkeeper.recommend.models.transformer import Transformer
from shopkeeper.recommend.schema import Interactions, Training

DEEP = importlib.util.find_spec("torch") is not None
needs_torch = pytest.mark.skipif(not DEEP, reason="the extra `deep` is not installed")
SMALL = {"dimensions": 16, "length": 8, "negatives": 20, "batch": 400, "held": 20, "dropout": 0.0}
N_ITEMS = 31


def walks(n_users: int = 150, seed: int = 5) -> Training:
    """Each user walks a ring of 30 items by one or, after an even item, by two; one item is new."""
    rng = np.random.default_rng(seed)
    user, item = [], []
    for number in range(n_users):
        here = int(rng.integers(0, 30))
        for _ in range(int(rng.integers(4, 14))):
            user.append(number)
            item.append(here)
            here = (here + (2 if here % 2 == 0 else 1)) % 30
    at = np.arange(len(user), dtype=np.int64)
    log = Interactions(
        user=np.array(user, dtype=np.int32),
        item=np.array(item, dtype=np.int32),
        at_us=at * DAY_US,
        kind=np.zeros(len(user), dtype=np.int8),
        quantity=np.ones(len(user)),
        basket=at,
        user_ids=[f"u{n:03}" for n in range(n_users)],
        item_ids=[f"i{n:02}" for n in range(N_ITEMS)],
    )
    return Training(interactions=log, as_of_us=int(at[-1] + 1) * DAY_US)


DATA = walks()
ASKED = histories.group(DATA.interactions, DATA.as_of_us)


@pytest.fixture(scope="module")
def fitted():
    return Transformer(**SMALL, epochs=2).fit(DATA)


@needs_torch
def test_numpy_scores_as_torch_does(fitted):
    import torch

    from shopkeeper.recommend.models import transformer_torch

    mine = fitted.scores(ASKED)
    weights = {name: torch.as_tensor(array) for name, array in fitted.arrays_.items()}
    for user in range(0, ASKED.n_subjects, 7):
        newest = ASKED.item[ASKED.start[user] : ASKED.start[user + 1]][-fitted.length :]
        item = torch.as_tensor(newest.astype(np.int64))[None]
        place = torch.arange(fitted.length - len(newest), fitted.length)[None]
        said = transformer_torch.hidden(torch, weights, item, place, fitted.heads)[0, -1]
        logits = (said @ weights["item"].T).numpy()
        logits[30] = -np.inf
        assert mine[user] == pytest.approx(np.exp(logits - logits.max()), abs=1e-4)


@needs_torch
def test_a_subject_alone_scores_as_in_a_batch_and_new_items_stay_silent(fitted):
    whole = fitted.scores(ASKED)
    assert np.isfinite(whole).all()
    assert (whole >= 0).all()
    assert not whole[:, 30].any()
    for user in (0, 7, 149):
        alone = fitted.scores(ASKED.chunk(user, user + 1))[0]
        assert alone == pytest.approx(whole[user], rel=1e-4, abs=1e-6)


@needs_torch
def test_it_reads_what_came_last_where_counts_of_buyers_cannot():
    train, target = holdout.last_out(DATA)
    judged = holdout.judge(train, target)
    model = Transformer(**SMALL, epochs=30, rate=0.005).fit(train)
    mine = solo_ndcg(model.scores, judged, "all")
    assert mine > 0.9
    assert mine > 1.5 * solo_ndcg(ItemKnn().fit(train).scores, judged, "all")
    assert model.curves_["held_ndcg_at_10"][-1][1] > model.curves_["held_ndcg_at_10"][0][1]


def test_the_held_item_of_a_user_teaches_nobody():
    start = np.array([0, 5, 9], dtype=np.int64)
    item = np.arange(9, dtype=np.int64)
    data = windows.Sequences(start=start, item=item, held=np.array([True, False]), n_items=9)
    rng = np.random.default_rng(0)
    batches = list(windows.batches(data, {"length": 3, "batch": 6}, rng))
    taught = sorted({int(i) for _, _, after in batches for i in after.ravel() if i >= 0})
    assert taught == [1, 2, 3, 6, 7, 8]


def test_every_next_item_of_a_long_history_is_taught_wherever_it_is_cut():
    data = windows.Sequences(
        start=np.array([0, 50], dtype=np.int64),
        item=np.arange(50, dtype=np.int64),
        held=np.array([False]),
        n_items=50,
    )
    for seed in range(5):
        rng = np.random.default_rng(seed)
        taught = {
            int(i)
            for _, _, after in windows.batches(data, {"length": 7, "batch": 21}, rng)
            for i in after.ravel()
            if i >= 0
        }
        assert taught == set(range(1, 50))


@needs_torch
def test_a_stopped_run_goes_on_to_the_same_weights(tmp_path: Path, monkeypatch):
    from shopkeeper.recommend.models import transformer_torch

    whole = Transformer(**SMALL, epochs=4).fit(DATA)
    path, keep = str(tmp_path / "run"), transformer_torch._keep

    def stop_after_two(*given):
        keep(*given)
        if given[-1].epoch == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(transformer_torch, "_keep", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        Transformer(**SMALL, epochs=4, checkpoint=path).fit(DATA)
    monkeypatch.setattr(transformer_torch, "_keep", keep)
    rest = Transformer(**SMALL, epochs=4, checkpoint=path).fit(DATA)
    assert rest.curves_ == whole.curves_
    assert all(np.array_equal(rest.arrays_[n], whole.arrays_[n]) for n in whole.arrays_)
    with pytest.raises(BadInput, match="another epochs"):
        Transformer(**SMALL, epochs=5, checkpoint=path).fit(DATA)


@needs_torch
def test_it_is_kept_and_served_without_torch(fitted, tmp_path: Path):
    artefacts.save(fitted.to_artefact(), tmp_path / "model")
    program = f"""
import sys
sys.modules["torch"] = None  # an import of it fails
from pathlib import Path
import numpy as np
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_transformer import ASKED
from shopkeeper.learn import artefacts
from shopkeeper.recommend.models.transformer import Transformer
back = Transformer.from_artefact(artefacts.load(Path({str(tmp_path / "model")!r})))
np.save({str(tmp_path / "scores.npy")!r}, back.scores(ASKED))
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert np.load(tmp_path / "scores.npy") == pytest.approx(fitted.scores(ASKED), abs=1e-6)


@needs_torch
def test_it_stands_beside_the_others_and_may_join_the_blend_where_asked(monkeypatch):
    from shopkeeper.recommend import evaluate

    for name, value in {**SMALL, "epochs": 1}.items():
        monkeypatch.setitem(Transformer.__init__.__kwdefaults__, name, value)
    done = evaluate.evaluate(DATA, evaluate.Setup(deep=True), {})
    row = done.report["models"]["transformer"]
    assert row["users"] == done.report["models"]["blend"]["users"]
    assert "validation_ndcg_at_10" in row
    assert "transformer" in done.report["chosen"]["weights"]["discovery"]
    assert "transformer" not in evaluate.evaluate(DATA, evaluate.Setup(), {}).report["models"]


def test_without_torch_training_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BadInput, match="PyTorch"):
        Transformer(**SMALL, epochs=1).fit(DATA)
