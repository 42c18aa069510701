"""Which language a text is in: Chinese or English, or no way to tell.

The share of Chinese characters decides, counted against Latin words, because one character says
about as much as one short word. Order numbers and model names say nothing of the language.
"""

from __future__ import annotations

import re

LANGUAGES = ("zh", "en")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,}(?:'[a-z]+)?(?![A-Za-z0-9])|\b[Ii]\b")


def detect_language(text: str, *, before: str | None = None) -> str:
    """Return ``zh`` or ``en``; ``before`` is the conversation's language and wins in doubt.

    >>> detect_language("我的 iPhone 15 Pro Max 到哪了")
    'zh'
    >>> detect_language("where is my 订单?"), detect_language("A1002", before="zh")
    ('en', 'zh')
    """
    han, words = len(_HAN.findall(text)), len(_WORD.findall(text))
    if han == 0 and words == 0:
        return before or "en"
    # A word in capitals may be a brand: one or two beside no Han is a code, not a language.
    if before and han == 0 and words <= 1:
        return before
    if before and words == 0 and han <= 1:
        return before
    return "zh" if han >= 1.5 * words or (han > 0 and words == 0) else "en"
