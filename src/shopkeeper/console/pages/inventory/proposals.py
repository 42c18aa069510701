"""What the plan wants to buy: filtered, grouped, explained; approved, rejected, changed, sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import FormData
from starlette.responses import Response

from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.console.pages.customers import as_dict
from shopkeeper.console.pages.inventory import telling
from shopkeeper.console.parts import leaf
from shopkeeper.console.view import View
from shopkeeper.data import proposals as tables
from shopkeeper.operate.replenish import desk, states
from shopkeeper.operate.replenish.desk import Wanted

ROWS = 25
FILTERS = ("state", "supplier", "cycle", "urgency", "text", "order")
DEEDS = ("approve", "reject", "send")


def index(view: View, problem: ShopError | None = None, asked: Wanted | None = None) -> Response:
    """Return the proposals that fit the filters of the address."""
    if asked is None:
        try:
            asked = desk.wanted(**{name: view.query(name) for name in FILTERS})
        except BadInput as wrong:
            asked, problem = Wanted(), wrong
    words = desk.asked_words(asked)
    return view.page(
        "inventory/proposals.html",
        "inventory",
        status=problem.http_status if problem else 200,
        tab="proposals",
        asked=asked,
        words=words,
        query=urlencode(words),
        with_word=lambda **more: "?" + urlencode({k: v for k, v in (words | more).items() if v}),
        groups=view.part(_groups, view, asked),
        listing=view.part(_listing, view, asked),
        suppliers=view.part(_suppliers, view),
        states=("open", "all", *tables.STATES),
        orders=tuple(tables.ORDERS),
        urgencies=tuple(desk.URGENCY),
        deeds=[one for one in DEEDS if _fits(one, asked.state)],
        currency=view.console.shop.settings.currency,
        problem=problem,
        notice=_notice(view),
    )


def export(view: View) -> Response:
    """Return the proposals that fit as a CSV file."""
    asked = desk.wanted(**{name: view.query(name) for name in FILTERS})
    return Response(
        # The mark makes spreadsheets read UTF-8.
        "\ufeff" + desk.export(view.console.shop, asked),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="proposals.csv"'},
    )


def act(view: View, form: FormData) -> Response:
    """Do one thing to the ticked proposals, or to all that fit the filters."""
    asked = _asked(form)
    label = _text(form, "deed")
    every = label.removeprefix("all-") if label.startswith("all-") else ""
    shop = view.console.shop
    try:
        if every:
            fit = states.ALLOWED.get(every, ("",))[0]
            narrowed = desk.wanted(**{**vars_of(asked), "state": fit})
            named = desk.ids(shop, narrowed)
        else:
            named = [str(one) for one in form.getlist("proposal")]
        done = states.act(
            shop, every or label, named, operator=_user(view), reason=_text(form, "reason")
        )
    except ShopError as problem:
        return index(view, problem, asked)
    return _back(view, asked, every or label, len(done))


def change(view: View, form: FormData) -> Response:
    """Order another quantity of one proposal, with a reason."""
    asked, text = _asked(form), _text(form, "quantity")
    try:
        quantity: Any = float(text)
    except ValueError:
        quantity = text
    try:
        desk.change(
            view.console.shop,
            _text(form, "proposal"),
            quantity,
            operator=_user(view),
            why=_text(form, "why"),
        )
    except ShopError as problem:
        return index(view, problem, asked)
    return _back(view, asked, "edit", 1)


def vars_of(asked: Wanted) -> dict[str, str]:
    """Return a filter's words."""
    return {name: getattr(asked, name) for name in FILTERS}


def _groups(view: View, asked: Wanted) -> dict[str, Any]:
    shop = view.console.shop
    shop.warehouse.refresh()
    suppliers = desk.totals(shop, asked, "supplier_id")
    urgency = {one["name"]: one for one in desk.totals(shop, asked, "urgency")}
    return {
        "suppliers": suppliers,
        "urgency": [urgency[name] for name in desk.URGENCY if name in urgency],
        "states": desk.totals(shop, asked, "state"),
        "classes": sorted(desk.totals(shop, asked, "abc"), key=lambda one: one["name"] or "~"),
        "count": sum(one["n"] for one in suppliers),
        "value_minor": sum(one["value_minor"] for one in suppliers),
        "nothing_minor": sum(one["cost_of_nothing_minor"] or 0 for one in suppliers),
    }


def _listing(view: View, asked: Wanted) -> dict[str, Any]:
    offset = view.offset("list")
    found = desk.rows(view.console.shop, asked, offset=offset, limit=ROWS + 1)
    currency = view.console.shop.settings.currency
    for row in found:
        row["why"] = telling.reasons(view, row["reasons"], currency)
        row["can"] = [d for d in ("edit", *DEEDS) if row["state"] in states.ALLOWED[d]]
    return as_dict(leaf(found, "list", offset, ROWS))


def _suppliers(view: View) -> list[str]:
    found = desk.totals(view.console.shop, Wanted(state="all"), "supplier_id")
    return sorted(one["name"] for one in found if one["name"])


def _notice(view: View) -> str:
    done, n = view.query("done", 12), view.query("n", 6)
    if done not in ("edit", *DEEDS) or not (n.isascii() and n.isdigit()):
        return ""
    return view.say_n(f"inventory.done_{done}", int(n))


def _back(view: View, asked: Wanted, label: str, count: int) -> Response:
    words = desk.asked_words(asked) | {"done": label, "n": str(count)}
    return view.go(view.url("inventory") + f"?{urlencode(words)}")


def _asked(form: Mapping[str, Any]) -> Wanted:
    return desk.wanted(**{name: str(form.get(name, ""))[:128] for name in FILTERS})


def _fits(deed: str, state: str) -> bool:
    return state in ("open", "all") or state in states.ALLOWED[deed]


def _text(form: FormData, name: str) -> str:
    return str(form.get(name, ""))[:500].strip()


def _user(view: View) -> str:
    assert view.session is not None
    return view.session.user
