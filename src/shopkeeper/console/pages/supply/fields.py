"""What the forms of supply's pages share: a text field, and who acts."""

from __future__ import annotations

from starlette.datastructures import FormData

from shopkeeper.console.view import View


def field(form: FormData, name: str) -> str:
    """Return a form's text, cut to a bearable length."""
    return str(form.get(name, ""))[:128]


def who(view: View) -> str:
    """Return who acts."""
    return view.session.user if view.session else "console"
