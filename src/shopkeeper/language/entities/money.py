"""Amounts of money: ¥59.9, 59块9, 五十元, $1,299.00, 20 dollars. The value is "59.90 CNY"."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from shopkeeper.language.entities.kinds import Entity, Known
from shopkeeper.language.entities.numbers import ZH_NUMBER, read_number
from shopkeeper.language.normalise import Normalised

_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "US$": "USD", "HK$": "HKD", "NT$": "TWD"}
_CODES = ("USD", "EUR", "GBP", "CNY", "RMB", "HKD", "TWD", "JPY")
_WORDS = {
    "dollars": "USD",
    "dollar": "USD",
    "bucks": "USD",
    "euros": "EUR",
    "euro": "EUR",
    "pounds": "GBP",
    "yuan": "CNY",
    "rmb": "CNY",
    "美元": "USD",
    "美金": "USD",
    "欧元": "EUR",
    "英镑": "GBP",
    "港币": "HKD",
    "人民币": "CNY",
}
_AMOUNT = r"\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d+(?:\.\d{1,2})?"
_BEFORE = re.compile(
    rf"(?P<sign>US\$|HK\$|NT\$|[$€£¥])\s?(?P<amount>{_AMOUNT})"
    rf"|\b(?P<code>{'|'.join(_CODES)})\s?(?P<amount2>{_AMOUNT})",
    re.I,
)
_AFTER = re.compile(
    rf"(?P<amount>{_AMOUNT}|{ZH_NUMBER})\s?"
    rf"(?P<unit>{'|'.join(_WORDS)}|{'|'.join(_CODES)}|元|块钱|块)(?P<rest>\d(?!\d))?"
    rf"(?![a-z])",
    re.I,
)


def find(made: Normalised, known: Known) -> list[Entity]:
    """Return amounts with their currency; ``facts`` has ``amount_minor``."""
    found = []
    for match in _BEFORE.finditer(made.text):
        word = (match["sign"] or match["code"]).upper()
        amount = match["amount"] or match["amount2"]
        found.append(_entity(made, match.start(), match.end(), amount, _currency(word, known)))
    for match in _AFTER.finditer(made.text):
        word = match["unit"]
        amount = match["amount"]
        if match["rest"] and word in ("块", "元"):
            amount = f"{read_number(amount)}.{match['rest']}"
        found.append(_entity(made, match.start(), match.end(), amount, _currency(word, known)))
    return [entity for entity in found if entity is not None]


def _currency(word: str, known: Known) -> str:
    if word in ("元", "块", "块钱", "RMB", "rmb"):
        return "CNY"
    if word == "¥":
        return known.currency if known.currency in ("CNY", "JPY") else "CNY"
    return _SIGNS.get(word) or _WORDS.get(word.lower()) or word.upper()


def _entity(made: Normalised, first: int, last: int, written: str, currency: str) -> Entity | None:
    try:
        amount = Decimal(read_number(written.replace(",", "")))
    except InvalidOperation:
        return None
    start, end = made.span(first, last)
    return Entity(
        kind="money",
        value=f"{amount:.2f} {currency}",
        text=made.original[start:end],
        start=start,
        end=end,
        facts={"amount_minor": int(amount * 100), "currency": currency},
    )
