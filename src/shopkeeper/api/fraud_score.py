"""POST /v1/fraud/score: the hot path from a payment to what should happen to it.

The body is the request that fraud/request.py describes. The answer is what a checkout acts on;
the whole Decision, with costs and features, is on the record under ``decision_id``. The scope is
a secret key's: a probability must never reach the shop page.
"""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.api.errors import JSON
from shopkeeper.api.recommendations import count, language, read_object
from shopkeeper.api.service import Service
from shopkeeper.base import clock
from shopkeeper.fraud.reasons import sentence
from shopkeeper.learn.contracts import Decision


async def score(request: Request, service: Service) -> Response:
    """Answer one payment, refund or account request; never by 503 while it can be judged at all.

    While the server warms up, or when scoring fails, the shop's configured default answers.
    """
    raw = read_object(await request.body())
    lang = language(request, request.query_params.get("lang"))
    decision = service.runtime.decide("fraud", raw)
    count(service, decision)
    return JSON(printed(decision, lang))


def printed(decision: Decision, lang: str) -> dict[str, Any]:
    """Return what a checkout gets of a decision about a payment."""
    value = decision.value
    return {
        "decision_id": decision.decision_id,
        "payment_id": value["payment_id"],
        "outcome": value["outcome"],
        "probability": value["probability"],
        "calibrated": value.get("calibrated", False),
        "rarity": value.get("rarity"),
        "rule": value.get("rule"),
        "reasons": [
            {"code": reason.code, "text": sentence(reason.code, reason.facts, lang)}
            for reason in decision.reasons
        ],
        "model": decision.model,
        "fallback": decision.fallback,
        "as_of": clock.iso(decision.as_of_us),
    }
