"""The merchandiser's page: rules with a live preview, and what the slates look like over time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.base.errors import BadInput, ShopError, StoreUnavailable
from shopkeeper.console import charts
from shopkeeper.console.area import Area
from shopkeeper.console.parts import Fault
from shopkeeper.console.view import View
from shopkeeper.data import listings, slate_reports
from shopkeeper.operate import merchandising
from shopkeeper.recommend.merchandise import ACTIONS, AMOUNTS, SEGMENTS, STATUSES
from shopkeeper.recommend.schema import PLACEMENTS

CUSTOMERS = 40
DAYS = 60
WHOLE = ("new_days", "min_cover_days", "min_margin_percent")
_BLANK: dict[str, Any] = {
    "rule_id": "",
    "status": "draft",
    "body": {},
    "starts_at": None,
    "ends_at": None,
}


def show(view: View, notice: str = "", fault: Fault | None = None) -> Response:
    """Return the page; ``?rule=`` opens one rule in the form."""
    return view.page(
        "merchandising.html",
        "merchandising",
        rules=view.part(_rules, view),
        form=view.part(_form, view),
        quality=view.part(_quality, view),
        choices={
            "actions": ACTIONS,
            "placements": PLACEMENTS,
            "segments": SEGMENTS,
            "statuses": STATUSES,
        },
        notice=notice,
        form_fault=fault,
    )


def _rules(view: View) -> list[dict[str, Any]]:
    """Return the rules as table rows: what they name in words, where and for whom."""
    rows = []
    for one in merchandising.standing(view.console.shop):
        body = one["body"]
        items = body.get("items", {})
        segment = body.get("segment")
        placements = body.get("placements", PLACEMENTS)
        rows.append(
            {
                **one,
                "action": body.get("action"),
                "amount": _amount(body),
                "note": body.get("note", ""),
                "products": items.get("item_ids", []),
                "what": _what(view, items),
                "placements": [] if len(placements) == len(PLACEMENTS) else placements,
                "segment": segment if isinstance(segment, str) else "",
                "customers": len(segment) if isinstance(segment, list) else 0,
            }
        )
    return rows


def _amount(body: Mapping[str, Any], default: float | None = None) -> Any:
    """Return the one number of a rule."""
    return body.get(AMOUNTS.get(body.get("action", ""), ""), default)


def _what(view: View, items: Mapping[str, Any]) -> str:
    parts = [items[name] for name in ("category", "brand") if name in items]
    low, high = (_major(items.get(name)) for name in ("min_price_minor", "max_price_minor"))
    if low or high:
        parts.append(f"{low} – {high} {view.console.shop.settings.currency}")
    if "new_days" in items:
        parts.append(view.say("merchandising.newer_than", days=items["new_days"]))
    if "min_cover_days" in items:
        parts.append(view.say("merchandising.lasts", days=items["min_cover_days"]))
    if "min_margin_percent" in items:
        parts.append(view.say("merchandising.earns", percent=items["min_margin_percent"]))
    return " · ".join(parts)


def _form(view: View) -> dict[str, Any]:
    wish = view.query("rule", 60)
    found = {one["rule_id"]: one for one in merchandising.standing(view.console.shop)}
    rule = found.get(wish, _BLANK)
    body = rule["body"]
    items = body.get("items", {})
    segment = body.get("segment")
    return {
        "rule_id": rule["rule_id"],
        "status": rule["status"],
        "action": body.get("action", "boost"),
        "amount": _amount(body, 1.5),
        "item_ids": ", ".join(items.get("item_ids", [])),
        "category": items.get("category", ""),
        "brand": items.get("brand", ""),
        "min_price": _major(items.get("min_price_minor")),
        "max_price": _major(items.get("max_price_minor")),
        **{name: items.get(name, "") for name in WHOLE},
        "placements": body.get("placements", list(PLACEMENTS)),
        "segment": segment if isinstance(segment, str) else "",
        "customers": ", ".join(segment) if isinstance(segment, list) else "",
        "starts_at": (rule["starts_at"] or "")[:10],
        "ends_at": (rule["ends_at"] or "")[:10],
        "note": body.get("note", ""),
        "currency": view.console.shop.settings.currency,
    }


def _quality(view: View) -> dict[str, Any] | None:
    rows = slate_reports.by_day(view.console.shop.warehouse, DAYS)
    if not rows:
        return None
    days = [str(row["dt"]) for row in rows]

    def line(*names: str) -> dict[str, Any]:
        series = {view.say(f"merchandising.{n}"): [row[n] for row in rows] for n in names}
        return charts.lines(days, series)

    return {
        "spread": line("coverage"),
        "variety": line("shelves"),
        "worth": line("clicked", "bought"),
        "kinds": line("repeat_share", "discovery_share"),
        "last": rows[-1],
    }


def preview(view: View, form: FormData) -> Response:
    """Return the part of the page that says what the form's rule would change."""
    try:
        rule = merchandising.checked("preview", "draft", body_of(form))
        runtime = view.console.runtime
        if runtime is None:
            raise StoreUnavailable(
                view.say("fault.no_runtime"), hint=view.say("fault.no_runtime_hint")
            )
        warehouse = view.console.shop.warehouse
        found = listings.customers(warehouse, 0, CUSTOMERS)[:CUSTOMERS]
        customers: list[str | None] = [one["customer_id"] for one in found]
        placement = rule.placements[0]
        items = _beside(view) if placement in ("product", "bought_together") else []
        seen = merchandising.preview(
            runtime, rule, customers or [None], placement=placement, items=items
        )
    except ShopError as problem:
        fault = Fault(message=problem.message, hint=problem.hint)
        return view.page("merchandising_preview.html", seen=None, fault=fault)
    named = {i for i, _ in (*seen.entering, *seen.leaving)}
    named |= {i for one in seen.examples for i in (*one.before, *one.after)}
    titles = {i: i for i in named} | listings.titles(warehouse, sorted(named))
    return view.page(
        "merchandising_preview.html", seen=seen, placement=placement, titles=titles, fault=None
    )


def _beside(view: View) -> list[str]:
    """Return the best-selling product, to stand on the page of a preview."""
    found = listings.products(view.console.shop.warehouse, 0, 1)
    return [found[0]["item_id"]] if found else []


def save(view: View, form: FormData) -> Response:
    """Save the form's rule; what is wrong is said above the form."""
    assert view.session is not None
    try:
        rule = merchandising.save(
            view.console.shop,
            str(form.get("rule_id", "")).strip(),
            str(form.get("status", "")),
            body_of(form),
            operator=view.session.user,
            starts_at=str(form.get("starts_at", "")),
            ends_at=str(form.get("ends_at", "")),
        )
    except BadInput as problem:
        return show(view, fault=Fault(message=problem.message, hint=problem.hint))
    log.info("merchandising.saved", rule=rule.rule_id, status=rule.status, action=rule.action)
    return show(view, notice=view.say("merchandising.saved", rule=rule.rule_id))


def body_of(form: Mapping[str, Any]) -> dict[str, Any]:
    """Return the rule that the form's fields say; a field left empty is not in it."""

    def words(name: str) -> list[str]:
        return [w for w in re.split(r"[,\s]+", str(form.get(name, "")).strip()) if w]

    def text(name: str) -> str:
        return str(form.get(name, "")).strip()

    items: dict[str, Any] = {}
    if ids := words("item_ids"):
        items["item_ids"] = ids
    items |= {name: text(name) for name in ("category", "brand") if text(name)}
    for name, field in (("min_price", "min_price_minor"), ("max_price", "max_price_minor")):
        if text(name):
            items[field] = round(100 * _number(name, text(name)))
    for name in WHOLE:
        if text(name):
            items[name] = int(_number(name, text(name)))
    action = text("action")
    body: dict[str, Any] = {"action": action, "items": items}
    amount = AMOUNTS.get(action)
    if amount and text("amount"):
        value = _number("amount", text("amount"))
        body[amount] = int(value) if amount == "position" else value
    get_all = getattr(form, "getlist", None)
    if get_all is not None and (placements := get_all("placements")):
        body["placements"] = placements
    if customers := words("customers"):
        body["segment"] = customers
    elif text("segment"):
        body["segment"] = text("segment")
    return body | ({"note": text("note")} if text("note") else {})


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadInput(
            f"{name} must be a number, but is '{text[:40]}'.",
            hint="Use digits and a point.",
            field=name,
            value=text,
            allowed="a number",
        ) from None


def _major(minor: int | None) -> str:
    return "" if minor is None else f"{minor / 100:g}"


AREA = Area(
    name="merchandising",
    pages=(("/merchandising", show),),
    forms=(("/merchandising/preview", preview), ("/merchandising/save", save)),
)
