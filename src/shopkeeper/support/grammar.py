"""From acts to sentences, in English or Chinese: natural variants, one tone, nothing added.

The variant of a sentence is drawn from a hash of conversation, turn and act, so the same
conversation reads the same way again. Every fact of a sentence comes from its act.
"""

from __future__ import annotations

import functools
import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopkeeper.base import clock
from shopkeeper.support.acts import Act, Day, Money

FOLDER = Path(__file__).parent / "words"
LANGUAGES = ("en", "zh")
TONES = ("warm", "polite", "neutral")
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "¥", "JPY": "¥"}
_NO_CENTS = ("JPY", "KRW")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """A sentence of a reply, and where its facts stand."""

    text: str
    source: str
    act: str


@functools.cache
def words(language: str) -> Mapping[str, Any]:
    """Return what the assistant says in a language."""
    return tomllib.loads((FOLDER / f"{language}.toml").read_text("utf-8"))


def render(
    acts: Sequence[Act], language: str, *, seed: str, tone: str = "polite"
) -> list[Sentence]:
    """Return one sentence (or block) per act; ``seed`` names conversation and turn."""
    book = words(language)
    found = []
    for place, one in enumerate(acts):
        variants = book[one.kind]
        pick = hashlib.blake2b(f"{seed}|{place}|{one.kind}".encode(), digest_size=4).digest()
        template = variants[int.from_bytes(pick) % len(variants)]
        text = template.format_map(_facts(one, book, language, tone))
        found.append(
            Sentence(text=" ".join(text.split(" ")).strip(), source=one.source, act=one.kind)
        )
    return found


def money(amount: Money) -> str:
    """Return an amount as a shop writes it.

    >>> money(Money(minor=123456, currency="USD"))
    '$1,234.56'
    """
    symbol = _SYMBOLS.get(amount.currency, f"{amount.currency} ")
    if amount.currency in _NO_CENTS:
        return f"{symbol}{amount.minor:,}"
    sign = "-" if amount.minor < 0 else ""
    return f"{sign}{symbol}{abs(amount.minor) // 100:,}.{abs(amount.minor) % 100:02d}"


def day(at: Day, language: str) -> str:
    """Return a date in words of the language.

    >>> day(Day(at_us=0), "en")
    '1 January 1970'
    """
    moment = clock.from_us(at.at_us)
    if language == "zh":
        return f"{moment.year}年{moment.month}月{moment.day}日"
    return f"{moment.day} {moment:%B} {moment.year}"


class _Facts(dict[str, Any]):
    """Facts of a sentence; one that an act does not have is nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def _facts(one: Act, book: Mapping[str, Any], language: str, tone: str) -> _Facts:
    piece = book["piece"]
    made = _Facts(dear=piece["dear"] if tone == "warm" else "", sorry=piece["sorry"])
    for name, value in one.facts.items():
        made[name] = _plain(name, value, book, language)
    given = one.facts
    made["orders_list"] = (
        piece["and"].join(map(str, given.get("orders", ())))
        if one.kind == ("offer_cancel_all")
        else ""
    )
    for name, key in (("at", "on_day"), ("carrier", "with_carrier"), ("price", "for_price")):
        made[key] = piece[key].format(**{name: made[name]}) if given.get(name) else ""
    made["sent_to"] = (
        piece["sent_to"].format(address=given["address"]) if given.get("address") else ""
    )
    made["method_rule"] = book["method_rule"].get(given.get("why", ""), "")
    if one.kind == "inform_late" and language == "en" and made["why"]:
        made["why"] = made["why"].rstrip(".") + "."
    if one.kind == "inform_late" and language == "zh" and made["why"]:
        made["why"] = made["why"].rstrip("。.") + "。"
    if one.kind in ("confirm", "preview"):
        rows = [_entry(entry, book, language) for entry in given["entries"]]
        made["entries"] = "".join(f"\n• {_upper(row)}" for row in rows)
    if one.kind == "done":
        made["entry"] = _entry(given, book, language)
    made["orders_block"] = _orders(given.get("orders", ()), book, language)
    made["lines_block"] = _lines(given["lines"], language) if one.kind == "ask_item" else ""
    made["options_block"] = _options(given.get("options"), language)
    made["items_block"] = _items(given.get("items", ()), language)
    return made


def _plain(name: str, value: Any, book: Mapping[str, Any], language: str) -> str:
    piece = book["piece"]
    if isinstance(value, Money):
        return money(value)
    if isinstance(value, Day):
        return day(value, language)
    if value is None:
        return ""
    if name == "status":
        return str(book["status"].get(value, value))
    if name == "reasons":
        return str(piece["or"].join(book["reason"].get(one, one) for one in value))
    if name == "methods":
        return (
            str(piece["or"].join(_method(one, book) for one in value)) or book["method"]["original"]
        )
    if name in ("names", "what"):
        return str(piece["and"].join(value)) if isinstance(value, list) else str(value)
    if name == "options" and isinstance(value, Mapping):
        return _described(value)
    return "" if isinstance(value, list | dict) else str(value)


def _entry(entry: Mapping[str, Any], book: Mapping[str, Any], language: str) -> str:
    """Return one planned or done write in words."""
    piece = book["piece"]
    method = _method(entry.get("method") or {"kind": "original"}, book)
    amount = money(entry["amount"]) if "amount" in entry else ""
    lines = []
    for line in entry.get("lines", ()):
        old = _described(line["options"])
        if line["new_options"] is not None:
            fresh = _described(line["new_options"]) or line["new_name"]
            text = piece["arrow"].format(name=line["name"], old=old, new=fresh)
            text = text.replace(" ()", "").replace("（）", "")
        else:
            text = f"{line['name']} ({old})" if old and language == "en" else line["name"]
        lines.append(text)
    cost = piece["even"]
    if not entry.get("even", True):
        cost = piece["to_pay" if entry.get("to_pay") else "to_get"].format(
            amount=amount, method=method
        )
    template: str = book["entry"][entry["tool"]]
    return template.format(
        order=entry["order"],
        names=piece["and"].join(entry.get("names", ())),
        lines=piece["and"].join(lines),
        amount=amount,
        method=method,
        cost=cost,
        address=entry.get("address") or piece["new_address"],
        code=entry.get("code", ""),
    )


def _method(method: Mapping[str, str], book: Mapping[str, Any]) -> str:
    name = str(book["method"].get(method["kind"], method["kind"]))
    last = method.get("last_four", "")
    return f"{name} ({method['brand']} {last})".replace("( ", "(") if last else name


def _orders(orders: Sequence[Any], book: Mapping[str, Any], language: str) -> str:
    rows = []
    for number, one in enumerate(orders, 1):
        if not isinstance(one, Mapping):
            continue
        names = book["piece"]["and"].join(one["names"])
        when = f", {day(Day(at_us=one['placed_us']), language)}" if one.get("placed_us") else ""
        status = book["status"].get(one["status"], one["status"])
        rows.append(f"\n{number}. {one['order']}{when}: {names} – {money(one['total'])}, {status}")
    return "".join(rows)


def _lines(lines: Sequence[Mapping[str, Any]], language: str) -> str:
    rows = []
    for number, one in enumerate(lines, 1):
        described = _described(one["options"])
        about = f" ({described})" if described else ""
        rows.append(f"\n{number}. {one['name']}{about} – {money(one['price'])}, {one['order']}")
    return "".join(rows)


def _options(options: Any, language: str) -> str:
    if not isinstance(options, list):
        return ""
    return "".join(
        f"\n{number}. {_described(one['options']) or one['item_id']} – {money(one['price'])}"
        for number, one in enumerate(options, 1)
    )


def _items(items: Sequence[Mapping[str, Any]], language: str) -> str:
    rows = []
    for number, one in enumerate(items, 1):
        price = f" – {money(one['price'])}" if one.get("price") else ""
        why = one["why"].get("text_zh" if language == "zh" else "text", "")
        rows.append(f"\n{number}. {one['name']}{price}{f' ({why})' if why else ''}")
    return "".join(rows)


def _described(options: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in options.items())


def _upper(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
