"""The queue and one case: what to look at next, why, and the buttons that decide it."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import clock
from shopkeeper.base.errors import NotFound
from shopkeeper.console import charts, formats, speech
from shopkeeper.console.pages.customers import as_dict
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import fraud_reports
from shopkeeper.fraud.cases import CODES
from shopkeeper.fraud.reasons import sentence
from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.says import says
from shopkeeper.operate import fraud_case, fraud_desk

ROWS = 25


def index(view: View, notice: str = "") -> Response:
    """Return the queue in the order of work."""
    return view.page(
        "fraud/queue.html",
        "fraud",
        tab="queue",
        desk=view.part(_desk, view),
        queue=view.part(_queue, view),
        currency=view.console.shop.settings.currency,
        notice=notice,
    )


def show(view: View, decision_id: str, notice: str = "") -> Response:
    """Return one case's page, or 404."""
    try:
        whole = fraud_case.whole(view.console.shop, decision_id)
    except NotFound:
        text = view.say("fraud.no_case", id=decision_id)
        return view.problem(404, "problem.not_found", text, view.say("problem.id_hint"))
    case = whole["case"]
    user = view.session.user if view.session else ""
    return view.page(
        "fraud/case.html",
        "fraud",
        tab="queue",
        case=case,
        user=user,
        why=view.part(_why, view, whole["why"], case["currency"]),
        values=view.part(_told, view, whole["values"], case["currency"]),
        timeline=view.part(list, whole["timeline"]),
        graph=view.part(_graph, view, whole["graph"]),
        similar=view.part(list, whole["similar"]),
        codes=_codes(),
        notice=notice,
    )


def evidence(view: View, payment_id: str) -> Response:
    """Return the evidence pack of a payment as a file to download."""
    pack = fraud_desk.evidence_for(view.console.shop, payment_id)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in payment_id)[:80]
    return Response(
        json.dumps(pack, ensure_ascii=False, indent=2) + "\n",
        media_type="application/json",
        headers={"content-disposition": f'attachment; filename="evidence-{name}.json"'},
    )


def decide(view: View, form: FormData) -> Response:
    """Decide a case by a code and go on to the queue, or to its next case that is free."""
    done = fraud_desk.decide_case(
        view.console.shop,
        str(form.get("case", "")),
        form.get("code"),
        _user(view),
        note=str(form.get("note", ""))[:2000],
        ring=form.get("ring") == "yes",
    )
    notice = view.say_n("fraud.decided_n", len(done))
    if form.get("next") == "yes":
        mine = (None, _user(view))
        waiting = [c for c in fraud_desk.queue(view.console.shop) if c["locked"] in mine]
        if waiting:
            return show(view, waiting[0]["decision_id"], notice=notice)
    return index(view, notice=notice)


def lock(view: View, form: FormData) -> Response:
    """Take a case for half an hour, or give it back."""
    case = str(form.get("case", ""))
    fraud_desk.lock_case(view.console.shop, case, _user(view), release=form.get("back") == "yes")
    return view.go(view.url("fraud/cases", case))


def note(view: View, form: FormData) -> Response:
    """Write a note on a case."""
    case = str(form.get("case", ""))
    fraud_desk.note_case(view.console.shop, case, str(form.get("text", "")), _user(view))
    return view.go(view.url("fraud/cases", case))


def _user(view: View) -> str:
    assert view.session is not None
    return view.session.user


def _desk(view: View) -> dict[str, Any]:
    return fraud_reports.desk_counts(view.console.shop.warehouse, clock.now_us())


def _queue(view: View) -> dict[str, Any]:
    offset = view.offset("queue")
    found = fraud_desk.queue(view.console.shop)
    rows = found[offset : offset + ROWS + 1]
    for row in rows:
        row["late"] = max(0, clock.now_us() - row["due_us"]) / 1e6
        row["left"] = max(0, row["due_us"] - clock.now_us()) / 1e6
    return as_dict(leaf(rows, "queue", offset, ROWS))


def _why(view: View, reasons: list[dict[str, Any]], currency: str | None) -> list[dict[str, Any]]:
    return [
        one
        | {
            "text": sentence(one["code"], one["facts"], view.language),
            "feature": (name := one["facts"].get("feature")),
            "says": _says(view, name) if name else "",
            "shown": _shown(view, name, one["facts"].get("value"), currency),
        }
        for one in reasons
    ]


def _graph(view: View, found: dict[str, Any]) -> dict[str, Any] | None:
    if len(found["nodes"]) < 2:
        return None
    kinds = sorted({node["kind"] for node in found["nodes"]}, key=lambda k: (k != "customer", k))
    names = {kind: view.word("entity", kind) for kind in kinds}
    nodes = [
        node
        if node["kind"] == "customer"
        else {**node, "label": f"{names[node['kind']]} {node['id'].partition(':')[2][:6]}"}
        for node in found["nodes"]
    ]
    return {
        "chart": charts.graph(nodes, found["edges"], names),
        "nodes": len(found["nodes"]),
        "edges": len(found["edges"]),
        "customers": sum(node["kind"] == "customer" for node in found["nodes"]),
    }


def _codes() -> list[dict[str, str]]:
    return [{"code": code, "order": order} for code, (order, _) in CODES.items()]


def _told(view: View, values: list[dict[str, Any]], currency: str | None) -> list[dict[str, Any]]:
    """Return feature values with what they mean in the reader's language, in units of people."""
    return [
        {
            **one,
            "says": _says(view, one["name"]),
            "shown": _shown(view, one["name"], one["value"], currency),
            "usually": _shown(view, one["name"], one["usual"], currency) or "–",
        }
        for one in values
    ]


def _says(view: View, name: str) -> str:
    """Return what a feature means; its value is shown as hours or days, whatever it counts in."""
    told = says(name, view.language)
    if name in REGISTRY and REGISTRY[name].kind == "seconds":
        told = told.replace("seconds ", "time ", 1).replace("秒数", "时间")
    return told


def _shown(view: View, name: str | None, value: Any, currency: str | None) -> str:
    """Return a feature's value as money, time, per cent or a number; empty when unknown."""
    if value is None or isinstance(value, bool | str) or name not in REGISTRY:
        return "" if value is None else str(value)
    kind = REGISTRY[name].kind
    if kind == "money":
        return formats.money(round(value), currency, view.language)
    if kind == "seconds":
        return formats.ago(value, speech.words(view.language))
    if kind == "rate":
        return formats.percent(value)
    if kind == "flag":
        return view.say("fraud.yes") if value else view.say("fraud.no")
    return formats.number(value, 0 if float(value).is_integer() else 2)
