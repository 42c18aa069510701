"""How many pieces a message speaks of, and what for: confirmed, missing, or ordered before.

A count gets its role from the words right after it ("40 pcs are missing"), else from the nearest
words before it ("we can only ship 40"). Counts without a role say nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from shopkeeper.language.entities.numbers import ZH_NUMBER, read_number
from shopkeeper.supply.notice_cues import any_of

_UNITS = r"(?:units?|pcs?|pieces?|cartons?|boxes|sets?|ea|pairs?|bottles?|rolls?|bags?|packs?)\b"
_ZH_UNITS = r"[个件盒只套箱台双条瓶包张支块]"
_COUNT = re.compile(
    rf"(?<![a-z\d.,/#-])(?<!\d[ :])(?P<n>\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}})(?![\d%]|[.,/:-]\d)"
    rf"\s?(?:(?P<unit>{_UNITS}|{_ZH_UNITS}(?!月(?![底初中末])|星|工作|礼)|[x×]\s)|(?!\s?(?:days?|weeks?|months?|"
    rf"hours?|business|working|percent|%|ml|l\b|kg|g\b|cm|mm|天|周|日|月|号|年|点|元|块钱|小时|分|"
    rf"个工作|个星期|个月|个礼拜|毫升|克|公斤|折|层|期)))"
    rf"|(?<![零〇一二两三四五六七八九十百千万第])(?P<zh>{ZH_NUMBER})(?={_ZH_UNITS}(?!月(?![底初中末])|星|工作|礼))",
    re.IGNORECASE,
)
_AFTER_SHORT = re.compile(
    r"[^,，;；。.]{0,34}?(?:\bshort\b|\bmissing\b|out of stock|unavailable|back-?order|lacking|"
    r"\bfewer\b|\bless\b|reject\w*|damaged|broken|(?:will|to|can) follow|\blater\b|cancell?ed|"
    r"\b(?:cannot|can't|won't|will not)\b|缺货|缺|无货|没货|短缺|"
    r"下一?[批船次]|后[补发]|不良|报废|不合格|要等|取消|少)|[个件盒只套箱台双条瓶包张支块]?\S{0,3}补",
    re.IGNORECASE,
)
_AFTER_READY = re.compile(
    r"[^,，;；。.]{0,34}?(?:\b(?:ready|available|confirmed|shipped|delivered|passed|in stock|"
    r"on time|leav\w+|left|go(?:es)? out|can (?:be )?\w+ed)\b|(?:可以?|能|先|准时|已经?)[发出交到]|"
    r"合格|可供|现货)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    r"(?P<ordered>(?<!shortage )(?<!short )(?<!total )(?<!quantity )\bof(?: the| these)?(?=\s*$)|"
    r"\bfrom\b|\binstead of\b|\border(?:ed|s)?\b(?! reduced)|"
    r"\boriginal\w*|\bout of\b|\bwas\b|原|订购?(?!单)|下单|总共|一共|[由从]|合同(?!号))"
    r"|(?P<short>\bshort(?:age)?\b|\bmissing\b|\black(?:ing)?\b|\bback-?order\w*|\bremaining\b|"
    r"\b(?:the )?others?\b|\b(?:balance|rest|remainder)\b|\breject\w*|\bminus\b|\bfewer\b|"
    r"\bshortfall\b|缺货?|少[发了]?|短[缺少发装]|欠货?|剩[下余]?|另外|其余|余下|还?差|不足)"
    r"|(?P<ready>\bonly\b|\bjust\b|\bconfirm\w*|\bdeliver\w*|\bship\w*|\bsuppl(?:y|ied)\b|\bsen[dt]\b|"
    r"\breceive\b|\bget\b|\bgive\b|\bprovide\b|\breduced\b|\bcut\b|\bdown\b|\blimited\b|\bleaves?\b|"
    r"\bpartial\b|\bavailable\b|\bready\b|\bproduced?\b|\bpacked\b|\bquantity\b|\bqty\b|\bup to\b|"
    r"\bmade\b|\bhave\b|\bfirst\b|\binto\b|:(?=\s*$)|先|只|仅|实[发际]|[能可]|给|供|有|到(?=$)|"
    r"确认|够|发(?!现)|出(?!了)|为(?=$))",
    re.IGNORECASE,
)
_NO_COUNT = any_of(
    r"\bMOQ\b|\bminimum\b|(?<!out of )(?<!in )\bstocks?\b|\bper (?:carton|box|pallet)\b|"
    r"\bpacking list\b|\binvoice\b",
    r"起订|每箱|库存|装箱单|发票",
)
_NAMES = re.compile(
    r"(?:\b(?:no|nr|number|vessel|container|batch|lot|line|item|week|note|tel|phone|ref)\b\.?:?|号|第)"
    r"\s?$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A number of pieces at a place of the part, and its role: "short", "ready" or "ordered"."""

    start: int
    end: int
    value: float
    role: str


def counts(text: str) -> list[Count]:
    """Return the counts that have a role, by place; what is no count is already blanked out.

    >>> [(c.value, c.role) for c in counts("shipped 75 of 90 pcs, the other 15 are on backorder")]
    [(75.0, 'ready'), (90.0, 'ordered'), (15.0, 'short')]
    """
    if _NO_COUNT.search(text):
        return []
    found = [m for m in _COUNT.finditer(text) if not _NAMES.search(text[: m.start()])]
    given: list[Count] = []
    for place, match in enumerate(found):
        start = found[place - 1].end() if place else 0
        stop = found[place + 1].start() if place + 1 < len(found) else len(text)
        # "from 1200 to 1000": what an old count turns into is confirmed.
        old = bool(given) and given[-1].role == "ordered"
        turned = old and text[start : match.start()].strip() == "to"
        role = "ready" if turned else _role(text[start : match.start()], text[match.end() : stop])
        if role is None:
            continue
        name = "n" if match["n"] else "zh"
        value = float(read_number(match[name].replace(",", "")))
        given.append(Count(start=match.start(name), end=match.end(name), value=value, role=role))
    return given


def numbers(text: str) -> list[float]:
    """Return the counts of a text, whatever they are for."""
    names = [(m, "n" if m["n"] else "zh") for m in _COUNT.finditer(text)]
    return [float(read_number(match[name].replace(",", ""))) for match, name in names]


def _role(before: str, after: str) -> str | None:
    # Names are blanked as lines; how long they are says nothing.
    after = re.sub(r"_+", "_", after)
    before = re.split(r"[;；。\n]", re.sub(r"_+", "_", before))[-1]
    cues = list(_BEFORE.finditer(before))
    cue = cues[-1] if cues else None
    near = None if cue is None else cue.lastgroup
    if near == "ordered" and cue is not None and len(before) - cue.end() <= 2:
        return "ordered"
    if _AFTER_SHORT.match(after):
        return "short"
    if near is None and _AFTER_READY.match(after):
        return "ready"
    return near
