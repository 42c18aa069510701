"""Messages to judge the reader by: a seeded noisy corpus, the hand-written file, and F1 per field.

The generator's sentences are not those of the hand-written file; the file was fixed first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from shopkeeper.supply.schema import NOTICE_FIELDS, Context, NoticeEvent, OpenOrder

WRITTEN = Path(__file__).parent / "notices"
TODAY = date(2026, 11, 24)
FIELDS = ("kind", *NOTICE_FIELDS, "asked")
Shop = tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
_SHOP: Shop = (
    ("PO-7", ("mug", "cup"), ("Blue mug", "Espresso cup")),
    ("PO-4512", ("KT-100", "KT-200"), ("Kettle 1.7 L", "Kettle 1 L")),
    ("PO-2026-118", ("LAMP-02",), ("Desk lamp",)),
    ("CG20261101", ("TEA-01",), ("龙井茶 250克",)),
    ("4500012345", ("BOX-9",), ("Carton box",)),
    ("CG-88", ("CUP-W", "BOWL-3"), ("白瓷杯", "青花碗")),
)
SEALED_DAY = date(2027, 3, 10)
SEALED_SHOP: Shop = (
    ("PO-3107", ("JK-40", "JK-60"), ("Wool blanket grey", "Wool blanket green")),
    ("PO-3110", ("BTL-500",), ("Steel bottle 500 ml",)),
    ("P27-0415", ("BX-12",), ("Gift box",)),
    ("4500098812", ("AX-7710", "AX-7711"), ("Desk organiser", "Pen tray")),
    ("HT2027-033", ("FZ-018", "FZ-019"), ("真丝围巾 米色", "真丝围巾 藏青")),
    ("CG270301", ("BZ-500",), ("保温杯 500毫升",)),
    ("DD-20270218-02", ("XM-11", "XM-12"), ("实木砧板 大号", "实木砧板 小号")),
)


def context_of(shop: Shop, today: date) -> Context:
    """Return what the reader may look at on a day: these orders, open."""
    return Context(
        today=today.isoformat(),
        open_orders=tuple(
            OpenOrder(
                purchase_order=name,
                supplier_id="s",
                items=items,
                quantities=(500.0,) * len(items),
                ordered_day=(today - timedelta(days=23)).isoformat(),
                expected_day=(today + timedelta(days=7)).isoformat(),
                titles=titles,
            )
            for name, items, titles in shop
        ),
    )


CONTEXT = context_of(_SHOP, TODAY)


@dataclass(frozen=True)
class Example:
    """A message and the values it holds: one mapping of field to text per event."""

    text: str
    events: tuple[dict[str, str], ...]


def written(name: str) -> list[Example]:
    """Read a file of hand-written messages: one line each, or of many lines and closed by %%."""
    short = {"po": "purchase_order", "late": "days_late", "date": "new_date"}
    short |= {"qty": "quantity_confirmed", "short": "quantity_short", "price": "new_price"}
    short |= {"gone": "discontinued"}
    found = []
    whole = (WRITTEN / name).read_text("utf-8")
    end, mark = ("\n%%\n", "=> ") if "\n%%\n" in whole else ("\n\n", "> ")
    for block in whole.split(end):
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        at = next((n for n, line in enumerate(lines) if line.startswith(mark)), len(lines))
        text = "\n".join(lines[:at]).strip("\n")
        if not text:
            continue
        events = []
        for line in filter(None, lines[at:]):
            kind, *rest = line.removeprefix(mark).split()
            said = {"kind": kind}
            for word in rest:
                name, _, value = word.partition("=")
                if name in ("from", "to"):
                    said["holiday"] = (
                        said.get("holiday", "") + ("/" if name == "to" else "") + value
                    )
                elif name == "price":
                    said["new_price"] = f"{float(value):g}"
                elif name != "cur":
                    said["asked" if name == "ask" else short.get(name, name)] = value or "yes"
            events.append(said)
        found.append(Example(text=text, events=tuple(events)))
    return found


def said(event: NoticeEvent) -> dict[str, str]:
    """Return an event's values as the corpus writes them."""
    found = {"kind": event.kind}
    for name in NOTICE_FIELDS:
        value = getattr(event, name)
        if value is None or value is False:
            continue
        if name == "holiday":
            found[name] = "/".join(value)
        else:
            found[name] = (
                "1" if value is True else value if isinstance(value, str) else f"{value:g}"
            )
    return found | ({"asked": "yes"} if event.questions else {})


def f1(
    pairs: Iterable[tuple[tuple[dict[str, str], ...], list[dict[str, str]]]],
) -> dict[str, float]:
    """Return F1 by field over (true, read) messages; values are compared within a message.

    ``event`` counts whole events, all fields right; a field that nobody says is left out.
    """
    right: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for true, read in pairs:
        for name in (*FIELDS, "event"):
            have = Counter(str(sorted(e.items())) if name == "event" else e.get(name) for e in true)
            got = Counter(str(sorted(e.items())) if name == "event" else e.get(name) for e in read)
            have.pop(None, None)
            got.pop(None, None)
            both = (have & got).total()
            right[name] += 2 * both
            wrong[name] += have.total() + got.total() - 2 * both
    return {
        name: right[name] / (right[name] + wrong[name])
        for name in (*FIELDS, "event")
        if right[name] + wrong[name]
    }


_EN = {
    "days": (
        "{po} will be {n} days late.",
        "Shipment of {po} is delayed by {n} days owing to a machine fault.",
        "We need {n} more days for {po}.",
        "There is a {n}-day delay on order {po}.",
        "{po} has slipped {n} days, sorry.",
    ),
    "date": (
        "{po} is postponed to {day}.",
        "The new delivery date of {po} is {day}.",
        "{po} will ship on {day} instead of {old}.",
        "ETA for {po} changed from {old} to {day}.",
        "Please note that {po} arrives on {day}.",
    ),
    "unclear": ("{po} will arrive on {bad}.", "{po} delayed, new ETA {bad}."),
    "early": ("{po} will be ready {n} days early.", "{po} ships {n} days ahead of plan."),
    "short": ("{po}: {q} pcs of {item} are missing.", "{po} is short {q} units of {item}."),
    "ready": ("For {po} we can only ship {q} units of {item}.", "{po}: only {q} pcs of {item}."),
    "price": (
        "The price of {item} rises to USD {p}.",
        "{item} will cost ${p} each from now on.",
        "New unit price for {item}: USD {p}.",
    ),
    "gone": ("{item} is discontinued.", "{item} is end of life."),
    "holiday": ("We are closed from {first} to {last}.", "Holiday notice: {first} - {last}."),
    "confirmed": ("{po} ships as planned.", "{po} is on schedule.", "{po} will not be late."),
}
_ZH = {
    "days": (
        "{po}预计延迟{n}天。",
        "采购单{po}因停电延误{n}天。",
        "{po}要晚{n}天到货。",
        "{po}交期顺延{n}天。",
    ),
    "date": (
        "{po}交期改为{day}。",
        "{po}由{old}推迟到{day}。",
        "订单{po}预计{day}到货。",
        "{po}延期至{day}发货。",
    ),
    "unclear": ("{po}新交期为{bad}。", "{po}延期到{bad}。"),
    "early": ("{po}可提前{n}天交货。", "{po}提前{n}天完成。"),
    "short": ("{po}的{item}缺{q}个。", "{po}里{item}短缺{q}件。"),
    "ready": ("{po}的{item}只能发{q}个。", "{po}中{item}先发{q}件。"),
    "price": ("{item}单价上调至{p}元。", "{item}价格调整为{p}元。"),
    "gone": ("{item}已停产。", "{item}不再生产。"),
    "holiday": ("我厂{first}至{last}放假。", "放假通知:{first}到{last}。"),
    "confirmed": ("{po}按期发货。", "{po}准时交货。"),
}
_GREET = ("", "Dear all, ", "Hello Li,\n", "FYI: ", "您好，", "尊敬的客户：")
_END = (
    "",
    "\nBest regards,\nTom, export sales, tel +86 755 8888 1234",
    " Thanks!",
    "谢谢！",
    "敬请谅解。",
)


def made(count: int, rng: np.random.Generator) -> list[Example]:
    """Return messages of one or two sentences with greetings, odd spaces, widths and cases."""
    return [_message(rng) for _ in range(count)]


def _message(rng: np.random.Generator) -> Example:
    chinese = bool(rng.integers(2))
    kinds = [str(k) for k in rng.choice(list(_EN), size=1 + (rng.random() < 0.3), replace=False)]
    orders = rng.permutation(len(_SHOP))
    texts, events = [], []
    for kind, place in zip(kinds, orders, strict=False):
        text, event = _sentence(kind, _SHOP[place], chinese, rng)
        texts.append(text)
        events.append(event)
    if "confirmed" not in kinds and rng.random() < 0.1:
        texts.append("你们的图纸已收到。" if chinese else "We received your drawings.")
    lead = _GREET[int(rng.integers(4, 6) if chinese else rng.integers(4))]
    end = _END[int(rng.integers(3, 5) if chinese else rng.integers(3))]
    text = lead + (" " if not chinese else "").join(texts) + end
    return Example(text=noise(text, rng), events=tuple(events))


def _sentence(
    kind: str,
    order: tuple[str, tuple[str, ...], tuple[str, ...]],
    zh: bool,
    rng: np.random.Generator,
) -> tuple[str, dict[str, str]]:
    name, items, titles = order
    which = int(rng.integers(len(items)))
    day = TODAY + timedelta(days=int(rng.integers(5, 60)))
    first = TODAY + timedelta(days=int(rng.integers(5, 80)))
    last = first + timedelta(days=int(rng.integers(1, 14)))
    number, count = int(rng.integers(2, 25)), int(rng.integers(5, 400))
    price = f"{rng.integers(2, 90)}.{rng.integers(10, 99)}"
    known = kind == "confirmed" or rng.random() > 0.08
    shown = name if known else f"PO-{rng.integers(90000, 99999)}"
    style = int(rng.integers(3))
    templates = (_ZH if zh else _EN)[kind]
    text = templates[int(rng.integers(len(templates)))].format(
        po=shown,
        item=(items, titles)[int(rng.integers(2))][which],
        n=number,
        q=count,
        p=price,
        day=_write(day, style, zh),
        old=_write(TODAY + timedelta(days=2), style, zh),
        first=_write(first, style, zh),
        last=_write(last, style, zh),
        bad=("03/04/05", "4/5/2027", "07.08.2027", "1/2")[int(rng.integers(4 if not zh else 3))],
    )
    event = {"kind": _KIND.get(kind, kind)}
    if kind not in ("price", "gone", "holiday"):
        event["purchase_order"] = shown
        if not known or kind == "unclear":
            event["asked"] = "yes"
    if kind in ("short", "ready", "price", "gone"):
        event["item"] = items[which]
    value = {
        "days": ("days_late", str(number)),
        "early": ("days_late", str(-number)),
        "date": ("new_date", day.isoformat()),
        "short": ("quantity_short", str(count)),
        "ready": ("quantity_confirmed", str(count)),
        "price": ("new_price", f"{float(price):g}"),
        "gone": ("discontinued", "1"),
        "holiday": ("holiday", f"{first}/{last}"),
    }.get(kind)
    return text, event | ({value[0]: value[1]} if value else {})


_KIND = {"days": "delay", "date": "delay", "unclear": "delay", "short": "quantity"} | {
    "ready": "quantity",
    "gone": "discontinued",
}
_NAMES = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _write(day: date, style: int, zh: bool) -> str:
    if style == 0:
        return day.isoformat()
    if zh:
        return (
            f"{day.month}月{day.day}日" if style == 1 else f"{day.year}年{day.month}月{day.day}号"
        )
    month = _NAMES[day.month - 1]
    return f"{day.day} {month} {day.year}" if style == 1 else f"{month} {day.day}"


def noise(text: str, rng: np.random.Generator) -> str:
    """Spoil what a mail program spoils: double spaces, full-width digits, breaks, zero widths."""
    if rng.random() < 0.2:
        text = text.replace(" ", "  ")
    if rng.random() < 0.15:
        text = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)
    if rng.random() < 0.1:
        text = text.replace("延", "\u200b延").replace("delay", "\u200bdelay")
    if rng.random() < 0.1:
        text = text.translate(str.maketrans("采购单订缺发价调产们", "採購單訂缺發價調產們"))
    if rng.random() < 0.1:
        text = "> " + text.replace("\n", "\n> ")
    return text
