"""Orders, money, days, sizes … with the place where the customer wrote them."""

from __future__ import annotations

import datetime
import itertools

import pytest

from shopkeeper.language.entities import Known, recognise

# A Tuesday.
KNOWN = Known(today=datetime.date(2026, 11, 24))


def _values(text: str, kind: str, known: Known = KNOWN) -> list[str]:
    return [entity.value for entity in recognise(text, known) if entity.kind == kind]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("昨天买的", "2026-11-23"),
        ("前天下单", "2026-11-22"),
        ("大前天", "2026-11-21"),
        ("明天能到吗", "2026-11-25"),
        ("上周五买的", "2026-11-20"),
        ("下周三之前", "2026-12-02"),
        ("周日送", "2026-11-29"),
        ("星期一", "2026-11-23"),
        ("上個星期五", "2026-11-20"),
        ("三天前", "2026-11-21"),
        ("两周前", "2026-11-10"),
        ("11月3号", "2026-11-03"),
        ("十二月一日", "2026-12-01"),
        ("2026年10月1日", "2026-10-01"),
        ("I bought it yesterday", "2026-11-23"),
        ("the day before yesterday", "2026-11-22"),
        ("by next Friday", "2026-12-04"),
        ("last Friday", "2026-11-20"),
        ("on Friday", "2026-11-27"),
        ("3 days ago", "2026-11-21"),
        ("in two weeks", "2026-12-08"),
        ("Nov 3rd", "2026-11-03"),
        ("3 November 2025", "2025-11-03"),
        ("2026-10-31", "2026-10-31"),
        ("12/01/2026", "2026-12-01"),
        ("January 5", "2027-01-05"),
    ],
)
def test_days_are_read_as_people_mean_them(text, day):
    assert _values(text, "date") == [day]


def test_a_stretch_has_its_last_day():
    [week] = [e for e in recognise("上周买的", KNOWN) if e.kind == "date"]
    assert (week.value, week.facts["last"]) == ("2026-11-16", "2026-11-22")
    [month] = [e for e in recognise("last month", KNOWN) if e.kind == "date"]
    assert (month.value, month.facts["last"]) == ("2026-10-01", "2026-10-31")


def test_a_day_that_no_calendar_has_is_no_day():
    assert _values("2026-02-30", "date") == []


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("付了59.9元", "59.90 CNY"),
        ("59块9", "59.90 CNY"),
        ("五十块钱", "50.00 CNY"),
        ("¥1,299.00", "1299.00 CNY"),
        ("$20", "20.00 USD"),
        ("1,299.50 dollars", "1299.50 USD"),
        ("USD 45", "45.00 USD"),
        ("€9.99", "9.99 EUR"),
    ],
)
def test_money_has_an_amount_and_a_currency(text, amount):
    assert _values(text, "money") == [amount]


def test_order_numbers_follow_the_pattern_of_the_shop():
    assert _values("订单号A10023到哪了", "order") == ["A10023"]
    assert _values("my order #W2611340", "order") == ["W2611340"]
    assert _values("order sk-77", "order", Known(today=KNOWN.today, order_pattern=r"sk-\d+")) == [
        "SK-77"
    ]
    assert _values("my phone 13812345678", "order") == []
    assert _values("paid 199999 元", "order") == []


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("想换42码", "size", "42"),
        ("要XL的", "size", "XL"),
        ("I need a medium", "size", "M"),
        ("I'm fine", "size", None),
        ("换成黑色", "colour", "black"),
        ("粉红色好看", "colour", "pink"),
        ("a navy one", "colour", "navy"),
        ("three pairs of socks", "quantity", "3"),
        ("买两件", "quantity", "2"),
        ("两个月了", "quantity", None),
    ],
)
def test_options_and_quantities(text, kind, value):
    assert _values(text, kind) == ([] if value is None else [value])


def test_places_are_those_of_the_text_as_written():
    text = "訂單　Ａ１００２３，昨天"
    found = {entity.kind: entity for entity in recognise(text, KNOWN)}
    assert text[found["order"].start : found["order"].end] == "Ａ１００２３" == found["order"].text
    assert found["order"].value == "A10023"
    assert text[found["date"].start : found["date"].end] == "昨天"


def test_no_two_entities_share_a_character():
    found = recognise("退 A10023 的 59.9 元，电话13812345678，2026-11-20 买的 42码", KNOWN)
    ends = [(entity.start, entity.end) for entity in found]
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(ends))
    assert [entity.kind for entity in found] == ["order", "money", "phone", "date", "size"]
