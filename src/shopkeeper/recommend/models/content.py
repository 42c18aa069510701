"""A place among the collaborative vectors for a product that nobody has bought yet.

Ridge regression from what the catalogue says (meaning and wording of the text, category, price) to
the vectors that purchases gave to known products; a new product gets the vector that its own
features point to. score_j = (sum over history of w(h) v_h) . v_j. Training and answering are numpy;
the vectors of a new product are there as soon as its entry is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from shopkeeper.language.embedder import Embedder, sentence_embedder
from shopkeeper.recommend.models.neighbours import bought
from shopkeeper.recommend.models.text import Text
from shopkeeper.recommend.schema import Training

FEW = 5  # a category needs so many products to have a column
TRUST = 3.0  # purchases at which a product's own vector weighs half in the regression
LETTERS = 500  # characters of a text that the encoder reads


class Content(Text):
    """Collaborative vectors for what was bought, mapped ones for what was not."""

    name = "content"

    def __init__(
        self,
        *,
        dimensions: int = 64,
        penalty: float = 1.0,
        seed: int = 7,
        fade: float = 0.9,
        fade_days: float | None = None,
    ) -> None:
        super().__init__(dimensions=dimensions, seed=seed, fade=fade, fade_days=fade_days)
        self.penalty = penalty

    def fit(self, data: Training, features: np.ndarray | None = None) -> Self:
        """Factorise the purchases, learn the map, place what nobody bought.

        ``features`` (n_items, m): those of ``features_of``, if they are known already.
        """
        self.item_ids_ = data.interactions.item_ids
        if features is None:
            features = features_of(data)
        x = bought(data)
        buyers = np.bincount(x.indices, minlength=self.n_items)
        warm = buyers > 0
        width = min(self.dimensions, int(warm.sum()) - 1, x.shape[0] - 1)
        self.vectors_ = np.zeros((self.n_items, max(width, 0)), dtype=np.float32)
        if width < 1:
            return self
        scaled = sparse.csr_matrix(x @ sparse.diags_array(1 / np.sqrt(np.maximum(buyers, 1))))
        _, strength, right = randomized_svd(scaled, width, n_iter=4, random_state=self.seed)
        vectors = right.T * strength
        weight = (buyers / (buyers + TRUST))[warm, None]
        known = features[warm]
        gram = known.T @ (weight * known) + self.penalty * np.eye(known.shape[1])
        self.map_ = np.linalg.solve(gram, known.T @ (weight * vectors[warm]))
        vectors[~warm] = features[~warm] @ self.map_
        self.vectors_ = np.ascontiguousarray(vectors, dtype=np.float32)
        return self


def features_of(data: Training, embedder: Embedder | None = None) -> np.ndarray:
    """Return (n_items, m) of meaning, wording, category levels, price, and a constant."""
    n_items = len(data.interactions.item_ids)
    texts = list(data.item_text) or [""] * n_items
    meaning = (embedder or sentence_embedder()).encode([text[:LETTERS] for text in texts])
    meaning = meaning * np.array([[bool(text)] for text in texts])
    wording = Text(dimensions=128).fit(data).vectors_
    shelves = _levels(data.item_category or [""] * n_items)
    price = _price(data.item_price_minor, n_items)
    return np.hstack([meaning, wording, shelves, price, np.ones((n_items, 1))]).astype(np.float64)


def _levels(categories: Sequence[str]) -> np.ndarray:
    """Return a column for each level of a path ("A > B" counts for "A" too) with FEW products."""
    paths = [[p.strip() for p in path.split(">")] if path else [] for path in categories]
    levels = [[" > ".join(path[: n + 1]) for n in range(len(path))] for path in paths]
    names, counts = np.unique([one for many in levels for one in many], return_counts=True)
    column = {name: at for at, name in enumerate(names[counts >= FEW].tolist())}
    found = np.zeros((len(categories), len(column)))
    for row, many in enumerate(levels):
        found[row, [column[one] for one in many if one in column]] = 0.5
    return found


def _price(price_minor: np.ndarray | None, n_items: int) -> np.ndarray:
    """Return the standardised logarithm, 0 where there is no price, and its square."""
    found = np.zeros((n_items, 2))
    if price_minor is None or not (price_minor > 0).any():
        return found
    there = price_minor > 0
    log = np.log(price_minor[there])
    found[there, 0] = (log - log.mean()) / max(float(log.std()), 1e-9)
    found[:, 1] = found[:, 0] ** 2
    return 0.3 * found
