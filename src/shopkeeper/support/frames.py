"""What a message asks for: clauses, their verbs, and the products and orders they name.

Text and the names that may occur in, frames out. Which order or line a frame means is for
references.py; whether it may be done is for policy.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from shopkeeper.support import lexicon as lex
from shopkeeper.support.naming import Mention, mentions

ORDER_ID = re.compile(
    r"#?\b(W\d{6,8})\b|(?:order|订单号?|单号)\s*(?:number|no\.?|id)?\s*[:：#]?\s*"
    r"([A-Za-z]*[-_]?\d{3,}[\w-]*|[A-Za-z]+(?:[-_][A-Za-z0-9]+)*[-_]\d[\w-]*)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One thing asked for. ``verb``: return, cancel, change, refund, address, … or a question."""

    verb: str
    text: str
    mentions: tuple[Mention, ...] = ()
    order_ids: tuple[str, ...] = ()
    all_orders: bool = False
    all_items: bool = False
    excluded: tuple[Mention, ...] = ()
    extra: dict[str, str] = field(default_factory=dict)


def read(text: str, names: Sequence[str], own: Sequence[str] = ()) -> list[Frame]:
    """Return the frames of a message, in its order; conditional clauses are left out.

    ``names`` are product names that may be meant, ``own`` order numbers of the customer.

    >>> [f.verb for f in read("I want to return the mug. Where is my order?", ["Blue Mug"])]
    ['return', 'track']
    """
    frames: list[Frame] = []
    last: tuple[Mention, ...] = ()
    for sentence in sentences(text):
        if lex.CONDITIONAL.search(sentence):
            continue
        frames += [
            _with_pronoun(one, sentence, names, last) for one in _of_sentence(sentence, names, own)
        ]
        last = mentions(sentence, names)[-1:] or last
    return _merged(frames)


_IT = re.compile(r"\b(?:it|them|ones?|these|those|both|same specs)\b|它|这个|那个|两个", re.I)


def _with_pronoun(
    frame: Frame, sentence: str, names: Sequence[str], last: tuple[Mention, ...]
) -> Frame:
    """Let "it", "them" and "the more expensive one" mean the product named just before."""
    if frame.mentions or frame.all_items or frame.all_orders or frame.verb not in _LINE_VERBS:
        return frame
    if not _IT.search(frame.text) or frame.excluded:
        return frame
    here = sentence.find(frame.text)
    before = mentions(sentence[:here], names)[-1:] if here > 0 else ()
    meant = before or last
    if not meant:
        return frame
    one = meant[0]
    both = bool(re.search(r"\b(?:them|both|these|those)\b|两个", frame.text, re.I))
    fresh = Mention(
        names=one.names,
        before=f"{one.before} {frame.text}",
        after=frame.text,
        start=one.start,
        plural=both and (one.plural or one.number > 0),
        number=one.number if both else 0,
    )
    return Frame(
        verb=frame.verb,
        text=frame.text,
        mentions=(fresh,),
        order_ids=frame.order_ids,
        extra=frame.extra,
    )


_MUSING = re.compile(r"\b(?:considering|thinking (?:of|about)|instead of|rather than)\W*$", re.I)

_ASKS_WHETHER = re.compile(r"\bwhether\b[^.,]*$|是否(?:可以|能)[^，。]*$", re.I)

_LINE_VERBS = ("return", "change", "cancel", "refund")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text; a decimal point or "e.g." does not end one.

    >>> sentences("It cost $4.50. Why? 退货。谢谢")
    ['It cost $4.50', 'Why?', '退货', '谢谢']
    """
    pieces = re.split(r"(?<=[?？])\s*|(?<!\d)[.!;](?=\s|$)|(?<=\d)[.](?=\s|$)|[。！；\n]+", text)
    found: list[str] = []
    for piece in pieces:
        if piece and (clean := piece.strip(" ,.")):
            # "…, if not possible, …" ends what is asked and begins a condition.
            cut = re.split(r"[,—–(]\s*(?=if\b)|，(?=如果)", clean)
            found += [part.strip() for part in cut if part.strip()]
    return found


def order_ids(text: str, own: Sequence[str] = ()) -> tuple[str, ...]:
    """Return what looks like order numbers, as written but without a leading #.

    A bare number counts only when it is one of the customer's ``own``.
    """
    found = [one for one in own if re.search(rf"(?<![\w#-]){re.escape(one)}(?![\w-])", text)]
    for match in ORDER_ID.finditer(text):
        one = match[1] or match[2]
        if one and one not in found and any(c.isdigit() for c in one):
            found.append(one)
    return tuple(found)


def _of_sentence(sentence: str, names: Sequence[str], own: Sequence[str]) -> list[Frame]:
    verbs = _verbs(sentence)
    questions = _questions(sentence)
    ids = order_ids(sentence, own)
    frames: list[Frame] = []
    if lex.ADDRESS.search(sentence) and any(verb == "change" for _, _, verb in verbs):
        frames += _address_frames(sentence, ids, names)
        verbs = [one for one in verbs if not _about_address(sentence, one, verbs)]
    if lex.PAYMENT.search(sentence) and any(verb == "change" for _, _, verb in verbs):
        frames.append(Frame(verb="payment", text=sentence, order_ids=ids))
        verbs = [one for one in verbs if one[2] != "change"]
    kinds = {verb for _, _, verb in verbs}
    if "undo" in kinds:
        return [Frame(verb="undo", text=sentence, order_ids=ids)]
    if "refund" in kinds and (
        len(kinds) > 1 or "total_refund" in questions or "refund_status" in questions
    ):
        verbs = [one for one in verbs if one[2] != "refund"]
    if (
        "cancel" in kinds
        and "return" in kinds
        and re.search(r"cancel or return|return or cancel", sentence, re.I)
    ):
        verbs = [one for one in verbs if one[2] != "cancel"]
        frames += _verb_frames(sentence, verbs, names, ids, loose=True)
    else:
        frames += _verb_frames(sentence, verbs, names, ids, loose=False)
    for question in questions:
        frames.append(
            Frame(
                verb=question,
                text=sentence,
                mentions=mentions(sentence, names),
                order_ids=ids,
            )
        )
    return frames


def _verb_frames(
    sentence: str,
    verbs: list[tuple[int, int, str]],
    names: Sequence[str],
    ids: tuple[str, ...],
    *,
    loose: bool,
) -> list[Frame]:
    frames: list[Frame] = []
    for place, (start, end, verb) in enumerate(verbs):
        said = verb
        until = verbs[place + 1][0] if place + 1 < len(verbs) else len(sentence)
        clause = sentence[end:until]
        if lex.NEGATED.search(sentence[max(0, start - 30) : start]):
            continue
        if _MUSING.search(sentence[max(0, start - 40) : start]):
            continue
        if verb in ("return", "cancel", "change") and _ASKS_WHETHER.search(sentence[:start]):
            said, verb = verb, "eligible"
        head, *tail = lex.EXCEPT.split(clause, maxsplit=1)
        # Chinese names what before the verb: 把杯子退货; the first verb takes what stands before.
        lead = sentence[:start] if place == 0 else ""
        found = mentions(head, names)
        if not found and lead and not tail:
            # 把杯子换成红色: what stands before the verb is meant, the words after it are the wish.
            found = tuple(_with_wish(one, head) for one in mentions(lead, names)[-1:])
        if (
            not found
            and any(one.verb == verb for one in frames)
            and not lex.ALL_ITEMS.search(clause)
        ):
            continue  # "cancel it, I no longer need it" is one wish
        some = order_ids(clause) or (ids if len(ids) == 1 or place == 0 else ())
        frames.append(
            Frame(
                verb=verb,
                text=clause.strip() if found or place else sentence,
                mentions=found,
                order_ids=some,
                all_orders=bool(lex.ALL_ORDERS.search(clause)),
                all_items=bool(
                    lex.ALL_ITEMS.search(clause)
                    or (not lead.isascii() and lex.ALL_ITEMS.search(lead))
                ),
                excluded=mentions(tail[0], names) if tail else (),
                extra=({"loose": "yes"} if loose else {}) | ({"of": said} if said != verb else {}),
            )
        )
    return frames


def _with_wish(one: Mention, head: str) -> Mention:
    return Mention(
        names=one.names,
        before=one.before,
        after=f"{one.after} {head}" if _KEEPS.search(one.after) else head,
        start=one.start,
        plural=one.plural,
        number=one.number,
    )


_KEEPS = re.compile(r"\b(?:keep|same)\b|保留", re.I)


def _verbs(sentence: str) -> list[tuple[int, int, str]]:
    """Return (start, end, verb) of each verb, in order, without overlaps."""
    found: list[tuple[int, int, str]] = []
    for verb, pattern in lex.VERBS:
        for match in pattern.finditer(sentence):
            if verb == "change" and re.match(r"\s+(?:my|your) mind", sentence[match.end() :]):
                continue
            if not any(a < match.end() and match.start() < b for a, b, _ in found):
                found.append((match.start(), match.end(), verb))
    found.sort()
    kept: list[tuple[int, int, str]] = []
    for one in found:
        before = sentence[max(0, one[0] - 12) : one[0]]
        # "your cancelled order", "the return label": said of a thing, not asked for.
        done = re.search(r"cancel+ed$", sentence[one[0] : one[1]], re.I)
        if one[2] == "cancel" and done and not re.search(r"\bbe $", before):
            continue
        if (
            one[2] in ("return", "refund")
            and re.search(r"\b(?:the|your|return) $", before)
            and re.match(r"\s+(?:policy|label|terms|window)", sentence[one[1] :])
        ):
            continue
        # "换"/"修改" directly after "取消" and the like are one wish.
        if kept and kept[-1][2] == one[2] and one[0] - kept[-1][1] <= 1:
            continue
        kept.append(one)
    return kept


def _questions(sentence: str) -> list[str]:
    found = [name for name, pattern in lex.QUESTIONS if pattern.search(sentence)]
    for stronger, weaker in (
        ("refund_status", "track"),
        ("refund_status", "total_refund"),
        ("total_refund", "spent"),
        ("track", "status"),
        ("count", "options"),
        ("dearest", "line_facts"),
        ("cheapest", "line_facts"),
        ("spent", "line_facts"),
        ("spent", "difference"),
        ("balance", "status"),
        ("which_address", "line_facts"),
    ):
        if stronger in found and weaker in found:
            found.remove(weaker)
    return found


def _address_frames(sentence: str, ids: tuple[str, ...], names: Sequence[str]) -> list[Frame]:
    frames = []
    # "my laptop order": the product says which order.
    found = tuple(one for one in mentions(sentence, names) if re.match(r"\s*orders?\b", one.after))
    default = lex.DEFAULT_ADDRESS.search(sentence)
    to_default = re.search(r"\bto (?:my|the|your) (?:default|profile)\b", sentence, re.I)
    extra = {"default": "yes"} if default and not to_default else {}
    order = re.search(
        r"\borders? address|address\w* (?:of|for|on) (?:my |the |all )*orders?|\bthe orders\b"
        r"|\b(?:my|the|wrong|another|one|all|pending) orders?\b|订单",
        sentence,
        re.I,
    )
    if extra and order:
        extra["orders"] = "yes"
    frames.append(
        Frame(
            verb="address",
            text=sentence,
            mentions=found,
            order_ids=ids,
            all_orders=bool(lex.ALL_ORDERS.search(sentence)),
            extra=extra,
        )
    )
    return frames


def _about_address(
    sentence: str, verb: tuple[int, int, str], verbs: list[tuple[int, int, str]]
) -> bool:
    if verb[2] != "change":
        return False
    later = [one[0] for one in verbs if one[0] > verb[0]]
    after = sentence[verb[1] : later[0] if later else len(sentence)]
    # In Chinese the address stands before its verb.
    return bool(lex.ADDRESS.search(after)) or "地址" in sentence[: verb[0]]


def _merged(frames: list[Frame]) -> list[Frame]:
    """Drop questions asked twice; keep order."""
    found: list[Frame] = []
    for one in frames:
        twin = any(
            one.verb == other.verb and not one.mentions and one.text == other.text
            for other in found
        )
        if not twin:
            found.append(one)
    return found
