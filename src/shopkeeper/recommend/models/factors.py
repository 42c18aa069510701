"""How many stars would this customer give? Matrix factorisation with biases, served by numpy.

rating(u, i) = mean + b_u + b_i + p_u . q_i

Source: Koren, Bell, Volinsky, Matrix Factorization Techniques for Recommender Systems, 2009.
Gradient descent (factors_torch.py) needs the extra ``deep``; what is learned are plain arrays,
so predicting and storing need numpy alone. ``Biases`` is the same without p . q, in closed form.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from shopkeeper.learn.artefacts import pack_words, unpack_words
from shopkeeper.learn.contracts import Artefact
from shopkeeper.recommend.ratings.table import Ratings

_ARRAYS = ("user_bias", "item_bias", "user_vectors", "item_vectors")


class Biases:
    """Mean + item bias + user bias, each shrunk by ``damping`` ratings of nothing."""

    name = "biases"
    user_ids_: Sequence[str]
    item_ids_: Sequence[str]

    def __init__(self, *, damping: float = 5.0) -> None:
        self.damping = damping

    def fit(self, data: Ratings) -> Self:
        """Learn from ``data``, forgetting earlier fits; item biases first, then users' rest."""
        self._names(data)
        self.mean_ = float(data.value.mean())
        rest = data.value - self.mean_
        self.item_bias_ = _shrunk(data.item, rest, len(data.item_ids), self.damping)
        rest = rest - self.item_bias_[data.item]
        self.user_bias_ = _shrunk(data.user, rest, len(data.user_ids), self.damping)
        self.user_vectors_ = np.zeros((len(data.user_ids), 0), dtype=np.float32)
        self.item_vectors_ = np.zeros((len(data.item_ids), 0), dtype=np.float32)
        return self

    def _names(self, data: Ratings) -> None:
        self.user_ids_, self.item_ids_ = data.user_ids, data.item_ids
        self.low_, self.high_ = float(data.value.min()), float(data.value.max())

    def predict(self, features: Ratings) -> np.ndarray:
        """Return (n,) stars of pairs numbered as in training, inside the stars ever given.

        Who or what training never saw has a bias and a vector of zeros: the mean.
        """
        found = self.mean_ + self.user_bias_[features.user] + self.item_bias_[features.item]
        p, q = self.user_vectors_[features.user], self.item_vectors_[features.item]
        found = found + np.einsum("nd,nd->n", p, q, dtype=np.float64)
        return np.clip(found, self.low_, self.high_)

    def table(self, users: np.ndarray) -> np.ndarray:
        """Return (users, items) stars, not clipped: equal stars would hide an order."""
        flat = self.mean_ + self.user_bias_[users][:, None] + self.item_bias_
        return np.asarray(flat + self.user_vectors_[users] @ self.item_vectors_.T)

    def to_artefact(self) -> Artefact:
        """Return what was learned as plain arrays and facts."""
        arrays = {name: getattr(self, f"{name}_") for name in _ARRAYS}
        words = pack_words("user_ids", self.user_ids_) | pack_words("item_ids", self.item_ids_)
        facts = {"mean": self.mean_, "low": self.low_, "high": self.high_, **self._settings()}
        return Artefact(kind=self.name, arrays={**arrays, **words}, facts=facts)

    def _settings(self) -> dict[str, Any]:
        return {"damping": self.damping}

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` wrote."""
        made = cls()
        for name in made._settings():
            setattr(made, name, artefact.facts[name])
        for name in _ARRAYS:
            setattr(made, f"{name}_", artefact.arrays[name])
        made.mean_ = artefact.facts["mean"]
        made.low_, made.high_ = artefact.facts["low"], artefact.facts["high"]
        made.user_ids_ = unpack_words("user_ids", artefact.arrays)
        made.item_ids_ = unpack_words("item_ids", artefact.arrays)
        return made


class Factors(Biases):
    """Matrix factorisation by Adam on squared error; ``fit`` needs torch, nothing else does.

    dimensions  length of p_u and q_i
    penalty     L2 on the vectors and biases of each rating's pair
    dropout     share of a vector's numbers left out at a step
    epochs      at most so many; with ``valid`` it stops early, ``patience`` epochs after the best
    log_folder  where TensorBoard finds the curves; None writes none
    """

    name = "factors"

    def __init__(
        self,
        *,
        dimensions: int = 32,
        penalty: float = 0.05,
        dropout: float = 0.0,
        rate: float = 0.005,
        batch: int = 1024,
        epochs: int = 60,
        patience: int = 3,
        seed: int = 7,
        log_folder: str | None = None,
    ) -> None:
        self.dimensions, self.penalty, self.dropout = dimensions, penalty, dropout
        self.rate, self.batch, self.epochs = rate, batch, epochs
        self.patience, self.seed, self.log_folder = patience, seed, log_folder

    def fit(self, data: Ratings, valid: Ratings | None = None) -> Self:
        """Learn from ``data``; ``valid`` says when to stop and is never learned from."""
        from shopkeeper.recommend.models import factors_torch

        self._names(data)
        self.mean_ = float(data.value.mean())
        learned = factors_torch.learn(data, valid, self._settings(), self.log_folder)
        for name in _ARRAYS:
            setattr(self, f"{name}_", learned.arrays[name])
        self.curves_: Mapping[str, list[tuple[float, float]]] = learned.curves
        self.best_epoch_, self.device_ = learned.best_epoch, learned.device
        return self

    def _settings(self) -> dict[str, Any]:
        names = ("dimensions", "penalty", "dropout", "rate", "batch", "epochs", "patience", "seed")
        return {name: getattr(self, name) for name in names}


def _shrunk(code: np.ndarray, rest: np.ndarray, n: int, damping: float) -> np.ndarray:
    """Return (n,) sums of ``rest`` by code over (count + damping)."""
    total = np.bincount(code, weights=rest, minlength=n)
    return total / (np.bincount(code, minlength=n) + damping)
