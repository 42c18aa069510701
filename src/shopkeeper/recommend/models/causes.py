"""Which items of a history gave most to each candidate, from the shares of all sources.

Worked out when a reason asks: most slates are told by habit or by sales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from shopkeeper.recommend.models.content import Content
from shopkeeper.recommend.models.histories import Histories
from shopkeeper.recommend.models.source import Source
from shopkeeper.recommend.schema import Features

MOST_CAUSES = 3
# source -> places among the candidates, its rows there, what multiplies what it says of them
Factors = Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


def strongest(
    features: Features, shares: np.ndarray, known: np.ndarray
) -> dict[int, list[tuple[int, float]]]:
    """Return candidate -> [(history or page item, share)], strongest first.

    Parameters
    ----------
    shares
        (history rows, candidates): what each row of the subject's history, then of the page or
        cart, adds to each candidate's score.
    known
        (candidates,) rows of ``features.item_ids``.
    """
    context = np.asarray(features.context, dtype=np.int64)
    past = features.history.item if len(shares) > len(context) else context[:0]
    item = np.concatenate([past, context]).astype(np.int64)
    distinct, of_row = np.unique(item, return_inverse=True)
    # Rows of one item stand together after sorting: reduceat is add.at without its price.
    order = np.argsort(of_row, kind="stable")
    opens = np.searchsorted(of_row[order], np.arange(len(distinct)))
    summed = np.add.reduceat(shares[order], opens, axis=0)
    best = _largest(summed)
    who = distinct[best].T.tolist()
    gave = np.take_along_axis(summed, best, axis=0).T.tolist()
    return {
        candidate: [(i, share) for i, share in zip(*pair, strict=True) if share > 0]
        for candidate, *pair in zip(known.tolist(), who, gave, strict=True)
    }


def shares(
    sources: Mapping[str, Source],
    asked: tuple[Histories, Histories],
    arrived: np.ndarray,
    n_known: int,
    factor: Factors,
) -> np.ndarray:
    """Return (history rows, candidates) of what each row of a history gives to each candidate.

    Parameters
    ----------
    asked
        The history in the model's rows, without and with new products.
    arrived
        Vectors of new products, for the source that places them.
    """
    found = np.zeros((len(asked[0].item), n_known), dtype=np.float32)
    if not found.size:
        return found
    for name, (at, rows, by) in factor.items():
        if not by.any():
            continue
        source = sources[name]
        if isinstance(source, Content):
            found[:, at] += source.because_with(asked[1], rows, arrived) * by
        else:
            found[:, at] += source.because(asked[0], rows) * by
    return found


class Later(Mapping[int, list[tuple[int, float]]]):
    """What led to each candidate, worked out when somebody asks."""

    __slots__ = ("_find", "_found")

    def __init__(self, find: Callable[[], Mapping[int, list[tuple[int, float]]]]) -> None:
        self._find: Callable[[], Mapping[int, list[tuple[int, float]]]] | None = find
        self._found: Mapping[int, list[tuple[int, float]]] = {}

    def _all(self) -> Mapping[int, list[tuple[int, float]]]:
        if self._find is not None:
            self._found, self._find = self._find(), None
        return self._found

    def __getitem__(self, row: int) -> list[tuple[int, float]]:
        return self._all()[row]

    def __iter__(self) -> Iterator[int]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the rows of the MOST_CAUSES largest of each column, largest first; ties by row."""
    left = values.copy()
    columns = np.arange(values.shape[1])
    best = []
    for _ in range(min(MOST_CAUSES, len(values))):
        row = left.argmax(axis=0)
        best.append(row)
        left[row, columns] = -np.inf
    return np.stack(best)
