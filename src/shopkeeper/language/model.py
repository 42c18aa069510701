"""A language model at any OpenAI-compatible address (vLLM, Ollama, a cloud), with /v1 or without.

Optional: everything works without one. What goes out is masked (pii.py), what is logged is
counts and milliseconds, never a text. Answers stream; a busy or broken server is asked again a
bounded number of times, within one deadline.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from shopkeeper.base import log
from shopkeeper.base.errors import BadInput, ModelUnavailable
from shopkeeper.base.settings import Settings
from shopkeeper.language.pii import mask

MAX_ANSWER_BYTES = 1_000_000
_RETRY = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message to the model. ``role``: system, user or assistant."""

    role: str
    text: str


class LanguageModel(Protocol):
    """What rewrites a text. ``stream`` gives pieces; ``complete`` the whole answer."""

    name: str

    def complete(self, messages: Sequence[Message], *, max_tokens: int = 400) -> str: ...

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 400) -> Iterator[str]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a model answers.

    url            http(s) address: host alone, with /v1, or with another prefix
    key            bearer token, or empty for a local server
    seconds        for one answer, all tries together
    tries          how often at most
    temperature    0: the likeliest words; a rewrite needs no luck
    """

    url: str
    model: str
    key: str = ""
    seconds: float = 20.0
    tries: int = 3
    temperature: float = 0.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(
                f"language_model_url must be an http or https address, but is '{self.url}'.",
                hint="For example http://127.0.0.1:11434/v1",
                field="language_model_url",
                value=self.url,
            )

    def __repr__(self) -> str:
        return f"Endpoint(url={self.url!r}, model={self.model!r}, key={'***' if self.key else ''})"


def from_settings(settings: Settings) -> EndpointModel | None:
    """Return the model that the shop named, or None; the key is SHOPKEEPER_LANGUAGE_MODEL_KEY."""
    if not settings.language_model_url:
        return None
    endpoint = Endpoint(
        url=settings.language_model_url,
        model=settings.language_model,
        key=os.environ.get("SHOPKEEPER_LANGUAGE_MODEL_KEY", ""),
        seconds=float(settings.language_model_seconds),
    )
    return EndpointModel(endpoint)


def paths_of(url: str) -> tuple[str, ...]:
    """Return the paths to try, likeliest first.

    >>> paths_of("http://h:1"), paths_of("http://h/v1/"), paths_of("https://h/api/v3")
    (('/v1/chat/completions', '/chat/completions'), ('/v1/chat/completions',), \
('/api/v3/chat/completions', '/api/v3/v1/chat/completions'))
    """
    path = urlsplit(url).path.rstrip("/")
    if path.endswith("/chat/completions"):
        return (path,)
    if not path:
        return ("/v1/chat/completions", "/chat/completions")
    if path.endswith("/v1"):
        return (f"{path}/chat/completions",)
    return (f"{path}/chat/completions", f"{path}/v1/chat/completions")


class EndpointModel:
    """A model at an address. Safe to use from several threads: each call has its connection."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name = endpoint.model
        self._endpoint = endpoint
        self._paths = paths_of(endpoint.url)

    def complete(self, messages: Sequence[Message], *, max_tokens: int = 400) -> str:
        """Return the whole answer; ModelUnavailable when there is none in time."""
        return "".join(self._answer(messages, max_tokens, streamed=False)).strip()

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 400) -> Iterator[str]:
        """Yield the answer piece by piece. Once a piece came, nothing is asked again."""
        yield from self._answer(messages, max_tokens, streamed=True)

    def _answer(
        self, messages: Sequence[Message], max_tokens: int, *, streamed: bool
    ) -> Iterator[str]:
        started = time.monotonic()
        ends = started + self._endpoint.seconds
        body = self._body(messages, max_tokens, streamed=streamed)
        problem, letters = "no answer", 0
        for turn in range(self._endpoint.tries):
            left = ends - time.monotonic()
            if turn and left > 0:
                time.sleep(min(0.2 * 2**turn, max(left - 0.05, 0)))
                left = ends - time.monotonic()
            if left <= 0.05:
                problem = problem if turn else "no time"
                break
            try:
                for piece in self._ask(body, left, ends, streamed=streamed):
                    letters += len(piece)
                    yield piece
                self._said(started, turn + 1, letters, "ok")
                return
            except _Refused as refused:
                problem = f"status {refused.status}"
                if refused.status not in _RETRY:
                    break
            except (OSError, http.client.HTTPException, ValueError) as broken:
                problem = type(broken).__name__
            if letters:
                break
        self._said(started, turn + 1, letters, problem)
        raise ModelUnavailable(
            f"The language model {self.name} gave {problem}.",
            hint="Look at its server, language_model_url and SHOPKEEPER_LANGUAGE_MODEL_KEY.",
        )

    def _said(self, started: float, tries: int, letters: int, status: str) -> None:
        log.info(
            "model.answered",
            model=self.name,
            status=status,
            tries=tries,
            letters=letters,
            total_ms=round(1000 * (time.monotonic() - started)),
        )

    def _body(self, messages: Sequence[Message], max_tokens: int, *, streamed: bool) -> bytes:
        asked = {
            "model": self._endpoint.model,
            "messages": [{"role": m.role, "content": mask(m.text)} for m in messages],
            "max_tokens": max_tokens,
            "temperature": self._endpoint.temperature,
            "stream": streamed,
        }
        return json.dumps(asked, ensure_ascii=False).encode()

    def _ask(self, body: bytes, left: float, ends: float, *, streamed: bool) -> Iterator[str]:
        """Yield pieces from the first path that the server knows; 404 means another path."""
        for place, path in enumerate(self._paths):
            connection = self._connect(left)
            try:
                connection.request("POST", path, body, self._headers())
                response = connection.getresponse()
                if response.status == 404 and place + 1 < len(self._paths):
                    continue
                if response.status != 200:
                    raise _Refused(response.status)
                # What answered once is asked first from now on.
                self._paths = (path, *(p for p in self._paths if p != path))
                if streamed and "event-stream" in (response.getheader("Content-Type") or ""):
                    yield from _pieces(response, ends)
                else:
                    yield _whole(json.loads(response.read(MAX_ANSWER_BYTES)))
                return
            finally:
                connection.close()

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        parts = urlsplit(self._endpoint.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, parts.port, timeout=seconds, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)

    def _headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._endpoint.key:
            headers["Authorization"] = f"Bearer {self._endpoint.key}"
        return headers


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def _pieces(response: http.client.HTTPResponse, ends: float) -> Iterator[str]:
    """Yield the texts of a stream of server-sent events, up to [DONE]."""
    size = 0
    for line in response:
        size += len(line)
        if size > MAX_ANSWER_BYTES:
            raise ValueError("the answer is too long")
        if time.monotonic() > ends:
            raise TimeoutError
        text = line.decode("utf-8", "replace").strip()
        if not text.startswith("data:"):
            continue
        text = text.removeprefix("data:").strip()
        if text == "[DONE]":
            return
        piece = _delta(json.loads(text))
        if piece:
            yield piece


def _delta(event: Mapping[str, Any]) -> str:
    choices = event.get("choices") or [{}]
    return str((choices[0].get("delta") or {}).get("content") or "")


def _whole(answer: Mapping[str, Any]) -> str:
    choices = answer.get("choices")
    if not choices:
        raise ValueError("the answer has no choices")
    return str((choices[0].get("message") or {}).get("content") or "")
