"""A wording that says more than its facts is never sent."""

from __future__ import annotations

import pytest

from shopkeeper.support.grammar import Sentence
from shopkeeper.support.verify import faults

TOLD = [
    Sentence(
        text="Order o1002 was delivered on 3 May 2026; $12.00 goes back to PayPal.",
        source="order:o1002",
        act="done",
    )
]


def test_a_faithful_wording_passes():
    text = "Good news: your order o1002 arrived on 3 May 2026, and $12.00 goes back to PayPal."
    assert faults(text, TOLD, "en") == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("Order o1002 came on 3 May 2026; $13.00 goes back to PayPal.", "number"),
        ("Order o1003 came on 3 May 2026; $12.00 goes back.", "id"),
        ("Order o1002, 3 May 2026, $12.00, guaranteed.", "promise"),
        ("Order o1002, 3 May 2026, $12.00, in two days.", "number word"),
        ("Order o1002, 3 May 2026, $12.00 and a Teapot.", "name"),
        ("订单 o1002 已在 3 May 2026 送达，$12.00 已退回，请您查收，谢谢。", "language"),
        ("Order o1002, 3 May 2026: your money goes back.", "missing 12.00"),
        ("Order o1002 [see](http://x), 3 May 2026, $12.00.", "markup"),
    ],
)
def test_what_the_facts_do_not_bear_is_found(text, what):
    assert any(one.startswith(what) for one in faults(text, TOLD, "en", ["Teapot"]))
