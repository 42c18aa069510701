"""Exact contributions of small trees from tables: what TreeSHAP computes, looked up.

Which way a row goes at each inner node of a tree decides what every feature contributes to that
tree's score. A tree of 8 leaves has 7 inner nodes, so 128 ways: all of them are computed once,
when a model is loaded, and a request adds up one line of each tree's table. Larger trees, and
kinds of split that training here never makes, are left to LightGBM (booster.py), and so is the
score: looked up the same way it took 44 microseconds with cold caches, LightGBM's own way 24.
Source: Lundberg et al., Consistent Individualized Feature Attribution for Tree Ensembles, 2018,
with the covers of the training rows as LightGBM's pred_contrib takes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

MOST_NODES = 7
_WAYS = np.arange(1 << MOST_NODES)
_PADDED = 8  # one byte of directions per tree
_DEFAULT_LEFT, _CATEGORICAL = 2, 1
_ZERO_IS_MISSING, _NAN_IS_MISSING = 4, 8  # decision types of LightGBM's model text


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """``feature``, ``threshold``, ``unknown_left`` (trees · 8,) of the inner nodes;
    ``parts`` (trees, 128, 7) what each node's feature adds, by directions; ``bias`` of all.
    """

    feature: np.ndarray
    threshold: np.ndarray
    unknown_left: np.ndarray
    parts: np.ndarray
    owner: np.ndarray  # (trees · 7,) the feature that a part counts for
    trees: np.ndarray  # (trees,) 0, 1, 2 …
    bias: float
    width: int

    @classmethod
    def of(cls, text: str, width: int) -> Self | None:
        """Return the tables of a model's text; None where its trees do not fit."""
        known: list[_Tree] = []
        bias = 0.0
        for block in text.split("\nTree=")[1:]:
            tree = _read(dict(line.split("=", 1) for line in block.splitlines() if "=" in line))
            if tree is None:
                return None
            known.append(tree)
        if not known:
            return None
        count = len(known)
        feature = np.zeros((count, _PADDED), dtype=np.int64)
        threshold = np.full((count, _PADDED), math.nan)  # nothing is below it
        unknown = np.zeros((count, _PADDED), dtype=bool)
        parts = np.zeros((count, len(_WAYS), MOST_NODES))
        for place, tree in enumerate(known):
            nodes = len(tree.feature)
            feature[place, :nodes] = tree.feature
            threshold[place, :nodes] = tree.threshold
            unknown[place, :nodes] = tree.unknown_left
            bias += tree.mean()
        for place, leaf, shares in _shared(_leaves(known)):
            parts[place][:, leaf.slots] += shares[leaf.met()]
        return cls(
            feature=feature.ravel(),
            threshold=threshold.ravel(),
            unknown_left=unknown.ravel(),
            parts=parts,
            owner=feature[:, :MOST_NODES].ravel().copy(),
            trees=np.arange(count),
            bias=bias,
            width=width,
        )

    def __call__(self, row: np.ndarray) -> np.ndarray:
        """Return the contributions of one row (width,), and the bias behind them (width + 1,)."""
        values = row.take(self.feature)
        left = values <= self.threshold
        left |= np.isnan(values) & self.unknown_left
        ways = np.packbits(left, bitorder="little")
        parts = self.parts[self.trees, ways].ravel()
        found = np.bincount(self.owner, parts, self.width + 1)
        found[-1] = self.bias
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    feature: np.ndarray  # (nodes,)
    threshold: np.ndarray
    unknown_left: np.ndarray
    left: np.ndarray  # child: a node, or ~leaf
    right: np.ndarray
    value: np.ndarray  # (leaves,)
    rows: np.ndarray  # (leaves,) training rows in each
    rows_inner: np.ndarray  # (nodes,)

    def mean(self) -> float:
        """Return the mean score over the training rows."""
        return float(np.dot(self.rows / self.rows.sum(), self.value))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Leaf:
    """One leaf: which nodes lead to it, by the features that they ask about."""

    value: float
    slots: list[int]  # per feature on the path, the node that stands for it
    asks: list[list[tuple[int, bool]]]  # per feature, (node, whether the path goes left)
    share: list[float]  # per feature, of the training rows that go this way without knowing it

    def met(self) -> np.ndarray:
        """Return (128,) which features lead here, as bits, by the directions at the nodes."""
        found = np.zeros(len(_WAYS), dtype=np.int64)
        for place, steps in enumerate(self.asks):
            mask = sum(1 << node for node, _ in steps)
            wanted = sum(1 << node for node, left in steps if left)
            found += ((_WAYS & mask) == wanted) * (1 << place)
        return found


def _shared(leaves: list[tuple[int, _Leaf]]) -> Iterator[tuple[int, _Leaf, np.ndarray]]:
    """Yield (tree, leaf, its Shapley values), many leaves of one size computed together."""
    sizes: dict[int, list[tuple[int, _Leaf]]] = {}
    for place, leaf in leaves:
        sizes.setdefault(len(leaf.share), []).append((place, leaf))
    for some in sizes.values():
        values = np.array([leaf.value for _, leaf in some])
        shares = shapley(values, np.array([leaf.share for _, leaf in some]))
        for (place, leaf), share in zip(some, shares, strict=True):
            yield place, leaf, share


def shapley(value: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return (m, 2^n, n) Shapley values of the n features that lead to each of m leaves.

    Bit j of the second axis: the row goes this way at feature j. A leaf pays ``value`` (m,) times
    the product over features of 1 or 0 where known, of ``share`` (m, n) where not.

    >>> shapley(np.array([8.0]), np.array([[0.5]]))[0].tolist()
    [[-4.0], [4.0]]
    """
    n = share.shape[1]
    met = ((np.arange(1 << n)[:, None] >> np.arange(n)) & 1).astype(np.float64)
    weights = np.array([math.factorial(k) * math.factorial(n - 1 - k) for k in range(n)])
    weights = weights / math.factorial(n)
    found = np.empty((len(share), 1 << n, n))
    for mine in range(n):
        # Coefficient k: over all sets of k known others, the product of what each is worth.
        sums = np.zeros((len(share), 1 << n, n))
        sums[:, :, 0] = 1.0
        for other in range(n):
            if other != mine:
                known = sums[:, :, :-1] * met[:, other, None]
                sums *= share[:, other, None, None]
                sums[:, :, 1:] += known
        gain = met[None, :, mine] - share[:, mine, None]
        found[:, :, mine] = value[:, None] * gain * (sums @ weights)
    return found


def _leaves(trees: list[_Tree]) -> list[tuple[int, _Leaf]]:
    """Return (tree, leaf) of every leaf that lies below a node."""
    found = []
    for place, tree in enumerate(trees):
        waiting: list[tuple[int, list[tuple[int, bool, float]]]] = [(0, [])]
        while waiting and len(tree.feature):
            at, path = waiting.pop()
            if at < 0:
                found.append((place, _leaf(tree, ~at, path)))
                continue
            for left, child in ((True, int(tree.left[at])), (False, int(tree.right[at]))):
                rows = tree.rows[~child] if child < 0 else tree.rows_inner[child]
                waiting.append((child, [*path, (at, left, rows / tree.rows_inner[at])]))
    return found


def _leaf(tree: _Tree, number: int, path: list[tuple[int, bool, float]]) -> _Leaf:
    asks: dict[int, list[tuple[int, bool]]] = {}
    share: dict[int, float] = {}
    for node, left, part in path:
        feature = int(tree.feature[node])
        asks.setdefault(feature, []).append((node, left))
        share[feature] = share.get(feature, 1.0) * part
    first = {int(f): node for node, f in reversed(list(enumerate(tree.feature)))}
    return _Leaf(
        value=float(tree.value[number]),
        slots=[first[feature] for feature in asks],
        asks=list(asks.values()),
        share=list(share.values()),
    )


def _read(facts: Mapping[str, str]) -> _Tree | None:
    """Return a tree of the model's text; None where the tables cannot hold it."""
    if int(facts["num_leaves"]) > MOST_NODES + 1:
        return None
    if int(facts["num_cat"]) or int(facts.get("is_linear", 0)):
        return None

    def numbers(name: str, kind: type = float) -> np.ndarray:
        return np.array([kind(word) for word in facts[name].split()])

    if int(facts["num_leaves"]) == 1:
        none, one = np.zeros(0, dtype=np.int64), np.ones(1)
        return _Tree(
            feature=none,
            threshold=none,
            unknown_left=none,
            left=none,
            right=none,
            value=numbers("leaf_value"),
            rows=one,
            rows_inner=none,
        )
    how, threshold = numbers("decision_type", int), numbers("threshold")
    if (how & _CATEGORICAL).any() or (how & _ZERO_IS_MISSING).any():
        return None
    # Where NaN is no value of its own, it is judged as 0.
    told = np.where(how & _NAN_IS_MISSING, (how & _DEFAULT_LEFT) > 0, threshold >= 0)
    return _Tree(
        feature=numbers("split_feature", int),
        threshold=threshold,
        unknown_left=told,
        left=numbers("left_child", int),
        right=numbers("right_child", int),
        value=numbers("leaf_value"),
        rows=numbers("leaf_count", int),
        rows_inner=numbers("internal_count", int),
    )
