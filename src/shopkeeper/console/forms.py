"""Forms: nothing changes by a GET, and no form counts without the token of its own browser."""

from __future__ import annotations

from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError
from shopkeeper.console.view import Console, View

MOST_FIELDS = 60
Handler = Callable[[View, FormData], Response]


def form_route(path: str, console: Console, handler: Handler, *, signed_in: bool = True) -> Route:
    """Return a POST route whose handler runs in a thread, after session and token are checked."""

    async def endpoint(request: Request) -> Response:
        view = await run_in_threadpool(View, console, request)
        async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
            return await run_in_threadpool(_guarded, view, form)

    def _guarded(view: View, form: FormData) -> Response:
        if signed_in and view.session is None:
            return view.go(view.url("sign-in"))
        if not _ours(view, form):
            log.warning("console.form_refused", path=path)
            text, hint = view.say("problem.csrf"), view.say("problem.csrf_hint")
            return view.problem(403, "problem.not_allowed", text, hint)
        try:
            return handler(view, form)
        except ShopError as problem:
            status = problem.http_status
            return view.problem(status, "problem.failed", problem.message, problem.hint)

    return Route(path, endpoint, methods=["POST"])


def _ours(view: View, form: FormData) -> bool:
    """Return whether the form carries its browser's token and does not come from another site."""
    site = view.request.headers.get("sec-fetch-site", "same-origin")
    given = form.get("csrf")
    return (
        site in ("same-origin", "none")
        and isinstance(given, str)
        and view.console.sessions.same_csrf(view.nonce, given)
    )
