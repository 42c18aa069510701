"""The outlook of a customer as decisions: the index card, its baseline, its reasons in words."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.learn.contracts import Capability, Choice, Reason, Trained
from shopkeeper.recommend.behaviour import state as live
from shopkeeper.recommend.behaviour.evaluate import evaluate
from shopkeeper.recommend.behaviour.model import HORIZONS, VALUE_DAYS, Behaviour, Outlook, Past
from shopkeeper.recommend.behaviour.orders import FEATURES

MIN_CUSTOMERS = 50
SENTENCES: dict[str, tuple[str, str]] = {
    "days_since_last": ("Last order {days} days ago", "上次下单在 {days} 天前"),
    "days_since_first": ("Customer for {days} days", "成为顾客 {days} 天"),
    "orders": ("{count} orders so far", "共下单 {count} 次"),
    "mean_gap_days": ("Orders about every {days} days", "大约每 {days} 天下单一次"),
    "gap_spread": ("How evenly the orders are spaced", "下单间隔是否均匀"),
    "last_gap_days": ("The last two orders were {days} days apart", "最近两次下单相隔 {days} 天"),
    "age_over_gap": (
        "{times} times her usual gap has passed",
        "距上次下单已过平常间隔的 {times} 倍",
    ),
    "orders_7": ("{count} orders in the last week", "最近一周下单 {count} 次"),
    "orders_28": ("{count} orders in the last 28 days", "最近 28 天下单 {count} 次"),
    "orders_91": ("{count} orders in the last 91 days", "最近 91 天下单 {count} 次"),
    "orders_182": ("{count} orders in the last half-year", "最近半年下单 {count} 次"),
    "spent": ("What was spent so far", "累计消费金额"),
    "mean_value": ("The usual value of an order", "平常的订单金额"),
    "last_value": ("The value of the last order", "上次的订单金额"),
    "spent_28": ("What was spent in the last 28 days", "最近 28 天的消费金额"),
    "spent_91": ("What was spent in the last 91 days", "最近 91 天的消费金额"),
    "weekday": ("The day of the week", "今天是星期几"),
    "year_day": ("The season", "季节"),
    "no_orders": ("No order so far", "还没有下过单"),
}


def sentence(reason: Reason, language: str = "en") -> str:
    """Return a reason in words.

    >>> sentence(Reason(code="orders", facts={"count": 3}))
    '3 orders so far'
    """
    return SENTENCES[reason.code][language == "zh"].format(**reason.facts)


def fallback(features: live.Features) -> Outlook:
    """Return the outlook of a customer who goes on at her average pace; needs no model."""
    known = features.known
    if not len(known.x):
        none = np.zeros(len(HORIZONS))
        return Outlook(horizons=HORIZONS, chance=none, days=none[:1], value=none[:1])
    pace = (known.x + 1) / np.maximum(known.t, 1)
    chance = -np.expm1(-pace * np.array(HORIZONS, dtype=float))
    return Outlook(
        horizons=HORIZONS,
        chance=chance,
        days=np.minimum(np.log(2) / pace, HORIZONS[-1]),
        value=known.mean_value * pace * VALUE_DAYS,
        value_days=float(VALUE_DAYS),
        alive=np.ones(1),
        adds=(("mean_gap_days", 0.0),) if known.x[0] else (("orders", 0.0),),
        ways={"purchase": "rate", "value": "rate"},
    )


def choose(request: live.Request, features: live.Features, seen: Outlook) -> Choice:
    """Return the outlook with its reasons; nothing is decided about the customer."""
    if not seen.ways:
        reasons: tuple[Reason, ...] = (Reason(code="no_orders"),)
        value: dict[str, Any] = {"customer_id": request.customer_id, "known": False}
    else:
        days = float(seen.days[0])
        reasons = tuple(_reason(features, name, share) for name, share in seen.adds)
        value = {
            "customer_id": request.customer_id,
            "known": True,
            "chances": [
                {"days": h, "chance": round(float(c), 4)}
                for h, c in zip(seen.horizons, seen.chance.tolist(), strict=True)
            ],
            "next_order_days": round(days, 1),
            "next_order_date": clock.iso(features.as_of_us + int(days * DAY_US))[:10],
            "churn_days": seen.horizons[-1],
            "churn_risk": round(1 - float(seen.chance[-1]), 4),
            "alive": round(float(seen.alive[0]), 4),
            "value_days": seen.value_days,
            "value_minor": round(float(seen.value[0])),
            "by": dict(seen.ways),
        }
    value["reasons"] = [
        {"code": r.code, "share": r.share, "text": sentence(r), "text_zh": sentence(r, "zh")}
        for r in reasons
    ]
    return Choice(subject=request.customer_id, value=value, reasons=reasons)


def explain(state: live.State, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reasons as recorded: what each fact adds to the log-odds of an order."""
    return {"reasons": decision["reasons"], "outlook": decision["value"]}


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the model of all orders, measured by a cut in time against its yardsticks."""
    orders = live.gather(warehouse)
    if orders.n_customers < MIN_CUSTOMERS:
        raise BadInput(
            f"Training behaviour needs {MIN_CUSTOMERS} customers with orders, but the shop has "
            f"{orders.n_customers}.",
            hint="Import orders with `shopkeeper import orders FILE`.",
        )
    started = time.perf_counter()
    report = evaluate(orders, seed=settings.random_seed)
    as_of_us = int(orders.at_us.max()) + 1
    past = Past(orders=orders, as_of_us=as_of_us, chosen=report["chosen"])
    model = Behaviour(settings.random_seed).fit(past)
    return Trained(
        model=model,
        report=report,
        data={
            "orders": len(orders.at_us),
            "customers": orders.n_customers,
            "until": clock.iso(as_of_us),
            "seconds": round(time.perf_counter() - started, 1),
        },
        self_test={"customer_id": orders.customer_ids[0]},
    )


def _reason(features: live.Features, name: str, share: float) -> Reason:
    value = float(features.known.features[0, FEATURES.index(name)])
    known = not np.isnan(value)
    facts: dict[str, Any] = {
        "days": round(value) if known else 0,
        "count": round(value) if known else 0,
        "times": round(value, 1) if known else 0,
    }
    code = name if known else "orders"
    if not known:
        facts["count"] = round(float(features.known.features[0, FEATURES.index("orders")]))
    return Reason(code=code, facts=facts, share=round(share, 4))


CAPABILITY = Capability(
    name="behaviour",
    parse=live.parse,
    rebuild=live.rebuild,
    features=live.features_at,
    fallback=fallback,
    choose=choose,
    train=train,
    explain=explain,
    models={"behaviour": Behaviour},
    gating={"log_loss": -1, "value_mae": -1},
    kinds=live.KINDS,
)
