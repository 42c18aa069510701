"""The policies that a shop can ask about, as chances of each candidate of a drawn place.

    greedy      the ranker's best, never by chance
    explore_x   a share x of the places drawn in proportion to scores (recommend/explore.py)
    uniform     every candidate alike
    learned     the candidate with the largest expected reward by ``expected``

A place is judged with the places above it as they were: what a slate earns as a whole beyond its
places (one product taking sales from another) is not seen.
"""

from __future__ import annotations

import numpy as np

from shopkeeper.recommend.offpolicy.places import Places

FOLDS = 5
RIDGE = 10.0
PRIOR = 20.0  # rows by which an item's own mean is drawn to everybody's


def chances(name: str, places: Places, predicted: np.ndarray) -> np.ndarray:
    """Return (n, DEPTH) chances of the candidates, each row 1 in all."""
    open_ = places.open
    if name == "greedy":
        return mixed(places, np.zeros(len(places.at)))
    if name == "logged":
        return mixed(places, places.share)
    if name == "uniform":
        return np.asarray(open_ / open_.sum(axis=1, keepdims=True))
    if name == "learned":
        best = np.where(open_, predicted, -np.inf).argmax(axis=1)
        found = np.zeros(open_.shape)
        found[np.arange(len(best)), best] = 1.0
        return found
    share = float(name.removeprefix("explore_"))
    return mixed(places, np.full(len(places.at), share))


def mixed(places: Places, share: np.ndarray) -> np.ndarray:
    """Return the chances under exploration: a share by score, the rest the best (always first)."""
    open_ = places.open
    weight = np.where(open_, np.maximum(places.score, 0.0), 0.0)
    total = weight.sum(axis=1, keepdims=True)
    alike = open_ / open_.sum(axis=1, keepdims=True)
    drawn = np.where(total > 0, weight / np.maximum(total, 1e-300), alike)
    found = drawn * share[:, None]
    found[:, 0] += 1 - share
    return np.asarray(found)


def expected(places: Places, rng: np.random.Generator) -> np.ndarray:
    """Return (n, DEPTH) expected rewards by a model that has not seen the row's slate.

    Ridge regression on the place, the score against the best, the rank, the item's own mean in
    the other slates, and their products with 1 / place; never below 0.
    """
    fold = rng.integers(0, FOLDS, int(places.request.max(initial=-1)) + 1)[places.request]
    found = np.zeros(places.item.shape)
    shown = places.item[np.arange(len(places.at)), places.at]
    n_items = max(len(places.item_ids), 1)
    for number in range(FOLDS):
        learn, kept = fold != number, fold == number
        if not (learn.any() and kept.any()):
            continue
        item, reward = shown[learn], places.reward[learn]
        count = np.bincount(item, minlength=n_items)
        paid = np.bincount(item, weights=reward, minlength=n_items)
        whole = float(reward.mean())
        # An item's mean without the row itself, so that the fit does not trust it too much.
        rate = (paid + PRIOR * whole) / (count + PRIOR)
        without = (paid[item] - reward + PRIOR * whole) / (count[item] - 1 + PRIOR)
        x = _columns(places, learn, rate, places.at)[:, 0]
        x[:, 3], x[:, 6] = without, without * x[:, 4]
        gram = x.T @ x + RIDGE * np.eye(x.shape[1]) * 1e-2
        w = np.linalg.solve(gram, x.T @ reward)
        found[kept] = np.maximum(_columns(places, kept, rate) @ w, 0.0)
    return np.where(places.open, found, 0.0)


def _columns(
    places: Places, rows: np.ndarray, rate: np.ndarray, at: np.ndarray | None = None
) -> np.ndarray:
    """Return (rows, DEPTH, 7): 1, relative score, rank, own mean, 1 / place and products.

    ``at`` takes one candidate of each row instead of all, (rows, 1, 7).
    """
    score, item = places.score[rows], places.item[rows]
    best = np.maximum(score.max(axis=1, keepdims=True), 1e-12)
    rank = np.broadcast_to(1 / np.sqrt(1 + np.arange(score.shape[1])), score.shape)
    if at is not None:
        own_place = at[rows][:, None]
        score, item, rank = (
            np.take_along_axis(one, own_place, axis=1) for one in (score, item, rank)
        )
    relative = np.clip(score / best, 0.0, 1.0)
    own = rate[np.maximum(item, 0)]
    look = np.broadcast_to(1 / (1.0 + places.position[rows])[:, None], score.shape)
    one = np.ones_like(score)
    return np.stack([one, relative, rank, own, look, relative * look, own * look], axis=2)
