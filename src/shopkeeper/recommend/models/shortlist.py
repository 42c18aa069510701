"""Among which items the best of a request can be, where its sources speak of few."""

from __future__ import annotations

import numpy as np

from shopkeeper.recommend.models.source import CANDIDATES, top

SPARSE = 8  # up to an eighth of the items are looked at one by one, more as whole arrays


class Shortlist:
    """Remembers the best sellers of the last shares of sales that it was given."""

    def __init__(self) -> None:
        self._sellers: tuple[np.ndarray, np.ndarray] | None = None

    def rows(
        self, spoken: np.ndarray, back: np.ndarray, live: np.ndarray | None, n_items: int
    ) -> np.ndarray | None:
        """Return rows of the request's items, ascending, that hold the best; None: any may be.

        An item on which only sales speak is among the best only if it is among the best sellers.

        Parameters
        ----------
        spoken
            (n_model_items,) summed shares of all sources but sales.
        back
            (n_model_items,) the request's row of each, -1 where it has none.
        live
            (up to n_items,) what sales say, in the request's rows; None: nothing.
        """
        some = spoken > 0
        if np.count_nonzero(some) * SPARSE > len(some):
            return None
        found = back[np.flatnonzero(some)]
        may = np.zeros(n_items, dtype=bool)
        may[found[found >= 0]] = True
        if live is not None:
            if self._sellers is None or self._sellers[0] is not live:
                self._sellers = (live, top(live, CANDIDATES))
            may[self._sellers[1]] = True
        return np.flatnonzero(may)
