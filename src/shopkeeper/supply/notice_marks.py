"""What stands where in a supplier's message: purchase orders, items, days, amounts.

Places are of the normal text (language/normalise.py); notices.py turns them into places of the
message as it came.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass

from shopkeeper.language.entities import Known, dates
from shopkeeper.language.entities.numbers import EN_NUMBERS, ZH_NUMBER, read_number
from shopkeeper.language.normalise import Normalised
from shopkeeper.supply import notice_cues as cues
from shopkeeper.supply.schema import Context

ANY_DAY = datetime.date(2000, 1, 1)  # amounts do not depend on the day
_NAMED = re.compile(
    r"(?:\b(?:purchase order|p\.?o\.?|order)(?:\s?(?:no\.?|number|ref\.?))?\s?[#:]?\s?|"
    r"(?:采购订单|采购单|订单)(?:号|编号)?\s?[:#]?\s?)"
    r"(?P<id>[a-z]{0,4}-?\d[\da-z]*(?:-\d+)*)(?![\da-z])",
    re.I,
)
_SHAPED = re.compile(r"(?<![\w-])(?:PO|CG)-?\d[\d-]*\d?(?![\da-z])", re.I)
_NUMERIC = re.compile(r"(?<![\d/.-])(\d{1,2})([/.-])(\d{1,2})(?:\2(20\d\d|\d\d))?(?![\d/]|[.-]\d)")
_RANGES = (
    re.compile(
        r"(?<![\d-])(?P<a>\d{1,2})(?:st|nd|rd|th)?\s?(?:-|–|to|until|through)\s?"
        r"(?P<b>\d{1,2})(?:st|nd|rd|th)?\s(?P<m>[A-Z][a-z]{2,8})(?:,?\s(?P<y>20\d\d))?",
        re.I,
    ),
    re.compile(
        r"(?P<m>[A-Z][a-z]{2,8})\s(?P<a>\d{1,2})\s?(?:-|–|to|until|through)\s?"
        r"(?P<b>\d{1,2})(?:,?\s(?P<y>20\d\d))?(?![\d-])",
        re.I,
    ),
    re.compile(
        r"(?:(?P<y>20\d\d)年)?(?P<m>\d{1,2})月(?P<a>\d{1,2})[日号]?\s?(?:-|–|~|—|至|到)\s?"
        r"(?P<b>\d{1,2})[日号]"
    ),
)
_DASHED = re.compile(
    r"(?<![\d-])(?P<d>\d{1,2})[-. ](?P<m>[A-Z][a-z]{2,8})(?:[-. ](?P<y>20\d\d|\d\d))?(?![\w-])",
    re.I,
)
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH_NAMES = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "sept",
    "october",
    "november",
    "december",
]
_COUNT = rf"\d{{1,3}}|{ZH_NUMBER}|{'|'.join(sorted(EN_NUMBERS, key=len, reverse=True))}"
_LENGTH = re.compile(
    rf"(?<![\d.])(?<![a-z])(?P<n>{_COUNT}|半|个把)"
    r"(?:[\s-]|\sof\s|\s(?:more|extra|additional|full|whole|further)\s)?"
    r"(?:calendar\s)?(?P<work>business\s|working\s|work|个工作)?"
    r"(?P<unit>days?|weeks?|fortnight|months?|天|日(?!前)|周|个?星期|个?礼拜|个月(?![底初中末]))",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A value and where the normal text says it. ``certain``: it stands there letter by letter,
    or can be read in one way only; ``value`` None: it cannot be read without asking."""

    start: int
    end: int
    value: str | None
    certain: bool = True
    last: str | None = None  # of a stretch of days


def orders(text: str, context: Context) -> list[Mark]:
    """Return purchase orders: open ones (loosely written ones are not certain), then unknown.

    >>> from shopkeeper.supply.schema import OpenOrder
    >>> one = OpenOrder(purchase_order="PO-7", supplier_id="s", items=(), quantities=(),
    ...     ordered_day="2026-11-01", expected_day="2026-12-01")
    >>> [(m.value, m.certain) for m in orders("PO-7, po 7, PO-77", Context(open_orders=(one,)))]
    [('PO-7', True), ('PO-7', False), ('PO-77', False)]
    """
    found: list[Mark] = []
    known = sorted((o.purchase_order for o in context.open_orders), key=len, reverse=True)
    for name in known:
        loose = r"[\s_-]?".join(re.escape(p) for p in re.findall(r"[^\W\d_]+|\d+|[^\w-]", name))
        # A longer id that begins or ends like this one is another order.
        shape = re.compile(rf"(?<![\da-z])(?<![\da-z]-){loose}(?![\da-z])(?!-[\da-z])", re.I)
        for match in shape.finditer(text):
            _keep(found, match.start(), match.end(), name, match.group() == name)
    items = {item.lower() for order in context.open_orders for item in order.items}
    for shape in (_SHAPED, _NAMED):
        for match in shape.finditer(text):
            group = "id" if shape is _NAMED else 0
            name = match[group].upper()
            # "Order 5" counts something; PO-5 is a name.
            long = shape is _SHAPED or sum(letter.isdigit() for letter in name) >= 2
            if long and name.lower() not in items:
                _keep(found, match.start(group), match.end(group), name, False)
    return sorted(found, key=lambda mark: mark.start)


def items(text: str, context: Context) -> list[Mark]:
    """Return items of open orders, by sku or by title."""
    names = {}
    for order in context.open_orders:
        for place, item in enumerate(order.items):
            names[item] = item
            if place < len(order.titles) and order.titles[place]:
                names[order.titles[place]] = item
    found: list[Mark] = []
    for name in sorted(names, key=len, reverse=True):
        loose = r"\s?".join(re.escape(part) for part in name.split())
        # After a Chinese name a digit may follow at once: 白瓷杯8元.
        ends = r"s?(?![\da-z])(?!-\d)" if name[-1].isascii() else ""
        shape = re.compile(rf"(?<![\da-z])(?<![\da-z]-){loose}{ends}", re.I)
        for match in shape.finditer(text):
            _keep(found, match.start(), match.end(), names[name], True)
    for match, item in _by_half(text, context):
        _keep(found, match.start(), match.end(), item, False)
    return sorted(found, key=lambda mark: mark.start)


def _by_half(text: str, context: Context) -> Iterator[tuple[re.Match[str], str]]:
    """Yield places that say at least half of one title's words, and of no other title's."""
    words = {
        item: [word for word in order.titles[place].split() if word]
        for order in context.open_orders
        for place, item in enumerate(order.items)
        if place < len(order.titles)
    }
    for item, mine in words.items():
        others = {word for other, some in words.items() if other != item for word in some}
        if len(mine) < 2:
            continue
        for word in mine:
            if word in others or len(word) < 2 or word[0].isdigit():
                continue
            # Two of three words must stand together, one of two alone: "grey blankets", 藏青.
            rest = "|".join(re.escape(other) for other in mine if other != word)
            shape = (
                re.escape(word)
                if len(mine) == 2 and not word.isascii()
                else rf"(?<![a-z]){re.escape(word)}s?\s(?:{rest})s?(?![a-z])"
                rf"|(?<![a-z])(?:{rest})s?\s{re.escape(word)}s?(?![a-z])"
            )
            if 2 * (1 if len(mine) == 2 else 2) >= len(mine):
                yield from ((match, item) for match in re.finditer(shape, text, re.I))


def days(made: Normalised, context: Context) -> list[Mark]:
    """Return the days named. What can be read in two ways has no value: somebody must be asked."""
    today = datetime.date.fromisoformat(context.today)
    text = made.text
    found: list[Mark] = []
    for shape in _RANGES:
        for match in shape.finditer(text):
            ends = _range(match, today)
            if ends:
                first, last = ends
                found.append(Mark(start=match.start(), end=match.end(), value=first, last=last))
    for match in cues.VAGUE_DAY.finditer(text):
        _keep(found, match.start(), match.end(), None, False)
    for match in _DASHED.finditer(text):
        value = _dashed(match, today)
        if value is not None:
            _keep(found, match.start(), match.end(), value, True)
    for match in _NUMERIC.finditer(text):
        whole = match[4] is not None
        # Without a year only a slash makes it a day; 12.50 may be a price.
        if whole or (match[2] == "/" and not re.match(r"\s?[a-z%]", text[match.end() :], re.I)):
            value = _numeric(match, today, context.date_style)
            _keep(found, match.start(), match.end(), value, value is not None)
    places = {start: place for place, start in reversed(list(enumerate(made.starts)))}
    stops = {end: place + 1 for place, end in enumerate(made.ends)}
    for entity in dates.find(made, Known(today=today)):
        start, end = places.get(entity.start, 0), stops.get(entity.end, 0)
        vague = "last" in entity.facts
        value = _coming(entity.text, entity.value, today)
        _keep(found, start, end, None if vague else value, not vague)
    found.sort(key=lambda mark: mark.start)
    return [mark for mark in found if not _named_twice(mark, found, text)]


def lengths(text: str) -> list[Mark]:
    """Return stretches of time in days; working days have no value, for nobody knows whose.

    >>> [m.value for m in lengths("two weeks, 5 days, 三天, 5 working days")]
    ['14', '5', '3', None]
    """
    found: list[Mark] = []
    for match in cues.VAGUE_LENGTH.finditer(text):
        found.append(Mark(start=match.start(), end=match.end(), value=None, certain=False))
    for match in _LENGTH.finditer(text):
        unit = match["unit"].lower()
        per = 7 if unit[0] in "w周" or "星" in unit or "礼" in unit else 1
        per = 14 if unit == "fortnight" else 30 if unit[0] == "m" or "月" in unit else per
        half = match["n"] == "半"
        number = (
            per // 2
            if half
            else int(read_number("一" if match["n"] == "个把" else match["n"])) * per
        )
        value = None if match["work"] else str(number)
        # 12月5日 and 5 December have a count that is a day's name, not a length.
        named = unit == "日" and re.search(r"月$", text[: match.start()])
        if not named and not cues.USUAL.search(text[match.start() - 6 : match.end() + 14]):
            _keep(found, match.start(), match.end(), value, True)
    return sorted(found, key=lambda mark: mark.start)


def _keep(found: list[Mark], start: int, end: int, value: str | None, certain: bool) -> None:
    if all(end <= other.start or start >= other.end for other in found):
        found.append(Mark(start=start, end=end, value=value, certain=certain))


def _numeric(match: re.Match[str], today: datetime.date, style: str | None) -> str | None:
    """Return the one day that three numbers can mean, or None if they can mean more or none."""
    first, second, third = int(match[1]), int(match[3]), match[4]
    readings = {}
    if third is None:
        for name, (day, month) in {"dmy": (first, second), "mdy": (second, first)}.items():
            near = [(today.year + add, month, day) for add in (-1, 0, 1)]
            good = [made for made in map(_day, near) if made]
            if good:
                readings[name] = min(good, key=lambda one: abs((one - today).days))
    else:
        year = int(third) + (2000 if len(third) == 2 else 0)
        tried = {"dmy": (year, second, first), "mdy": (year, first, second)}
        if len(third) == 2:
            tried["ymd"] = (2000 + first, second, int(third))
        for name, parts in tried.items():
            made = _day(parts)
            if made and abs(made.year - today.year) <= 1:
                readings[name] = made
    if style in readings:
        return readings[style].isoformat()
    different = set(readings.values())
    return different.pop().isoformat() if len(different) == 1 and style is None else None


def _dashed(match: re.Match[str], today: datetime.date) -> str | None:
    word = match["m"].lower()
    at = _MONTHS.find(word[:3])
    if at < 0 or at % 3 or (len(word) > 3 and word not in _MONTH_NAMES):
        return None
    year = match["y"]
    years = (
        [int(year) + (2000 if len(year) == 2 else 0)]
        if year
        else [today.year + n for n in (-1, 0, 1)]
    )
    good = [d for d in (_day((y, at // 3 + 1, int(match["d"]))) for y in years) if d]
    return min(good, key=lambda one: abs((one - today).days)).isoformat() if good else None


def _day(parts: tuple[int, int, int]) -> datetime.date | None:
    try:
        return datetime.date(*parts)
    except ValueError:
        return None


def _named_twice(mark: Mark, found: list[Mark], text: str) -> bool:
    """Return whether a weekday only goes before its date: Thursday, 8 April."""
    beside = any(
        other is not mark and re.fullmatch(r",?\s?(?:the\s)?", text[mark.end : other.start])
        for other in found
        if mark.end <= other.start <= mark.end + 6
    )
    return beside and re.fullmatch(r"[a-z]{3,9}", text[mark.start : mark.end], re.I) is not None


def later(day: str, days: int) -> str:
    """Return the ISO day so many days after one.

    >>> later("2026-12-20", 6)
    '2026-12-26'
    """
    return (datetime.date.fromisoformat(day) + datetime.timedelta(days=days)).isoformat()


def _coming(text: str, value: str, today: datetime.date) -> str:
    """Return the day; of "8号" without a month the coming one."""
    day = datetime.date.fromisoformat(value)
    if re.fullmatch(r"\d{1,2}号", text) and day < today:
        later = _day((day.year + day.month // 12, day.month % 12 + 1, day.day))
        return later.isoformat() if later else value
    return value


def _range(match: re.Match[str], today: datetime.date) -> tuple[str, str] | None:
    word = match["m"].lower()
    if word.isdigit():
        month = int(word)
    elif _MONTHS.find(word[:3]) % 3 == 0:
        month = _MONTHS.index(word[:3]) // 3 + 1
    else:
        return None
    years = [int(match["y"])] if match["y"] else [today.year - 1, today.year, today.year + 1]
    made = [(_day((y, month, int(match["a"]))), _day((y, month, int(match["b"])))) for y in years]
    good = [(first, last) for first, last in made if first and last and first <= last]
    if not good:
        return None
    first, last = min(good, key=lambda pair: abs((pair[0] - today).days))
    return first.isoformat(), last.isoformat()
