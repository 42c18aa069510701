"""Why an order ships from where it does, what the other warehouses would cost, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.supply.state import LiveState

SENTENCES: dict[str, tuple[str, str]] = {
    "cheapest": (
        "{warehouse_id} ships all of it at the least cost",
        "由 {warehouse_id} 发货总成本最低",
    ),
    "only_complete": ("Only {warehouse_id} has all of it", "只有 {warehouse_id} 库存齐全"),
    "nearest": (
        "{warehouse_id} is the nearest that has it (no trained model)",
        "{warehouse_id} 是有货的最近仓库（尚无已训练模型）",
    ),
    "split_cheaper": ("Splitting it costs less than one parcel", "拆单比整单发货更便宜"),
    "split_needed": ("No warehouse has all of it", "没有一个仓库库存齐全"),
    "unreachable": ("No carrier goes so far", "没有承运商能送达"),
    "not_stocked": ("Nobody ever stocked {item_id}", "从未有仓库备过 {item_id}"),
    "sold_out": ("{item_id} is out of stock everywhere", "{item_id} 各仓均已无货"),
    "too_few": (
        "No warehouse has {quantity:g} of {item_id}",
        "没有仓库有 {quantity:g} 件 {item_id}",
    ),
    "waits_for_supplier": (
        "{item_id} comes with purchase order {purchase_orders}",
        "{item_id} 随采购单 {purchase_orders} 到货",
    ),
    "published": ("Route plan published", "配送计划已发布"),
    "replanned": ("Route plan made again in the middle of the day", "当日配送计划已中途重排"),
    "reallocated": (
        "Costs less than before by {saved_minor} cents",
        "比原方案节省 {saved_minor} 分",
    ),
    "moved_before_buying": (
        "{units} units move from {from} to {to} before any are bought",
        "采购之前，先从 {from} 调拨 {units} 件到 {to}",
    ),
    "stock_gone": (
        "Its units were not there any more; it ships otherwise",
        "原有库存已不在，改由其他方式发货",
    ),
    "notice_read": ("A supplier's message was read", "已读取供应商通知"),
}


def sentence(code: str, facts: Mapping[str, Any], language: str = "en") -> str:
    """Return a reason as one sentence; a code without words as itself.

    >>> sentence("only_complete", {"warehouse_id": "north"})
    'Only north has all of it'
    """
    words = SENTENCES.get(code)
    if words is None:
        return code
    plain = {
        name: ", ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in facts.items()
    }
    return words[1 if language == "zh" else 0].format(**plain)


def explain(state: LiveState, decision: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reasons in words, each warehouse's cost, and the answer on one of them."""
    value = decision["value"]
    told: dict[str, Any] = {
        "kind": value.get("kind"),
        "reasons": [
            {
                **reason,
                "text": sentence(reason["code"], reason["facts"]),
                "text_zh": sentence(reason["code"], reason["facts"], "zh"),
            }
            for reason in decision["reasons"]
        ],
    }
    if value.get("kind") != "allocation":
        return told
    told |= {
        "lines": value["lines"],
        "cost_minor": value["cost_minor"],
        "parts_minor": value["parts_minor"],
        "promise": value["promise"],
        "warehouses": _warehouses(value),
    }
    if asked := decision.get("asked_item"):
        told["why_not"] = _why_not(asked, value)
    return told


def _warehouses(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    used = {parcel["warehouse_id"] for parcel in value["parcels"]}
    return [
        {
            "warehouse_id": name,
            "chosen": name in used,
            "all_from_here_minor": cost,
            "dearer_minor": None if cost is None else cost - value["cost_minor"],
            "distance_km": value["distance_km"].get(name),
        }
        for name, cost in value["others_minor"].items()
    ]


def _why_not(asked: str, value: Mapping[str, Any]) -> dict[str, Any]:
    """Return why a warehouse does not ship it; ``asked`` is a warehouse or a product."""
    for line in value["lines"]:
        if line["item_id"] == asked:
            place = line["warehouse_id"]
            text = f"it ships from {place}" if place else "nobody has enough of it"
            return {"item_id": asked, "code": "ships" if place else "short", "text": text}
    if asked not in value["others_minor"]:
        return {"item_id": asked, "code": "unknown", "text": "no such warehouse was open"}
    if asked in {parcel["warehouse_id"] for parcel in value["parcels"]}:
        return {"item_id": asked, "code": "chosen", "text": "it ships from there"}
    cost = value["others_minor"][asked]
    if cost is None:
        return {"item_id": asked, "code": "incomplete", "text": "it does not have all of it"}
    more = cost - value["cost_minor"]
    text = f"it would cost {more} cents more" if more > 0 else "another is as cheap and nearer"
    return {"item_id": asked, "code": "dearer", "text": text, "dearer_minor": more}
