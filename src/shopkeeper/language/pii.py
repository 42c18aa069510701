"""What identifies a person in free text: found by shape and checksum, replaced by its name.

E-mail, phone, IBAN (mod 97), card number (Luhn), Chinese identity number (mod 11-2), IP
address. Always on before a text goes to a log, a model or another company's machine. Names and
addresses have no checksum and are not found here.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from shopkeeper.data.privacy import find_card_number, hide_card_numbers
from shopkeeper.language.normalise import Normalised, normalise


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One personal thing; the place is in the original text."""

    kind: str
    start: int
    end: int


# (kind, shape, check of the match). Order decides overlaps: the surer shape comes first.
_EDGE, _STOP = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"


def luhn(digits: str) -> bool:
    """Return whether the digits end in the check digit of card numbers (ISO/IEC 7812-1).

    >>> luhn("4111111111111111"), luhn("4111111111111112")
    (True, False)
    """
    total = 0
    for place, letter in enumerate(reversed(digits)):
        value = int(letter) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban(text: str) -> bool:
    """Return whether the text is an account number with a right checksum (ISO 13616).

    >>> iban("GB82 WEST 1234 5698 7654 32"), iban("GB82WEST12345698765433")
    (True, False)
    """
    code = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", code):
        return False
    number = "".join(str(int(letter, 36)) for letter in code[4:] + code[:4])
    return int(number) % 97 == 1


def chinese_id(text: str) -> bool:
    """Return whether the text is a Chinese identity number (GB 11643, ISO 7064 mod 11-2).

    >>> chinese_id("11010519491231002X"), chinese_id("110105194912310021")
    (True, False)
    """
    if not re.fullmatch(r"\d{17}[\dXx]", text):
        return False
    if not ("18" <= text[6:8] <= "20" and "01" <= text[10:12] <= "12"):
        return False
    total = sum(int(d) * (2 ** (17 - i) % 11) for i, d in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17].upper()


def _card(text: str) -> bool:
    digits = re.sub(r"\D", "", text)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and luhn(digits)


def _ip(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    # "::" and version numbers such as 1.2.3 are no addresses; 4 parts or 3 colons are.
    return text.count(".") == 3 or text.count(":") >= 3


def _phone(text: str) -> bool:
    return 7 <= len(re.sub(r"\D", "", text)) <= 15


def _always(text: str) -> bool:
    return bool(text)


_SHAPES: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    (
        "email",
        re.compile(
            r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}"
        ),
        _always,
    ),
    (
        "iban",
        re.compile(
            _EDGE + r"[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?" + _STOP
        ),
        iban,
    ),
    ("chinese_id", re.compile(_EDGE + r"\d{17}[\dXx]" + _STOP), chinese_id),
    # A Chinese mobile: 11 digits, 1 then 3 to 9, often in groups of 3 4 4, perhaps with +86.
    (
        "phone",
        re.compile(r"(?<![A-Za-z0-9_\-#])(?:\+?86[ \-]?)?1[3-9]\d[ \-]?\d{4}[ \-]?\d{4}" + _STOP),
        _always,
    ),
    ("card", re.compile(_EDGE + r"\d(?:[ \-]?\d){12,18}" + _STOP), _card),
    ("phone", re.compile(r"(?<![\w+])\+\d{1,3}(?:[ \-.]?\(?\d{1,4}\)?){2,5}" + _STOP), _phone),
    ("phone", re.compile(_EDGE + r"\(?\d{3}\)?[ \-.]\d{3}[ \-.]\d{4}" + _STOP), _phone),
    ("phone", re.compile(_EDGE + r"0\d{2,3}[ \-]\d{7,8}" + _STOP), _phone),
    ("phone", re.compile(_EDGE + r"400[ \-]\d{3,4}[ \-]\d{3,4}" + _STOP), _phone),
    ("ip", re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.]*\d)"), _ip),
    (
        "ip",
        re.compile(r"(?<![A-Za-z0-9:])(?:[0-9A-Fa-f]{0,4}:){3,7}[0-9A-Fa-f]{0,4}(?![A-Za-z0-9:])"),
        _ip,
    ),
)


def find_personal(text: str | Normalised) -> list[Found]:
    """Return the personal things in order of place, none overlapping.

    >>> [f.kind for f in find_personal("call 13812345678 or a@b.cn")]
    ['phone', 'email']
    """
    made = text if isinstance(text, Normalised) else normalise(text)
    taken: list[tuple[int, int, str]] = []
    for kind, start, end in _matches(made.text):
        if all(end <= a or start >= b for a, b, _ in taken):
            taken.append((start, end, kind))
    found = []
    for start, end, kind in sorted(taken):
        first, last = made.span(start, end)
        found.append(Found(kind=kind, start=first, end=last))
    return found


def mask(text: str) -> str:
    """Return the text with each personal thing replaced by its kind in brackets.

    >>> mask("我的手机是 138 1234 5678，卡号 4111 1111 1111 1111")
    '我的手机是 [phone]，卡号 [card]'
    """
    out, at = [], 0
    for found in find_personal(text):
        out += [text[at : found.start], f"[{found.kind}]"]
        at = found.end
    masked = "".join([*out, text[at:]])
    if find_card_number(masked, in_words=True):
        # Written in a way that only the log's own search sees, "4111_1111…".
        masked = hide_card_numbers(masked).replace("[card number]", "[card]")
    return masked


def _matches(text: str) -> Iterator[tuple[str, int, int]]:
    for kind, shape, holds in _SHAPES:
        for match in shape.finditer(text):
            if holds(match.group()):
                yield kind, match.start(), match.end()
