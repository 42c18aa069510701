"""Words of a text (分词), its sentences and clauses, and the words that say nothing.

Chinese is cut by rjieba's dictionary, English at letters and digits. A negation (不 没 别 not
never n't) is never a stop word: without it 不好 and 好 would be equal.
"""

from __future__ import annotations

import functools
import itertools
import re

from shopkeeper.language.normalise import plain
from shopkeeper.language.words import read

_RUN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+|[a-z]+(?:'[a-z]+)?|\d+(?:\.\d+)?")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SENTENCE_END = re.compile(r"(?<=[。!?！？;；\n])|(?<=[.](?=\s))")
_CLAUSE_END = re.compile(
    r"[,，、;；。!！?？\n]+|(?<=\w)\.(?=\s|$)"
    r"|\b(?:and also|and then|and|also|plus|but)\b|另外|还有|顺便|然后|同时|以及"
)

NEGATIONS = frozenset(read("stop")["negations"])
_STOP_WORDS = frozenset([*read("stop")["zh"], *read("stop")["en"]]) - NEGATIONS


def tokenise(text: str) -> list[str]:
    """Return the words in order, lower case, without signs.

    >>> tokenise("这个耳机音质不好，I didn't like it")
    ['这个', '耳机', '音质', '不好', 'i', "didn't", 'like', 'it']
    """
    found: list[str] = []
    for run in _RUN.findall(plain(text).lower().replace("’", "'")):
        found += _cut(run) if _HAN.match(run) else [run]
    return found


def content_words(text: str) -> list[str]:
    """Return the words without stop words; negations stay.

    >>> content_words("我的快递没有到"), content_words("I do not want the shoes")
    (['快递', '没有'], ['not', 'want', 'shoes'])
    """
    return [word for word in tokenise(text) if word not in _STOP_WORDS]


def is_stop_word(word: str) -> bool:
    """Return whether a word says nothing on its own."""
    return word in _STOP_WORDS


def sentences(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each sentence, spaces around it left out.

    >>> [("到了。但是坏了！"[a:b]) for a, b in sentences("到了。但是坏了！")]
    ['到了。', '但是坏了！']
    """
    return _pieces(text, [m.end() for m in _SENTENCE_END.finditer(text)])


def clauses(text: str) -> list[tuple[int, int]]:
    """Return (start, end) of each clause: what may carry an intent of its own.

    >>> text = "我要退货，另外查一下快递"
    >>> [text[a:b] for a, b in clauses(text)]
    ['我要退货', '查一下快递']
    """
    found, start = [], 0
    for cut in _CLAUSE_END.finditer(text):
        found.append((start, cut.start()))
        start = cut.end()
    found.append((start, len(text)))
    return [_strip(text, a, b) for a, b in found if text[a:b].strip()]


def _pieces(text: str, cuts: list[int]) -> list[tuple[int, int]]:
    places = sorted({0, *cuts, len(text)})
    pairs = itertools.pairwise(places)
    return [_strip(text, a, b) for a, b in pairs if text[a:b].strip()]


def _strip(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    return start + len(piece) - len(piece.lstrip()), end - len(piece) + len(piece.rstrip())


def _cut(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    words: list[str] = _jieba().cut(run)
    return words


@functools.cache
def _jieba():  # type: ignore[no-untyped-def]
    # The dictionary takes 30 MB and a tenth of a second: only who cuts Chinese pays.
    import rjieba

    return rjieba
