"""Every feature by name: facts of the request, aggregates, ratios, and what rings say.

The rule language checks names against REGISTRY, models keep the names that they were fitted on,
reasons use the groups. The order is the order of Features.values: append, never reorder.
"""

from __future__ import annotations

from shopkeeper.fraud.aggregates import RATIOS, declare, feature_of
from shopkeeper.fraud.schema import Feature

FACTS = (
    Feature(name="amount_minor", kind="money", group="amount", says="amount of this payment"),
    Feature(name="hour", kind="number", group="time", says="hour of the day, UTC, with fraction"),
    Feature(name="night", kind="flag", group="time", says="between midnight and 7, UTC"),
    Feature(name="weekend", kind="flag", group="time", says="Saturday or Sunday, UTC"),
    Feature(name="items_count", kind="count", group="amount", says="products in the basket"),
    Feature(
        name="attempts_failed",
        kind="count",
        group="card",
        says="failed attempts on this basket before",
    ),
    Feature(
        name="signup_seconds",
        kind="seconds",
        group="customer",
        says="seconds from sign-up to this payment",
    ),
    Feature(
        name="disposable_email", kind="flag", group="contact", says="mail host of throw-away mail"
    ),
    Feature(
        name="billing_shipping_differ",
        kind="flag",
        group="place",
        says="billing and shipping country differ",
    ),
    Feature(
        name="ip_billing_differ",
        kind="flag",
        group="network",
        says="country of the address on the net and billing country differ",
    ),
    Feature(
        name="card_billing_differ",
        kind="flag",
        group="card",
        says="country of the card and billing country differ",
    ),
)
RINGS = (
    Feature(name="ring_customers", kind="count", group="ring", says="customers in the same ring"),
    Feature(name="ring_entities", kind="count", group="ring", says="identifiers in the same ring"),
    Feature(
        name="ring_customers_7d", kind="count", group="ring", says="customers new to the ring in 7d"
    ),
    Feature(
        name="ring_frauds", kind="count", group="ring", says="payments of the ring known as fraud"
    ),
    Feature(
        name="ring_fraud_rate", kind="rate", group="ring", says="known share of fraud in the ring"
    ),
    Feature(
        name="ring_signup_seconds",
        kind="seconds",
        group="ring",
        says="median seconds from sign-up to first payment in the ring",
    ),
)
AGGREGATES = declare()

REGISTRY: dict[str, Feature] = {
    feature.name: feature
    for feature in (
        *FACTS,
        *(feature_of(agg) for agg in AGGREGATES),
        *(
            Feature(name=name, kind="ratio", group="amount", says=says)
            for name, (_, _, says) in RATIOS.items()
        ),
        *RINGS,
    )
}
NAMES = tuple(REGISTRY)
ROW = {name: place for place, name in enumerate(NAMES)}
