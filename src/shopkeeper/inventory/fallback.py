"""The baseline that needs no training: a moving average of weeks, negative binomial around it."""

from __future__ import annotations

from shopkeeper.inventory.live import FREQUENCY, Asked
from shopkeeper.inventory.models.judging import unjudged
from shopkeeper.inventory.models.ladder import HORIZONS, Ladder
from shopkeeper.inventory.schema import Demand

RUNG = "ma8"


def predict(asked: Asked) -> Demand:
    """Return the baseline's belief on the product asked for; a new one is its neighbours."""
    ladder = Ladder(frequency=FREQUENCY, judged_=unjudged(RUNG))
    ladder.horizons = HORIZONS[FREQUENCY]
    return ladder.predict(asked)
