"""Text over HTTP for the shop's own tools: product copy, and what reviews say. Nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Body, FastAPI
from starlette.responses import Response

from shopkeeper.api import errors
from shopkeeper.api.openapi import guarded_by
from shopkeeper.api.service import Service, in_thread
from shopkeeper.base.errors import BadInput
from shopkeeper.language.copywriting.product import Brief, write
from shopkeeper.language.copywriting.reviews import summarise
from shopkeeper.language.model import from_settings

Given = Annotated[dict[str, Any], Body()]
MAX_TEXT, MAX_WORDS, MAX_REVIEWS = 400, 20, 500
_WORDS = ("title", "price", "language", "tone", "channel")
_LISTS = ("facts", "must_include", "forbidden")


def add(api: FastAPI, service: Service) -> None:
    """Put the routes of text on the app."""

    @api.post(
        "/v1/copy",
        operation_id="write_copy",
        tags=["language"],
        **guarded_by("decisions:write", "400"),
    )
    async def copy(body: Given) -> Response:
        """Write product copy from facts: language, tone, channel, must_include, forbidden."""
        brief = brief_of(body)
        model = from_settings(service.settings)
        return errors.JSON(asdict(await in_thread(write, brief, model)))

    @api.post(
        "/v1/reviews/summary",
        operation_id="summarise_reviews",
        tags=["language"],
        **guarded_by("decisions:write", "400"),
    )
    async def summary(body: Given) -> Response:
        """Sum up ``reviews`` (id to text, 500 at most): counts and a quote per side."""
        reviews = body.get("reviews")
        allowed = f"an object of 1 to {MAX_REVIEWS} texts by review id"
        if not isinstance(reviews, Mapping) or not 0 < len(reviews) <= MAX_REVIEWS:
            raise _bad("reviews", reviews, allowed)
        if not all(isinstance(text, str) for text in reviews.values()):
            raise _bad("reviews", reviews, allowed)
        language = body.get("language", "en")
        if language not in ("zh", "en"):
            raise _bad("language", language, "zh, en")
        return errors.JSON(asdict(summarise(reviews, language=language)))


def brief_of(body: Mapping[str, Any]) -> Brief:
    """Return the brief in a body; BadInput names the field that is wrong."""
    given: dict[str, Any] = {}
    for name, value in body.items():
        if name in _WORDS:
            if not isinstance(value, str) or len(value) > MAX_TEXT:
                raise _bad(name, value, f"a text of up to {MAX_TEXT} characters")
            given[name] = value
        elif name in _LISTS:
            short = isinstance(value, list) and len(value) <= MAX_WORDS
            if not short or not all(isinstance(v, str) and len(v) <= MAX_TEXT for v in value):
                raise _bad(name, value, f"a list of up to {MAX_WORDS} texts")
            given[name] = tuple(value)
        elif name == "seed" and isinstance(value, int) and not isinstance(value, bool):
            given[name] = value
        else:
            raise _bad(name, value, ", ".join((*_WORDS, *_LISTS, "seed")))
    if "title" not in given:
        raise _bad("title", None, f"a text of up to {MAX_TEXT} characters")
    return Brief(**given)


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(f"{name} must be {allowed}.", field=name, value=value, allowed=allowed)
