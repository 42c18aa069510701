"""The aggregates of one entity kind as one straight function, for online.py.

A declaration says what to compute, and it never changes while a process runs. So it is written
out once as Python without loops or dispatch, and compiled: a search per distinct moment, each
within the one before, then one line per aggregate. The text holds numbers of the declaration and
nothing that anybody sent.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import sub
from typing import Any

from shopkeeper.fraud.aggregates import DEEPEST, Agg
from shopkeeper.fraud.series import Entity, Frauds, Series

NAN = float("nan")
# (entity, at_us, amount, values, out): write the aggregates as of a moment into their places.
Fill = Callable[[Entity, int, int, Mapping[str, str], list[float]], None]


def compiled(aggs: Sequence[Agg], row: Mapping[str, int]) -> Fill:
    """Return the function that fills the aggregates of one entity; ``row``: name -> place."""
    held: dict[str, Any] = {}
    rules: dict[str, Any] = {
        "bisect_right": bisect_right,
        "NAN": NAN,
        "largest": _largest,
        "different": _different,
        "fill_frauds": _fill_frauds,
    }
    frauds = [a for a in aggs if a.function.startswith("fraud")]
    rules["steps"] = [
        (
            a.function,
            row[a.name],
            a.delay_us + a.window_us,
            a.delay_us,
            int(a.include_current and not a.delay_us),
        )
        for a in frauds
    ]
    lines = ["def fill(one, at_us, amount, values, out):"]
    for stream in ("payments", "declines", "refunds"):
        mine = [a for a in aggs if a.stream == stream and a not in frauds]
        if mine:
            lines += [f"    {line}" for line in _stream(stream, mine, row)]
    if frauds:
        lines += ["    if one.frauds is None:"]
        for a in frauds:
            nothing = "0.0" if a.function in _ZERO_WITHOUT else "NAN"
            lines.append(f"        out[{row[a.name]}] = {nothing}")
        lines += ["    else:", "        fill_frauds(one, steps, at_us, out)"]
    exec(compile("\n".join(lines), "<aggregates>", "exec"), rules, held)
    made: Fill = held["fill"]
    return made


def _stream(stream: str, aggs: Sequence[Agg], row: Mapping[str, int]) -> Iterator[str]:
    """Yield the lines that fill the aggregates over one stream."""
    backs = sorted({b for a in aggs for b in (a.delay_us + a.window_us, a.delay_us) if b})
    name = {0: "n", **{back: f"w{place}" for place, back in enumerate(backs)}}
    yield f"series = one.{stream}"
    yield "at = () if series is None else series.at"
    yield "if at:"
    yield "    total, n = series.total, len(at)"
    yield "    if at[-1] > at_us:"
    yield "        n = bisect_right(at, at_us)"
    before = "n"
    for back in backs:
        yield f"    {name[back]} = bisect_right(at, at_us - {back}, 0, {before})"
        before = name[back]
    for agg in aggs:
        low, high = name[agg.delay_us + agg.window_us], name[agg.delay_us]
        yield f"    out[{row[agg.name]}] = {_some(agg, low, high, _current(agg))}"
    yield "else:"
    for agg in aggs:
        yield f"    out[{row[agg.name]}] = {_none(agg, _current(agg))}"


def _current(agg: Agg) -> int:
    return int(agg.include_current and not agg.delay_us and agg.stream == "payments")


def _some(agg: Agg, low: str, high: str, current: int) -> str:
    """Return the expression of one aggregate over things from place ``low`` to ``high``."""
    count = f"{high} - {low}" + (" + 1" if current else "")
    money = f"total[{high}] - total[{low}]" + (" + amount" if current else "")
    match agg.function:
        case "count":
            return count
        case "sum":
            return money
        case "mean":
            safe = "" if current else f" if {high} > {low} else NAN"
            return f"({money}) / ({count}){safe}"
        case "since_last":
            return f"(at_us - at[{high} - 1]) / 1e6 if {high} > {low} else NAN"
        case "age":
            return f"(at_us - at[{low}]) / 1e6 if {high} > {low} else 0.0"
        case "max":
            return f"largest(total, {low}, {high}, {'amount' if current else None})"
    now = f"values.get({agg.other!r})" if current else None
    return f"different(series.others[{agg.other!r}], {low}, {high}, {current}, {now})"


def _none(agg: Agg, current: int) -> str:
    """Return the same where nothing has happened yet."""
    if agg.stream != "payments":
        return "0.0"
    match agg.function:
        case "count":
            return f"{current}.0"
        case "sum" | "mean" | "max":
            nothing = "0.0" if agg.function == "sum" else "NAN"
            return "amount" if current else nothing
        case "since_last":
            return "NAN"
        case "age":
            return "0.0"
    return f"0.0 if values.get({agg.other!r}) is None else 1.0" if current else "0.0"


def _largest(total: Sequence[int], low: int, high: int, amount: int | None) -> float:
    """Return the largest of the last DEEPEST amounts between two places, NaN without any."""
    low = max(low, high + (amount is not None) - DEEPEST)
    if high <= low:
        return NAN if amount is None else amount
    found = max(map(sub, total[low + 1 : high + 1], total[low:high]))
    return found if amount is None else max(found, amount)


def _different(
    held: Sequence[str | None], low: int, high: int, current: int, now: str | None
) -> int:
    """Return how many different values the last DEEPEST things between two places have."""
    seen = set(held[max(low, high + current - DEEPEST) : high])
    seen.add(now)
    return len(seen) - (None in seen)


_ZERO_WITHOUT = ("fraud_count", "fraud_rate", "fraud_run")


def _fill_frauds(
    one: Entity, steps: Sequence[tuple[str, int, int, int, int]], at_us: int, out: list[float]
) -> None:
    """Fill the aggregates over the payments that were known to be fraud by a moment."""
    frauds, at = one.frauds, one.payments.at
    assert frauds is not None
    for function, row, back, delay, current in steps:
        high = bisect_right(frauds.at, at_us - delay)
        low = max(bisect_right(frauds.at, at_us - back, 0, high), high - DEEPEST)
        if high == low:
            out[row] = 0.0 if function in _ZERO_WITHOUT else NAN
        elif function == "fraud_count":
            out[row] = frauds.count_known(low, high, at_us)
        elif function == "fraud_rate":
            of = bisect_right(at, at_us - delay) - bisect_right(at, at_us - back) + current
            out[row] = frauds.count_known(low, high, at_us) / of if of else 0.0
        else:
            places = frauds.known_in(low, high, at_us)
            out[row] = _of_frauds(function, frauds, places, at, at_us, delay, current)


def _of_frauds(
    function: str,
    frauds: Frauds,
    places: Sequence[int],
    at: Sequence[int],
    at_us: int,
    delay: int,
    current: int,
) -> float:
    if not places:
        return 0.0 if function == "fraud_run" else NAN
    if function == "fraud_run":
        start = bisect_left(at, frauds.at[places[0]])
        return len(places) / (bisect_right(at, at_us - delay) + current - start)
    if function == "fraud_mean":
        return sum(frauds.amount[place] for place in places) / len(places)
    moment = frauds.at[places[0 if function == "fraud_first" else -1]]
    return (at_us - moment) / 1e6


class Plan:
    """One entity kind: its aggregates, what it counts of others, and somebody yet unseen."""

    __slots__ = ("empty", "fill", "others")

    def __init__(self, kind: str, aggs: Sequence[Agg], row: Mapping[str, int]) -> None:
        self.others = tuple(dict.fromkeys(a.other for a in aggs if a.other))
        self.empty = Entity(kind, "", ())
        self.empty.payments = Series(self.others)
        self.fill = compiled(aggs, row)
