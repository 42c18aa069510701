"""What is not a task: greetings, offers taken or not, other orders, knowledge, and handing over."""

from __future__ import annotations

import re

from shopkeeper.support import lexicon as lex
from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk, methods_said, reason_said
from shopkeeper.support.frames import Frame
from shopkeeper.support.message import Message
from shopkeeper.support.naming import mentions
from shopkeeper.support.schema import Understanding
from shopkeeper.support.state import Task

_ANGRY = -0.75
_GROUP = ("return", "change", "cancel")


def wants_person(text: str, understanding: Understanding | None) -> bool:
    """Say whether the customer asks for a person; honoured in every turn."""
    match = lex.HUMAN.search(text)
    if match and not lex.NEGATED.search(text[: match.start()]):
        return True
    return bool(understanding and understanding.wants_human)


def hand_over(why: str, desk: Desk) -> list[Act]:
    """Give the conversation to a person; never silent, never twice the same promise."""
    state = desk.state
    again = bool(state.handed_over) and why == "asked"
    state.handed_over = why
    state.pending = None
    desk.note("hand_over", ok=True, why=why)
    open_now = desk.given.get("open", True)
    kind = "handed_over_again" if again else ("handed_over" if open_now else "handed_over_closed")
    return [
        act(
            kind,
            "terms",
            why=why,
            open_hour=desk.terms.open_hour,
            close_hour=desk.terms.close_hour,
        )
    ]


def with_words(task: Task, text: str, desk: Desk) -> Task:
    """Take the method of payment and the reason from the whole message."""
    if not task.method and (methods := methods_said(_of_payment(text, task))):
        task.method = "|".join(methods)
    if not task.reason:
        task.reason = reason_said(text)
    if task.kind == "address" and not task.place:
        _place_of_thing(task, text, desk)
    return task


_SENT = re.compile(r"\b(?:bought|ordered) (?:an?|the|my) ([\w ]+?) sent (?:to|there)", re.I)


def _place_of_thing(task: Task, text: str, desk: Desk) -> None:
    """Take "the new home, where my luggage was sent" as that order's address."""
    match = _SENT.search(text)
    names = {n for one in mentions(match[1], desk.names()) for n in one.names} if match else set()
    for order in desk.orders():
        if any(line.name in names for line in order.lines):
            task.place = f"order:{order.order_id}"
            return


def _of_payment(text: str, task: Task) -> str:
    if task.kind == "payment":
        return re.split(r"\bto\b", task.text)[-1]
    return text


def joined(tasks: list[Task]) -> list[Task]:
    """Make one task of several wishes of one kind, so that an order is changed once."""
    found: list[Task] = []
    goods = any(one.kind in ("return", "cancel", "change") for one in tasks)
    for one in tasks:
        if one.kind == "refund" and goods and not one.mentions:
            continue  # "… and refund to my card" says how, not what
        twin = next((t for t in found if t.kind == one.kind and one.kind in _GROUP), None)
        if twin is None or (not one.mentions and not one.order_ids) or not twin.mentions:
            found.append(one)
            continue
        if one.order_ids and twin.order_ids and one.order_ids != twin.order_ids:
            found.append(one)
            continue
        for told in one.mentions:
            again = [m for m in twin.mentions if m["names"] == told["names"]]
            # "I want to exchange A and B. A for a bigger one …": said once more, with the wish.
            if one.kind == "change" and again and len(again[-1]["after"].strip(" .,")) < 4:
                twin.mentions[twin.mentions.index(again[-1])] = told
            else:
                twin.mentions.append(told)
        twin.text = f"{twin.text}. {one.text}"
        twin.order_ids = twin.order_ids or one.order_ids
        twin.method = twin.method or one.method
        twin.facts |= {k: v for k, v in one.facts.items() if k not in twin.facts}
    return found


def other_order(task: Task, desk: Desk) -> None:
    """ "Not that order": forget which one was meant, keep the rest of the wish."""
    wrong = {pick.order_id for pick in task.picks} | set(task.order_ids)
    task.picks, task.order_ids, task.resolved = [], [], False
    for told in task.mentions:
        told.pop("done", None)
    task.facts["not"] = "|".join(sorted(wrong))
    desk.state.order_id = ""


def offered(ask: str, task: Task, text: str, desk: Desk) -> list[Act] | None:
    """Read a yes or no to an offer; None when the answer is something else."""
    whole = re.search(r"\b(?:whole|entire) order\b|\bthat'?s (?:ok|fine)\b|整单", text, re.I)
    yes = bool(lex.YES.search(text)) or bool(whole and not lex.NO.search(text))
    if yes:
        if ask == "offer_cancel":
            task.kind, task.picks, task.resolved = "cancel", [], False
            if not task.order_ids:
                task.order_ids = list(desk.state.choices)[:1]
        task.facts["whole"] = "yes"
        task.reason = reason_said(text) or task.reason
        if methods_said(text):
            task.method = "|".join(methods_said(text))
        return []
    if lex.NO.search(text):
        desk.state.tasks.pop(0)
        return [act("dropped")]
    return None


_RATHER = re.compile(
    r"\b(?:more|less) expensive\b|\bcheaper\b|\bother one\b|贵的|便宜的|另一", re.I
)


def rather(task: Task, text: str, desk: Desk) -> bool:
    """Take "no, the more expensive one" as another line of the same product."""
    if not _RATHER.search(text):
        return False
    lines = [desk.line(pick.order_id, pick.item_id) for pick in task.picks]
    names = "|".join(dict.fromkeys(line.name for line in lines if line))
    task.picks = []
    task.mentions = [{"names": names, "before": text, "after": "", "plural": "", "number": ""}]
    return bool(names)


def narrowed(task: Task, frame: Frame, desk: Desk) -> bool:
    """Keep "only the lamp" of what was planned; say whether anything is left."""
    names = {name for one in frame.mentions for name in one.names}
    keep = [
        pick
        for pick in task.picks
        if (line := desk.line(pick.order_id, pick.item_id)) and line.name in names
    ]
    if not keep:
        return False
    for pick in task.picks:
        pick.skip = pick not in keep
    return True


def small_talk(text: str, said: Message, desk: Desk) -> list[Act] | None:
    """Greetings, thanks and goodbyes; None when the text is something else."""
    if lex.HELLO.search(text) and len(text.split()) <= 4 and len(text) < 24:
        return [act("greet")]
    if lex.DONE.search(text) and len(text.split()) <= 12:
        return [act("bye"), act("ask_rating")] if desk.state.turn > 1 else [act("bye")]
    if lex.PROMISES.search(text):
        return [act("deny_promise", "terms")]
    if lex.COMPLAINT.search(text):
        return hand_over("angry", desk)
    feeling = said.understanding.sentiment.score if said.understanding else 0.0
    if feeling <= _ANGRY and desk.state.unclear >= 1:
        return hand_over("angry", desk)
    return None


def knowledge(said: Message, desk: Desk) -> list[Act] | None:
    """Answer from passages above the floor, each sentence with its passage; None when none is."""
    if not said.hits:
        return None
    best = said.hits[0].passage
    desk.note("search_knowledge", ok=True, doc=best.doc_id)
    return [
        act(
            "cite",
            f"passage:{best.passage_id}",
            text=best.text,
            title=best.title,
            doc=best.doc_id,
        )
    ]


def not_known(said: Message, desk: Desk) -> Act:
    """Say honestly that it is not known; these turns are the gaps shown to operators."""
    understanding = said.understanding
    outside = understanding is not None and understanding.out_of_scope > 0.7
    asks = bool(re.search(r"[?？]|吗|呢|\b(?:what|how|when|why|can|do|is|are)\b", said.text, re.I))
    desk.note("search_knowledge", ok=False)
    if outside and not asks:
        return act("ask_what")
    return act("dont_know" if asks else "ask_what")


def named(text: str, desk: Desk) -> list[str]:
    """Return the names of own products that a text mentions."""
    return [name for one in mentions(text, desk.names()) for name in one.names]
