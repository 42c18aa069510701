"""Replies worded by a language model: a server of our own that is good, lies, is down, or errs."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_turns import Open, events

from shopkeeper.data.shop import open_shop

QUESTION = "where is my order 10000002?"


class Server:
    """A language model whose answers ``change`` makes of the texts it is given."""

    def __init__(self) -> None:
        self.change = lambda texts: texts
        self.seen: list[dict] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.seen.append(body)
                texts = json.loads(body["messages"][-1]["content"])
                content = json.dumps(server.change(texts), ensure_ascii=False)
                answer = json.dumps({"choices": [{"message": {"content": content}}]}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def worded(settings):
    server = Server()
    settings = replace(
        settings,
        language_model_url=f"http://127.0.0.1:{server.http.server_port}",
        language_model="test-words",
        language_model_seconds=3,
    )
    with open_shop(settings) as shop:
        shop.append_events(events())
    opened = Open(settings)
    yield opened, server
    opened.close()
    server.stop()


def test_true_rewording_is_sent_stored_and_keeps_its_sources(worded):
    open_, server = worded
    server.change = lambda texts: [f"Well then: {one}" for one in texts]
    value = open_.say(QUESTION)
    assert value["wording"] == {"by": "test-words", "faults": []}
    assert value["reply"].startswith("Well then: ")
    assert value["sentences"][0]["source"] == "shipment:sh1"
    stored = open_.shop.warehouse.sql("SELECT text FROM messages ORDER BY occurred_us").to_pylist()
    assert stored[-1]["text"] == value["reply"]
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda texts: [f"{one} We refund you $999.00." for one in texts], "number 999.00"),
        (
            lambda texts: ["您的包裹因为下雪晚到了，非常抱歉，请您再等等。" for _ in texts],
            "language",
        ),
        (lambda texts: [f"{one} We guarantee it." for one in texts], "promise guarantee"),
        (lambda texts: [*texts, "One more."], "not one text per sentence"),
        (lambda texts: {"reply": "all is well"}, "not one text per sentence"),
    ],
    ids=["amount", "language", "promise", "more", "shape"],
)
def test_a_false_rewording_is_replaced_by_the_grammar(worded, change, fault):
    open_, server = worded
    server.change = change
    value = open_.say(QUESTION)
    assert value["wording"]["by"] == "grammar"
    assert any(one.startswith(fault) for one in value["wording"]["faults"])
    assert "Snow on the pass" in value["reply"]
    assert "999" not in value["reply"]


def test_a_server_that_is_down_costs_nothing_but_its_words(worded):
    open_, server = worded
    server.stop()
    value = open_.say(QUESTION)
    assert value["wording"] == {"by": "grammar", "faults": ["no answer"]}
    assert "Snow on the pass" in value["reply"]


def test_a_plan_is_shown_exactly_and_done_once(worded):
    open_, server = worded
    server.change = lambda texts: [f"Fine: {one}" for one in texts]
    shown = open_.say("return the mug from order 10000001")
    assert shown["confirm"]
    assert not any("Fine:" in s["text"] for s in shown["sentences"] if s["act"] == "confirm")
    assert open_.say("yes")["acts"][0] == "done"
    rows = open_.shop.warehouse.sql("SELECT label FROM actions").to_pylist()
    assert rows == [{"label": "return_requested"}]
