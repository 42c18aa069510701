"""``shopkeeper proposals``: what the plan wants to buy, and what people say to it."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

import click

from shopkeeper.base import settings
from shopkeeper.base.errors import BadInput
from shopkeeper.cli.main import print_json
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.replenish import desk, states

_WIDTH = 28
as_json_option = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


def filters(work: Callable[..., None]) -> Callable[..., None]:
    """Add the options that choose proposals."""
    for name, says in (
        ("--text", "Only products whose id or title holds this."),
        ("--cycle", "Only this review cycle, by its first day."),
        ("--supplier", "Only this supplier."),
        ("--urgency", "high (runs out with 50 % or more), middle (20 %) or low (all)."),
        ("--state", "open (without: proposed and approved), all, or one state."),
    ):
        work = click.option(name, default="", help=says)(work)
    return work


@click.group("proposals")
def command() -> None:
    """Purchase proposals: list, approve, reject, change, send, export."""


@command.command("list")
@filters
@click.option("--order", default="urgency", show_default=True, help="urgency, value, order_by …")
@click.option("--most", default=50, show_default=True, help="Rows at most.")
@as_json_option
@click.pass_obj
def listing(home: str, most: int, as_json: bool, **asked: str) -> None:
    """List proposals, the most urgent first."""
    wanted = desk.wanted(**asked)
    with open_shop(settings.load(home)) as shop:
        found = desk.rows(shop, wanted, limit=most)
        groups = desk.totals(shop, wanted, "supplier_id")
    if as_json:
        print_json({"proposals": found, "suppliers": groups})
        return
    count, value = sum(g["n"] for g in groups), sum(g["value_minor"] for g in groups)
    print(f"{count} proposals, value {value / 100:,.2f}, {len(groups)} suppliers")
    if not found:
        print("  next: shopkeeper plan inventory")
        return
    item = max(4, min(_WIDTH, max(len(one["item_id"]) for one in found)))
    seller = max(8, min(_WIDTH, max(len(one["supplier_id"] or "–") for one in found)))
    print(
        f"{'proposal':<25}{'item':<{item + 2}}{'supplier':<{seller + 2}}{'state':<16}"
        f"{'units':>9}{'value':>12}{'out now':>9}{'after':>7}{'nothing costs':>15}  order by"
    )
    for one in found:
        print(
            f"{one['decision_id']:<25}{one['item_id'][:item]:<{item + 2}}"
            f"{(one['supplier_id'] or '–')[:seller]:<{seller + 2}}{one['state']:<16}"
            f"{one['quantity']:>9,g}{one['value_minor'] / 100:>12,.2f}"
            f"{one['p_stockout_now'] or 0:>9.0%}{one['p_stockout_after'] or 0:>7.0%}"
            f"{(one['cost_of_nothing_minor'] or 0) / 100:>15,.2f}  {one['order_by']}"
        )
    if count > len(found):
        print(f"  {count - len(found)} more: --most {count}")


@command.command("show")
@click.argument("proposal")
@as_json_option
@click.pass_obj
def show(home: str, proposal: str, as_json: bool) -> None:
    """Show one proposal with every number that decided it."""
    with open_shop(settings.load(home)) as shop:
        found = desk.one(shop, proposal)
    if as_json:
        print_json(found)
        return
    place = f" at {found['location_id']}" if found["location_id"] else ""
    print(f"order {found['quantity']:g} units of {found['item_id']}{place}: {found['state']}")
    print(
        f"  supplier {found['supplier_id'] or 'unknown'}, value {found['value_minor'] / 100:,.2f},"
        f" order by {found['order_by']}, expected {found['expected_receipt']}"
    )
    if found["edited_by"]:
        print(
            f"  proposed were {found['proposed_quantity']:g}; {found['edited_by']} changed it: "
            f"{found['edit_reason'] or 'no reason given'}"
        )
    print(
        f"  out of stock before it arrives: now {found['p_stockout_now']:.0%}, with it "
        f"{found['p_stockout_after']:.0%}; doing nothing costs "
        f"{(found['cost_of_nothing_minor'] or 0) / 100:,.2f}"
    )
    for reason in found["reasons"]:
        facts = ", ".join(f"{name} {value}" for name, value in (reason["facts"] or {}).items())
        print(f"  {reason['text']}{f' ({facts})' if facts else ''}")
    print(f"  next: shopkeeper proposals approve {proposal}")


def _deed(label: str, done: str, says: str) -> None:
    @command.command(label, help=says)
    @click.argument("proposals", nargs=-1)
    @click.option("--all", "every", is_flag=True, help="All that fit the filters below.")
    @filters
    @click.option("--reason", default="", help="Why; stands on the record.")
    @as_json_option
    @click.pass_obj
    def deed(
        home: str,
        proposals: tuple[str, ...],
        every: bool,
        reason: str,
        as_json: bool,
        **asked: str,
    ) -> None:
        if every == bool(proposals):
            raise BadInput(
                "Name proposals, or say --all with filters; not both and not neither.",
                hint="`shopkeeper proposals list` shows their ids.",
                field="proposals",
            )
        with open_shop(settings.load(home)) as shop:
            named = list(proposals)
            if every:
                fit = {"state": states.ALLOWED[label][0]} | {k: v for k, v in asked.items() if v}
                named = desk.ids(shop, desk.wanted(**fit))
            found = (
                states.act(shop, label, named, operator=getpass.getuser(), reason=reason)
                if named
                else []
            )
        value = sum(one["value_minor"] for one in found)
        orders = sorted({one["purchase_order_id"] for one in found if one["purchase_order_id"]})
        if as_json:
            names = [one["decision_id"] for one in found]
            print_json({done: names, "value_minor": value, "purchase_orders": orders})
            return
        print(f"{len(found)} proposals {done}, value {value / 100:,.2f}")
        for order in orders:
            print(f"  purchase order {order}")


_deed("approve", "approved", "Approve proposals; nothing is ordered until they are sent.")
_deed("reject", "rejected", "Reject proposals; the next cycle may propose them again.")
_deed("send", "sent", "Send approved proposals: one purchase order per supplier and location.")


@command.command("change")
@click.argument("proposal")
@click.argument("quantity", type=float)
@click.option("--why", required=True, help="Why; stands on the record and is judged later.")
@as_json_option
@click.pass_obj
def change(home: str, proposal: str, quantity: float, why: str, as_json: bool) -> None:
    """Order another QUANTITY than was proposed."""
    with open_shop(settings.load(home)) as shop:
        found = desk.change(shop, proposal, quantity, operator=getpass.getuser(), why=why)
    if as_json:
        print_json(found)
        return
    print(f"{proposal}: {found['quantity']:g} units, proposed were {found['proposed_quantity']:g}")


@command.command("export")
@filters
@click.option("--to", "file", type=click.Path(path_type=Path), help="Without: standard output.")
@click.pass_obj
def export(home: str, file: Path | None, **asked: str) -> None:
    """Write proposals as CSV."""
    wanted = desk.wanted(**asked)
    with open_shop(settings.load(home)) as shop:
        text = desk.export(shop, wanted)
    if file is None:
        print(text, end="")
        return
    try:
        # With the mark that makes spreadsheets read UTF-8.
        file.write_text(text, "utf-8-sig", newline="")
    except OSError as problem:
        raise BadInput(f"{file} cannot be written: {problem.strerror}.", field="to") from problem
    print(f"{text.count(chr(10)) - 1} proposals in {file}")
