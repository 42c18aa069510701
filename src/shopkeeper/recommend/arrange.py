"""Put a slate together: pins, held places, variety, and no gaps.

Candidates come best first with the mask of what may be shown; nothing here lets in an item that
the mask forbids. Pins stand at their positions, a rule's share of the slots is held for what it
names, caps keep one category or brand from filling the rest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from shopkeeper.recommend.explore import DEPTH, Exploration
from shopkeeper.recommend.features import LiveFeatures
from shopkeeper.recommend.merchandise import Rule
from shopkeeper.recommend.schema import Request

RULED = -2  # the place of an item that a rule brought in and no source proposed
BACKFILLED = -1
VARIED_DEPTH = 5  # candidates per slot among which variety is sought


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """Shares of a slate that one category or one brand may fill at most, where variety counts."""

    category_share: float = 0.34
    brand_share: float = 0.5
    # A brand above this share of the catalogue is a house brand, not a sameness.
    house_brand_share: float = 0.05
    varied: tuple[str, ...] = ("home", "trending", "cart")


@dataclass(slots=True)
class Slate:
    """The slate while it is made: item rows and their places in the prediction, or why none."""

    rows: list[int] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    capped: list[int] = field(default_factory=list)
    # item row -> the rule that brought it in or holds its place
    ruled: dict[int, str] = field(default_factory=dict)
    # item row -> the chance with which it was drawn for its place, where places are drawn
    chance: dict[int, float] = field(default_factory=dict)
    # item row -> the places in the prediction of all that could have stood there, best first
    among: dict[int, list[int]] = field(default_factory=dict)

    def take(self, row: int, place: int) -> None:
        """Add an item behind those there are."""
        self.rows.append(row)
        self.places.append(place)

    def put(self, at: int, row: int, place: int) -> None:
        """Add an item at a position, or at the end if the slate is shorter."""
        self.rows.insert(at, row)
        self.places.insert(at, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be arranged: candidate rows best first, and which items may be shown at all."""

    rows: np.ndarray  # (m,) item rows of the prediction, best first
    why_not: np.ndarray  # (n_items,) 0 may be shown
    score: np.ndarray = field(default_factory=lambda: np.zeros(0))  # (m,) their scores

    def allowed(self) -> list[int]:
        """Return the places of the candidates that may be shown, best first."""
        places: list[int] = np.flatnonzero(self.why_not[self.rows] == 0).tolist()
        return places


def arrange(
    request: Request,
    features: LiveFeatures,
    order: Order,
    caps: Caps,
    rules: Mapping[str, tuple[Rule, np.ndarray]],
) -> Slate:
    """Return a slate of up to ``request.limit`` items.

    ``rules``: those that act on this request, by id, each with the mask of what it names.
    """
    pinned = _pins(order, features, rules)
    held = _shares(order, features, rules, request.limit, set(pinned.values()))
    room = request.limit - len(pinned) - len(held)
    slate = Slate()
    reserved = {row for row, _ in held} | set(pinned.values())
    free = order.allowed()
    if reserved:
        free = [place for place in free if int(order.rows[place]) not in reserved]
    strength = max((r.strength for r, _ in rules.values() if r.action == "diversify"), default=0.0)
    if strength > 0:
        free = diversified(free, order, features, strength, request.limit)
    _fill(slate, free, order, max(room, 0), request, features, caps)
    place_of: dict[int, int] = {}
    if reserved:
        place_of = {row: place for place, row in enumerate(order.rows.tolist())}
    # Held items go where their own score puts them; those without one, after every other step.
    for row, rule_id in held:
        place = place_of.get(row, RULED)
        at = len(slate.rows)
        if place >= 0:
            at = sum(1 for p in slate.places if 0 <= p < place)
        slate.put(at, row, place)
        slate.ruled[row] = rule_id
    for (position, rule_id, _), row in sorted(pinned.items()):
        slate.put(min(position - 1, len(slate.rows)), row, place_of.get(row, RULED))
        slate.ruled[row] = rule_id
    del slate.rows[request.limit :], slate.places[request.limit :]
    # An empty "buy again" shelf is honest; other shelves are never left with gaps.
    if len(slate.rows) < request.limit and request.placement != "buy_again":
        _backfill(slate, order.why_not, request.limit, features)
    return slate


def _pins(
    order: Order, features: LiveFeatures, rules: Mapping[str, tuple[Rule, np.ndarray]]
) -> dict[tuple[int, str, int], int]:
    """Return (position, rule id, place in the rule) -> item row of the pins that may be shown."""
    found: dict[tuple[int, str, int], int] = {}
    taken: set[int] = set()
    for rule_id, (rule, _) in rules.items():
        if rule.action != "pin":
            continue
        rows = features.catalogue.index.rows(rule.items["item_ids"])
        good = [r for r in rows if r < len(order.why_not) and order.why_not[r] == 0]
        for step, row in enumerate(r for r in good if r not in taken):
            found[(rule.position + step, rule_id, step)] = row
            taken.add(row)
    return found


def _shares(
    order: Order,
    features: LiveFeatures,
    rules: Mapping[str, tuple[Rule, np.ndarray]],
    limit: int,
    taken: set[int],
) -> list[tuple[int, str]]:
    """Return (item row, rule id) of the places that share rules hold, best candidates first."""
    found: list[tuple[int, str]] = []
    used = set(taken)
    for rule_id, (rule, mask) in rules.items():
        if rule.action != "share":
            continue
        wanted = math.ceil(rule.share * limit) - sum(1 for row in used if mask[row])
        rows = [int(r) for r in order.rows[order.allowed()] if mask[r] and int(r) not in used]
        if len(rows) < wanted:
            rest = mask[: len(order.why_not)] & (order.why_not == 0)
            rest[list(used | set(rows))] = False
            rows += _best_sellers(np.flatnonzero(rest), features, wanted - len(rows))
        for row in rows[: max(wanted, 0)]:
            found.append((row, rule_id))
            used.add(row)
    return found[: max(0, limit - len(taken))]


class _Room:
    """What one category and one brand may still take of a slate; always, where variety is none."""

    def __init__(self, request: Request, features: LiveFeatures, caps: Caps) -> None:
        self.varied = request.placement in caps.varied and request.category is None
        self.most_category = max(1, math.ceil(request.limit * caps.category_share))
        self.most_brand = max(1, math.ceil(request.limit * caps.brand_share))
        self.category = features.catalogue.column("category")
        self.brand = features.catalogue.column("brand")
        self.house = features.catalogue.house_brands(caps.house_brand_share)
        self.of_category: dict[int, int] = {}
        self.of_brand: dict[int, int] = {}

    def full(self, row: int) -> bool:
        """Return whether an item's category or brand has its share already."""
        if not self.varied:
            return False
        shelf, maker = int(self.category[row]), int(self.brand[row])
        if shelf >= 0 and self.of_category.get(shelf, 0) >= self.most_category:
            return True
        branded = maker >= 0 and maker not in self.house
        return branded and self.of_brand.get(maker, 0) >= self.most_brand

    def take(self, row: int) -> None:
        """Count an item that stands."""
        if self.varied:
            shelf, maker = int(self.category[row]), int(self.brand[row])
            self.of_category[shelf] = self.of_category.get(shelf, 0) + 1
            self.of_brand[maker] = self.of_brand.get(maker, 0) + 1


def _fill(
    slate: Slate,
    places: list[int],
    order: Order,
    limit: int,
    request: Request,
    features: LiveFeatures,
    caps: Caps,
) -> None:
    """Walk the candidates best first; what a cap holds back comes in only if slots stay free."""
    room = _Room(request, features, caps)
    if features.exploration is not None:
        held = _draw(slate, places, order, limit, features.exploration, room)
    else:
        held = []
        for place in places:
            if len(slate.rows) >= limit:
                break
            row = int(order.rows[place])
            if room.full(row):
                held.append(place)
                continue
            room.take(row)
            slate.take(row, place)
    for place in held[: max(0, limit - len(slate.rows))]:
        slate.take(int(order.rows[place]), place)
    taken = set(slate.rows)
    slate.capped = [row for place in held if (row := int(order.rows[place])) not in taken]


def _draw(
    slate: Slate,
    places: list[int],
    order: Order,
    limit: int,
    exploration: Exploration,
    room: _Room,
) -> list[int]:
    """Fill by drawing each place among the best that may stand there; return what caps held."""
    waiting, rows = list(places), order.rows.tolist()
    while len(slate.rows) < limit:
        # The walk ends at the last that may be drawn; there are a thousand behind it.
        open_ = list(islice((p for p in waiting if not room.full(rows[p])), DEPTH))
        if not open_:
            break
        at, chance = exploration.pick(order.score[open_].tolist())
        place = open_[at]
        row = rows[place]
        waiting.remove(place)
        room.take(row)
        slate.take(row, place)
        slate.chance[row], slate.among[row] = chance, open_
    return waiting if len(slate.rows) < limit else []


def diversified(
    places: list[int], order: Order, features: LiveFeatures, strength: float, limit: int
) -> list[int]:
    """Return candidate places by maximal marginal relevance, the rest behind in their order.

    Each step takes the largest (1 - strength) * score - strength * likeness to what was taken;
    scores are scaled to the best. Likeness: 1 on the same shelf, a half under the same parent,
    a quarter for the same brand.

    Source: Carbonell and Goldstein, The Use of MMR, SIGIR 1998.
    """
    pool = np.array(places[: VARIED_DEPTH * limit], dtype=np.int64)
    if not len(pool):
        return places
    rows = order.rows[pool]
    shelf = features.catalogue.column("category")[rows]
    brand = features.catalogue.column("brand")[rows]
    names = features.catalogue.categories.ids
    parents = [names[code].rpartition(" > ")[0] if code >= 0 else "" for code in shelf.tolist()]
    _, parent = np.unique(np.array(parents), return_inverse=True)
    known = np.array([bool(name) for name in parents])
    score = order.score[pool] / (float(order.score[pool].max()) or 1.0)
    likeness = np.zeros(len(pool))
    left = np.ones(len(pool), dtype=bool)
    taken: list[int] = []
    for _ in range(min(limit, len(pool))):
        worth = np.where(left, (1 - strength) * score - strength * likeness, -np.inf)
        at = int(worth.argmax())
        taken.append(at)
        left[at] = False
        like = np.where((shelf == shelf[at]) & (shelf >= 0), 1.0, 0.0)
        like = np.maximum(like, 0.5 * ((parent == parent[at]) & known))
        like = np.maximum(like, 0.25 * ((brand == brand[at]) & (brand >= 0)))
        likeness = np.maximum(likeness, like)
    first = pool[taken].tolist()
    gone = set(first)
    return [*first, *(place for place in pool.tolist() if place not in gone), *places[len(pool) :]]


def _backfill(slate: Slate, why_not: np.ndarray, limit: int, features: LiveFeatures) -> None:
    """Fill free slots with what sells; where nothing sells yet, with what is newest."""
    free = why_not == 0
    free[slate.rows] = False
    for row in _best_sellers(np.flatnonzero(free), features, limit - len(slate.rows)):
        slate.take(row, BACKFILLED)


def _best_sellers(rows: np.ndarray, features: LiveFeatures, k: int) -> list[int]:
    """Return the k of some item rows that sell best, the newest first where nothing sells."""
    if len(rows) > 20 * k:
        sales = features.popularity[rows]
        border = np.partition(sales, len(rows) - k)[len(rows) - k]
        rows = rows[sales >= border]
    created = features.catalogue.column("created")[rows]
    order = np.lexsort((rows, -created, -features.popularity[rows]))
    best: list[int] = rows[order[:k]].tolist()
    return best
