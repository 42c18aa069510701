"""An area of the console: one entry of the side bar with its pages and forms.

A module (or package) of pages/ names its own AREA; routes.py puts them together in order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.console.view import View

Page = Callable[..., Response]  # (view, *path parameters)
Form = Callable[[View, FormData], Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """``name`` is its word ``nav.<name>`` and the ``page`` that templates mark; None: no entry.

    ``pages`` and ``forms`` are (path, handler), paths from the console's root; the first page is
    where the entry leads.
    """

    name: str | None
    pages: tuple[tuple[str, Page], ...]
    forms: tuple[tuple[str, Form], ...] = ()
