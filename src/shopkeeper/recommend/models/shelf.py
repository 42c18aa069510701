"""Which sources exist, and which settings of each are tried on validation.

The grids are small on purpose: with one validation period, a larger search fits its noise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shopkeeper.recommend.models.als import Als
from shopkeeper.recommend.models.buy_again import BuyAgain
from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.ease import Ease
from shopkeeper.recommend.models.frequency import Frequency
from shopkeeper.recommend.models.graph_filter import GraphFilter
from shopkeeper.recommend.models.neighbours import ItemKnn, Sequential
from shopkeeper.recommend.models.popularity import Popularity
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.models.text import Text
from shopkeeper.recommend.models.transformer import Transformer

KINDS: dict[str, type[Source]] = {
    kind.name: kind
    for kind in (
        Popularity,
        Frequency,
        BuyAgain,
        ItemKnn,
        Sequential,
        Ease,
        Als,
        GraphFilter,
        Text,
        Content,
        Transformer,
    )
}
# Sources that know only what this customer bought before; silent on anything new.
PERSONAL = ("frequency", "buy_again")
# Sources that a trend does not multiply: what is new has none yet.
UNTRENDED = ("popularity", *PERSONAL, "content")
# Sources that never join the blend: yardsticks, and frequency, which buy_again contains.
YARDSTICKS = ("frequency",)
# Sources that torch trains, minutes long; they join only where asked for.
DEEP = ("transformer",)

# (settings that need a fit, settings that only change how history is weighed)
Grid = tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]


def grid(
    name: str, *, n_items: int, lines_per_basket: float, horizon_days: float, timed: bool
) -> Grid:
    """Return what to try for a source on a shop of this shape."""
    fades: list[dict[str, Any]] = [{"fade": f, "fade_days": None} for f in (1.0, 0.85, 0.7)]
    if timed:
        fades += [{"fade": 1.0, "fade_days": k * horizon_days} for k in (2.0, 6.0)]
    if name == "ease":
        few = (100.0, 50.0, 300.0)
        return [{"penalty": p} for p in ((500.0, 200.0) if n_items > 6_000 else few)], fades
    if name == "item-knn":
        return [{}], fades
    if name == "sequential":
        # Wide baskets make many pairs each; a short reach keeps their number bounded.
        narrow = lines_per_basket < 2
        fit = {"reach": 20, "neighbours": None} if narrow else {"reach": 4, "neighbours": 300}
        steep = [{"fade": f, "fade_days": None} for f in (0.6, 0.8)]
        return [fit], [*steep, *fades]
    if name == "popularity":
        days = (1.5, 0.5, 4.0) if timed else (1e6,)
        return [{"days": d * horizon_days} for d in days], [{}]
    if name == "frequency":
        return [{"days": 1.5 * horizon_days}], [{}]
    return [{}], [{}]


def make(name: str, settings: Mapping[str, Any]) -> Source:
    """Return an unfitted source with settings chosen earlier."""
    source = KINDS[name]()
    for key, value in settings.items():
        setattr(source, key, value)
    return source
