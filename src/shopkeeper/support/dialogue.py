"""One turn: what was said, seen from the conversation, becomes acts and, after a yes, writes.

Order of business: a wish for a person; who it is; a confirmation that waits; what is asked for;
answers to our question; knowledge; else an honest "I did not understand". Everything is plain
code over the state, so the same conversation gives the same turn, always.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shopkeeper.support import lexicon as lex
from shopkeeper.support import talk
from shopkeeper.support.acts import ASKS, Act, act
from shopkeeper.support.addresses import read_address
from shopkeeper.support.answers import fill
from shopkeeper.support.commit import commit, show
from shopkeeper.support.desk import Desk, methods_said
from shopkeeper.support.frames import Frame, order_ids, read
from shopkeeper.support.identity import identify
from shopkeeper.support.message import Message
from shopkeeper.support.questions import AFTER, QUESTIONS, answer
from shopkeeper.support.questions_about_goods import goods_in, sold_here
from shopkeeper.support.resolve import task_of
from shopkeeper.support.state import Conversation, Task, Write
from shopkeeper.support.tasks import advance

MOST_OPEN = 3  # tasks begun and not finished
MOST_WAITING = 6
UNCLEAR = 2  # then a person is offered
# What is merged into a plan that is shown already.
_JOIN = ("return", "change", "cancel")
# Questions whose answer may hold words that else begin a wish.
_ANSWERS = ("inform_", "cite", "recommend", "done")
_SLOTS = (
    "ask_method",
    "deny_method",
    "deny_balance",
    "ask_reason",
    "ask_address",
    "ask_variant",
    "ask_item",
)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of a turn."""

    state: Conversation
    acts: list[Act]
    writes: list[Write] = field(default_factory=list)
    tools: list[dict[str, Any]] = field(default_factory=list)
    asks: list[dict[str, Any]] = field(default_factory=list)
    address: Any = None
    previous: Any = None


def step(said: Message, desk: Desk) -> Outcome:
    """Take one message; ``desk.state`` becomes the new state."""
    state = desk.state
    state.turn += 1
    if found := read_address(said.text):
        desk.address = found[0]
    acts, writes = _turn(said, desk)
    if desk.asks:
        return Outcome(state=state, acts=[act("wait")], asks=desk.asks, address=desk.address)
    _remember(acts, state)
    return Outcome(
        state=state,
        acts=acts,
        writes=writes,
        tools=desk.tools,
        address=desk.address,
        previous=desk.previous,
    )


def _turn(said: Message, desk: Desk) -> tuple[list[Act], list[Write]]:
    state = desk.state
    if said.rating:
        state.rating = said.rating
        return [act("thanks_rating")], []
    if talk.wants_person(said.text, said.understanding):
        return talk.hand_over("asked", desk), []
    if state.customer_id is None and desk.terms.identify == "conversation":
        asked = identify(said.text, desk)
        if asked:
            return asked, []
        text = ". ".join(state.heard)
        state.heard = []
        greeting = [act("identified")]
        acts, writes = _work(_read(text, desk), text, said, desk)
        return greeting + acts, writes
    if state.pending is not None:
        return _confirming(said, desk)
    frames = _read(said.text, desk)
    if _only_answers(frames, said.text, desk):
        state.unclear = 0
        return _next([], said, desk)
    asks_how = lex.HOW.search(said.text) and not any(_says_what(one) for one in frames)
    asks_how = asks_how or _of_no_goods(frames, said.text, desk)
    if asks_how and not state.tasks and (known := talk.knowledge(said, desk)):
        return known, []
    if state.tasks and frames and state.ask.startswith(("offer_", "deny_", "ask_variant")):
        frames, settled = _instead(frames, said.text, desk)
        if settled is not None:
            return _work(frames, said.text, said, desk, first=settled)
    return _work(frames, said.text, said, desk)


def _of_no_goods(frames: list[Frame], text: str, desk: Desk) -> bool:
    """Say whether "how much is shipping" sounds like a question about goods, but names none."""
    sounds = all(one.verb in ("line_facts", "stock") and not _says_what(one) for one in frames)
    return bool(frames) and sounds and not desk.book.find_items(goods_in(text))


def _says_what(frame: Frame) -> bool:
    return bool(frame.mentions or frame.order_ids or frame.all_items or frame.excluded)


def _instead(frames: list[Frame], text: str, desk: Desk) -> tuple[list[Frame], list[Act] | None]:
    """After a refusal or an offer: the whole order, everything else, or only some of it."""
    state = desk.state
    task = state.tasks[0]
    first = frames[0]
    bare = not first.mentions and not first.order_ids and not first.all_orders
    if state.ask in ("offer_cancel_all", "offer_cancel") and first.verb == "cancel" and bare:
        return frames[1:], talk.offered(state.ask, task, f"yes {text}", desk)
    if first.verb == task.kind and lex.ONLY.search(text) and talk.narrowed(task, first, desk):
        return frames[1:], []
    if first.verb in ("cancel", "return") and (bare or first.verb == task.kind):
        orders = list(dict.fromkeys(pick.order_id for pick in task.picks)) or task.order_ids
        state.tasks.pop(0)
        fresh = talk.with_words(task_of(first), text, desk)
        if bare and not (first.verb == "return" and not first.all_items):
            fresh.order_ids = orders
        elif bare:
            fresh.picks = [p for p in task.picks if not p.skip]
        fresh.method = fresh.method or (task.method if fresh.kind == task.kind else "")
        if state.ask == "deny_method" and not talk.methods_said(text):
            fresh.method = ""
        state.tasks.insert(0, fresh)
        return frames[1:], []
    return frames, None


def _only_answers(frames: list[Frame], text: str, desk: Desk) -> bool:
    """Take "PayPal for any refund" as the answer to our question, not as a new wish."""
    state = desk.state
    if not state.tasks or state.ask not in _SLOTS:
        return False
    if any(_says_what(one) for one in frames if one.verb not in QUESTIONS):
        return False
    return fill(state.ask, state.tasks[0], text, desk)


def _confirming(said: Message, desk: Desk) -> tuple[list[Act], list[Write]]:
    """A plan is shown: yes commits, no drops it, anything else changes it."""
    state = desk.state
    pending = state.pending
    assert pending is not None
    if said.confirm:
        if said.confirm != pending.nonce:
            return [act("stale_confirmation", why="other")], []
        first, writes = _committed(desk)
        acts, _ = (first, None) if desk.asks or state.handed_over else _next(first, said, desk)
        return acts, writes
    frames = [one for one in _read(said.text, desk) if one.verb != "undo"]
    wants = [one for one in frames if one.verb not in QUESTIONS]
    if lex.YES.search(said.text) and not lex.WRONG_ORDER.search(said.text) and not wants:
        first, writes = _committed(desk)
        if desk.asks or state.handed_over:
            return first, writes
        more = [one for one in frames if one.verb in QUESTIONS]
        acts, again = _work(more, said.text, said, desk, first=first)
        return acts, writes + again
    state.pending = None
    task = pending.task
    if lex.WRONG_ORDER.search(said.text) and not wants:
        talk.other_order(task, desk)
        return _work([], said.text, said, desk, task=task)
    if wants:
        return _replanned(wants, task, said, desk)
    if methods_said(said.text):
        task.method = "|".join(methods_said(said.text))
        return _work([], said.text, said, desk, task=task)
    if desk.address is not None and task.kind == "address" and read_address(said.text):
        task.place = ""
        return _work([], said.text, said, desk, task=task)
    if frames:
        # A question in between: answered, and the plan is shown again.
        return _work(frames, said.text, said, desk, task=task)
    if lex.NO.search(said.text):
        return _next([act("dropped")], said, desk)
    state.pending = pending
    state.unclear += 1
    if state.unclear > UNCLEAR:
        return talk.hand_over("unclear", desk), []
    return [act("ask_yes_no")], []


def _committed(desk: Desk) -> tuple[list[Act], list[Write]]:
    acts, writes = commit(desk)
    state = desk.state
    state.unclear = 0
    if desk.asks:
        return acts, []
    if state.handed_over:
        return acts + talk.hand_over(state.handed_over, desk), writes
    if state.tasks and acts and acts[0].kind == "stale_confirmation":
        state.tasks[0].picks = [p for p in state.tasks[0].picks if not p.skip]
    return acts, writes


def _replanned(
    wants: list[Frame], task: Task, said: Message, desk: Desk
) -> tuple[list[Act], list[Write]]:
    """The customer adds to what is shown, or says what it should rather be."""
    first = wants[0]
    only = bool(lex.ONLY.search(said.text))
    if first.verb == task.kind and only and talk.narrowed(task, first, desk):
        if methods_said(said.text):
            task.method = "|".join(methods_said(said.text))
        return _work(wants[1:], said.text, said, desk, task=task)
    joins = first.verb == task.kind and first.verb in _JOIN and first.mentions
    if joins and not lex.CHANGED_MIND.search(said.text):
        fresh = task_of(first)
        task.mentions += fresh.mentions
        task.text = f"{task.text} {fresh.text}"
        if not fresh.mentions:
            task.facts["more"] = first.text
            desk.state.waiting.insert(0, fresh)
        if methods_said(said.text):
            task.method = "|".join(methods_said(said.text))
        return _work(wants[1:], said.text, said, desk, task=task)
    if first.verb == task.kind and not first.mentions and talk.rather(task, said.text, desk):
        if methods_said(said.text):
            task.method = "|".join(methods_said(said.text))
        return _work(wants[1:], said.text, said, desk, task=task)
    if lex.CHANGED_MIND.search(said.text) or lex.NO.search(said.text):
        return _work(wants, said.text, said, desk)
    return _work(wants, said.text, said, desk, task=task)


def _work(
    frames: list[Frame],
    text: str,
    said: Message,
    desk: Desk,
    *,
    task: Task | None = None,
    first: list[Act] | None = None,
) -> tuple[list[Act], list[Write]]:
    """Queue what is asked for and work until the customer has the word."""
    state = desk.state
    acts: list[Act] = list(first or [])
    fresh = [talk.with_words(task_of(one), text, desk) for one in frames]
    fresh = talk.joined(fresh)
    if task is not None:
        state.tasks.insert(0, task)
    if fresh:
        state.unclear = 0
        acts += _queue(fresh, desk)
    elif task is None and first is None:
        answered = _answered(text, said, desk)
        if answered is not None:
            return answered
    return _next(acts, said, desk)


def _queue(fresh: list[Task], desk: Desk) -> list[Act]:
    """Questions are answered now or after the work; work joins the queue."""
    state = desk.state
    busy = bool(state.tasks) or any(one.kind not in QUESTIONS for one in fresh)
    acts: list[Act] = []
    for one in fresh:
        if one.kind in QUESTIONS and not (one.kind in AFTER and busy):
            acts += answer(one, desk)
        elif len(state.waiting) < MOST_WAITING:
            state.waiting.append(one)
    work = [one for one in state.waiting if one.kind not in QUESTIONS]
    state.waiting = work + [one for one in state.waiting if one.kind in QUESTIONS]
    # A new wish while a question is open is a digression: it goes first, the other stays open.
    if state.tasks and work and len(state.tasks) < MOST_OPEN:
        state.tasks.insert(0, work[0])
        state.waiting.remove(work[0])
    return acts


def _answered(text: str, said: Message, desk: Desk) -> tuple[list[Act], list[Write]] | None:
    """Read a message without a wish of its own: an answer, small talk, or a question."""
    state = desk.state
    if state.tasks:
        task = state.tasks[0]
        if state.ask.startswith("offer_"):
            settled = talk.offered(state.ask, task, text, desk)
            if settled is not None:
                return _next(settled, said, desk)
        if lex.WRONG_ORDER.search(text):
            talk.other_order(task, desk)
            return None
        if fill(state.ask, task, text, desk):
            state.unclear = 0
            return None
        if lex.NO.search(text) or lex.DONE.search(text):
            state.tasks.pop(0)
            return _next([act("dropped")], said, desk)
    small = talk.small_talk(text, said, desk)
    if small is not None:
        return small, []
    if (ids := order_ids(text, [o.order_id for o in desk.orders()])) and not state.tasks:
        if desk.customer_id is None:
            return [act("ask_sign_in")], []
        return answer(Task(kind="status", text=text, order_ids=list(ids)), desk), []
    known = talk.knowledge(said, desk)
    if known is not None:
        return (known, []) if not state.tasks else _next(known, said, desk)
    if (sold := sold_here(text, desk)) is not None:
        return (sold, []) if not state.tasks else _next(sold, said, desk)
    state.unclear += 1
    if state.unclear > UNCLEAR:
        return talk.hand_over("unclear", desk), []
    if state.tasks and state.ask in ASKS:
        return _next([act("not_understood")], said, desk)
    return [talk.not_known(said, desk)], []


def _next(acts: list[Act], said: Message, desk: Desk) -> tuple[list[Act], list[Write]]:
    """Work on tasks until one asks or shows a plan, or none is left."""
    state = desk.state
    for _ in range(MOST_WAITING + MOST_OPEN + 1):
        if not state.tasks:
            if not state.waiting:
                break
            state.tasks.append(state.waiting.pop(0))
        task = state.tasks[0]
        if task.kind in QUESTIONS:
            state.tasks.pop(0)
            acts += answer(task, desk)
            continue
        if desk.customer_id is None:
            return [*acts, act("ask_sign_in")], []
        moved = advance(task, desk)
        acts += moved.acts
        if moved.writes:
            state.tasks.pop(0)
            return [*acts, show(task, moved.writes, desk)], []
        if moved.over:
            state.tasks.pop(0)
            continue
        asked = moved.acts[-1].kind if moved.acts else "ask_what"
        # Asked once more after another question was answered is no failed try.
        if not any(one.kind.startswith(_ANSWERS) for one in acts):
            task.asked[asked] = task.asked.get(asked, 0) + 1
        if task.asked.get(asked, 0) > UNCLEAR + 1:
            state.tasks.pop(0)
            return acts[:-1] + talk.hand_over("unclear", desk), []
        return acts, []
    if acts and acts[-1].kind not in ("handed_over", "ask_rating"):
        acts.append(act("anything_else"))
    return acts or [act("ask_what")], []


def _remember(acts: list[Act], state: Conversation) -> None:
    """Keep what was asked last and what "the second one" would mean."""
    state.ask = acts[-1].kind if acts else ""
    last = acts[-1].facts if acts else {}
    if "lines" in last and state.ask == "ask_item":
        state.choices = [f"{one['order']}|{one['item_id']}" for one in last["lines"]]
    elif "orders" in last and state.ask.startswith("ask_order"):
        state.choices = [one["order"] for one in last["orders"]]
    elif "options" in last and isinstance(last["options"], list):
        state.choices = [one["item_id"] for one in last["options"]]
    else:
        state.choices = []


def _read(text: str, desk: Desk) -> list[Frame]:
    return read(text, _names(text, desk), [one.order_id for one in desk.orders()])


def _names(text: str, desk: Desk) -> list[str]:
    """Return the product names that a text may mean: own orders', then the catalogue's."""
    own = desk.names()
    return own + [one.name for one in desk.book.named_in(text) if one.name not in own]


__all__ = ["Message", "Outcome", "step"]
