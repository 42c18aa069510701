"""The baseline that needs no training: the carriers' own word on how long they take."""

from __future__ import annotations

import numpy as np

from shopkeeper.supply.features import Features
from shopkeeper.supply.promise import Prediction, stated

NAME = "nearest-complete"


def predict(features: Features) -> Prediction:
    """Return the carriers' own days per lane; the policy then ships from the nearest place."""
    lead_times = {
        (warehouse.warehouse_id, tariff.carrier): stated(
            tariff.days, features.distance_km[warehouse.warehouse_id], tariff.km_per_day
        )
        for warehouse in features.warehouses
        for tariff in features.tariffs.values()
    }
    means = np.array([one.mean_days for one in lead_times.values()])
    return Prediction(lead_times=lead_times, mean_days=means, learned=False)
