"""Numbers written in Chinese or English words, as digits."""

from __future__ import annotations

import re

ZH_NUMBER = "[零〇一二两三四五六七八九十百千万]+"
_DIGITS = {letter: value for value, letter in enumerate("零一二三四五六七八九")} | {
    "两": 2,
    "〇": 0,
}
_UNITS = {"十": 10, "百": 100, "千": 1000}
EN_NUMBERS = {
    word: value
    for value, word in enumerate(
        [
            "zero",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ]
    )
} | {"a": 1, "an": 1, "couple": 2}


def read_number(text: str) -> str:
    """Return a number as digits; what is no number in words comes back as it is.

    >>> read_number("三百零五"), read_number("两万"), read_number("十二"), read_number("59.9")
    ('305', '20000', '12', '59.9')
    """
    if not re.fullmatch(ZH_NUMBER, text):
        return str(EN_NUMBERS.get(text.lower(), text))
    if all(letter in _DIGITS for letter in text):
        return "".join(str(_DIGITS[letter]) for letter in text)
    total = section = digit = 0
    for letter in text:
        if letter in _DIGITS:
            digit = _DIGITS[letter]
        elif letter in _UNITS:
            # 十二 has no digit before 十: one ten is meant.
            section += (digit or 1) * _UNITS[letter]
            digit = 0
        else:
            total += (section + digit) * 10_000
            section = digit = 0
    return str(total + section + digit)
