"""Personal data in text: found by shape and checksum, and nothing else is taken for it."""

from __future__ import annotations

import pytest

from shopkeeper.language.pii import chinese_id, find_personal, iban, luhn, mask

PERSONAL = [
    ("mail me at jo.smith+shop@mail.example.com please", "email"),
    ("我的手机13812345678，麻烦改一下", "phone"),
    ("+86 138-1234-5678", "phone"),
    ("call (415) 555-0132", "phone"),
    ("my number is +44 20 7946 0958", "phone"),
    ("电话 010-62345678", "phone"),
    ("refund to GB82 WEST 1234 5698 7654 32", "iban"),
    ("卡号4111 1111 1111 1111", "card"),
    ("身份证 11010519491231002X", "chinese_id"),
    ("from 203.0.113.7 today", "ip"),
    ("from 2001:db8:85a3::8a2e:370:7334 today", "ip"),
]
HARMLESS = [
    "order A1002345 of 2026-11-24",
    "订单号 202611240001 昨天下的",
    "it costs 1,299.00 dollars for 12 pieces",
    "version 1.2.3 of the app",
    "4111111111111112 is no card number",
    "110105194912310021",
    "at 10:30:15 I called",
    "SKU GB82-WEST",
]


@pytest.mark.parametrize(("text", "kind"), PERSONAL)
def test_personal_data_is_found_and_masked(text, kind):
    assert [found.kind for found in find_personal(text)] == [kind]
    assert f"[{kind}]" in mask(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_personal_data_stays(text):
    assert mask(text) == text


def test_checksums_match_the_known_answers():
    """ISO/IEC 7812-1, ISO 13616 and GB 11643: the examples of their own texts."""
    assert luhn("4111111111111111")
    assert not luhn("4111111111111112")
    assert iban("GB82WEST12345698765432")
    assert chinese_id("11010519491231002X")
    assert not chinese_id("11010519491231003X")


def test_a_full_width_number_does_not_slip_through():
    assert mask("电话１３８１２３４５６７８") == "电话[phone]"
