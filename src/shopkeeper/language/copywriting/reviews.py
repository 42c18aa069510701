"""What customers say of a product: each side with how many praise and blame it, and quotes.

Every statement is a count over the reviews given, and every quote names its review and place.
Personal data in a quote is masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shopkeeper.language.opinions import ASPECTS, aspects
from shopkeeper.language.pii import mask

_NAMES = {
    "zh": {
        "logistics": "物流",
        "quality": "质量",
        "price": "价格",
        "service": "客服",
        "size": "尺码",
    },
    "en": {"logistics": "delivery", "quality": "quality", "price": "price"}
    | {"service": "service", "size": "size"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A piece of a review; the place counts characters of the review as written."""

    review_id: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side of a product: reviews that praise, reviews that blame, a quote for each."""

    aspect: str
    praise: int
    blame: int
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """``text`` in one language; ``sides`` most spoken of first; ``reviews`` read in all."""

    text: str
    sides: tuple[Side, ...]
    reviews: int


def summarise(reviews: Mapping[str, str], *, language: str = "en") -> Summary:
    """Return the summary of reviews (id -> text).

    >>> summarise({"r1": "物流很快", "r2": "物流太慢，质量很好"}, language="zh").text
    '2条评价：物流1条好评、1条差评；质量1条好评。'
    """
    praise: dict[str, dict[str, Quote]] = {name: {} for name in ASPECTS}
    blame: dict[str, dict[str, Quote]] = {name: {} for name in ASPECTS}
    for review_id, text in reviews.items():
        for found in aspects(text):
            if found.polarity == 0:
                continue
            side = praise if found.polarity > 0 else blame
            quote = Quote(
                review_id=review_id,
                text=mask(text[found.start : found.end]).strip(),
                start=found.start,
                end=found.end,
            )
            side[found.aspect].setdefault(review_id, quote)
    sides = [
        Side(
            aspect=name,
            praise=len(praise[name]),
            blame=len(blame[name]),
            quotes=tuple([*praise[name].values()][:1] + [*blame[name].values()][:1]),
        )
        for name in ASPECTS
        if praise[name] or blame[name]
    ]
    sides.sort(key=lambda side: -(side.praise + side.blame))
    return Summary(
        text=_told(sides, len(reviews), language), sides=tuple(sides), reviews=len(reviews)
    )


def _told(sides: list[Side], n: int, language: str) -> str:
    names = _NAMES["zh" if language == "zh" else "en"]
    told = []
    for side in sides:
        if language == "zh":
            counts = [(side.praise, "条好评"), (side.blame, "条差评")]
            told.append(names[side.aspect] + "、".join(f"{k}{w}" for k, w in counts if k))
        else:
            counts = [(side.praise, "praise"), (side.blame, "blame")]
            told.append(f"{names[side.aspect]} " + ", ".join(f"{k} {w}" for k, w in counts if k))
    if language == "zh":
        return f"{n}条评价：{'；'.join(told)}。" if told else f"{n}条评价，没有谈到具体方面。"
    head = f"{n} review{'' if n == 1 else 's'}"
    return f"{head}: {'; '.join(told)}." if told else f"{head}, none about a certain side."
