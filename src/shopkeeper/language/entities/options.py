"""Sizes, colours and quantities: the usual ones, and the shop's own options."""

from __future__ import annotations

import functools
import re

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.entities.numbers import EN_NUMBERS, ZH_NUMBER, read_number
from shopkeeper.language.normalise import Normalised

# Colour words -> one English word, so that 黑色 finds the option "black".
COLOURS = {
    "black": "black 黑色 黑",
    "white": "white 白色 白",
    "red": "red 红色 大红",
    "blue": "blue 蓝色",
    "navy": "navy 藏青色 藏青 深蓝色 深蓝",
    "green": "green 绿色",
    "yellow": "yellow 黄色",
    "pink": "pink 粉色 粉红色 粉红",
    "purple": "purple 紫色",
    "grey": "grey gray 灰色",
    "brown": "brown 棕色 咖啡色 褐色",
    "orange": "橙色 橘色",
    "beige": "beige 米色 米白色 米白 杏色",
    "silver": "silver 银色",
    "gold": "gold golden 金色",
}
_COLOUR_OF = {word: name for name, words in COLOURS.items() for word in words.split()}
_LETTER_SIZES = "XXXS|XXS|XS|XXXXL|XXXL|XXL|XL|[2-6]XL|S|M|L"
_SIZE = re.compile(
    rf"(?<![A-Za-z0-9'’])(?:(?P<letter>{_LETTER_SIZES})(?=码|号|[^A-Za-z0-9'’]|$)"
    r"|(?P<number>\d{2}(?:\.5)?)(?=\s?(?:码|号(?!码)))"
    r"|size\s(?P<sized>\d{1,2}(?:\.5)?|[a-z]{1,4}\b)|(?P<han>[特加]?[大中小]码|均码)"
    r"|(?P<word>extra small|extra large|small|medium|large)\b)",
    re.I,
)
_WORD_SIZES = {
    "small": "S",
    "medium": "M",
    "large": "L",
    "extra small": "XS",
    "extra large": "XL",
    "小码": "S",
    "中码": "M",
    "大码": "L",
    "特大码": "XL",
    "加大码": "XL",
    "均码": "ONE SIZE",
}
_COUNT = re.compile(
    rf"(?P<number>\d{{1,3}}|{ZH_NUMBER})\s?(?:件|个(?!月|小时|工作日|字|星期)|双|条|瓶|盒|包|套|箱|支|台|把|份)"
    rf"|(?<![\w.,$€£¥#])(?P<en>\d{{1,3}}|{'|'.join(w for w in EN_NUMBERS if len(w) > 2)})\s?"
    r"(?:pcs|pieces?|units?|items?|pairs?|packs?|boxes|bottles?|x\b)",
    re.I,
)


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return sizes, colours and quantities; longer words first, so that 粉红色 is no 红色."""
    found = []
    for match in _SIZE.finditer(made.text):
        text = match.group()
        letter = match["letter"]
        # A small "s" or "m" alone is mostly a slip of a word; followed by 码 it is a size.
        if letter and letter.islower() and made.text[match.end() : match.end() + 1] not in "码号":
            continue
        core = next(g for g in match.groupdict().values() if g)
        value = _WORD_SIZES.get(core.lower(), core.upper())
        if match["sized"] and not re.fullmatch(rf"\d.*|{_LETTER_SIZES}", value):
            continue
        del text
        found.append(_entity("size", value, made, match))
    for match in _options(known.colours).finditer(made.text):
        word = match.group().lower()
        found.append(_entity("colour", _COLOUR_OF.get(word, word), made, match))
    if known.sizes:
        for match in _words(known.sizes).finditer(made.text):
            found.append(_entity("size", match.group().upper(), made, match))
    for match in _COUNT.finditer(made.text):
        value = read_number(match["number"] or match["en"])
        found.append(_entity("quantity", value, made, match))
    return found


def _entity(kind: str, value: str, made: Normalised, match: re.Match[str]) -> Entity:
    start, end = made.span(match.start(), match.end())
    return Entity(kind=kind, value=value, text=made.original[start:end], start=start, end=end)


def _options(own: tuple[str, ...]) -> re.Pattern[str]:
    return _words((*own, *_COLOUR_OF))


@functools.lru_cache(maxsize=64)
def _words(words: tuple[str, ...]) -> re.Pattern[str]:
    longest = sorted({word.lower() for word in words}, key=len, reverse=True)
    parts = [
        rf"(?<![A-Za-z]){re.escape(w)}(?![A-Za-z])" if w.isascii() else re.escape(w)
        for w in longest
    ]
    return re.compile("|".join(parts), re.I)
