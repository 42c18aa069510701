"""Same person, same hash; sealed values open only where they belong; card numbers are found."""

from __future__ import annotations

import base64
import hmac
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopkeeper.base.errors import BadInput
from shopkeeper.data import privacy
from shopkeeper.data.privacy import (
    Keyring,
    find_card_number,
    hide_card_numbers,
    is_gtin,
    load_keyring,
    may_hold_card_number,
)

RING = Keyring(bytes(32))

SAME = [
    ("email", "ann.lee@gmail.com", " AnnLee+shop@GoogleMail.com "),
    ("email", "Ann@Example.com", "ann@example.com"),
    ("phone", "+44 20 7946 0018", "0044 (20) 7946-0018"),
    ("phone", "+8613812345678", "+86 138 1234 5678"),
    ("name", "Zoë  Lee", "ZOË LEE"),
    ("name", "Zoë", "Zoe\u0308"),
    ("name", "ＡＮＮ", "ann"),
    ("postcode", "SW1A 1AA", "sw1a1aa"),
    ("ip", "2001:DB8::1", "2001:db8::1"),
]
DIFFERENT = [
    ("email", "ann.lee@example.com", "annlee@example.com"),
    ("email", "ann+a@example.com", "ann@example.com"),
    ("card_fingerprint", "fpA", "fpa"),
    ("phone", "+44 20 7946 0018", "+44 20 7946 0019"),
]


@pytest.mark.parametrize(("field", "one", "other"), SAME)
def test_two_spellings_of_one_value_join(field, one, other):
    assert RING.hmac(field, one) == RING.hmac(field, other)


@pytest.mark.parametrize(("field", "one", "other"), DIFFERENT)
def test_two_values_do_not_join(field, one, other):
    assert RING.hmac(field, one) != RING.hmac(field, other)


def test_the_same_text_in_two_fields_does_not_join():
    assert RING.hmac("name", "1") != RING.hmac("address", "1")


def test_a_join_key_is_the_hmac_of_the_standard():
    """RFC 2104 over SHA-256, so that keys made by earlier versions still join."""
    master = bytes(range(32))
    join = hmac.digest(master, b"shopkeeper join key 1", "sha256")
    expected = hmac.digest(join, b"email\0ann@mail.test", "sha256").hex()
    assert Keyring(master).hmac("email", " Ann@mail.test") == expected


def test_two_shops_do_not_join():
    assert RING.hmac("email", "a@b.c") != Keyring(b"x" * 32).hmac("email", "a@b.c")


def test_a_sealed_person_opens_and_looks_different_each_time():
    person = {"email": "ann@example.com", "name": "李安"}
    one, other = RING.seal(person, "e1"), RING.seal(person, "e1")
    assert one != other
    assert RING.open(one, "e1") == RING.open(other, "e1") == person


def test_a_sealed_person_does_not_open_elsewhere():
    sealed = RING.seal({"name": "Ann"}, "e1")
    flipped = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for ring, text, aad in (
        (RING, sealed, "e2"),
        (RING, flipped, "e1"),
        (RING, b"\x02" + sealed[1:], "e1"),
        (RING, b"", "e1"),
        (Keyring(b"x" * 32), sealed, "e1"),
    ):
        with pytest.raises(BadInput, match="cannot be opened"):
            ring.open(text, aad)


def test_keys_are_made_once_for_the_owner_alone(settings):
    first = load_keyring(settings)
    assert settings.keys_path.stat().st_mode & 0o777 == 0o600
    assert load_keyring(settings).fingerprint == first.fingerprint
    assert [path.name for path in settings.home.iterdir()] == ["keys.json"]


def test_keys_that_others_can_read_are_refused(settings):
    load_keyring(settings)
    settings.keys_path.chmod(0o644)
    with pytest.raises(BadInput, match="can be read by others"):
        load_keyring(settings)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"master_key": "YQ=="}', '{"master_key": 1}']
)
def test_a_damaged_key_file_is_an_error_and_is_not_replaced(settings, text):
    settings.home.mkdir(parents=True)
    settings.keys_path.write_text(text)
    settings.keys_path.chmod(0o600)
    with pytest.raises(BadInput):
        load_keyring(settings)
    assert settings.keys_path.read_text() == text


def test_the_environment_wins_over_the_file(settings, monkeypatch):
    key = os.urandom(32)
    monkeypatch.setenv("SHOPKEEPER_MASTER_KEY", base64.b64encode(key).decode())
    assert load_keyring(settings).fingerprint == Keyring(key).fingerprint
    assert not settings.keys_path.exists()


@pytest.mark.parametrize("text", ["short", base64.b64encode(b"x" * 16).decode(), "§" * 44])
def test_a_master_key_of_another_size_is_refused(settings, monkeypatch, text):
    monkeypatch.setenv("SHOPKEEPER_MASTER_KEY", text)
    with pytest.raises(BadInput, match="SHOPKEEPER_MASTER_KEY must hold 32 bytes"):
        load_keyring(settings)


# Test numbers that the schemes publish for developers.
CARDS = [
    "4111111111111111",
    "5555555555554444",
    "2223003122003222",
    "378282246310005",
    "6011111111111117",
    "3530111333300000",
    "30569309025904",
    "6250941006528599",
    "4111 1111 1111 1111",
    "5555-5555-5555-4444",
    "3782 822463 10005",
    "3056 930902 5904",
]


@pytest.mark.parametrize("number", CARDS)
def test_published_card_numbers_are_found_in_text(number):
    for text in (number, f"card {number}.", f"«{number}»", f"卡号{number}谢谢"):
        assert find_card_number(text, in_words=True)
        assert may_hold_card_number(text.encode())
        assert may_hold_card_number(json.dumps({"text": text}).encode())
        assert find_card_number(hide_card_numbers(text), in_words=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the Luhn digit is wrong
        "1111111111111117",  # nobody issues it
        "41111111111111111111",  # 20 digits
        "0.4111111111111111",
        "2026-03-01T10:15:27.123456Z",
        "+44 20 7946 0018",
        "4006381333931",  # GTIN-13
        "353011133330000",  # an IMEI's length
        "",
    ],
)
def test_other_numbers_are_left_alone(text):
    assert find_card_number(text, in_words=True) is None
    assert hide_card_numbers(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "41111111 11111111",
        "41 11 11 11 11 11 11 11",
        "4111_1111_1111_1111",
        "call 12 4111 11111111 1111 now",
        "٤١١١١١١١١١١١١١١١",  # Arabic-Indic digits
        "४१११११११११११११११",  # Devanagari
        "４１１１　１１１１　１１１１　１１１１",  # full width, ideographic spaces
        "4111\u200b1111\u200b1111\u200b1111",
        "4\u00ad111111111111111",
        "4111\u00a01111\u00a01111\u00a01111",
        "④①①①①①①①①①①①①①①①",
        "𝟜𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙𝟙",
    ],
)
def test_card_numbers_are_found_however_their_digits_are_written(text):
    assert find_card_number(text, in_words=True), text
    assert may_hold_card_number(text.encode())
    assert may_hold_card_number(json.dumps({"text": text}).encode())
    hidden = hide_card_numbers(text)
    assert "[card number]" in hidden
    assert find_card_number(hidden, in_words=True) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24 13 52 58",
        "orders 1001 1002 1003 1004 and 1005",
        "tel 020 7946 0018 or 020 7946 0019",
        "sizes 36 37 38 39 40 41 42",
        "IBAN GB82 WEST 1234 5698 7654 32",
    ],
)
def test_grouped_numbers_that_are_no_card_are_left_alone(text):
    assert find_card_number(text, in_words=True) is None
    assert hide_card_numbers(text) == text


@given(st.text("0123456789abf", min_size=1, max_size=40))
def test_a_word_with_letters_holds_no_card_number_the_slow_way_either(word):
    slow = next(privacy._card_numbers(word, in_words=False), None)  # a place, or None
    assert find_card_number(word) == slow


def test_long_hex_ids_are_not_searched_inside():
    assert find_card_number("019da4111111111111111f") is None


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("4006381333931", True), ("4006381333932", False), ("96385074", True), ("x", False)],
)
def test_trade_item_numbers_are_known_by_their_check_digit(text, is_one):
    assert is_gtin(text) is is_one
