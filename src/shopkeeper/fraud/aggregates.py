"""Which aggregates the features hold: one declaration that both executors compile.

An aggregate looks at the payments (or declines, or refunds) that share an entity with the
request, in a window that ends ``delay_us`` before the request:

    occurred in (t - delay - window, t - delay],  earlier in the log's order (time, arrival)

so it counts exactly what a time-based rolling window counts. ``fraud_*`` functions look at the
payments of the window that were known to be fraud by t: a label counts from its own moment.

batch.py computes a declaration for all rows at once, online.py for one request; a test holds
both to the same numbers. This file only declares.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.schema import Feature

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
# Nothing looks further back than this: what is older is forgotten.
HORIZON_US = 128 * DAY_US
# max and distinct look at the last so many rows of their window, so a hot key costs no more.
DEEPEST = 256
STREAMS = ("payments", "declines", "refunds")
FUNCTIONS = {
    "count": "count",
    "sum": "money",
    "mean": "money",
    "max": "money",
    "distinct": "count",
    "since_last": "seconds",
    "age": "seconds",
    "fraud_count": "count",
    "fraud_rate": "rate",
    "fraud_mean": "money",
    "fraud_first": "seconds",
    "fraud_last": "seconds",
    "fraud_run": "rate",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Agg:
    """One aggregate. ``other`` is the entity whose values ``distinct`` counts."""

    name: str
    entity: str
    function: str
    window_us: int
    stream: str = "payments"
    other: str = ""
    include_current: bool = True
    delay_us: int = 0

    def __post_init__(self) -> None:
        if self.function not in FUNCTIONS or self.stream not in STREAMS:
            raise ValueError(f"{self.name}: no function {self.function} over {self.stream}")
        if self.window_us + self.delay_us > HORIZON_US:
            raise ValueError(f"{self.name} looks back beyond the horizon")


def span(window_us: int) -> str:
    """Return a window as people write it.

    >>> span(DAY_US), span(10 * MINUTE_US)
    ('1d', '10m')
    """
    for unit, name in ((DAY_US, "d"), (HOUR_US, "h"), (MINUTE_US, "m")):
        if window_us % unit == 0:
            return f"{window_us // unit}{name}"
    return f"{window_us // 1_000_000}s"


def declare(delay_us: int = 7 * DAY_US) -> tuple[Agg, ...]:
    """Return every aggregate; ``delay_us`` is how late labels are known in this shop."""
    found: list[Agg] = []

    def add(entity: str, function: str, window_us: int, **more: object) -> None:
        found.append(_named(entity, function, window_us, delay_us, more))

    for entity in ("customer", "card"):
        for window in (HOUR_US, DAY_US, 7 * DAY_US, 30 * DAY_US):
            add(entity, "count", window)
        for window in (DAY_US, 7 * DAY_US, 30 * DAY_US):
            add(entity, "mean", window)
        add(entity, "mean", 90 * DAY_US, include_current=False)
        add(entity, "max", 7 * DAY_US, include_current=False)
        add(entity, "max", 30 * DAY_US, include_current=False)
        add(entity, "since_last", 30 * DAY_US)
        add(entity, "age", 120 * DAY_US)
        add(entity, "count", HOUR_US, stream="declines")
        add(entity, "count", DAY_US, stream="declines")
        add(entity, "fraud_count", 90 * DAY_US)
        add(entity, "fraud_last", 90 * DAY_US)
    add("customer", "count", 30 * DAY_US, stream="refunds")
    add("customer", "sum", 90 * DAY_US, stream="refunds")
    add("customer", "distinct", 30 * DAY_US, other="terminal")
    add("customer", "distinct", 30 * DAY_US, other="card")
    add("card", "distinct", 30 * DAY_US, other="customer")
    for days in (1, 7, 14, 21, 28, 30):
        if days in (1, 7, 30):
            add("terminal", "count", days * DAY_US, matured=True)
            add("terminal", "fraud_count", days * DAY_US, matured=True)
        add("terminal", "fraud_rate", days * DAY_US, matured=True)
    add("terminal", "fraud_run", 33 * DAY_US, matured=True)
    add("terminal", "count", DAY_US)
    add("terminal", "mean", 7 * DAY_US)
    for function in ("fraud_first", "fraud_last", "fraud_mean"):
        add("terminal", function, 40 * DAY_US)
    for entity in ("device", "ip", "email", "phone", "address"):
        for window in (10 * MINUTE_US, HOUR_US, DAY_US, 7 * DAY_US):
            add(entity, "count", window)
        for window in (10 * MINUTE_US, HOUR_US, DAY_US):
            add(entity, "count", window, stream="declines")
        add(entity, "distinct", DAY_US, other="card")
        add(entity, "distinct", 7 * DAY_US, other="customer")
        add(entity, "age", 90 * DAY_US)
        add(entity, "fraud_count", 90 * DAY_US)
        add(entity, "fraud_rate", 90 * DAY_US, include_current=False)
    for entity in ("ip_net", "email_domain", "item"):
        add(entity, "count", HOUR_US)
        add(entity, "count", DAY_US)
        add(entity, "count", HOUR_US, stream="declines")
        add(entity, "fraud_count", 30 * DAY_US)
        add(entity, "fraud_rate", 30 * DAY_US, matured=True)
    add("ip_net", "distinct", DAY_US, other="card")
    # Of an issuer's cards: numbers made up from one BIN are tried from ever new addresses.
    add("card_bin", "count", HOUR_US)
    add("card_bin", "count", HOUR_US, stream="declines")
    add("card_bin", "count", DAY_US, stream="declines")
    return tuple(found)


def _named(
    entity: str, function: str, window_us: int, delay_us: int, more: dict[str, object]
) -> Agg:
    stream = str(more.get("stream", "payments"))
    middle = {"payments": function, "declines": "declines", "refunds": "refunds"}[stream]
    other = f"_{more['other']}s" if more.get("other") else ""
    late = "_matured" if more.pop("matured", False) else ""
    if late:
        more["delay_us"] = delay_us
    name = f"{entity}_{middle}{other}{late}_{span(window_us)}"
    return Agg(name=name, entity=entity, function=function, window_us=window_us, **more)  # type: ignore[arg-type]


# ratio feature -> (numerator, denominator, what it says); both are features of the same request.
RATIOS: dict[str, tuple[str, str, str]] = {
    "amount_to_mean_7d": ("amount_minor", "customer_mean_7d", "amount over the usual of 7 days"),
    "amount_to_mean_30d": ("amount_minor", "customer_mean_30d", "amount over the usual of 30 days"),
    "amount_to_mean_90d": (
        "amount_minor",
        "customer_mean_90d",
        "amount over the usual of 90 days before",
    ),
    "amount_to_max_30d": ("amount_minor", "customer_max_30d", "amount over the most in 30 days"),
    "max_7d_to_mean_90d": (
        "customer_max_7d",
        "customer_mean_90d",
        "the week's most over the usual of 90 days before",
    ),
    "mean_1d_to_30d": ("customer_mean_1d", "customer_mean_30d", "today's mean over the usual"),
    "mean_7d_to_30d": ("customer_mean_7d", "customer_mean_30d", "this week's mean over the usual"),
    "count_1d_to_30d": ("customer_count_1d", "customer_count_30d", "today's share of the month"),
    "card_amount_to_mean_30d": ("amount_minor", "card_mean_30d", "amount over the card's usual"),
}

_GROUP_OF = {
    "customer": "customer",
    "card": "card",
    "card_bin": "card",
    "device": "device",
    "ip": "network",
    "ip_net": "network",
    "email": "contact",
    "email_domain": "contact",
    "phone": "contact",
    "address": "contact",
    "terminal": "place",
    "item": "place",
}
_SAYS = {
    "count": "{stream} of this {entity} in {window}",
    "sum": "money of {stream} of this {entity} in {window}",
    "mean": "mean amount of this {entity} in {window}",
    "max": "largest amount of this {entity} in {window}",
    "distinct": "different {other}s with this {entity} in {window}",
    "since_last": "seconds since the last payment of this {entity}",
    "age": "seconds since this {entity} was first seen, within {window}",
    "fraud_count": "known frauds with this {entity} in {window}",
    "fraud_rate": "known share of fraud with this {entity} in {window}",
    "fraud_mean": "mean amount of known frauds with this {entity} in {window}",
    "fraud_run": "known share of fraud with this {entity} since its first one in {window}",
    "fraud_first": "seconds since the first known fraud with this {entity} in {window}",
    "fraud_last": "seconds since the last known fraud with this {entity} in {window}",
}


def feature_of(agg: Agg) -> Feature:
    """Return what an aggregate means to a reader."""
    says = _SAYS[agg.function].format(
        stream=agg.stream, entity=agg.entity, other=agg.other, window=span(agg.window_us)
    )
    if agg.delay_us:
        says += f", ending {span(agg.delay_us)} ago"
    return Feature(
        name=agg.name,
        kind=FUNCTIONS[agg.function],
        group=_GROUP_OF[agg.entity],
        says=says,
        entity=agg.entity,
        window_us=agg.window_us,
    )
