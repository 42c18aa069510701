"""Fraud over HTTP beyond the score: the queue, cases, rules, lists, costs, alerts, evidence.

Who acts is the key: its name and id stand on every event, and a second person is another key.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from typing import Annotated, Any

from fastapi import Body, FastAPI, Path, Query, Request
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.asked import only, who
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data import fraud_reports
from shopkeeper.fraud.costs import from_dict
from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.rules import Rule
from shopkeeper.fraud.rules_row import FACTS, NAMES
from shopkeeper.operate import fraud_case, fraud_desk, fraud_performance

Id = Annotated[str, Path(min_length=1, max_length=128)]
Given = Annotated[dict[str, Any], Body()]
Limit = Annotated[int, Query(ge=1, le=500)]
_TAGS: dict[str, Any] = {"tags": ["fraud"]}
_RULE_FIELDS = ("expression", "outcome", "status", "priority", "why", "ends_us")


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of fraud on the app."""
    _cases(api, service)
    _rules(api, service)
    _lists(api, service)
    _known(api, service)


def _cases(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/fraud/queue", operation_id="fraud_queue", **_TAGS, **guarded_by("cases:read"))
    async def queue(limit: Limit = 50) -> Response:
        """Cases that wait for a person, in the order of work."""
        found = await in_thread(fraud_desk.queue, shop)
        return errors.JSON({"cases": found[:limit], "waiting": len(found)})

    @api.get(
        "/v1/fraud/cases/{decision_id}",
        operation_id="fraud_case",
        **_TAGS,
        **guarded_by("cases:read", "404"),
    )
    async def case(decision_id: Id) -> Response:
        """One case whole: why, normal, timeline, graph, similar. A payment_id will do too."""
        return errors.JSON(await in_thread(fraud_case.whole, shop, decision_id))

    @api.post(
        "/v1/fraud/cases/{decision_id}/decide",
        operation_id="fraud_decide_case",
        **_TAGS,
        **guarded_by("cases:write", "400", "404", "409"),
    )
    async def decide(decision_id: Id, request: Request, body: Given) -> Response:
        """Release or cancel a held order by a code; with ``ring`` all open cases of its ring."""
        given = only(body, ("code", "note", "ring"))
        work = partial(
            fraud_desk.decide_case,
            note=str(given.get("note") or "")[:2000],
            ring=given.get("ring") is True,
        )
        done = await in_thread(work, shop, decision_id, given.get("code"), who(request))
        return errors.JSON({"decided": done})

    @api.post(
        "/v1/fraud/cases/{decision_id}/lock",
        operation_id="fraud_lock_case",
        **_TAGS,
        **guarded_by("cases:write", "404", "409"),
    )
    async def lock(decision_id: Id, request: Request, body: Given) -> Response:
        """Take a case for half an hour, or with ``release`` give it back."""
        release = only(body, ("release",)).get("release") is True
        work = partial(fraud_desk.lock_case, release=release)
        await in_thread(work, shop, decision_id, who(request))
        return errors.JSON({"locked": not release})

    @api.post(
        "/v1/fraud/cases/{decision_id}/notes",
        operation_id="fraud_note_case",
        **_TAGS,
        **guarded_by("cases:write", "400", "404"),
    )
    async def note(decision_id: Id, request: Request, body: Given) -> Response:
        """Write a note on a case."""
        text = only(body, ("text",)).get("text")
        await in_thread(fraud_desk.note_case, shop, decision_id, text, who(request))
        return errors.JSON({"noted": True})


def _rules(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/fraud/rules", operation_id="fraud_rules", **_TAGS, **guarded_by("cases:read"))
    async def rules() -> Response:
        """Every rule as it stands, those that count first on top, and what a rule may name."""
        book = (await in_thread(fraud_desk.controls, shop)).book
        told = [fraud_desk.as_plain(rule) for rule in book.all()]
        says = {name: one.says for name, one in REGISTRY.items()}
        says |= {name: text for name, (_, text) in FACTS.items()}
        names = {name: {"type": kind, "says": says.get(name, "")} for name, kind in NAMES.items()}
        return errors.JSON({"rules": told, "broken": book.broken, "names": names})

    @api.put(
        "/v1/fraud/rules/{rule_id}",
        operation_id="fraud_put_rule",
        **_TAGS,
        **guarded_by("rules:admin", "400"),
    )
    async def put(rule_id: Id, request: Request, body: Given) -> Response:
        """Store a rule: draft, then shadow (back-tested as it is stored), then live; or off."""
        given = only(body, _RULE_FIELDS)
        if "expression" not in given or "outcome" not in given:
            raise BadInput(
                "A rule needs expression and outcome.", field="expression", allowed="an expression"
            )
        actor = who(request)
        rule = Rule(rule_id=rule_id, operator=actor, **given)
        stored, told = await in_thread(fraud_desk.put_rule, shop, rule, actor)
        return errors.JSON({"rule": fraud_desk.as_plain(stored), "back_test": told})

    @api.post(
        "/v1/fraud/back-tests",
        operation_id="fraud_back_test",
        **_TAGS,
        **guarded_by("cases:read", "400"),
    )
    async def test(body: Given) -> Response:
        """Back-test an expression on the decisions of the last days; stores nothing."""
        given = only(body, ("expression", "days"))
        work = partial(fraud_desk.back_test_rule, days=given.get("days", 30))
        return errors.JSON(await in_thread(work, shop, given.get("expression")))

    @api.get("/v1/fraud/costs", operation_id="fraud_costs", **_TAGS, **guarded_by("cases:read"))
    async def costs() -> Response:
        """The shop's own numbers by which outcomes are weighed."""
        return errors.JSON(asdict((await in_thread(fraud_desk.controls, shop)).costs))

    @api.put(
        "/v1/fraud/costs",
        operation_id="fraud_put_costs",
        **_TAGS,
        **guarded_by("rules:admin", "400"),
    )
    async def put_costs(request: Request, body: Given) -> Response:
        """Set the costs that are named; the others stay as they are."""
        held = asdict((await in_thread(fraud_desk.controls, shop)).costs)
        stored = await in_thread(fraud_desk.put_costs, shop, from_dict(held | body), who(request))
        return errors.JSON({one.name: getattr(stored, one.name) for one in fields(stored)})


def _lists(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/fraud/lists", operation_id="fraud_lists", **_TAGS, **guarded_by("cases:read"))
    async def lists() -> Response:
        """Block and allow entries as they stand; keys of persons show their beginning only."""
        found = (await in_thread(fraud_desk.controls, shop)).lists.all()
        return errors.JSON({"entries": [fraud_desk.as_plain(entry) for entry in found]})

    @api.post(
        "/v1/fraud/lists",
        operation_id="fraud_propose_entry",
        **_TAGS,
        **guarded_by("rules:admin", "400"),
    )
    async def propose(request: Request, body: Given) -> Response:
        """Put an identifier on a list: a block counts at once, an allow after a second person."""
        given = only(body, ("list", "kind", "value", "key", "days", "why"))
        entry = await in_thread(fraud_desk.propose_entry, shop, given, who(request))
        return errors.JSON(fraud_desk.as_plain(entry))

    def change(path: str, name: str, work: Callable[..., Any], says: str) -> None:
        @api.post(
            path,
            operation_id=name,
            summary=says,
            **_TAGS,
            **guarded_by("rules:admin", "404", "409"),
        )
        async def changed(request: Request, body: Given) -> Response:
            entry_id = str(only(body, ("entry_id",)).get("entry_id"))
            return errors.JSON(
                fraud_desk.as_plain(await in_thread(work, shop, entry_id, who(request)))
            )

    change(
        "/v1/fraud/lists/approve",
        "fraud_approve_entry",
        fraud_desk.approve_entry,
        "Make a proposed allow entry live; needs another key than the one that proposed it.",
    )
    change(
        "/v1/fraud/lists/end",
        "fraud_end_entry",
        fraud_desk.end_entry,
        "Take an entry off its list.",
    )


def _known(api: FastAPI, service: Service) -> None:
    shop = service.shop

    @api.get("/v1/fraud/alerts", operation_id="fraud_alerts", **_TAGS, **guarded_by("cases:read"))
    async def alerts(limit: Limit = 50) -> Response:
        """Alerts, newest first."""
        found = await in_thread(fraud_reports.alerts, shop.warehouse, 0, limit)
        return errors.JSON({"alerts": found[:limit]})

    @api.post(
        "/v1/fraud/alerts/{alert_id}/seen",
        operation_id="fraud_see_alert",
        **_TAGS,
        **guarded_by("cases:write", "404"),
    )
    async def seen(alert_id: Id, request: Request) -> Response:
        """Note that somebody saw an alert."""
        await in_thread(fraud_desk.see_alert, shop, alert_id, who(request))
        return errors.JSON({"seen": True})

    @api.get(
        "/v1/fraud/evidence/{payment_id}",
        operation_id="fraud_evidence",
        **_TAGS,
        **guarded_by("cases:read", "404"),
    )
    async def evidence(payment_id: Id) -> Response:
        """The evidence that contests the chargeback of a payment (Visa CE 3.0)."""
        return errors.JSON(await in_thread(fraud_desk.evidence_for, shop, payment_id))

    @api.get(
        "/v1/fraud/performance",
        operation_id="fraud_performance",
        **_TAGS,
        **guarded_by("cases:read", "400"),
    )
    async def performance(days: Annotated[int, Query(ge=1, le=365)] = 30) -> Response:
        """Approval rate, precision on matured labels, calibration, money saved, rules."""
        return errors.JSON(await in_thread(fraud_performance.report, shop, clock.now_us(), days))
