"""Signing in: ask for name and password, check them slowly, brake those who guess."""

from __future__ import annotations

from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base import log
from shopkeeper.base.errors import TooBusy
from shopkeeper.console import session
from shopkeeper.console.view import View


def ask(view: View) -> Response:
    """Return the sign-in form, or the page wished for when already signed in."""
    back = view.back(view.query("back", 500))
    return view.go(back) if view.session else _form(view, back)


def check(view: View, form: FormData) -> Response:
    """Start a session for the right password; the answer never says which of the two was wrong."""
    name, password = str(form.get("name", ""))[:100], str(form.get("password", ""))
    back = view.back(str(form.get("back", "")))
    client = view.request.client
    address = client.host if client else ""
    console = view.console
    try:
        console.brake.check(address, name)
    except TooBusy as busy:
        minutes = max(1, round(busy.retry_after_seconds / 60))
        response = _form(view, back, name, view.say("sign.slow", minutes=minutes), status=429)
        response.headers["Retry-After"] = str(round(busy.retry_after_seconds))
        return response
    if not console.keys.check_password(name, password):
        console.brake.wrong(address, name)
        log.warning("console.sign_in_refused")
        return _form(view, back, name, view.say("sign.wrong"), status=403)
    console.brake.right(address)
    console.users(fresh=True)
    log.info("console.signed_in")
    response = view.go(back)
    seconds = session.HOURS * 3600
    view.set_cookie(response, session.COOKIE, console.sessions.start(name), seconds)
    response.delete_cookie(session.VISITOR_COOKIE, path=view.root or "/")
    return response


def back_query(view: View) -> str:
    """Return the query that brings a person back to this page after signing in."""
    query = view.request.url.query
    path = view.request.url.path
    return urlencode({"back": path + (f"?{query}" if query else "")})


def _form(view: View, back: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    return view.page(
        "sign_in.html",
        status=status,
        back=back,
        name=name,
        problem=problem,
        no_users=not view.console.users(fresh=not name),
    )
