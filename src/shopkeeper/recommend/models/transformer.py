"""What comes next, read off the order of a history: a small causal transformer, served by numpy.

One vector per item, shared by what goes in and what comes out; pre-norm blocks of causal
attention and a two-layer net; places are counted from the newest item, so a short history
looks like the end of a long one. score_j = exp(h . e_j - max), h read at the newest place.

Sources: Kang and McAuley, Self-Attentive Sequential Recommendation, ICDM 2018; training by a
softmax over many sampled negatives as in Petrov and Macdonald, gSASRec, RecSys 2023, and
Tikhonovich et al., eSASRec, RecSys 2025. Gradient descent (transformer_torch.py) needs the extra
``deep``; what is learned are plain arrays. A softmax has no additive shares: ``because`` is zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from shopkeeper.recommend.models.histories import KIND_WEIGHTS, Histories, group
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.models.windows import Sequences
from shopkeeper.recommend.schema import Training

_EPSILON = 1e-5  # of the layer norms, PyTorch's own
_CELLS = 4_000_000  # attention cells of one batch of subjects: 16 MB
SETTINGS = (
    "dimensions",
    "blocks",
    "heads",
    "length",
    "negatives",
    "dropout",
    "rate",
    "batch",
    "epochs",
    "patience",
    "held",
    "half",
    "seed",
)


class Transformer(Source):
    """Next item by self-attention; ``fit`` needs torch, nothing else does.

    length     newest items that are read; older ones are not seen
    negatives  items drawn per batch as wrong answers, shared by all its places
    batch      places of a batch, padding included
    held       users whose last training item judges epochs and teaches nothing; 0: last epoch
    patience   epochs after the best on those, then it stops
    half       bfloat16 in the products; the sums stay float32
    log_folder where TensorBoard finds the curves; None writes none
    checkpoint file to go on from after a stop; None keeps none
    """

    name = "transformer"

    def __init__(
        self,
        *,
        dimensions: int = 128,
        blocks: int = 2,
        heads: int = 2,
        length: int = 50,
        negatives: int = 512,
        dropout: float = 0.2,
        rate: float = 1e-3,
        batch: int = 2560,
        epochs: int = 60,
        patience: int = 10,
        held: int = 1000,
        half: bool = False,
        seed: int = 7,
        log_folder: str | None = None,
        checkpoint: str | None = None,
    ) -> None:
        self.dimensions, self.blocks, self.heads, self.length = dimensions, blocks, heads, length
        self.negatives, self.dropout, self.rate, self.batch = negatives, dropout, rate, batch
        self.epochs, self.patience, self.held, self.half = epochs, patience, held, half
        self.seed, self.log_folder, self.checkpoint = seed, log_folder, checkpoint

    def fit(self, data: Training) -> Self:
        """Learn to name each next item of every training history."""
        from shopkeeper.recommend.models import transformer_torch

        self.item_ids_ = data.interactions.item_ids
        start, item = _read(group(data.interactions, data.as_of_us), self.n_items)
        self.known_ = np.zeros(self.n_items, dtype=bool)
        self.known_[item] = True
        longer = np.flatnonzero(np.diff(start) > 2)
        drawn = np.random.default_rng(self.seed).permutation(longer)[
            : min(self.held, len(longer) // 5)
        ]
        held = np.zeros(len(start) - 1, dtype=bool)
        held[drawn] = True
        learned = transformer_torch.learn(
            Sequences(start=start, item=item, held=held, n_items=self.n_items),
            self._settings(),
            self.log_folder,
            self.checkpoint,
        )
        self.arrays_: Mapping[str, np.ndarray] = learned.arrays
        self.curves_, self.best_epoch_ = learned.curves, learned.best_epoch
        return self

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SETTINGS}

    def scores(self, asked: Histories) -> np.ndarray:
        """Return exp(logit - largest logit); zeros without history, and for unknown items."""
        out = np.zeros((asked.n_subjects, self.n_items), dtype=np.float32)
        start, item = _read(asked, self.n_items, self.known_)
        counts = np.minimum(np.diff(start), self.length)
        order = np.argsort(counts, kind="stable")
        order = order[counts[order] > 0]
        at = 0
        while at < len(order):
            longest = int(counts[order[min(at + 255, len(order) - 1)]])
            rows = order[at : at + max(1, min(256, _CELLS // (longest**2 * self.heads)))]
            step = np.arange(int(counts[rows].max()))[None, :]
            inside = step < counts[rows][:, None]
            first = start[rows + 1] - counts[rows]
            taken = np.where(inside, item[np.where(inside, first[:, None] + step, 0)], 0)
            logits = self._said(taken, counts[rows]) @ self.arrays_["item"].T
            logits[:, ~self.known_] = -np.inf
            out[rows] = np.exp(logits - logits.max(axis=1, keepdims=True))
            at += len(rows)
        return out

    def _said(self, item: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Return (rows, d): what the newest place says of the item after it.

        ``item`` (rows, places) padded on the right; ``counts`` real places of each row. The last
        block is asked at the newest place alone.
        """
        own = self.arrays_
        rows, places = item.shape
        step = np.arange(places)
        newest = (np.arange(rows), counts - 1)
        place = np.maximum(self.length - counts[:, None] + step, 0)
        place = np.minimum(place, self.length - 1)
        x = own["item"][item] + own["place"][place]
        future = step[None, :] > step[:, None]
        for at in range(self.blocks):
            final = at == self.blocks - 1
            mixed = _linear(_norm(x, own, f"{at}.before_attention"), own, f"{at}.qkv")
            q, k, v = np.moveaxis(mixed.reshape(rows, places, 3, self.heads, -1), (2, 3), (0, 2))
            hidden = future[None, None]
            if final:
                x, q = x[newest][:, None], q[newest[0], :, newest[1]][:, :, None]
                hidden = (step[None, :] >= counts[:, None])[:, None, None, :]
            weight = q @ k.swapaxes(-1, -2) * np.float32(q.shape[-1] ** -0.5)
            weight = np.where(hidden, -np.inf, weight)
            weight = np.exp(weight - weight.max(axis=-1, keepdims=True))
            weight /= weight.sum(axis=-1, keepdims=True)
            seen = (weight @ v).swapaxes(1, 2).reshape(x.shape)
            x = x + _linear(seen, own, f"{at}.out")
            up = _gelu(_linear(_norm(x, own, f"{at}.before_forward"), own, f"{at}.up"))
            x = x + _linear(up, own, f"{at}.down")
        last: np.ndarray = _norm(x, own, "last")[:, -1]
        return last

    def _state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        arrays = {name: np.asarray(array) for name, array in self.arrays_.items()}
        return {**arrays, "known": self.known_}, self._settings()

    def _restore(self, arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> None:
        for name in SETTINGS:
            setattr(self, name, facts[name])
        self.known_ = arrays["known"]
        self.arrays_ = {name: a for name, a in arrays.items() if name != "known"}


def _read(
    past: Histories, n_items: int, known: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return (start, item) of what each subject took, oldest first.

    An item met again at once (seen, put in the cart, bought) is read once; what says nothing
    good, and what the model does not know, is left out.
    """
    keep = (KIND_WEIGHTS[past.kind] > 0) & (past.item >= 0) & (past.item < n_items)
    if known is not None:
        keep[keep] = known[past.item[keep]]
    subject, item = past.subject[keep], past.item[keep].astype(np.int64)
    again = np.zeros(len(item), dtype=bool)
    again[1:] = (item[1:] == item[:-1]) & (subject[1:] == subject[:-1])
    start = np.zeros(past.n_subjects + 1, dtype=np.int64)
    np.cumsum(np.bincount(subject[~again], minlength=past.n_subjects), out=start[1:])
    return start, item[~again]


def _linear(x: np.ndarray, own: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    made: np.ndarray = x @ own[name].T + own[f"{name}_bias"]
    return made


def _norm(x: np.ndarray, own: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    centred = x - x.mean(axis=-1, keepdims=True)
    size = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
    made: np.ndarray = centred / size * own[name] + own[f"{name}_bias"]
    return made


def _gelu(x: np.ndarray) -> np.ndarray:
    """Return the tanh form of Hendrycks and Gimpel, 2016."""
    inner = np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3)
    made: np.ndarray = np.float32(0.5) * x * (1 + np.tanh(inner))
    return made
