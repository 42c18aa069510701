"""Rules for the first day, before anybody labelled anything: what card testers and rings do.

A new shop gets them in shadow, so that they leave a trace but stop nobody, until somebody looked
at their back-test and put them live. Amounts are left out: they differ from shop to shop.
"""

from __future__ import annotations

from shopkeeper.fraud.rules import Rule

PACK: tuple[Rule, ...] = tuple(
    Rule(
        rule_id=name, expression=text, outcome=outcome, priority=priority, why=why, status="shadow"
    )
    for name, outcome, priority, text, why in (
        (
            "declines_per_ip",
            "block",
            10,
            "ip_declines_10m >= 5",
            "five declines from one address in ten minutes: card testing",
        ),
        (
            "declines_per_device",
            "block",
            10,
            "device_declines_1h >= 5",
            "five declines on one device in an hour: card testing",
        ),
        (
            "declines_per_network",
            "challenge",
            20,
            "ip_net_declines_1h >= 15",
            "many declines from one network in an hour",
        ),
        (
            "declines_per_bin",
            "challenge",
            20,
            "card_bin_declines_1h >= 15",
            "many declines of one issuer's cards in an hour: numbers are being guessed",
        ),
        (
            "cards_per_ip",
            "review",
            30,
            "ip_distinct_cards_1d >= 4",
            "four cards from one address in a day",
        ),
        (
            "cards_per_device",
            "review",
            30,
            "device_distinct_cards_1d >= 3",
            "three cards on one device in a day",
        ),
        (
            "velocity_card",
            "challenge",
            40,
            "card_count_1h >= 5",
            "five payments with one card in an hour",
        ),
        (
            "velocity_email",
            "challenge",
            40,
            "email_count_1h >= 5",
            "five payments under one e-mail in an hour",
        ),
        (
            "customers_per_device",
            "review",
            50,
            "device_distinct_customers_7d >= 4",
            "one device, four customers in a week",
        ),
        (
            "customers_per_address",
            "review",
            60,
            "address_distinct_customers_7d >= 4 and address_distinct_cards_1d >= 3",
            "one delivery address, many customers and cards",
        ),
        (
            "card_reused",
            "review",
            50,
            "card_distinct_customers_30d >= 3",
            "one card, three customers in a month",
        ),
        (
            "instant_purchase",
            "challenge",
            70,
            "signup_seconds < 120 and (disposable_email or billing_shipping_differ)",
            "bought within two minutes of signing up, with thin contact data",
        ),
        (
            "disposable_mail",
            "challenge",
            80,
            "disposable_email and customer_count_30d <= 1",
            "first order under a throw-away address",
        ),
        (
            "country_mismatch",
            "challenge",
            80,
            "card_billing_differ and ip_billing_differ",
            "card, buyer and network are in different countries",
        ),
        (
            "ring_of_new_customers",
            "review",
            20,
            "ring_customers_7d >= 4 and ring_signup_seconds < 600",
            "a ring of new customers who bought at once",
        ),
        (
            "known_fraud_device",
            "block",
            10,
            "device_fraud_count_90d >= 1 and device_distinct_customers_7d >= 2",
            "a device known for fraud, now with another customer",
        ),
        (
            "refund_often",
            "review",
            60,
            "request_kind == 'refund' and customer_refunds_30d >= 3",
            "the fourth refund in a month",
        ),
    )
)
