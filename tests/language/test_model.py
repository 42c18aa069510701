"""The client of language models against a server of our own on this machine."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from shopkeeper.base import log
from shopkeeper.base.errors import BadInput, ModelUnavailable
from shopkeeper.language.model import Endpoint, EndpointModel, Message

ASK = [Message(role="user", text="Write to jo@example.com, phone 13812345678.")]


class Fake:
    """Answers as told: ``script`` holds one behaviour per request, the last one repeats."""

    def __init__(self, *script: str, path: str = "/v1/chat/completions") -> None:
        self.script, self.path = list(script) or ["ok"], path
        self.seen: list[dict] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                fake.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def answer(self, request) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        if request.path != self.path:
            request.send_error(404)
            return
        self.seen.append({"body": body, "key": request.headers.get("Authorization")})
        how = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if how == "slow":
            time.sleep(1.5)
        if how.isdigit():
            request.send_error(int(how))
            return
        request.send_response(200)
        if body["stream"] and how != "whole":
            request.send_header("Content-Type", "text/event-stream")
            request.end_headers()
            for piece in ("您的", "包裹", "明天到"):
                event = {"choices": [{"delta": {"content": piece}}]}
                request.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
                request.wfile.flush()
                if how == "cut":
                    request.wfile.write(b"data: {broken\n\n")
                    return
            request.wfile.write(b"data: [DONE]\n\n")
            return
        text = (
            "not json"
            if how == "broken"
            else json.dumps({"choices": [{"message": {"content": "您的包裹明天到"}}]})
        )
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(text.encode())


@pytest.fixture
def serve():
    made = []

    def start(*script: str, **more) -> Fake:
        made.append(Fake(*script, **more))
        return made[-1]

    yield start
    for fake in made:
        fake.server.shutdown()
        fake.server.server_close()


def _model(url: str, **more) -> EndpointModel:
    return EndpointModel(Endpoint(url=url, model="m", **({"seconds": 5.0} | more)))


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_works_with_and_without_v1(serve, suffix):
    assert _model(serve().url + suffix).complete(ASK) == "您的包裹明天到"


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("/chat/completions", ""),
        ("/api/v3/chat/completions", "/api/v3"),
        ("/proxy/v1/chat/completions", "/proxy"),
    ],
)
def test_other_prefixes_are_found(serve, path, prefix):
    fake = serve(path=path)
    model = _model(fake.url + prefix)
    assert model.complete(ASK) == model.complete(ASK) == "您的包裹明天到"


def test_pieces_stream_and_a_server_that_cannot_stream_answers_whole(serve):
    assert list(_model(serve().url).stream(ASK)) == ["您的", "包裹", "明天到"]
    assert list(_model(serve("whole").url).stream(ASK)) == ["您的包裹明天到"]


def test_a_busy_server_is_asked_again(serve):
    fake = serve("503", "429", "ok")
    assert _model(fake.url).complete(ASK) == "您的包裹明天到"
    assert len(fake.seen) == 3


def test_tries_are_bounded_and_a_refusal_is_final(serve):
    busy, wrong = serve("500"), serve("401")
    with pytest.raises(ModelUnavailable, match="status 500"):
        _model(busy.url).complete(ASK)
    assert len(busy.seen) == 3
    with pytest.raises(ModelUnavailable, match="status 401"):
        _model(wrong.url).complete(ASK)
    assert len(wrong.seen) == 1


def test_time_is_bounded_over_all_tries(serve):
    started = time.monotonic()
    with pytest.raises(ModelUnavailable):
        _model(serve("slow").url, seconds=0.4).complete(ASK)
    assert time.monotonic() - started < 1.2


def test_once_a_piece_came_nothing_is_asked_again(serve):
    fake = serve("cut")
    with pytest.raises(ModelUnavailable):
        list(_model(fake.url).stream(ASK))
    assert len(fake.seen) == 1


@pytest.mark.parametrize("how", ["broken", "slow"])
def test_nobody_there_or_nonsense_is_an_error_of_ours(serve, how):
    with pytest.raises(ModelUnavailable):
        _model(serve(how).url, seconds=0.5).complete(ASK)
    with pytest.raises(ModelUnavailable):
        _model("http://127.0.0.1:9", seconds=0.5).complete(ASK)


def test_personal_data_neither_goes_out_nor_into_the_log(serve, capsys):
    log.configure("info")
    fake = serve()
    _model(fake.url, key="secret-key").complete(ASK)
    sent = json.dumps(fake.seen[0]["body"], ensure_ascii=False)
    said = capsys.readouterr().err
    log.configure("warning")
    assert fake.seen[0]["key"] == "Bearer secret-key"
    assert "[email]" in sent
    for secret in ("jo@example.com", "13812345678"):
        assert secret not in sent
    assert "model.answered" in said
    for secret in ("secret-key", "example.com", "13812345678", "您的包裹"):
        assert secret not in said


def test_the_key_is_not_in_the_words_of_the_endpoint():
    assert "abc" not in repr(Endpoint(url="http://h", model="m", key="abc"))


def test_an_address_that_is_none_is_refused():
    with pytest.raises(BadInput, match="language_model_url must be an http"):
        Endpoint(url="localhost:11434", model="m")
