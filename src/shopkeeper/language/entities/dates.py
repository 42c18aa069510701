"""Days named in Chinese or English, absolute or relative: 昨天, 上周五, 11月3号, next Friday.

The value is the first day as YYYY-MM-DD; ``facts`` has ``last`` when a stretch is meant
(上周, last month). A weekday without "last" or "next" is the nearest in the direction that the
words beside it say, else the coming one.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections.abc import Callable

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.entities.numbers import EN_NUMBERS, ZH_NUMBER, read_number
from shopkeeper.language.normalise import Normalised

Days = tuple[datetime.date, datetime.date]
_ONE_DAY = datetime.timedelta(days=1)
_ZH_WEEKDAYS = {letter: place for place, letter in enumerate("一二三四五六")} | {"日": 6, "天": 6}
# Three letters each; calendar's own names follow the machine's locale.
_WEEKDAYS = "montuewedthufrisatsun"
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_ZH_DAYS = {"大前天": -3, "前天": -2, "昨天": -1, "昨日": -1, "昨晚": -1, "今天": 0, "今日": 0} | {
    "今晚": 0,
    "今早": 0,
    "明天": 1,
    "明日": 1,
    "后天": 2,
    "大后天": 3,
}
_EN_DAYS = {
    "the day before yesterday": -2,
    "day before yesterday": -2,
    "yesterday": -1,
    "today": 0,
    "tonight": 0,
    "tomorrow": 1,
    "the day after tomorrow": 2,
    "day after tomorrow": 2,
}
_DAY_NAME = r"(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_MONTH_NAME = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return the days named; a day that no calendar has (31/2) is not found."""
    found = []
    for shape, read in _SHAPES:
        for match in shape.finditer(made.text):
            days = _safely(read, match, known)
            if days is None:
                continue
            start, end = made.span(match.start(), match.end())
            facts = {} if days[0] == days[1] else {"last": days[1].isoformat()}
            found.append(
                Entity(
                    kind="date",
                    value=days[0].isoformat(),
                    text=made.original[start:end],
                    start=start,
                    end=end,
                    facts=facts,
                )
            )
    return found


def _safely(
    read: Callable[[re.Match[str], Known], Days | None], match: re.Match[str], known: Known
) -> Days | None:
    try:
        return read(match, known)
    except (ValueError, OverflowError):
        return None


def _shift(today: datetime.date, days: int) -> Days:
    day = today + days * _ONE_DAY
    return day, day


def _zh_day(match: re.Match[str], known: Known) -> Days:
    return _shift(known.today, _ZH_DAYS[match.group()])


def _en_day(match: re.Match[str], known: Known) -> Days:
    return _shift(known.today, _EN_DAYS[match.group().lower()])


def _week_of(today: datetime.date, weeks: int) -> Days:
    monday = today - today.weekday() * _ONE_DAY + 7 * weeks * _ONE_DAY
    return monday, monday + 6 * _ONE_DAY


def _zh_week(match: re.Match[str], known: Known) -> Days:
    which, day = match["which"], match["day"]
    weeks = {"上上": -2, "上": -1, "本": 0, "这": 0, "": 0, "下": 1, "下下": 2}[which]
    first, last = _week_of(known.today, weeks)
    if not day:
        return first, last
    return _shift(first, _ZH_WEEKDAYS[day])


def _en_week(match: re.Match[str], known: Known) -> Days:
    which = (match["which"] or "").lower()
    day = _WEEKDAYS.index(match["day"].lower()[:3]) // 3
    ahead = (day - known.today.weekday()) % 7
    if which == "last":
        return _shift(known.today, ahead - 7)
    if which == "next":
        # "Next Friday" is the Friday of next week; of a day already past this week it is the
        # coming one, which lies in next week as well.
        return _shift(_week_of(known.today, 1)[0], day)
    return _shift(known.today, ahead)


def _stretch(match: re.Match[str], known: Known) -> Days:
    which = match["which"].lower()
    sign = {"last": -1, "past": -1, "上": -1, "上个": -1, "next": 1, "下": 1, "下个": 1}.get(
        which, 0
    )
    if match["unit"].lower() == "week":
        return _week_of(known.today, sign)
    month = known.today.month - 1 + sign
    year, month = known.today.year + month // 12, month % 12 + 1
    last = calendar.monthrange(year, month)[1]
    return datetime.date(year, month, 1), datetime.date(year, month, last)


def _ago(match: re.Match[str], known: Known) -> Days:
    count = int(read_number(match["count"]))
    unit = match["unit"].lower().rstrip("s")
    days = count * (7 if unit in ("week", "周", "星期", "个星期", "礼拜", "个礼拜") else 1)
    if unit in ("month", "个月", "月"):
        days = count * 30
    back = "ago" in match.group().lower() or "前" in match.group()
    return _shift(known.today, -days if back else days)


def _iso(match: re.Match[str], known: Known) -> Days:
    return _one(int(match["y"]), int(match["m"]), int(match["d"]))


def _slashes(match: re.Match[str], known: Known) -> Days:
    first, second = int(match["a"]), int(match["b"])
    day_first = known.day_first if max(first, second) <= 12 else first > 12
    month, day = (second, first) if day_first else (first, second)
    year = int(match["y"])
    return _one(year + 2000 if year < 100 else year, month, day)


def _zh_date(match: re.Match[str], known: Known) -> Days:
    month, day = int(read_number(match["m"])), int(read_number(match["d"]))
    year = match["y"]
    return _one(int(year), month, day) if year else _nearest(known.today, month, day)


def _zh_day_of_month(match: re.Match[str], known: Known) -> Days:
    return _one(known.today.year, known.today.month, int(match["d"]))


def _en_date(match: re.Match[str], known: Known) -> Days:
    month = _MONTHS.index((match["mon"] or match["mon2"]).lower()[:3]) // 3 + 1
    day = int(match["d"] or match["d2"])
    year = match["y"] or match["y2"]
    return _one(int(year), month, day) if year else _nearest(known.today, month, day)


def _one(year: int, month: int, day: int) -> Days:
    made = datetime.date(year, month, day)
    return made, made


def _nearest(today: datetime.date, month: int, day: int) -> Days:
    """Return the day without a year that lies nearest to today: shops talk of weeks, not years."""
    near = []
    for year in (today.year - 1, today.year, today.year + 1):
        if day <= calendar.monthrange(year, month)[1]:
            near.append(datetime.date(year, month, day))
    if not near:
        raise ValueError(f"month {month} has no day {day}")
    best = min(near, key=lambda found: abs((found - today).days))
    return best, best


def _choices(words: dict[str, int]) -> str:
    return "|".join(sorted(words, key=len, reverse=True))


_EN_COUNT = "|".join(EN_NUMBERS)
_SHAPES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Known], Days | None]], ...] = (
    (re.compile(r"(?<!\d)(?P<y>20\d\d)[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?(?!\d)"), _iso),
    (re.compile(r"(?<![\d/])(?P<a>\d{1,2})/(?P<b>\d{1,2})/(?P<y>20\d\d|\d\d)(?![\d/])"), _slashes),
    (
        re.compile(
            rf"(?:(?P<y>20\d\d)年)?(?P<m>\d{{1,2}}|{ZH_NUMBER})月(?P<d>\d{{1,2}}|{ZH_NUMBER})[日号]"
        ),
        _zh_date,
    ),
    (
        re.compile(
            rf"\b{_MONTH_NAME.replace('(', '(?P<mon>', 1)}\.?\s(?P<d>\d{{1,2}})(?:st|nd|rd|th)?"
            rf"(?:,?\s(?P<y>20\d\d))?\b"
            rf"|\b(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?"
            rf"{_MONTH_NAME.replace('(', '(?P<mon2>', 1)}(?:,?\s(?P<y2>20\d\d))?\b",
            re.I,
        ),
        _en_date,
    ),
    (
        re.compile(
            rf"(?P<count>\d{{1,3}}|{ZH_NUMBER})\s?(?P<unit>天|周|个?星期|个?礼拜|个月)(?:之?前|以?后)"
        ),
        _ago,
    ),
    (
        re.compile(
            rf"\b(?P<count>\d{{1,3}}|{_EN_COUNT})\s(?P<unit>days?|weeks?|months?)\sago\b"
            rf"|\bin\s(?P<count_>\d{{1,3}}|{_EN_COUNT})\s(?P<unit_>days?|weeks?|months?)\b",
            re.I,
        ),
        lambda match, known: _ago_en(match, known),
    ),
    (
        re.compile(
            r"(?P<which>上上|下下|上|下|本|这|)(?:个)?(?:周|星期|礼拜)(?P<day>[一二三四五六日天])"
        ),
        _zh_week,
    ),
    (
        re.compile(r"(?P<which>上上|下下|上|下|本|这)(?:个)?(?:周|星期|礼拜)(?P<day>)(?!末)"),
        _zh_week,
    ),
    (
        re.compile(
            rf"\b(?:(?P<which>last|next|this|on)\s)?{_DAY_NAME.replace('(', '(?P<day>', 1)}\b", re.I
        ),
        _en_week,
    ),
    (re.compile(r"\b(?P<which>last|next|this|past)\s(?P<unit>week|month)\b", re.I), _stretch),
    (re.compile(r"(?P<which>上个?|下个?|这个|本)(?P<unit>月)(?!\d)"), _stretch),
    (re.compile(_choices(_ZH_DAYS)), _zh_day),
    (re.compile(rf"\b(?:{_choices(_EN_DAYS)})\b", re.I), _en_day),
    (re.compile(r"(?<![\d月.])(?P<d>\d{1,2})号(?!码|楼|店|线|电池)(?=[^\d]|$)"), _zh_day_of_month),
)


def _ago_en(match: re.Match[str], known: Known) -> Days:
    ahead = match["count_"] is not None
    count = int(read_number(match["count_"] if ahead else match["count"]))
    unit = (match["unit_"] if ahead else match["unit"]).lower().rstrip("s")
    days = count * {"day": 1, "week": 7, "month": 30}[unit]
    return _shift(known.today, days if ahead else -days)
