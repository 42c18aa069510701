"""What one request sees: its language, its session, the words, and the page made of them.

``Console`` is shared by all requests; a ``View`` lives for one. Templates get plain values and
a few functions from here and nothing else.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from shopkeeper.base import clock
from shopkeeper.console import formats, session, speech
from shopkeeper.console.assets import Assets
from shopkeeper.console.parts import Part, part
from shopkeeper.data.keys import Keys

USERS_RECHECK_US = 2_000_000


class Console:
    """The shop, its runtime, who may sign in, the templates and the side bar's entries."""

    def __init__(
        self, runtime: Any, shop: Any, keys: Keys, entries: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.runtime, self.shop, self.keys = runtime, shop, keys
        self.entries = entries  # (name, path)
        self.sessions = session.Sessions(session.read_secret(shop.settings.home))
        self.brake = session.Brake()
        self.assets = Assets()
        self.templates = Environment(
            loader=PackageLoader("shopkeeper.console"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters["json"] = _json
        # The last run of the quality checks: when, up to which event, what it found.
        self.checking = threading.Lock()
        self.checked: tuple[int, int, list[Any] | None] = (0, 0, None)
        self.piped: tuple[int, int, list[Any] | None] = (0, 0, None)
        self._users: tuple[int, frozenset[str]] = (0, frozenset())

    def users(self, *, fresh: bool = False) -> frozenset[str]:
        """Return who may sign in, as of the last two seconds."""
        now = clock.now_us()
        if fresh or now - self._users[0] > USERS_RECHECK_US:
            self._users = (now, frozenset(self.keys.users()))
        return self._users[1]


class View:
    """One request to the console."""

    def __init__(self, console: Console, request: Request) -> None:
        self.console, self.request = console, request
        self.root = request.scope.get("root_path", "")
        self.language = speech.language_of(request)
        found = console.sessions.read(request.cookies.get(session.COOKIE))
        self.session = found if found and found.user in console.users() else None
        self._visitor = request.cookies.get(session.VISITOR_COOKIE) or secrets.token_urlsafe(18)

    @property
    def nonce(self) -> str:
        """What this browser's forms are bound to: the session, else the visitor's cookie."""
        return self.session.nonce if self.session else self._visitor

    def say(self, key: str, **facts: Any) -> str:
        """Return words in the language of this request."""
        return speech.say(self.language, key, **facts)

    def say_n(self, key: str, n: float) -> str:
        """Return words that count something, with a singular where the language has one."""
        form = f"{key}_one" if n == 1 else key
        return self.say(form, n=formats.number(n))

    def word(self, section: str, key: str | None) -> str:
        """Return the word for a name of the data, or the name where we have no word."""
        return self.word_or(section, key, key or formats.NOTHING)

    def word_or(self, section: str, key: str | None, otherwise: str) -> str:
        """Return the word for a name of the data, else ``otherwise``."""
        return speech.say_or(self.language, f"{section}.{key}", otherwise)

    def url(self, *parts: str) -> str:
        """Return a console address; parts are quoted, so ids may hold anything."""
        return f"{self.root}/" + "/".join(
            quote(one, safe="/" if place == 0 else "") for place, one in enumerate(parts)
        )

    def query(self, name: str, longest: int = 200) -> str:
        """Return one query parameter, cut to a bearable length."""
        return self.request.query_params.get(name, "")[:longest].strip()

    def offset(self, name: str) -> int:
        """Return a list's offset from the address; what is no number is the beginning."""
        text = self.query(name, 9)
        return int(text) if text.isascii() and text.isdigit() else 0

    def here_with(self, name: str, value: Any) -> str:
        """Return this page's address with one query parameter changed."""
        given = {**self.request.query_params, name: str(value)}
        kept = {k: v for k, v in given.items() if v not in ("", "0")}
        return self._path() + (f"?{urlencode(kept)}" if kept else "")

    def part(self, build: Any, *given: Any, **named: Any) -> Part:
        """Build one part of the page; see parts.py."""
        return part(self.language, build, *given, **named)

    def page(
        self, template: str, page: str = "", *, status: int = 200, **given: Any
    ) -> HTMLResponse:
        """Return a page made from a template."""
        text = self.console.templates.get_template(template).render(self._context(page) | given)
        response = HTMLResponse(text, status)
        if self.session is None and session.VISITOR_COOKIE not in self.request.cookies:
            self.set_cookie(response, session.VISITOR_COOKIE, self._visitor, 86_400)
        return response

    def problem(self, status: int, heading: str, message: str, hint: str = "") -> HTMLResponse:
        """Return an error page."""
        return self.page(
            "problem.html",
            status=status,
            code=status,
            heading=self.say(heading),
            message=message,
            hint=hint,
        )

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        """Set a cookie that scripts cannot read and other sites cannot send."""
        response.set_cookie(
            name,
            value,
            max_age=seconds,
            path=self.root or "/",
            httponly=True,
            samesite="strict",
            secure=self.request.url.scheme == "https",
        )

    def go(self, address: str) -> RedirectResponse:
        """Return a redirect after a form."""
        return RedirectResponse(address, 303)

    def back(self, wish: str) -> str:
        """Return a wished address if it lies in this console, else its front page."""
        # A second slash or a backslash would let a browser read the wish as another host.
        inside = wish.startswith(f"{self.root}/") and not wish.startswith("//")
        return wish if inside and "\\" not in wish and wish.isprintable() else self.url("")

    def _path(self) -> str:
        return quote(self.request.url.path, safe="/%")

    def _context(self, page: str) -> dict[str, Any]:
        query = self.request.url.query
        return {
            "page": page,
            "pages": self.console.entries,
            "language": self.language,
            "languages": speech.LANGUAGES,
            "session": self.session,
            "csrf": self.console.sessions.csrf(self.nonce),
            "here": self._path() + (f"?{query}" if query else ""),
            "here_with": self.here_with,
            "notice": "",
            "q": "",
            "t": self.say,
            "tn": self.say_n,
            "word": self.word,
            "word_or": self.word_or,
            "url": self.url,
            "asset": lambda name: self.url("static/" + self.console.assets.address(name)),
            "money": lambda minor, code: formats.money(minor, code, self.language),
            "number": formats.number,
            "percent": formats.percent,
            "moment": formats.moment,
            "cell": _cell,
            "ago": lambda seconds: formats.ago(seconds, speech.words(self.language)),
        }


def _json(value: Any) -> str:
    """Return JSON as text; autoescape makes it fit for an attribute."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _cell(value: Any) -> str:
    if value is None:
        return formats.NOTHING
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)
        return text[:200]
    return formats.number(value, 0 if float(value).is_integer() else 3)
