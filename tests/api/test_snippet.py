"""The snippet as served: small, whole, and free of what a page must not send."""

from __future__ import annotations

import re

from shopkeeper.api.pages import snippet
from shopkeeper.data.events import Person


def test_the_snippet_has_at_most_3_kb():
    assert len(snippet()) <= 3 * 1024


def test_the_snippet_is_whole_after_its_comments_are_gone():
    code = snippet().decode()
    assert code.startswith("(function (w, d) {")
    assert code.endswith("})(window, document);")
    for opened, closed in ("()", "{}", "[]"):
        plain = re.sub(r"/\^.*?\$/i?", "", code)
        assert plain.count(opened) == plain.count(closed)


def test_the_snippet_drops_every_field_of_a_person():
    pattern = re.search(r"deny = /(.*?)/i", snippet().decode()).group(1)
    dropped = re.compile(pattern, re.IGNORECASE)
    for name in (*Person.__struct_fields__, "person", "cardNumber", "CVC", "iban", "E-Mail"):
        assert dropped.match(name), name
    for name in ("item_id", "customer_id", "price_minor", "lines", "query", "placement"):
        assert not dropped.match(name)
