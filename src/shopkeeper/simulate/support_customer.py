"""A scripted customer: what a task's scenario says, cut by rules into what is said and when.

Reads the scenario's text alone (never what is expected of the agent) and answers the agent's
dialogue acts: wishes at the start or one by one, what is conditional only when its condition is
met. Seeded small variation in wording and order gives trials. Knows nothing of support.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_SECRET = re.compile(
    r"\b(?:do(?:es)? not (?:reveal|want to reveal|share)|don'?t (?:reveal|share|want to reveal)|"
    r"won'?t reveal|prefer not to reveal|do not want to mention)\b[^.;)]*",
    re.I,
)
_STAGE = re.compile(
    r"^(?:make sure|try to|do not end|be |mention|you are (?:a |an |in |polite|detail|into|brief|"
    r"reluct|not familiar|sad|happy|busy|angry|confident|cautious|outgoing|dependent|shy|direct|"
    r"curious|messy|now|insecure|organized|mysterious)|your approach|you like to|you just quit|"
    r"you'?re not|you do not want to cancel|they are|you believe)",
    re.I,
)
_WANTS = re.compile(
    r"\b(?:want|wish|would like|would also like|need|ask|know|wonder|inquire|confirm|cancel|"
    r"return|exchange|modify|change|refund|prefer|check|intend|for (?:order )?#|use )",
    re.I,
)
_ASKED = re.compile(
    r"^(?:but |and )?(?:if|when)(?: and only if)? (?:the agent |you are |being )?ask", re.I
)
_IF = re.compile(r"^(?:well, )?(?:and |but )?(?:if|in case|for both|unless)\b", re.I)
_PAY = re.compile(r"pay ?pal|gift ?card|credit card|\bvisa\b|\bGC\b|payment|\bcard\b|amex", re.I)
_THEN = re.compile(
    r",\s*(?:then\s+)?(?=(?:you|your|just|no|cancel|return|say|mention|it is|tell|only|prefer|"
    r"proceed|provide|get|exchange|go|keep|refund|do|also|ask|the)\b)",
    re.I,
)
_NOT_YET = re.compile(r"do not say yes immediately,? because ", re.I)
_BOUGHT = re.compile(r"\b(?:just bought|received|ordered)\b", re.I)
_GREETINGS = ("Hi.", "Hello,", "Hi there.", "Good morning.")
_YES = ("Yes, please.", "Yes.", "Yes, go ahead.", "Yes, that is correct.")


@dataclass(slots=True)
class Script:
    """What a customer says, by occasion; lists are used up in order."""

    identity: list[str]
    opening: list[str]
    later: list[str] = field(default_factory=list)
    on_confirm: list[str] = field(default_factory=list)
    on_confirm_paid: list[str] = field(default_factory=list)  # after a method was named
    on_denied: list[str] = field(default_factory=list)
    on_unavailable: list[str] = field(default_factory=list)
    on_item: list[str] = field(default_factory=list)
    on_order: list[str] = field(default_factory=list)
    on_reason: list[str] = field(default_factory=list)
    on_method: list[str] = field(default_factory=list)
    on_variant: list[str] = field(default_factory=list)
    one_by_one: bool = False


def compile_script(scenario: Mapping[str, Any]) -> Script:
    """Return the script of one scenario, from its own words only."""
    told = {name: str(scenario.get(name) or "") for name in _PARTS}
    reasons = _cut(_clean(told["reason_for_call"]))
    extra = _cut(_clean(told["task_instructions"]))
    script = Script(identity=_identity(told["known_info"], told["task_instructions"]), opening=[])
    script.one_by_one = bool(
        re.search(r"one (?:thing )?at a time|one thing|piecewise", told["task_instructions"], re.I)
    )
    for sentence in [*reasons, *extra]:
        _place(sentence, script)
    if not script.opening and script.later:
        script.opening.append(script.later.pop(0))
    return script


class Customer:
    """One customer in one trial; ``rng`` varies words, never what is wanted."""

    def __init__(self, script: Script, rng: np.random.Generator) -> None:
        self.script, self.rng = script, rng
        self.said_yes = 0
        self.who = script.identity[-1]
        self._seen: dict[str, int] = {}
        self.over = False

    def first(self) -> str:
        """Return the first message."""
        wishes = self.script.opening
        if self.script.one_by_one:
            wishes, self.script.later = wishes[:1], wishes[1:] + self.script.later
        return f"{self._pick(_GREETINGS)} {' '.join(wishes)}"

    def reply(self, kinds: Sequence[str], text: str = "") -> str | None:
        """Return the answer to an agent's acts and words, None when the customer leaves."""
        if not kinds or self.over:
            return None
        last = kinds[-1]
        self._seen[last] = self._seen.get(last, 0) + 1
        if any(kind.startswith("handed_over") for kind in kinds) or self._seen[last] > 4:
            return None
        denied = any(kind.startswith(("deny_", "stale")) for kind in kinds)
        gone = self.script.on_unavailable
        if gone and (last == "ask_variant" or (denied and not self.script.on_denied)):
            return self._take(gone)
        if denied and self.script.on_denied and last != "confirm":
            return self._take(self.script.on_denied)
        if last == "confirm":
            return self._confirm()
        if last == "ask_variant" and (wish := self._preference(text)):
            return wish
        by_act = {
            "ask_identity": self.script.identity,
            "ask_identity_again": self.script.identity,
            "ask_item": self.script.on_item,
            "ask_order": self.script.on_order,
            "ask_order_again": self.script.on_order,
            "ask_reason": self.script.on_reason,
            "ask_method": self.script.on_method,
        }
        if last in by_act:
            found = by_act[last]
            if found:
                return self._take(found, keep_last=last in ("ask_method", "ask_reason", "ask_item"))
        return self._default(last)

    def _preference(self, text: str) -> str | None:
        """Return what is preferred among what was offered, if it is about that product."""
        for one in self.script.on_variant:
            about, _, wish = one.partition("|")
            if not about or about.split()[-1].lower() in text.lower():
                self.script.on_variant.remove(one)
                return wish
        return None

    def _confirm(self) -> str:
        if self.script.on_confirm_paid and self._seen.get("ask_method"):
            return self._take(self.script.on_confirm_paid)
        if self.script.on_confirm:
            return self._take(self.script.on_confirm)
        self.said_yes += 1
        return self._pick(_YES)

    def _default(self, last: str) -> str | None:
        defaults = {
            "ask_reason": "It is no longer needed.",
            "ask_method": "The original payment method, please.",
            "deny_method": "Then use the original payment method.",
            "deny_balance": "Then use the original payment method.",
            "ask_order": "I don't remember the order number, please look it up.",
            "ask_order_again": "I am sorry, I don't remember the number.",
            "ask_item": "The most recent one.",
            "ask_variant": "Whichever is closest to what I have now.",
            "offer_cancel": "Yes.",
            "offer_cancel_all": "No, then leave it as it is.",
            "offer_return": "Yes.",
            "ask_yes_no": "Yes.",
            "ask_address": f"You can look it up. {self.who}",
            "ask_identity": "I don't have more than that.",
            "ask_identity_again": "I don't have more than that.",
            "ask_rating": None,
            "bye": None,
        }
        if last in defaults:
            return defaults[last]
        for some in (self.script.opening if self.script.one_by_one else [], self.script.later):
            if some and some is self.script.later:
                return self._take(some)
        return None

    def _take(self, some: list[str], *, keep_last: bool = False) -> str:
        return some[0] if keep_last and len(some) == 1 else some.pop(0)

    def _pick(self, words: Sequence[str]) -> str:
        return words[int(self.rng.integers(len(words)))]


_PARTS = ("reason_for_call", "known_info", "unknown_info", "task_instructions")


def _place(sentence: str, script: Script) -> None:
    """Put one sentence where it belongs."""
    if re.search(r"^(?:make sure|try to|do not end|mention)\b", sentence, re.I):
        return
    if _ASKED.search(sentence):
        _on_question(sentence, script)
    elif re.search(r"^if (?:several|multiple|there are several)", sentence, re.I):
        script.on_variant.append(f"{_about(sentence)}|{first_person(_consequence(sentence))}")
    elif _IF.search(sentence):
        wish = first_person(_consequence(sentence))
        if wish and re.search(r"^if there (?:is|are) no\b|no exact|not available", sentence, re.I):
            script.on_unavailable.append(wish)
        elif wish:
            script.on_denied.append(wish)
    elif _STAGE.search(sentence) and not re.search(r"you want", sentence, re.I):
        if _BOUGHT.search(sentence) and not sentence.lower().startswith("make sure"):
            script.opening.append(first_person(sentence))
    elif re.search(r"\b(?:prefer|like)\w*\b", sentence) and _PAY.search(sentence):
        script.on_method.append(first_person(sentence))
    elif re.search(r"^you (?:would )?prefer\b", sentence, re.I):
        script.on_variant.append(f"|{first_person(sentence)}")
    elif _PAY.search(sentence) and re.search(r"\b(?:should go|refund on|use )", sentence):
        script.on_method.append(first_person(sentence))
    elif re.search(r"^(?:after|at the end|finally|once)\b", sentence, re.I):
        script.later.append(first_person(_consequence(sentence, always=False)))
    elif _WANTS.search(sentence) or _BOUGHT.search(sentence) or re.search(r"\d{5}", sentence):
        script.opening.append(first_person(sentence))


def _about(sentence: str) -> str:
    """Return what a condition is about: "available for the backpack" is about the backpack."""
    match = re.search(r"\bfor (?:the|your) ([\w ]+?),", sentence)
    return match[1] if match else ""


def _on_question(sentence: str, script: Script) -> None:
    """Place what is said only when asked, by what is asked for."""
    raw = _consequence(sentence)
    wish = first_person(_NOT_YET.sub("", raw))
    head = sentence[: max(60, sentence.find(","))].lower()
    if "confirm" in head:
        script.on_confirm.append(wish)
    elif "reason" in head:
        script.on_reason.append(wish)
    elif "payment" in head:
        first, *rest = re.split(r",? but when the agent asks[^,]*,", raw)
        script.on_method.append(first_person(first))
        script.on_confirm_paid += [first_person(one) for one in rest]
    elif "order id" in head or "order number" in head:
        script.on_order.append(wish)
    elif "zip" in head:
        return
    else:
        script.on_item.append(wish)


def _consequence(sentence: str, *, always: bool = True) -> str:
    """Return what follows a condition: the part after the comma where the wish begins."""
    match = _THEN.search(sentence)
    if match:
        return sentence[match.end() :].strip()
    _, comma, tail = sentence.partition(",")
    if not comma:
        then = re.split(r"\bthen\b", sentence, maxsplit=1)
        return then[1].strip() if len(then) > 1 else ("" if always else sentence)
    return tail.strip()


def _identity(known: str, instructions: str) -> list[str]:
    text = re.sub(r"\b([a-z]+)_([a-z]+)_\d+\b", lambda m: f"{m[1].title()} {m[2].title()}", known)
    text = re.sub(r"\((\w+ \w+)\)", r"\1", text)
    text = re.sub(r"\b(\w+) (\1 \w+)\b", r"\2", text)
    said = first_person(_SECRET.sub("", text))
    wrong = re.search(
        r"zip code, say that it is (\d{5}) first[^,]*, then[^\d]*(\d{5})", instructions
    )
    if wrong:
        codes = [wrong[1], wrong[2], *re.findall(r"\b\d{5}\b", known)[-1:]]
        return [re.sub(r"\b\d{5}\b", code, said) for code in codes]
    return [said]


def _clean(text: str) -> str:
    text = text.strip(" .\n")
    text = re.sub(r"\s*\n\s*", " ", text)
    text = re.sub(
        r"\([^()]*(?:do not reveal|don'?t want to reveal|long shot|do not share)[^()]*\)", "", text
    )
    text = re.sub(
        r"\([^()]*(?:prefer not to|do not want to mention|won'?t reveal|which you do not"
        r"|you don'?t want to reveal)[^()]*\)",
        "",
        text,
    )
    text = _SECRET.sub("", text)
    return re.sub(r"\bthe agent\b(?= (?:to|what|how|explicitly|if|whether))", "you", text)


def _cut(text: str) -> list[str]:
    """Return the sentences; a decimal point does not end one, a second wish begins one."""
    pieces = re.split(r"(?<!\d)[.](?=\s|$)|(?<=\d)[.](?=\s)|(?<=[a-z])\.(?=[A-Z])", text)
    found = []
    for piece in pieces:
        piece = piece.strip(" .\n;")
        if not piece:
            continue
        # "…, but if the agent asks you to confirm, …" is a condition of its own.
        parts = re.split(r",? (?:but|and) (?=if the agent)|, (?=if not\b)", piece)
        found += [part.strip() for part in parts if part.strip()]
    return found


def first_person(text: str) -> str:
    """Return a sentence about "you" as its speaker would say it.

    >>> first_person("You want to return your mug")
    'I want to return my mug.'
    """
    text = re.sub(r"\bask the agent\b", "ask you", text)
    text = re.sub(r"\b(?:the|an) agent\b", "THE_AGENT", text, flags=re.I)
    for pattern, word in (
        (r"\byou are\b|\byou'?re\b", "I am"),
        (r"\byour name is\b|\byou name is\b", "my name is"),
        (r"\byour(self)?\b", r"my\1"),
        (r"\byou'd\b", "I'd"),
        (r"\byou've\b", "I've"),
        (r"\byou\b", "I"),
    ):
        text = re.sub(pattern, word, text, flags=re.I)
    text = text.replace("THE_AGENT", "you").strip(" ,.;")
    text = re.sub(r"\bask I\b", "ask you", text)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
