"""How many days a lane takes from the order to the door, learned from parcels.

A group's days are counted and shrunk to its parent's: all parcels → carrier → carrier and
distance → and weekday of the order → and warehouse. A parcel still on its way counts as "longer
than so far": its weight is spread over its parent's days beyond that (redistribution to the
right, Efron 1967), so that a look at young orders does not make carriers seem quick.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.learn.contracts import Artefact
from shopkeeper.supply.features import Features
from shopkeeper.supply.promise import Prediction, stated
from shopkeeper.supply.schema import LeadTime

MOST_DAYS = 45
BANDS_KM = (10.0, 25.0, 50.0, 100.0, 200.0, 400.0, 800.0)
UNKNOWN_BAND = len(BANDS_KM) + 1
DEFAULT_SHRINK = 20.0
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcels:
    """Parcels in order of their order's time. All (n,).

    ``days`` whole UTC days from the order's day to the delivery's, or so far where
    ``on_its_way``; ``weekday`` 0 is Monday; ``band`` of BANDS_KM.
    """

    warehouse: Sequence[str]
    carrier: Sequence[str]
    band: np.ndarray
    weekday: np.ndarray
    days: np.ndarray
    on_its_way: np.ndarray
    ordered_us: np.ndarray

    def __len__(self) -> int:
        return len(self.days)

    def keys(self, row: int) -> list[Key]:
        """Return the groups of a parcel, the widest first."""
        return keys_of(
            self.warehouse[row], self.carrier[row], int(self.band[row]), int(self.weekday[row])
        )

    def take(self, rows: np.ndarray) -> Parcels:
        """Return the parcels of a mask."""
        places: list[int] = np.flatnonzero(rows).tolist()
        return Parcels(
            warehouse=[self.warehouse[i] for i in places],
            carrier=[self.carrier[i] for i in places],
            band=self.band[places],
            weekday=self.weekday[places],
            days=self.days[places],
            on_its_way=self.on_its_way[places],
            ordered_us=self.ordered_us[places],
        )


def keys_of(warehouse: str, carrier: str, band: int, weekday: int) -> list[Key]:
    """Return the groups of a lane on a weekday, the widest first."""
    return [
        (),
        (carrier,),
        (carrier, f"km{band}"),
        (carrier, f"km{band}", f"day{weekday}"),
        (carrier, f"km{band}", f"day{weekday}", warehouse),
    ]


def band_of(km: float | None) -> int:
    """Return the band of a distance.

    >>> band_of(5), band_of(30), band_of(None)
    (0, 2, 8)
    """
    return UNKNOWN_BAND if km is None else int(np.searchsorted(BANDS_KM, km, side="right"))


def weekday_of(at_us: int) -> int:
    """Return the weekday of a moment, 0 is Monday; 1970 began on a Thursday."""
    return (at_us // DAY_US + 3) % 7


class CarrierTimes:
    """Days per lane: counts of groups, shrunk to wider groups. ``depth`` of keys_of is used."""

    name = "carrier-times"

    def __init__(self, *, shrink: float = DEFAULT_SHRINK, depth: int = 4) -> None:
        self.shrink, self.depth = shrink, depth
        self.probability_: dict[Key, np.ndarray] = {}
        self.observed_: dict[Key, int] = {}

    def fit(self, data: Parcels) -> Self:
        """Learn from parcels, those on their way included."""
        self.probability_, self.observed_ = {}, {}
        days = np.clip(data.days, 0, MOST_DAYS)
        groups: list[dict[Key, list[int]]] = [{} for _ in range(self.depth + 1)]
        for row in range(len(data)):
            for level, key in enumerate(data.keys(row)[: self.depth + 1]):
                groups[level].setdefault(key, []).append(row)
        for some in groups:
            for key, rows in some.items():
                parent = self.probability_.get(key[:-1]) if key else None
                self._fit_group(key, days[rows], data.on_its_way[rows], parent)
        return self

    def distribution(self, keys: Sequence[Key]) -> LeadTime | None:
        """Return the days of the narrowest group that is known; None for a carrier never seen."""
        for key in reversed(keys[1 : self.depth + 1]):
            chance = self.probability_.get(key)
            if chance is not None:
                some = np.flatnonzero(chance > 0)
                return LeadTime(
                    days=some.astype(float),
                    probability=chance[some],
                    source="parcels " + " ".join(key),
                    observed=self.observed_[key],
                )
        return None

    def predict(self, features: Features) -> Prediction:
        """Return each lane's days; a carrier without parcels keeps its own word."""
        weekday = weekday_of(features.as_of_us)
        found = {}
        for warehouse in features.warehouses:
            km = features.distance_km[warehouse.warehouse_id]
            for tariff in features.tariffs.values():
                keys = keys_of(warehouse.warehouse_id, tariff.carrier, band_of(km), weekday)
                found[warehouse.warehouse_id, tariff.carrier] = self.distribution(keys) or stated(
                    tariff.days, km, tariff.km_per_day
                )
        means = np.array([one.mean_days for one in found.values()])
        return Prediction(lead_times=found, mean_days=means, learned=True)

    def to_artefact(self) -> Artefact:
        """Return the fitted groups as plain arrays."""
        keys = sorted(self.probability_)
        width = MOST_DAYS + 1
        return Artefact(
            kind=self.name,
            arrays={
                "probability": np.array([self.probability_[k] for k in keys]).reshape(-1, width),
                "observed": np.array([self.observed_[k] for k in keys], dtype=np.int64),
            },
            facts={
                "keys": [list(key) for key in keys],
                "shrink": self.shrink,
                "depth": self.depth,
            },
        )

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self:
        """Return the model that ``to_artefact`` wrote."""
        facts: Mapping[str, Any] = artefact.facts
        made = cls(shrink=float(facts["shrink"]), depth=int(facts["depth"]))
        keys = [tuple(key) for key in facts["keys"]]
        made.probability_ = dict(zip(keys, artefact.arrays["probability"], strict=True))
        observed = artefact.arrays["observed"].tolist()
        made.observed_ = dict(zip(keys, observed, strict=True))
        return made

    def _fit_group(
        self, key: Key, days: np.ndarray, on_its_way: np.ndarray, parent: np.ndarray | None
    ) -> None:
        width = MOST_DAYS + 1
        came = np.bincount(days[~on_its_way], minlength=width).astype(float)
        if parent is None:
            # The widest group has no parent: its own days, and a trace of every day.
            parent = (came + 1e-3) / (came + 1e-3).sum()
        counts = came.copy()
        waiting = np.bincount(days[on_its_way], minlength=width)
        for so_far in np.flatnonzero(waiting).tolist():
            beyond = np.where(np.arange(width) >= so_far, parent, 0.0)
            beyond[-1] += 1e-12
            counts += waiting[so_far] * beyond / beyond.sum()
        whole = (counts + self.shrink * parent) / (counts.sum() + self.shrink)
        whole[whole < 1e-6] = 0.0
        self.probability_[key] = whole / whole.sum()
        self.observed_[key] = int(came.sum())
