"""Decimal money to whole minor units, exactly: 12.99 USD is 1299, 1299 JPY is 1299.

The exponent is ISO 4217's. What cannot be said in the currency's smallest unit is refused
rather than rounded; a binary float is read as the decimal that it prints as.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

# fmt: off
_ZERO = frozenset((
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW",
    "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF",
))
# fmt: on
_THREE = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_SIGNS = "$€£¥ \u00a0\u202f"
# Sums in binary floats end in 0.30000000000000004; that far from a whole unit is still it.
_FLOAT_SLACK = Decimal("1e-6")


def exponent(currency: str) -> int:
    """Return the decimals of a currency: 2 for most, 0 for JPY, 3 for KWD."""
    return 0 if currency in _ZERO else 3 if currency in _THREE else 2


def to_minor(value: str | int | float | Decimal, currency: str, *, decimal: str = ".") -> int:
    """Return an amount in the currency's smallest units; ValueError says what is wrong.

    ``decimal`` is the decimal sign of text. Negative amounts are returned as such.

    >>> to_minor("12.99", "USD"), to_minor("1,299", "JPY"), to_minor("1.5", "KWD")
    (1299, 1299, 1500)
    """
    amount = value if isinstance(value, Decimal) else _decimal(value, decimal)
    if not amount.is_finite():
        raise ValueError(f"{value} is no number")
    scaled = amount.scaleb(exponent(currency))
    whole = scaled.to_integral_value()
    slack = _FLOAT_SLACK if isinstance(value, float) else Decimal(0)
    if abs(scaled - whole) > slack:
        raise ValueError(f"{value} is finer than {currency}, which has {exponent(currency)} digits")
    return int(whole)


def to_whole(value: str | int | float | Decimal) -> int:
    """Return an amount that is in minor units already; a fraction is refused."""
    amount = value if isinstance(value, Decimal) else _decimal(value, ".")
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(f"{value} is no whole number of minor units")
    return int(amount)


def price_with_currency(text: str) -> tuple[int, str]:
    """Return minor units and currency of ``12.99 USD``, as product feeds write prices.

    >>> price_with_currency("12.99 USD")
    (1299, 'USD')
    """
    number, _, currency = text.strip().rpartition(" ")
    if not number and len(text) > 3:
        number, currency = text.strip()[:-3], text.strip()[-3:]
    if not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"{text!r} is no price such as 12.99 USD")
    return to_minor(number, currency), currency


def _decimal(value: str | int | float, decimal: str) -> Decimal:
    if isinstance(value, str):
        text = value.strip(_SIGNS)
        if decimal == ",":
            text = text.replace(".", "\0").replace(",", ".").replace("\0", ",")
        if _GROUPED.fullmatch(text):
            text = text.replace(",", "")
        value = text
    else:
        value = repr(value)
    try:
        # Decimal() also takes 1_000, which no shop writes and some typist means otherwise.
        return Decimal("_" if "_" in value else value)
    except InvalidOperation:
        raise ValueError(f"{value!r} is no amount") from None
