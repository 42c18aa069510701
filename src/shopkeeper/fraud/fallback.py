"""The baseline that needs no data and no model: known signs of fraud, added in log-odds.

It stands in until a model is trained. The weights are rules of thumb, not learned, and the
probability is not calibrated; the rule pack does the finer work on day zero.
"""

from __future__ import annotations

import math

import numpy as np

from shopkeeper.fraud.registry import REGISTRY
from shopkeeper.fraud.schema import Features, Prediction

PRIOR = 0.002
# feature -> (from which value on it counts, log-odds per unit of ln(1 + value), at most)
SIGNS: dict[str, tuple[float, float, float]] = {
    "attempts_failed": (1, 1.2, 3.0),
    "card_declines_1h": (1, 1.0, 3.0),
    "device_declines_1h": (2, 1.0, 3.0),
    "ip_declines_1h": (3, 1.0, 3.0),
    "device_distinct_cards_1d": (3, 1.0, 2.5),
    "ip_distinct_cards_1d": (4, 0.8, 2.5),
    "email_distinct_cards_1d": (3, 1.0, 2.5),
    "disposable_email": (1, 1.5, 1.5),
    "billing_shipping_differ": (1, 0.8, 0.8),
    "ip_billing_differ": (1, 1.0, 1.0),
    "card_billing_differ": (1, 1.2, 1.2),
    "customer_fraud_count_90d": (1, 3.0, 4.0),
    "card_fraud_count_90d": (1, 4.0, 5.0),
    "device_fraud_count_90d": (1, 3.0, 4.0),
    "ring_customers": (4, 0.8, 2.5),
    "ring_frauds": (1, 1.5, 3.0),
    "amount_to_max_30d": (2, 0.8, 1.5),
}
QUICK_SECONDS, QUICK = 600.0, 1.5  # from sign-up to payment, and what it adds


def predict(features: Features) -> Prediction:
    """Return the baseline's belief; contributions sum to the raw score."""
    bias = math.log(PRIOR / (1 - PRIOR))
    names, shares = [], []
    for name, (least, weight, most) in SIGNS.items():
        value = features[name]
        if value >= least:
            names.append(name)
            shares.append(min(most, weight * math.log1p(value) / math.log(2)))
    if features["signup_seconds"] <= QUICK_SECONDS:
        names.append("signup_seconds")
        shares.append(QUICK)
    raw = bias + sum(shares)
    probability = 1 / (1 + math.exp(-raw))
    groups: dict[str, float] = {}
    for name, share in zip(names, shares, strict=True):
        group = REGISTRY[name].group
        groups[group] = groups.get(group, 0.0) + share
    return Prediction(
        probability=np.array([probability]),
        raw=np.array([raw]),
        rarity=np.array([min(1.0, PRIOR / probability)]),
        contributions=np.array([*shares, bias]),
        names=tuple(names),
        groups=groups,
        parts={"signs": probability},
    )
