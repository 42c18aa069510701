"""Seeded payments with everything that windows must survive: ties, late events, late labels."""

from __future__ import annotations

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream

ENTITY_SIZES = {"customer": 300, "terminal": 60, "card": 350, "device": 200, "ip": 120}
START_US = 1_700_000_000_000_000


def payments(n: int, seed: int, *, days: float = 150.0) -> Rows:
    """Return n payments over some days, with declines, refunds and labels of any delay."""
    draw = np.random.default_rng(seed)
    at = np.sort(START_US + draw.integers(0, int(days * DAY_US), n) // 1_000_000 * 1_000_000)
    at[n // 2 : n // 2 + 5] = at[n // 2]  # several at one moment
    codes = {}
    for name, size in ENTITY_SIZES.items():
        code = np.minimum(draw.geometric(3 / size, n), size) - 1
        codes[name] = np.where(draw.random(n) < 0.05, -1, code)
    codes["customer"] = np.where(draw.random(n) < 0.02, -1, codes["customer"])
    bad = draw.random(n) < 0.03
    delay = draw.integers(0, 30 * DAY_US, n)
    beside = {}
    for stream, share in (("declines", 0.1), ("refunds", 0.05)):
        which = np.flatnonzero(draw.random(n) < share)
        beside[stream] = Stream(
            at_us=at[which],
            amount=draw.integers(0, 10_000, len(which)),
            codes={name: code[which] for name, code in codes.items()},
        )
    return Rows(
        payments=Stream(at_us=at, amount=draw.integers(0, 50_000, n), codes=codes),
        known_us=np.where(bad, at + delay, NEVER_US),
        **beside,
    )


def values_of(stream: Stream, row: int) -> dict[str, str]:
    return {name: str(code[row]) for name, code in stream.codes.items() if code[row] >= 0}


def steps(rows: Rows) -> list[tuple[int, int, int, str]]:
    """Return everything that happens as (moment, order, row, what), in the log's order."""
    found = [(int(at), 2, i, "payments") for i, at in enumerate(rows.payments.at_us.tolist())]
    known = rows.known_us
    found += [(int(known[i]), 1, int(i), "label") for i in np.flatnonzero(known != NEVER_US)]
    for name in ("declines", "refunds"):
        stream = rows.stream(name)
        if stream is not None:
            found += [(int(at), 0, i, name) for i, at in enumerate(stream.at_us.tolist())]
    return sorted(found)


def take(windows: Windows, rows: Rows, step: tuple[int, int, int, str]) -> None:
    """Apply one step to the live windows."""
    at_us, _, row, what = step
    if what == "label":
        windows.label(f"p{row}", at_us)
        return
    stream = rows.stream(what)
    amount, values = int(stream.amount[row]), values_of(stream, row)
    if what == "payments":
        windows.pay(f"p{row}", at_us, amount, values)
    else:
        windows.happened(what, at_us, amount, values)
