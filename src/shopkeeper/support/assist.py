"""What an operator may say and do with one click: cited drafts, and tools shown before they act.

Drafts come from the same dialogue that answers customers, run on a copy: each sentence names its
source. Tools are planned by the same tasks under the same terms and judged again when they are
carried out; only the question "does a person agree" is answered already, by the operator.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shopkeeper.support import allowed, records
from shopkeeper.support.acts import Act, act
from shopkeeper.support.commit import address_of, entry, stale
from shopkeeper.support.desk import Desk
from shopkeeper.support.dialogue import Message, step
from shopkeeper.support.grammar import Sentence, render
from shopkeeper.support.records import Order
from shopkeeper.support.state import Pick, Task, Tried, Write, copy
from shopkeeper.support.talk import wants_person
from shopkeeper.support.tasks import advance

TOOLS = ("return", "refund", "cancel", "coupon")
MOST_ORDERS = 3
MOST_READ = 4  # latest messages of the customer that a draft may answer
# Acts that inform, refuse or cite; what asks, greets or hands over is no draft.
_TOLD = ("inform_", "deny_", "cite", "recommend", "no_", "nothing_", "address_not_shown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A tool that the terms allow now for an order; ``items`` are (id, name) it may be about.

    ``held`` says why the assistant left this very write to a person, empty otherwise.
    """

    tool: str
    order_id: str
    items: tuple[tuple[str, str], ...] = ()
    held: str = ""


@dataclass(slots=True, kw_only=True)
class Plan:
    """What a tool would do: writes to carry out, or acts that say why not."""

    writes: list[Write] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)


def drafts(desk: Desk, said: Sequence[Message], language: str) -> list[Sentence]:
    """Return sentences that answer the customer's latest message that has an answer.

    ``said`` is newest first. ``desk`` is only copied.
    """
    for one in said[:MOST_READ]:
        if not one.text.strip() or wants_person(one.text, one.understanding):
            continue
        state = copy(desk.state)
        state.pending, state.handed_over = None, ""
        own = Desk(
            state=state,
            book=desk.book,
            terms=desk.terms,
            now_us=desk.now_us,
            given={"recommend": None, "fraud": None, "stock": None, **desk.given},
        )
        acts = [a for a in step(one, own).acts if a.kind.startswith(_TOLD)]
        if acts:
            return render(acts, language, seed=f"draft {state.turn}", tone="polite")
    return []


def offers(desk: Desk) -> list[Offer]:
    """Return the tools that may be used now: what waits for a person first, then by order."""
    found = [
        Offer(
            tool="refund",
            order_id=one.order_id,
            items=_named(one, desk),
            held=desk.state.handed_over or "refund",
        )
        for one in desk.state.reviewed
        if desk.order(one.order_id)
    ]
    orders = desk.orders()
    focus = [one for one in orders if one.order_id == desk.state.order_id]
    for order in [*focus, *(one for one in orders if one not in focus)][:MOST_ORDERS]:
        items = tuple((line.item_id, line.name) for line in order.lines)
        if allowed.may_cancel(order) is None:
            found.append(Offer(tool="cancel", order_id=order.order_id))
        if allowed.may_return(order, desk.terms, desk.now_us) is None:
            found.append(Offer(tool="return", order_id=order.order_id, items=items))
            if not order.refunded_minor:
                found.append(Offer(tool="refund", order_id=order.order_id, items=items))
    if desk.terms.coupon_codes and not any(one.tool == "coupon" for one in desk.state.tried):
        found.append(Offer(tool="coupon", order_id=""))
    return found


def plan(desk: Desk, tool: str, order_id: str, items: Sequence[str], reason: str) -> Plan:
    """Return what a tool would do for some items of an order, all of them when none is named."""
    order = desk.order(order_id) if order_id else None
    if order is None and tool != "coupon":
        return Plan(acts=[act("ask_order_again", said=order_id)])
    task = Task(kind=tool, reason=reason, order_ids=[order_id] if order_id else [])
    if order is not None and tool in ("return", "refund"):
        wanted = [line.item_id for line in order.lines if not items or line.item_id in items]
        task.picks = [Pick(order_id=order_id, item_id=one) for one in wanted]
        if not wanted or len(wanted) < len(set(items)):
            return Plan(acts=[act("nothing_eligible", task=tool)])
    if tool == "cancel" and not reason and desk.terms.cancel_reasons:
        task.reason = desk.terms.cancel_reasons[0]
    moved = advance(task, desk)
    if not moved.writes and not moved.acts:
        return Plan(acts=[act("nothing_eligible", task=tool)])
    if tool == "refund" and order is not None and _too_much(moved.writes, order):
        return Plan(acts=[act("nothing_eligible", task=tool)])
    return Plan(writes=moved.writes, acts=moved.acts)


def shown(the_plan: Plan, desk: Desk, language: str) -> list[Sentence]:
    """Return a plan in words, as it is put before the operator."""
    acts = list(the_plan.acts)
    if the_plan.writes:
        acts.append(act("preview", "plan", entries=[entry(one, desk) for one in the_plan.writes]))
    return render(acts, language, seed="operator", tone="neutral")


def carry_out(
    writes: Sequence[Write], nonce: str, desk: Desk, language: str
) -> tuple[list[Sentence], list[Write]]:
    """Do what an operator confirmed, once: return what the customer is told, and the writes.

    ``desk.state`` becomes the new state. Writes that no longer fit the records are refused
    whole: the sentences then say so and no write is returned.
    """
    state = desk.state
    if nonce in state.used:
        return render([act("already_done")], language, seed=nonce, tone="neutral"), []
    if why := stale(list(writes), desk):
        return render([why], language, seed=nonce, tone="neutral"), []
    state.used.append(nonce)
    acts = []
    for write in writes:
        acts.append(act("done", f"order:{write.order_id}", **entry(write, desk)))
        desk.see(write, address_of(write, desk))
        state.tried.append(Tried(tool=write.tool, outcome="operator", order_id=write.order_id))
        state.reviewed = [one for one in state.reviewed if not _same(one, write)]
    return render(acts, language, seed=nonce, tone="polite"), list(writes)


def _too_much(writes: Sequence[Write], order: Order) -> bool:
    """Say whether a refund would bring back more than was paid."""
    back = sum(int(one.args.get("amount_minor", 0)) for one in writes)
    return order.refunded_minor + back > order.total_minor or order.status == records.CANCELLED


def _same(one: Write, other: Write) -> bool:
    return (one.tool, one.order_id) == (other.tool, other.order_id)


def _named(write: Write, desk: Desk) -> tuple[tuple[str, str], ...]:
    ids = write.args.get("item_ids", ())
    lines = [(one, desk.line(write.order_id, one)) for one in ids]
    return tuple((item_id, line.name if line else item_id) for item_id, line in lines)
