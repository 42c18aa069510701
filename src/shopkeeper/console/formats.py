"""How numbers, money and times are written on a page, per language and currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from shopkeeper.base import clock

# ISO 4217 currencies whose minor unit is not a hundredth.
_WHOLE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD IQD JOD KWD LYD OMR TND"
_DIGITS = dict.fromkeys(_WHOLE.split(" "), 0) | dict.fromkeys(_THOUSANDTHS.split(" "), 3)
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "CNY": "CN¥", "JPY": "¥", "INR": "₹", "KRW": "₩"}
_SIGNS_ZH = _SIGNS | {"USD": "US$", "CNY": "¥", "JPY": "JP¥"}
NOTHING = "–"


def money(minor: Any, currency: str | None, language: str = "en") -> str:
    """Return minor units as a price: ``money(123456, "USD")`` is $1,234.56."""
    if minor is None:
        return NOTHING
    code = currency or "USD"
    digits = _DIGITS.get(code, 2)
    # Whole numbers all the way: a float loses cents above 2^53.
    whole, part = divmod(abs(int(minor)), 10**digits)
    sign = (_SIGNS_ZH if language == "zh" else _SIGNS).get(code, f"{code}\u00a0")
    amount = f"{whole:,}" + (f".{part:0{digits}d}" if digits else "")
    return f"{'−' if minor < 0 else ''}{sign}{amount}"


def number(value: Any, digits: int = 0) -> str:
    """Return a number with thousands apart, or a dash where there is none."""
    if value is None or value != value:
        return NOTHING
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−")


def percent(share: Any, digits: int = 1) -> str:
    """Return a share of 1 as per cent."""
    return NOTHING if share is None or share != share else f"{number(share * 100, digits)} %"


def moment(at_us: Any, form: str = "minute") -> str:
    """Return a time element: UTC for those without scripts, the browser's zone with them."""
    if at_us is None:
        return NOTHING
    stamp = clock.iso(int(at_us))
    shown = stamp[:10] if form == "day" else f"{stamp[:10]} {stamp[11:16]}"
    utc = f"{stamp[:19].replace('T', ' ')} UTC"
    return Markup(
        '<time datetime="{}" data-form="{}" title="{}">{}</time>'.format(
            *(escape(x) for x in (stamp, form, utc, shown))
        )
    )


def ago(seconds: Any, say: Mapping[str, str]) -> str:
    """Return a duration in its largest fitting unit, in the words of ``say``."""
    if seconds is None:
        return NOTHING
    seconds = max(0.0, float(seconds))
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return say[f"ago.{unit}"].format(n=int(seconds // size))
    return say["ago.seconds"].format(n=int(seconds))


def scale(currency: str | None) -> int:
    """Return how many minor units make one of a currency."""
    return 10 ** _DIGITS.get(currency or "USD", 2)
