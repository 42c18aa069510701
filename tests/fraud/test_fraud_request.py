"""What a fraud request may hold, and that nothing of a person stays in clear in it."""

from __future__ import annotations

import json

import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.data.person_keys import hashed_request, person_keys
from shopkeeper.data.privacy import Keyring
from shopkeeper.fraud.registry import NAMES, REGISTRY
from shopkeeper.fraud.request import parse

RING = Keyring(bytes(32))
GOOD = {"payment_id": "p1", "amount_minor": 1250, "currency": "EUR"}


def test_a_person_becomes_hashes_before_the_request_is_parsed():
    person = {"email": "Ann.Lee+x@gmail.com", "ip": "203.0.113.9", "card_fingerprint": "fp_1"}
    raw = hashed_request({**GOOD, "customer_id": "c1", "person": person}, RING)
    request = parse(raw)
    assert set(request.entities) == {"customer", "email", "email_domain", "ip", "ip_net", "card"}
    assert request.entities["email"] == RING.hmac("email", "annlee@gmail.com")
    text = json.dumps(raw)
    assert not any(word in text for word in ("gmail", "203.0", "fp_1", "person"))


def test_events_and_requests_join_on_networks_and_mail_hosts():
    one = person_keys({"ip": "203.0.113.9", "email": "a@x.test"}, RING)
    other = person_keys({"ip": "203.0.113.77", "email": "b@x.test"}, RING)
    assert one["ip_net"] == other["ip_net"]
    assert one["email_domain"] == other["email_domain"]
    assert one["ip"] != other["ip"]
    six = [person_keys({"ip": ip}, RING)["ip_net"] for ip in ("2001:db8::1", "2001:db8::ffff")]
    assert six[0] == six[1]
    mapped = person_keys({"ip": "::ffff:203.0.113.5"}, RING)
    assert mapped["ip_net"] == one["ip_net"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_minor": float("nan")}, "amount_minor"),
        ({"amount_minor": float("inf")}, "amount_minor"),
        ({"amount_minor": -1}, "amount_minor"),
        ({"amount_minor": 10**12}, "amount_minor"),
        ({"amount_minor": "12"}, "amount_minor"),
        ({"currency": "eur"}, "currency"),
        ({"payment_id": ""}, "payment_id"),
        ({"payment_id": "x" * 1_000_000}, "payment_id"),
        ({"payment_id": "4111111111111111"}, "payment_id"),
        ({"items": ["a", "4111 1111 1111 1111"]}, "items[1]"),
        ({"card_bin": "4111111111111111"}, "card_bin"),
        ({"occurred_at": "1969-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"occurred_at": 12}, "occurred_at"),
        ({"kind": "loan"}, "kind"),
        ({"billing_country": "Germany"}, "billing_country"),
        ({"keys": {"name": "x"}}, "keys.name"),
        ({"person": {"email": "a@x.test"}}, "person"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_field_is_named(change, field):
    with pytest.raises(BadInput) as caught:
        parse({**GOOD, **change})
    assert caught.value.field == field
    assert len(caught.value.message) < 3000


def test_card_numbers_in_a_person_are_refused_without_repeating_them():
    with pytest.raises(BadInput) as caught:
        hashed_request({**GOOD, "person": {"device_id": "4111111111111111"}}, RING)
    assert caught.value.code == "card_number"
    assert "4111" not in json.dumps(caught.value.to_dict())


def test_every_feature_has_one_name_and_says_what_it_is():
    assert len(set(NAMES)) == len(NAMES) == len(REGISTRY)
    assert all(feature.says and feature.kind for feature in REGISTRY.values())
