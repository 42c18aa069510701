"""Who is it, where the terms let a conversation say so: an e-mail, or a full name with a postcode.

A shop with sign-in never comes here: its customer is in the signed session. Telephone and e-mail
desks do, and the published retail tasks.
"""

from __future__ import annotations

import re

from shopkeeper.support.acts import Act, act
from shopkeeper.support.desk import Desk

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]*\w")
_POSTCODE = re.compile(r"\b\d{5}\b")
_NAME = re.compile(
    r"\b(?:I'?m|I am|my name is|name is|this is|called|guy called)\s+(?:an? [\w ]+ called )?"
    r"([A-Z][\w'-]+)(?:\s+([A-Z][\w'-]+))?"
)
_TRIES = 4


def identify(text: str, desk: Desk) -> list[Act]:
    """Return what to ask, or nothing once the customer is known; requests heard are kept."""
    state = desk.state
    state.heard.append(text)
    if mail := _EMAIL.findall(text):
        state.told["email"] = " ".join(mail)
    if name := _NAME.search(text):
        state.told["first"] = name[1]
        if name[2]:
            state.told["last"] = name[2]
    if code := _POSTCODE.findall(text):
        state.told["postcode"] = code[-1]
    found = desk.book.find_customer(state.told)
    if found is not None:
        desk.note("find_customer", ok=True)
        state.customer_id = found
        state.told = {}
        desk._orders = None
        state.heard = [one for one in state.heard if not _only_identity(one)]
        return []
    told = state.told
    enough = "email" in told or ("first" in told and "postcode" in told)
    if enough:
        desk.note("find_customer", ok=False)
        state.unclear += 1
        if state.unclear > _TRIES:
            from shopkeeper.support.talk import hand_over

            return hand_over("not_identified", desk)
        return [act("ask_identity_again")]
    return [act("ask_identity")]


def _only_identity(text: str) -> bool:
    """Say whether a text says who it is and asks for nothing."""
    rest = _EMAIL.sub("", text)
    return len(re.findall(r"\w+", rest)) < 3 or (
        bool(_NAME.search(text) or _POSTCODE.search(text)) and len(text.split()) <= 16
    )
