"""Copy and review summaries over HTTP."""

from __future__ import annotations

import pytest


def test_copy_is_written_from_facts(server):
    body = {"title": "蓝色马克杯", "facts": ["容量350毫升"], "language": "zh", "tone": "warm"}
    told = server.call("POST", "/v1/copy", json=body).json()
    assert "蓝色马克杯" in told["text"]
    assert told["written_by"] == "grammar"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "title"),
        ({"title": 7}, "title"),
        ({"title": "a", "facts": "b"}, "facts"),
        ({"title": "a", "tone": "loud"}, "tone"),
        ({"title": "a", "colour": "red"}, "colour"),
    ],
)
def test_a_wrong_brief_names_its_field(server, body, field):
    answer = server.call("POST", "/v1/copy", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


def test_reviews_are_counted_and_quoted(server):
    body = {"reviews": {"r1": "delivery was fast", "r2": "delivery was slow"}}
    told = server.call("POST", "/v1/reviews/summary", json=body).json()
    assert told["text"] == "2 reviews: delivery 1 praise, 1 blame."
    assert {quote["review_id"] for quote in told["sides"][0]["quotes"]} == {"r1", "r2"}
    assert server.call("POST", "/v1/reviews/summary", json={"reviews": []}).status_code == 400
