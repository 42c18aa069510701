"""What is asked and what is believed: Request, Features, Prediction, and what a feature is.

A Request is one payment, refund or account event to judge. What identifies a person is in it
only as keyed hashes (``keys``, made by data/person_keys.py before anything reads them), so
features, models, rules and records never see an address or an e-mail. This file reads no data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

KINDS = ("payment", "refund", "account")
OUTCOMES = ("approve", "challenge", "review", "block")

# Keyed hashes as they stand in an event's person_keys -> the entity that features name.
KEYED = {
    "card_fingerprint": "card",
    "device_id": "device",
    "ip": "ip",
    "ip_net": "ip_net",
    "email": "email",
    "email_domain": "email_domain",
    "phone": "phone",
    "address": "address",
}
# What a request can share with others: plain ids of the shop, then the hashes.
ENTITIES = ("customer", "terminal", "item", "card_bin", *KEYED.values())

# Features fall into groups; a contribution is summed per group before it becomes a reason.
GROUPS = ("amount", "time", "customer", "card", "device", "network", "contact", "place", "ring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to judge. Times are microseconds UTC, money whole minor units.

    ``occurred_us`` None means now. ``keys`` are hashes under the names of KEYED; ``entities``
    holds those of ENTITIES that are known, plain ids and hashes together. Countries are
    ISO 3166 alpha-2, as the shop or its provider says.
    """

    kind: str = "payment"
    payment_id: str
    amount_minor: int
    currency: str
    occurred_us: int | None = None
    order_id: str | None = None
    customer_id: str | None = None
    session_id: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    entities: Mapping[str, str] = field(default_factory=dict)
    items: tuple[str, ...] = ()
    card_bin: str | None = None
    card_country: str | None = None
    billing_country: str | None = None
    shipping_country: str | None = None
    ip_country: str | None = None
    signup_us: int | None = None
    declines: int | None = None  # failed attempts on this basket before this one
    disposable_email: bool | None = None

    @property
    def subject(self) -> str:
        """What the decision is about: the payment."""
        return self.payment_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One named number: what it means, for people, for the rule language and for reasons.

    ``kind``: count, money (minor units), seconds, ratio, rate (0 to 1), flag (0 or 1), number.
    ``entity`` and ``window_us`` are empty where the feature is about the request alone.
    """

    name: str
    kind: str
    group: str
    says: str
    entity: str | None = None
    window_us: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What may be known of a request at ``as_of_us``; NaN where it is not known.

    ``values`` (n,) float64 in the order of ``names``, the names of features.REGISTRY.
    """

    as_of_us: int
    names: Sequence[str]
    values: np.ndarray
    row: Mapping[str, int] = field(default_factory=dict)  # name -> place in values
    ring: Sequence[str] = ()  # entities linked to this request, "card:ab12…", when in a ring
    past: Any = ()  # the payer's last payments (past.py) or () -> them; empty: nobody looked
    controls: Any = None  # rules, lists and costs in force (controls.py), for the policy alone

    def __getitem__(self, name: str) -> float:
        """Return one value, NaN when unknown; KeyError when there is no such feature."""
        return float(self.values[self.row[name]])

    def as_dict(self) -> dict[str, float | None]:
        """Return name -> value for records and pages; None where unknown."""
        values = self.values.tolist()
        return {n: None if v != v else v for n, v in zip(self.names, values, strict=True)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What the models believe of one request.

    probability    (1,) of fraud, calibrated; with no labels yet a rank turned into a prior
    raw            (1,) log-odds of the trees before calibration; contributions sum to it
    rarity         (1,) share of payments at least as strange: .0005 is "1 in 2,000"
    contributions  (n + 1,) log-odds per feature, the last is the bias; empty if not computed
    names          of contributions, without the bias
    groups         group -> log-odds, summed over its features
    calibrated     False while there are too few labels for ``probability`` to mean a share
    parts          what each model said, by name
    """

    probability: np.ndarray
    raw: np.ndarray
    rarity: np.ndarray
    contributions: np.ndarray = field(default_factory=lambda: np.zeros(0))
    names: Sequence[str] = ()
    groups: Mapping[str, float] = field(default_factory=dict)
    calibrated: bool = False
    parts: Mapping[str, float] = field(default_factory=dict)
    because: Any = None  # () -> the same with contributions: they cost more than the score
