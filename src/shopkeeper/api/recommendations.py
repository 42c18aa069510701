"""GET and POST /v1/recommendations: the hot path from a question to a ranked list.

Reads the question from the address or the body, lets the runtime decide, and prints the
decision for a shop page: items with title, price and a reason in the reader's language.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.api.auth import header
from shopkeeper.api.errors import JSON
from shopkeeper.api.service import Service
from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.learn.contracts import Decision

LANGUAGES = ("en", "zh")
_SINGLE = ("placement", "customer_id", "session_id", "category")
_NAMES = (*_SINGLE, "item_id", "exclude", "limit", "include_bought", "lang")
_MOST_WORDS = 400


async def recommendations(request: Request, service: Service) -> Response:
    """Answer a question asked in the address (GET) or as JSON (POST)."""
    pairs = _pairs(request)
    if request.scope["method"] == "POST":
        raw = read_object(await request.body())
    else:
        raw = question_of(pairs)
    service.need_ready("recommend")
    decision = service.runtime.decide("recommend", raw)
    count(service, decision)
    return JSON(printed(service, decision, language(request, dict(pairs).get("lang"))))


def count(service: Service, decision: Decision) -> None:
    """Count a decision in the metrics."""
    service.metrics.decision(
        decision.capability,
        decision.model,
        decision.latency_ms / 1000,
        fallback=decision.fallback,
    )


def printed(service: Service, decision: Decision, lang: str) -> dict[str, Any]:
    """Return what a shop page gets of a decision about products."""
    currency = service.settings.currency
    return {
        "decision_id": decision.decision_id,
        "items": [
            {
                "item_id": one["item_id"],
                "position": one["position"],
                "title": one["title"],
                "price_minor": one["price_minor"],
                "currency": one.get("currency") or currency,
                "score": one["score"],
                "reason": {
                    "code": one["reasons"][0]["code"],
                    "text": one["reasons"][0]["text_zh" if lang == "zh" else "text"],
                },
            }
            for one in decision.value["items"]
        ],
        "model": decision.model,
        "fallback": decision.fallback,
        "as_of": clock.iso(decision.as_of_us),
    }


def question_of(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Return the address's parameters as the request that the capability parses."""
    raw: dict[str, Any] = {}
    for name, value in pairs:
        if name not in _NAMES:
            raise BadInput(
                f"There is no parameter '{name[:60]}'.",
                hint="GET /docs shows what this route takes.",
                field=name[:60],
                value=value,
                allowed=", ".join(_NAMES),
            )
        if name == "item_id":
            raw.setdefault("items", []).append(value)
        elif name == "exclude":
            raw.setdefault("exclude", []).extend(value.split(","))
        elif name == "lang":
            continue
        elif name in raw:
            raise BadInput(f"{name} is given twice.", field=name, value=value, allowed="given once")
        elif name == "limit":
            raw[name] = _whole(name, value)
        elif name == "include_bought":
            raw[name] = _truth(name, value)
        else:
            raw[name] = value
    return raw


def read_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object or say what is wrong with the body."""
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise BadInput(
            f"The body is not valid JSON: {problem}.", hint="Send one JSON object.", field="body"
        ) from problem
    except RecursionError:
        raise BadInput(
            "The body is nested too deeply.", hint="Send one flat JSON object.", field="body"
        ) from None
    if not isinstance(raw, dict):
        raise BadInput(
            f"The body must be a JSON object, but is a {type(raw).__name__}.",
            field="body",
            value=raw,
            allowed="object",
        )
    return raw


def language(request: Request, asked: str | None) -> str:
    """Return the language of reasons: ``lang``, else the reader's first that we speak."""
    if asked is not None:
        if asked not in LANGUAGES:
            raise BadInput(
                f"lang must be one of {', '.join(LANGUAGES)}, but is '{asked[:20]}'.",
                field="lang",
                value=asked,
                allowed=", ".join(LANGUAGES),
            )
        return asked
    best, best_weight = "en", 0.0
    for part in header(request, b"accept-language")[:200].split(","):
        tag, _, weight_text = part.strip().partition(";q=")
        try:
            weight = float(weight_text or 1)
        except ValueError:
            continue
        tag = tag[:2].lower()
        if tag in LANGUAGES and weight > best_weight:
            best, best_weight = tag, weight
    return best


def _pairs(request: Request) -> list[tuple[str, str]]:
    query = request.scope["query_string"]
    if not query:
        return []
    try:
        return parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_WORDS,
        )
    except ValueError as problem:
        raise BadInput(
            "The address is not valid: parameters must be UTF-8, percent-encoded, "
            f"at most {_MOST_WORDS}.",
            hint="Encode parameters with your HTTP library.",
            field="query",
        ) from problem


def _whole(name: str, value: str) -> int:
    if value.isascii() and value.lstrip("-").isdigit() and len(value) < 10:
        return int(value)
    raise BadInput(
        f"{name} must be a whole number, but is '{value[:60]}'.",
        field=name,
        value=value,
        allowed="whole number",
    )


def _truth(name: str, value: str) -> bool:
    if value in ("true", "1", "false", "0"):
        return value in ("true", "1")
    raise BadInput(
        f"{name} must be true or false, but is '{value[:60]}'.",
        field=name,
        value=value,
        allowed="true, false",
    )
