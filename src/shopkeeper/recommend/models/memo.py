"""Remember a prediction for as long as nothing it came from has changed, a minute at most.

The key is the content itself: the task, the page's items and every row of the history. One more
event of the customer is another key, so an event still changes the next answer at once; only
what other customers do (popularity, a day's fading) may be up to KEEP_SECONDS old. Filters and
the shop's stock are not in here: the policy applies them to every answer, live.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

from shopkeeper.recommend.schema import Features, Prediction

KEEP_SECONDS = 60
MOST = 4000  # predictions; some 15 kB each


class Memo:
    """The last predictions, oldest use dropped first. One thread at a time, as its model."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, tuple[int, Prediction]] = OrderedDict()

    def get(self, key: bytes, as_of_us: int) -> Prediction | None:
        """Return what was predicted for the same content less than KEEP_SECONDS earlier."""
        found = self._kept.get(key)
        if found is None or not 0 <= as_of_us - found[0] < KEEP_SECONDS * 1_000_000:
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: bytes, as_of_us: int, prediction: Prediction) -> None:
        """Keep a prediction."""
        self._kept[key] = (as_of_us, prediction)
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)


def key_of(task: str, features: Features, *, context_only: bool) -> bytes:
    """Return 16 bytes that change whenever history, page or the customer's attributes do.

    With ``context_only`` the history does not count, so all customers on a page share a key.
    """
    digest = hashlib.blake2b(task.encode(), digest_size=16)
    if features.attributes:
        digest.update(repr(sorted(features.attributes.items())).encode())
    parts = [features.context]
    if not context_only:
        past = features.history
        parts += [past.item, past.kind, past.at_us]
    for part in parts:
        digest.update(len(part).to_bytes(4, "little"))
        digest.update(part.tobytes())
    return digest.digest()
