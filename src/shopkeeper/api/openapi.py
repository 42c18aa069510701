"""OpenAPI 3.1 of the whole server: FastAPI's own routes plus the hot ones, written here by hand.

The hot routes bypass FastAPI, so nothing can derive their description; a test compares this
file with the router. The event schema comes from data/events.py and cannot drift.
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from shopkeeper import __version__
from shopkeeper.data.events import KINDS, Event
from shopkeeper.fraud.rules import OUTCOMES
from shopkeeper.fraud.schema import KINDS as FRAUD_KINDS
from shopkeeper.recommend.schema import PLACEMENTS

ERROR_REF = {"$ref": "#/components/schemas/ErrorBody"}
ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Stable; errors.md lists them."},
                "message": {"type": "string"},
                "hint": {"type": "string"},
                "field": {"type": "string"},
                "value": {},
                "allowed": {"type": "string"},
            },
        }
    },
}
ERRORS = {
    "400": "The request is malformed.",
    "401": "No key, or one unknown, expired or revoked.",
    "403": "The key lacks the scope.",
    "404": "There is nothing of that name; the body says what.",
    "409": "Its state forbids the change; the body says why.",
    "413": "The body is above max_body_bytes.",
    "429": "Too many requests, or the log's queue is full; see Retry-After.",
    "503": "The log cannot be written, or the server is warming up; see Retry-After.",
}
_LANG = {
    "name": "lang",
    "in": "query",
    "schema": {"type": "string", "enum": ["en", "zh"]},
    "description": "Language of the reasons; without it Accept-Language decides.",
}


def guarded_by(scope: str, *statuses: str) -> Any:
    """Return what a guarded route tells OpenAPI: its scope, its key, its errors."""
    extra = {"x-scope": scope, "security": [{"key": []}]}
    more = error_responses("401", "403", "429", *statuses)
    return {"openapi_extra": extra, "responses": more}


def error_responses(*statuses: str) -> Any:
    """Return the documented error answers of a route."""
    return {
        status: {
            "description": ERRORS[status],
            "content": {"application/json": {"schema": ERROR_REF}},
        }
        for status in statuses or ERRORS
    }


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _text(name: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": {"type": "string", "maxLength": 128, **more},
    }


_WORDS = {"type": "array", "items": {"type": "string", "maxLength": 128}, "maxItems": 200}
_RECEIPT = {
    "type": "object",
    "properties": {
        "accepted": {"type": "integer"},
        "duplicate": {"type": "integer", "description": "Sent before; nothing was stored."},
        "conflict": {"type": "integer", "description": "Same event_id, other content."},
        "rejected": {"type": "array", "items": {"type": "object"}},
    },
}
_SLATE = {
    "type": "object",
    "properties": {
        "decision_id": {
            "type": "string",
            "description": "Send it along with clicks and purchases that follow.",
        },
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "item_id": {"type": "string"},
                    "position": {"type": "integer"},
                    "title": {"type": ["string", "null"]},
                    "price_minor": {"type": ["integer", "null"]},
                    "currency": {"type": ["string", "null"]},
                    "score": {"type": "number"},
                    "reason": {
                        "type": "object",
                        "properties": {"code": {"type": "string"}, "text": {"type": "string"}},
                    },
                },
            },
        },
        "model": {"type": "string"},
        "fallback": {"type": "boolean"},
        "as_of": {"type": "string", "format": "date-time"},
    },
}
_ASK = {
    "type": "object",
    "required": ["placement"],
    "additionalProperties": False,
    "properties": {
        "placement": {"type": "string", "enum": list(PLACEMENTS)},
        "customer_id": {"type": "string"},
        "session_id": {"type": "string"},
        "items": _WORDS,
        "limit": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        "exclude": _WORDS,
        "category": {"type": "string"},
        "include_bought": {"type": "boolean"},
    },
}


def hot_paths() -> dict[str, Any]:
    """Return the description of the routes that bypass FastAPI."""
    event = {"$ref": "#/components/schemas/Event"}
    batch = {"type": "array", "items": event, "maxItems": 1000}
    wrapped = {"type": "object", "properties": {"events": batch}, "required": ["events"]}
    events = {
        "tags": ["events"],
        "operationId": "post_events",
        "summary": "Post events: one, a list, or {events: [...]}.",
        "description": "Answered after the commit. Sending the same event again is harmless. "
        "Bad events are rejected one by one with field, value and hint; the good ones are kept. "
        "A publishable key may post browsing events only. Kinds: " + ", ".join(KINDS) + ".",
        "x-scope": "events:write",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": [event, batch, wrapped]}}},
        },
        "responses": {
            "202": _answer("Stored.", _RECEIPT),
            **error_responses(),
        },
    }
    segment = {
        "tags": ["events"],
        "operationId": "post_segment_batch",
        "summary": "Post a Segment-shaped batch (track, page, identify …).",
        "description": "messageId becomes event_id. RudderStack and PostHog send this shape too.",
        "x-scope": "events:write",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["batch"],
                        "properties": {"batch": {"type": "array", "items": {"type": "object"}}},
                    }
                }
            },
        },
        "responses": {"202": _answer("Stored.", _RECEIPT), **error_responses()},
    }
    return {
        "/v1/events": {"post": events},
        "/v1/batch": {"post": segment},
        "/v1/recommendations": _recommendations(),
        "/v1/fraud/score": {"post": _score()},
    }


def _recommendations() -> dict[str, Any]:
    shared: dict[str, Any] = {
        "tags": ["decisions"],
        "x-scope": "decisions:write",
        "security": [{"key": []}],
        "responses": {"200": _answer("A ranked list on the record.", _SLATE), **error_responses()},
    }
    repeated = {"in": "query", "schema": _WORDS, "explode": True}
    parameters = [
        _text("placement", "Where they will stand.", enum=list(PLACEMENTS)) | {"required": True},
        _text("customer_id", "Who will see them."),
        _text("session_id", "The visit, for customers not signed in."),
        {"name": "item_id", "description": "Product on the page or in the cart.", **repeated},
        {
            "name": "limit",
            "in": "query",
            "schema": {"type": "integer", "minimum": 1, "maximum": 100, "default": 10},
        },
        {"name": "exclude", "description": "Products not to show.", **repeated},
        _text("category", "Only products of this category path."),
        {"name": "include_bought", "in": "query", "schema": {"type": "boolean"}},
        _LANG,
    ]
    ask = {"required": True, "content": {"application/json": {"schema": _ASK}}}
    return {
        "get": shared
        | {
            "operationId": "get_recommendations",
            "summary": "Recommend products for a placement.",
            "parameters": parameters,
        },
        "post": shared
        | {
            "operationId": "post_recommendations",
            "summary": "Recommend products; the same question as JSON.",
            "parameters": [_LANG],
            "requestBody": ask,
        },
    }


def _score() -> dict[str, Any]:
    text = {"type": "string", "maxLength": 128}
    asked = {
        "type": "object",
        "required": ["payment_id", "amount_minor", "currency"],
        "properties": {
            "payment_id": text,
            "amount_minor": {"type": "integer", "minimum": 0, "maximum": 10**11},
            "currency": {"type": "string", "minLength": 3, "maxLength": 3},
            "kind": {"type": "string", "enum": list(FRAUD_KINDS)},
            "customer_id": text,
            "person": {"type": "object", "description": "Hashed before it is judged."},
        },
    }
    reason = {"type": "object", "properties": {"code": text, "text": {"type": "string"}}}
    told = {
        "type": "object",
        "required": ["decision_id", "outcome", "probability", "reasons", "model", "fallback"],
        "properties": {
            "decision_id": text,
            "payment_id": text,
            "outcome": {"type": "string", "enum": list(OUTCOMES)},
            "probability": {"type": ["number", "null"]},
            "calibrated": {"type": "boolean"},
            "rarity": {"type": ["number", "null"]},
            "rule": {"type": ["string", "null"]},
            "reasons": {"type": "array", "items": reason},
            "model": {"type": "string"},
            "fallback": {"type": "boolean"},
            "as_of": {"type": "string", "format": "date-time"},
        },
    }
    return {
        "tags": ["fraud"],
        "operationId": "score_payment",
        "summary": "Say what should happen to a payment, a refund or an account.",
        "description": "Answered by the shop's default outcome rather than not at all. "
        "docs/reference/fraud.md has every field.",
        "x-scope": "decisions:write",
        "security": [{"key": []}],
        "parameters": [_LANG],
        "requestBody": {"required": True, "content": {"application/json": {"schema": asked}}},
        "responses": {"200": _answer("A decision on the record.", told), **error_responses()},
    }


def document(api: FastAPI) -> dict[str, Any]:
    """Return the whole OpenAPI 3.1 document."""
    found = get_openapi(
        title="shopkeeper",
        version=__version__,
        openapi_version="3.1.0",
        summary="Shop decisions over one event log.",
        routes=api.routes,
    )
    found["paths"] = hot_paths() | found["paths"]
    parts = found.setdefault("components", {})
    _, schemas = msgspec.json.schema_components([Event], ref_template="#/components/schemas/{name}")
    parts["schemas"] = {**parts.get("schemas", {}), **schemas, "ErrorBody": ERROR_SCHEMA}
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    parts["securitySchemes"] = {
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "`shopkeeper keys make NAME --scope SCOPE` makes one.",
        }
    }
    for path in found["paths"].values():
        for operation in path.values():
            if "422" in operation["responses"]:
                operation["responses"]["422"] = {
                    "description": "A parameter or field does not fit.",
                    "content": {"application/json": {"schema": ERROR_REF}},
                }
    return found
