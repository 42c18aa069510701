"""Spellings that the eye, or the provider, takes for one address share one key; others do not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.data.lookalikes import plain
from shopkeeper.data.privacy import Keyring, normalise

RING = Keyring(bytes(32))


@pytest.mark.parametrize(
    "spelling",
    [
        "p\u0430ypal@shop.test",  # Cyrillic a
        "pаураl@shop.test",  # Cyrillic a, y, p
        "ραypal@shop.test",  # Greek rho, alpha
        "ｐａｙｐａｌ@shop.test",  # full width
        "pa\u028fpal@shop.test",  # Latin small capital y
        "p\u0251ypal@shop.test",  # Latin alpha
        "páypàl@shop.test",
        "pa\u0301ypal@shop.test",  # a mark of its own
        "p̶aypal@shop.test",  # struck through
        "pay\u200bpal@shop.test",  # zero width space
        "pay\u00adpal@shop.test",  # soft hyphen
        "\u202epaypal@shop.test",  # right to left
        "𝐩𝐚𝐲𝐩𝐚𝐥@shop.test",  # mathematical bold
        "ⓟⓐⓨⓟⓐⓛ@shop.test",
        "PAYPAL@SHOP.TEST",
        "payp\u0430\u217c@shop.test",  # Roman numeral fifty
        "paypaꓡ@shop.test",  # Lisu
        "ᏢᎪᎩᏢᎪᏞ@shop.test",  # Cherokee
        "paypal@ѕhop.test",  # Cyrillic s in the host
        "paypal@xn--hop-ehd.test",  # the same host in its ASCII form
        "paypal@shop\u3002test",  # ideographic full stop
        "paypal@shop.test.",
    ],
)
def test_look_alikes_of_an_address_share_its_key(spelling):
    assert RING.hmac("email", spelling) == RING.hmac("email", "paypal@shop.test")


def test_armenian_letters_are_read_as_latin_ones():
    assert plain("\u0578\u0585\u057d\u0570") == "nouh"
    assert normalise("email", "\u0585wen@shop.test") == "owen@shop.test"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("bob@shop.test", "b0b@shop.test"),  # plain ASCII is never bent
        ("will@shop.test", "wi11@shop.test"),
        ("ann.lee@shop.test", "annlee@shop.test"),  # dots count at most providers
        ("ann+a@shop.test", "ann+b@shop.test"),
        ("ann.lee@outlook.com", "annlee@outlook.com"),
        ("ann@outlook.com", "ann@hotmail.com"),
        ("王小明@shop.test", "王小名@shop.test"),
        ("иван@shop.test", "игорь@shop.test"),
        ("ann-b@proton.test", "annb@proton.test"),
    ],
)
def test_different_addresses_keep_different_keys(one, other):
    assert RING.hmac("email", one) != RING.hmac("email", other)


@pytest.mark.parametrize(
    ("spelling", "kept"),
    [
        ("A.n.n+x@GoogleMail.com", "ann@gmail.com"),
        ("ann.lee+x@outlook.com", "ann.lee@outlook.com"),
        ("ann.lee+x@hotmail.com", "ann.lee@hotmail.com"),
        ("ann+x@me.com", "ann@icloud.com"),
        ("an-n_l.ee+x@protonmail.com", "annlee@proton.me"),
        ("ann.lee@ya.ru", "ann-lee@yandex.ru"),
        ("ann-shop@yahoo.com", "ann@yahoo.com"),
        ("ann+x@fastmail.fm", "ann@fastmail.com"),
        ("+x@gmail.com", "+x@gmail.com"),  # nothing left: the whole name counts
        ("no at sign", "no at sign"),
        ("@gmail.com", "@gmail.com"),
        ("ann@xn--broken\u00e9-.test", "ann@xn--brokene-.test"),
    ],
)
def test_each_provider_ignores_what_it_ignores(spelling, kept):
    assert normalise("email", spelling) == kept


def test_names_and_addresses_are_read_alike_too():
    assert RING.hmac("name", "José  Müller") == RING.hmac("name", "Jose Muller")
    assert RING.hmac("address", "Ｍain Street 5") == RING.hmac("address", "main street 5")
    assert RING.hmac("name", "王小明") != RING.hmac("name", "王小明明")
    assert plain("नमस्ते") == "नमस्ते"  # vowel signs are letters, not ornament
    assert plain("が") == "が"
    assert plain("가") == "가"


@given(st.text(max_size=40))
def test_a_plain_spelling_is_its_own_and_case_does_not_matter(text):
    folded = unicodedata.normalize("NFKC", text).casefold()
    once = plain(folded)
    assert plain(once) == once
    if folded.isascii():
        assert once == folded


@given(st.text(alphabet="абвгдежзиклмнопрстухцчшщыэюяαβγδεζηθικλμνξοπρστυφχψω", max_size=12))
def test_capitals_of_another_script_keep_the_key(word):
    address = f"{word}@shop.test"
    assert normalise("email", address.upper()) == normalise("email", address)
