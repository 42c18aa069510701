"""Hold a wording to its facts: every number, date, amount, id and product name must stand in them.

Used on what a language model rewrites; the grammar's own sentences pass by construction, and a
test keeps it so. A wording that fails is thrown away and the grammar's is sent instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from shopkeeper.support.grammar import Sentence

_NUMBER = re.compile(r"\d[\d,.:/-]*\d|\d")
_ID = re.compile(r"#?\b(?=[\w-]*\d)[A-Za-z][\w-]{3,}\b")
_CJK = re.compile(r"[一-鿿]")
_WORD = re.compile(r"[A-Za-z]{2,}")
_ZH_NUMBERS = re.compile(
    r"[一二两三四五六七八九十百千万]+(?=\s*(?:天|日|个工作日|元|块|件|小时|折|%))"
)
_EN_NUMBERS = re.compile(
    r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|twenty|thirty|hundred|thousand)"
    r"\b(?=\s+(?:\w+\s+)?(?:days?|weeks?|hours?|dollars?|euros?|percent|items?|months?))",
    re.I,
)
_PROMISES = re.compile(
    r"\b(?:guarantee\w*|promise\w*|compensat\w+|free of charge|for free|no questions asked"
    r"|always|never|lifetime|100 ?%|immediately|right away|today|tomorrow"
    r"|discount|voucher|coupon|gift)\b"
    r"|保证|承诺|赔偿|赔付|免费|立即到账|马上到账|今天|明天|永久|终身|打折|优惠|赠送",
    re.I,
)
_MARKUP = re.compile(r"https?://|<[a-z/!]|\]\(|\b(?:system|assistant|tool)\s*:", re.I)


def faults(
    text: str, facts: Sequence[Sentence], language: str, names: Iterable[str] = ()
) -> list[str]:
    """Return what in a wording its facts do not bear; empty when it may be sent.

    ``facts`` are the grammar's sentences for the same acts, ``names`` products of the shop that
    must not appear unless the facts name them.

    >>> told = [Sentence(text="Order o1 is late.", source="order:o1", act="inform_late")]
    >>> faults("Your order o1 is late by 3 days.", told, "en")
    ['number 3']
    """
    told = "\n".join(one.text for one in facts)
    found = [f"number {one}" for one in _new(_numbers(text), _numbers(told))]
    found += [f"id {one}" for one in _new(_ids(text), _ids(told))]
    found += [f"number word {one}" for one in _new(_words(text), _words(told))]
    low, low_told = text.lower(), told.lower()
    found += [f"name {one}" for one in names if one.lower() in low and one.lower() not in low_told]
    found += [
        f"promise {match[0]}"
        for match in _PROMISES.finditer(text)
        if match[0].lower() not in low_told
    ]
    found += [f"markup {match[0]}" for match in _MARKUP.finditer(text) if match[0] not in told]
    if not in_language(text, language, told):
        found.append(f"language not {language}")
    missing = _new(_ids(told) | _amounts(told), _ids(text) | _amounts(text))
    return found + [f"missing {one}" for one in missing]


def in_language(text: str, language: str, told: str = "") -> bool:
    """Say whether a text is in the language: the share of Chinese characters to Latin words.

    Words of ``told``, such as product names, count for neither.

    >>> in_language("订单 W123 已送达", "zh"), in_language("Your order 订单", "zh")
    (True, False)
    """
    known = set(_WORD.findall(told)) if language == "zh" else set(_CJK.findall(told))
    chinese = sum(one not in known for one in _CJK.findall(text))
    latin = sum(one not in known for one in _WORD.findall(text))
    if chinese + latin < 3:
        return True
    return chinese >= 2 * latin if language == "zh" else chinese <= latin / 3


def _new(some: set[str], known: set[str]) -> list[str]:
    return sorted(some - known)


def _numbers(text: str) -> set[str]:
    return {one.strip(".,:;-/").replace(",", "") for one in _NUMBER.findall(text)}


def _amounts(text: str) -> set[str]:
    return {one for one in _numbers(text) if re.fullmatch(r"\d+\.\d\d|\d{5,}", one)}


def _ids(text: str) -> set[str]:
    return {one.lstrip("#").lower() for one in _ID.findall(text)}


def _words(text: str) -> set[str]:
    return set(_ZH_NUMBERS.findall(text)) | {w.lower() for w in _EN_NUMBERS.findall(text)}
