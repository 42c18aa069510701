"""Alerts: card testing, new rings, drift, a sudden approval rate; newest first."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.console import formats
from shopkeeper.console.pages.customers import as_dict
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import fraud_reports
from shopkeeper.operate import fraud_desk

ROWS = 25


def index(view: View) -> Response:
    """Return the alerts."""
    return view.page("fraud/alerts.html", "fraud", tab="alerts", alerts=view.part(_alerts, view))


def seen(view: View, form: FormData) -> Response:
    """Note that somebody saw an alert."""
    assert view.session is not None
    fraud_desk.see_alert(view.console.shop, str(form.get("alert", "")), view.session.user)
    return view.go(view.url("fraud/alerts"))


def _alerts(view: View) -> dict[str, Any]:
    offset = view.offset("alerts")
    found = fraud_reports.alerts(view.console.shop.warehouse, offset, ROWS)
    return as_dict(leaf([_told(view, one) for one in found], "alerts", offset, ROWS))


def _told(view: View, alert: dict[str, Any]) -> dict[str, Any]:
    facts = json.loads((alert["properties"] or {}).get("facts") or "{}")
    currency = view.console.shop.settings.currency
    said = {
        "entity": view.word("entity", facts.get("entity")),
        "mark": facts.get("key", ""),
        "declines": facts.get("declines"),
        "cards": facts.get("cards"),
        "minutes": facts.get("minutes"),
        "amount": formats.money(facts.get("median_minor"), currency, view.language),
        "customers": facts.get("customers"),
        "new": facts.get("new_customers"),
        "psi": formats.number(facts.get("psi"), 2),
        "payments": formats.number(facts.get("payments")),
        "before": formats.percent(facts.get("before")),
        "now": formats.percent(facts.get("now")),
    }
    kind = alert["kind"] if alert["kind"] in _KNOWN else "other"
    return alert | {
        "title": view.word("fraud_alert", kind),
        "text": view.say(f"fraud_alert_says.{kind}", **said) if kind in _KNOWN else "",
        "members": facts.get("members", [])[:8],
    }


_KNOWN = ("card_testing", "new_ring", "drift", "approval_rate")
