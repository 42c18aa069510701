"""Which option values a text names, and where a value stands on its scale.

Sizes, colours and amounts of any product, in the words of its own data and a few that customers
use instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from shopkeeper.support.records import Item

_SCALES = (
    ("xxs", "xs", "s", "m", "l", "xl", "xxl", "xxxl"),
    ("small", "medium", "large", "extra large"),
    ("low", "medium", "high"),
    ("beginner", "intermediate", "expert"),
    ("basic", "standard", "professional"),
)

_SIZE_NAMES = {"s": "small", "m": "medium", "l": "large"}

_SIZE_WORDS = {
    "s": r"\b(?:small|size s|s size)\b|小码",
    "m": r"\b(?:medium(?:[- ]sized?)?|size m|m size)\b|中码",
    "l": r"\b(?:large|size l|l size)\b|大码",
    "xl": r"\b(?:extra[- ]large|xl)\b",
}

# Words for a value that the shop's data calls otherwise.
_ALIASES = {
    "google assistant": r"google (?:home|assistant)",
    "amazon alexa": r"alexa|amazon",
    "apple homekit": r"homekit|apple",
    "none": r"\bno (?:backlight|armrests?)\b|无",
    "space grey": r"space gr[ea]y",
    "grey": r"\bgr[ea]y\b|灰",
    "gray": r"\bgr[ea]y\b|灰",
    "softshell": r"\bsoft(?:[- ]?shell)?\b",
    "hardshell": r"\bhard(?:[- ]?shell)?\b",
    "2-piece": r"\b(?:two|2)[- ]pieces?\b",
    "3-piece": r"\b(?:three|3)[- ]pieces?\b",
    "4-piece": r"\b(?:four|4)[- ]pieces?\b",
    "ac adapter": r"\bAC(?: adapter)?\b",
    "mountain": r"\bmountain\b",
    "rgb": r"\bRGB\b",
    "animals": r"\banimals?\b",
    "red": r"\bred\b|红",
    "black": r"\bblack\b|黑",
    "white": r"\bwhite\b|白",
    "blue": r"\bblue\b|蓝",
    "green": r"\bgreen\b|绿",
    "silver": r"\bsilver\b|银",
    "gold": r"\bgold(?:en)?\b|金色",
    "purple": r"\bpurple\b|紫",
    "robotic": r"\brobot(?:ic)?\b",
    "full": r"\bfull\b",
    "half": r"\bhalf\b",
}


def values_of(variants: Sequence[Item]) -> dict[str, list[str]]:
    """Return option -> its values, in order where they have one."""
    found: dict[str, set[str]] = {}
    for one in variants:
        for name, value in one.options.items():
            found.setdefault(name, set()).add(value)
    return {name: sorted(values, key=place_of) for name, values in found.items()}


def mentioned(text: str, values: Mapping[str, Sequence[str]]) -> dict[str, set[str]]:
    """Return the option values that a text names."""
    found: dict[str, set[str]] = {}
    taken: list[tuple[int, int]] = []
    pairs = [(name, value) for name, some in values.items() for value in some]
    # Longer values first: "space grey" is not "grey", "XXL" is not "XL".
    pairs.sort(key=lambda pair: -len(pair[1]))
    for name, value in pairs:
        for match in re.finditer(_pattern(name, value), text, re.I):
            span = match.span()
            # The same words may fill several options ("black" lens, "black" frame) but never lie
            # inside a longer value.
            if any(a <= span[0] and span[1] <= b and (b - a) > span[1] - span[0] for a, b in taken):
                continue
            if _means_other(name, value, text, span, values):
                continue
            taken.append(span)
            found.setdefault(name, set()).add(value)
            break
    return _by_words(text, values, found)


def _means_other(
    name: str, value: str, text: str, span: tuple[int, int], values: Mapping[str, Sequence[str]]
) -> bool:
    """Say whether the same word stands for another option: "high ventilation", "medium size"."""
    low = value.lower()
    rivals = [
        other
        for other, some in values.items()
        if other != name
        and any(low == v.lower() or _SIZE_NAMES.get(v.lower()) == low for v in some)
    ]
    mine = any(_SIZE_NAMES.get(low) for _ in (0,)) and any(
        _SIZE_NAMES[low] == v.lower() for o, some in values.items() if o != name for v in some
    )
    if mine:
        rivals += [
            o
            for o, some in values.items()
            if o != name and _SIZE_NAMES[low] in {v.lower() for v in some}
        ]
    if not rivals:
        return False
    near = text[max(0, span[0] - 14) : span[1] + 14].lower()
    after = text[span[1] : span[1] + 14].lower()
    if name.lower() in after or (re.match(r"[\s-]*sized?", after) and "size" in name):
        return False
    if any(other.lower() in after for other in rivals):
        return True
    if re.match(r"[\s-]*sized?", after):
        return "size" not in name
    return any(other.lower() in near for other in rivals) and name.lower() not in near


def _pattern(name: str, value: str) -> str:
    low = value.lower()
    if name in ("size",) and low in _SIZE_WORDS:
        return rf"{_SIZE_WORDS[low]}|(?<![\w-]){re.escape(value)}(?![\w'-])"
    if low in ("yes", "no"):
        return r"(?!)"  # judged by _by_words
    if low in _ALIASES:
        return _ALIASES[low]
    number = re.fullmatch(r"(\d+(?:\.\d+)?)[ -]?([a-zA-Z]+.*)", value)
    if number:
        unit = re.escape(number[2].strip())
        # "8GB" and "8 GB", "15-inch" and "15 inch", "4 foot" and "4 ft".
        unit = {"ft": r"(?:ft|foot|feet)", "liters": r"(?:l|liters?)"}.get(number[2].strip(), unit)
        return rf"(?<![\w.]){re.escape(number[1])}[ -]?{unit}s?\b"
    if re.fullmatch(r"\d+", value):
        unit = re.escape(name.rstrip("s"))
        not_amount = r"(?!\s*(?:more|less|fewer|days|bucks|\.))"
        return rf"(?<![\w.#]){value}(?:[- ]?{unit}s?)?\b{not_amount}"
    if low.startswith("i") and low[1:].isdigit():
        return rf"\b{low}\b"
    return rf"(?<!\w){re.escape(value)}(?!\w)"


def _by_words(
    text: str, values: Mapping[str, Sequence[str]], found: dict[str, set[str]]
) -> dict[str, set[str]]:
    """Add yes/no options: "waterproof", "not resistant to water", "needs no cable"."""
    for name, some in values.items():
        if {value.lower() for value in some} != {"yes", "no"}:
            continue
        stem = {"water resistance": r"(?:water[- ]resist\w*|resist\w* to water|waterproof)"}.get(
            name, re.escape(name)
        )
        match = re.search(stem, text, re.I)
        if match:
            before = text[max(0, match.start() - 20) : match.start()]
            no = re.search(r"\b(?:not|no|non|without|isn'?t)\b|不", before, re.I)
            hit = next(value for value in some if value.lower() == ("no" if no else "yes"))
            found[name] = {hit}
    if "processor" in values and re.search(r"\bi7 or (?:above|higher|better)", text, re.I):
        found["processor"] = {value for value in values["processor"] if value >= "i7"}
    return found


def place_of(value: str) -> tuple[int, float, str]:
    """Return where a value stands on its scale, to compare it with others of its option."""
    low = value.lower()
    for scale in _SCALES:
        if low in scale:
            return (0, float(scale.index(low)), low)
    number = re.search(r"\d+(?:\.\d+)?", low)
    if number:
        amount = float(number[0])
        if "1tb" in low or low.startswith("1tb"):
            amount *= 1024
        if re.search(r"\dk$", low):
            amount *= 1000
        return (1, amount, low)
    return (2, 0.0, low)
