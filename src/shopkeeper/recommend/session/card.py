"""The chance that a visit buys, as decisions: index card, baseline, reasons in words."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.learn.contracts import Capability, Choice, Reason, Trained
from shopkeeper.recommend.session import evaluate as book
from shopkeeper.recommend.session import state as live
from shopkeeper.recommend.session.model import Foretold, Session
from shopkeeper.recommend.session.visit import FEATURES

SENTENCES: dict[str, tuple[str, str]] = {
    "events": ("{count} acts in this visit", "本次来访有 {count} 个动作"),
    "views": ("{count} product pages opened", "浏览商品页 {count} 次"),
    "items": ("{count} products looked at", "看过 {count} 件商品"),
    "views_again": ("{count} pages opened again", "重复浏览 {count} 次"),
    "carts": ("{count} products in the cart", "购物车中有 {count} 件商品"),
    "cart_value": ("What the cart is worth", "购物车金额"),
    "removed": ("{count} taken out of the cart", "从购物车移出 {count} 件"),
    "searches": ("{count} searches", "搜索 {count} 次"),
    "checkout": ("Checkout was begun", "是否已开始结账"),
    "minutes": ("{count} minutes so far", "已停留 {count} 分钟"),
    "price": ("The prices looked at", "所看商品的价格"),
    "hour_sin": ("The time of day", "一天中的时间"),
    "hour_cos": ("The time of day", "一天中的时间"),
    "weekend": ("The day of the week", "星期几"),
    "known": ("Whether the visitor is known", "访客是否已知"),
    "orders_before": ("{count} orders before", "此前下单 {count} 次"),
    "days_since_order": ("Last order {count} days ago", "上次下单在 {count} 天前"),
    "share": ("The usual share of visits that buy", "来访下单的平常比例"),
    "no_visit": ("No visit under way", "当前没有来访"),
}
_LOGS = ("orders_before",)


def sentence(reason: Reason, language: str = "en") -> str:
    """Return a reason in words.

    >>> sentence(Reason(code="carts", facts={"count": 2}))
    '2 products in the cart'
    """
    return SENTENCES[reason.code][language == "zh"].format(**reason.facts)


def fallback(features: live.Features) -> Foretold:
    """Return a plain guess that needs no model: a cart says more than a look."""
    if features.visit is None:
        return Foretold(chance=np.zeros(1))
    return Foretold(chance=np.asarray([0.3 if features.visit.cart else 0.03]), way="cart")


def choose(request: live.Request, features: live.Features, seen: Foretold) -> Choice:
    """Return the chance with its reasons; nothing is decided about the visitor."""
    visit = features.visit
    if visit is None:
        reasons: tuple[Reason, ...] = (Reason(code="no_visit"),)
        value: dict[str, Any] = {"visiting": False}
    else:
        reasons = tuple(_reason(features, name, share) for name, share in seen.adds)
        reasons = reasons or (Reason(code="carts", facts={"count": len(visit.cart)}),)
        if seen.way == "share":
            reasons = (Reason(code="share"),)
        value = {
            "visiting": True,
            "chance": round(float(seen.chance[0]), 4),
            "by": seen.way,
            "started_at": clock.iso(visit.started_us),
            "last_at": clock.iso(visit.last_us),
            "events": visit.events,
            "products": len(visit.seen),
            "cart": sorted(visit.cart),
        }
    value["reasons"] = [
        {"code": r.code, "share": r.share, "text": sentence(r), "text_zh": sentence(r, "zh")}
        for r in reasons
    ]
    return Choice(subject=features.subject, value=value, reasons=reasons)


def _reason(features: live.Features, name: str, share: float) -> Reason:
    value = float(features.facts[0, FEATURES.index(name)])
    if math.isnan(value):
        return Reason(code="known", share=round(share, 4))
    count = math.expm1(value) if name in _LOGS else value
    return Reason(code=name, facts={"count": round(count)}, share=round(share, 4))


def explain(state: live.State, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reasons as recorded: what each fact adds to the log-odds of an order."""
    return {"reasons": decision["reasons"], "visit": decision["value"]}


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the model of all visits on record, measured by a cut in time."""
    started = time.perf_counter()
    data = book.gather(warehouse, settings.random_seed)
    report = book.evaluate(data, seed=settings.random_seed)
    model = Session(settings.random_seed).fit(data)
    return Trained(
        model=model,
        report=report,
        data={
            "visits": len(np.unique(data.visit)),
            "beginnings": len(data.bought),
            "bought_share": round(float(data.bought.mean()), 4),
            "seconds": round(time.perf_counter() - started, 1),
        },
        self_test={"session_id": "self-test"},
    )


CAPABILITY = Capability(
    name="session",
    parse=live.parse,
    rebuild=live.rebuild,
    features=live.features_at,
    fallback=fallback,
    choose=choose,
    train=train,
    explain=explain,
    models={"session": Session},
    gating={"log_loss": -1},
    kinds=live.KINDS,
)
