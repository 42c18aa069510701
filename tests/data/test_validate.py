"""Every bad input is refused with the field, the value and what is allowed; the rest goes on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import hypothesis
import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import given

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, TooLarge
from shopkeeper.base.settings import Settings
from shopkeeper.data import faults
from shopkeeper.data.events import KINDS, Event, Line, Person, decoder
from shopkeeper.data.privacy import Keyring
from shopkeeper.data.validate import check_event, parse, to_row

RING = Keyring(bytes(32))
LIMITS = Settings()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOW_US = clock.to_us(NOW)
GOOD = {"event_id": "e1", "kind": "page_view", "occurred_at": "2026-03-01T10:00:00Z"}
CARD = "4111111111111111"


@pytest.fixture
def judge(settings):
    def _judge(body, **more):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return parse(raw, settings, RING, NOW_US, **more)

    return _judge


def only(parsed):
    assert parsed.rows == []
    assert len(parsed.rejections) == len(parsed.refused) == 1
    return parsed.rejections[0]


@pytest.mark.parametrize("body", [GOOD, [GOOD], {"events": [GOOD]}])
def test_three_shapes_of_body_give_the_same_row(judge, body):
    (row,) = judge(body).rows
    assert (row.event_id, row.kind) == ("e1", "page_view")
    assert row.occurred_us == clock.to_us(datetime(2026, 3, 1, 10, tzinfo=UTC))
    assert row.received_us == NOW_US
    assert json.loads(row.body) == GOOD


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_without_what_it_needs_names_the_field(judge, kind):
    needs = KINDS[kind][0]
    if not needs:
        assert len(judge(GOOD | {"kind": kind}).rows) == 1
        return
    rejection = only(judge(GOOD | {"kind": kind}))
    assert rejection.code == "missing_field"
    assert rejection.field == needs[0]
    assert rejection.message == f"{needs[0]} is missing; kind {kind} needs it."


WRONG = [
    ({"quantity": "two"}, "wrong_value", "quantity", '"two"', "a number from 0 to 1000000000"),
    (
        {"lines": [{"item_id": "a"}, {"item_id": "b"}, {"item_id": "c", "quantity": "2"}]},
        "wrong_value",
        "lines[2].quantity",
        '"2"',
        "a number from 0 to 1000000000",
    ),
    ({"lines": [{"quantity": 1}]}, "missing_field", "lines[0].item_id", "missing", "text of 1"),
    (
        {"lines": [{"item_id": "a", "qty": 1}]},
        "unknown_field",
        "lines[0].qty",
        "unknown",
        "item_id",
    ),
    ({"value_minor": -5}, "wrong_value", "value_minor", "-5", "a whole number from 0 to"),
    ({"price_minor": 1.5}, "wrong_value", "price_minor", "1.5", "a whole number"),
    ({"value_minor": 10**14}, "wrong_value", "value_minor", "100000000000000", "10000000000000"),
    ({"currency": "usd"}, "wrong_value", "currency", '"usd"', "three capital letters"),
    ({"rating": 6}, "wrong_value", "rating", "6", "a number from 0 to 5"),
    ({"available": "yes"}, "wrong_value", "available", '"yes"', "true or false"),
    ({"customer_id": ""}, "wrong_value", "customer_id", '""', "text of 1 to 128"),
    ({"event_id": "x" * 129}, "wrong_value", "event_id", "xxx", "text of 1 to 128"),
    ({"event_id": 7}, "wrong_value", "event_id", "7", "text of 1 to 128"),
    ({"occurred_at": "yesterday"}, "wrong_value", "occurred_at", "yesterday", "ISO 8601"),
    ({"occurred_at": 1700000000}, "wrong_value", "occurred_at", "1700000000", "ISO 8601"),
    ({"occurred_at": "1970-01-01T00:00:00Z"}, "time_out_of_range", "occurred_at", "1970", "2000"),
    (
        {"occurred_at": "2099-01-01T00:00:00Z"},
        "time_out_of_range",
        "occurred_at",
        "2099",
        "to 2026",
    ),
    ({"occurred_at": None}, "wrong_value", "occurred_at", "null", "ISO 8601"),
    ({"schema_version": 2}, "unknown_version", "schema_version", "2", "1"),
    ({"colour": "red"}, "unknown_field", "colour", "unknown", "event_id"),
    ({"properties": {"a": {"b": 1}}}, "wrong_value", "properties.a", "an object", "text, a number"),
    ({"properties": {"n": 2**63}}, "wrong_value", "properties.n", str(2**63), "64 bits"),
    ({"properties": []}, "wrong_value", "properties", "a list of 0", "an object"),
    ({"kind": "view_itm"}, "unknown_kind", "kind", '"view_itm"', "view_item"),
    ({"kind": "search", "query": ""}, "missing_field", "query", "missing", "text of 0"),
    (
        {"kind": "purchase", "order_id": "o", "currency": "USD", "lines": []},
        "missing_field",
        "lines",
        "missing",
        "a list of up to 2000 lines",
    ),
    (
        {"starts_at": "2026-03-02T00:00:00Z", "ends_at": "2026-03-01T00:00:00Z"},
        "times_reversed",
        "ends_at",
        "2026-03-01",
        "at or after starts_at",
    ),
    ({"promised_at": "2199-01-01T00:00:00Z"}, "time_out_of_range", "promised_at", "2199", "2100"),
]


@pytest.mark.parametrize(("change", "code", "field", "shown", "allowed"), WRONG)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(
    judge, change, code, field, shown, allowed
):
    rejection = only(judge([GOOD | change]))
    assert (rejection.code, rejection.field) == (code, field)
    assert shown in rejection.message
    assert allowed in rejection.allowed


@pytest.mark.parametrize("field", ["event_id", "kind", "occurred_at"])
def test_a_missing_envelope_field_is_named(judge, field):
    rejection = only(judge({k: v for k, v in GOOD.items() if k != field}))
    assert (rejection.code, rejection.field) == ("missing_field", field)


def test_an_unknown_kind_comes_with_the_closest_names(judge):
    assert (
        only(judge(GOOD | {"kind": "purchas"})).hint == "Did you mean purchase or purchase_order?"
    )


def test_an_unknown_field_comes_with_the_closest_name(judge):
    assert "item_id" in only(judge(GOOD | {"itemid": "a"})).hint


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_refuse_their_event_and_not_the_batch(judge, number):
    bad = json.dumps(GOOD | {"event_id": "e2"})[:-1] + f', "score": {number}}}'
    parsed = judge(f"[{json.dumps(GOOD)}, {bad}]".encode())
    assert [row.event_id for row in parsed.rows] == ["e1"]
    (rejection,) = parsed.rejections
    assert (rejection.code, rejection.field, rejection.index) == ("not_a_number", "score", 1)


def test_half_a_surrogate_pair_refuses_its_event(judge):
    parsed = judge(
        b'[{"event_id":"e1","kind":"page_view","occurred_at":"2026-03-01T10:00:00Z",'
        b'"text":"\\ud800"}]'
    )
    assert only(parsed).field == "text"
    parsed.refused[0].raw.encode("utf-8")


def test_good_events_of_a_batch_go_on_and_bad_ones_keep_their_place(judge):
    batch = [
        GOOD,
        GOOD | {"event_id": "e2", "value_minor": -1},
        7,
        GOOD | {"event_id": "e4", "kind": "?"},
        GOOD | {"event_id": "e5"},
    ]
    parsed = judge(batch)
    assert [row.event_id for row in parsed.rows] == ["e1", "e5"]
    assert [(one.index, one.event_id) for one in parsed.rejections] == [
        (1, "e2"),
        (2, None),
        (3, "e4"),
    ]
    assert [one.event_id for one in parsed.refused] == ["e2", None, "e4"]


@pytest.mark.parametrize("depth", [5, 8, 100, 500, 800])
@pytest.mark.parametrize("field", ["properties", "lines", "text", "unknown", "person"])
def test_deep_nesting_refuses_its_event_only(judge, depth, field):
    deep = '{"a":' * depth + "NaN" + "}" * depth
    bad = json.dumps(GOOD | {"event_id": "e2"})[:-1] + f', "{field}": {deep}}}'
    parsed = judge(f"[{bad}, {json.dumps(GOOD)}]".encode())
    assert [row.event_id for row in parsed.rows] == ["e1"]
    assert parsed.rejections[0].field.startswith(field)


WHOLE = [
    (b"", "malformed_json"),
    (b"{", "malformed_json"),
    (b'[{"event_id": }]', "malformed_json"),
    (b"[" * 100_000, "malformed_json"),
    (b'{"a": ' + b"9" * 5000 + b"}", "malformed_json"),
    (b'[{"event_id": "\xff\xfe"}]', "invalid_utf8"),
    (json.dumps([GOOD]).encode("utf-16"), "invalid_utf8"),
    (b"[]", "empty_batch"),
    (b'{"events": []}', "empty_batch"),
    (b'{"events": 5}', "bad_input"),
    (b"5", "bad_input"),
    (b"null", "bad_input"),
    (b'"text"', "bad_input"),
]


@pytest.mark.parametrize(("raw", "code"), WHOLE)
def test_a_body_that_is_no_batch_is_refused_whole(judge, raw, code):
    with pytest.raises(BadInput) as caught:
        judge(raw)
    assert caught.value.code == code


def test_a_byte_order_mark_does_no_harm(judge):
    assert len(judge(b"\xef\xbb\xbf" + json.dumps(GOOD).encode()).rows) == 1


def test_a_batch_above_its_limit_is_too_large(judge):
    with pytest.raises(TooLarge, match="5000 events") as caught:
        judge([{"event_id": str(i)} for i in range(5000)])
    assert caught.value.allowed == "up to 1000"


def test_a_body_above_its_limit_is_too_large(judge, settings):
    with pytest.raises(TooLarge, match="1048576 bytes"):
        judge(b" " * (settings.max_body_bytes + 1))


def test_a_time_without_zone_is_utc_and_other_zones_become_utc(judge):
    times = ["2026-03-01T10:00:00", "2026-03-01T18:00:00+08:00", "2026-03-01T10:00:00Z"]
    rows = [judge(GOOD | {"occurred_at": at, "starts_at": at}).rows[0] for at in times]
    assert {row.occurred_us for row in rows} == {clock.to_us(datetime(2026, 3, 1, 10, tzinfo=UTC))}
    assert len({row.body for row in rows}) == 1
    assert json.loads(rows[0].body)["starts_at"] == "2026-03-01T10:00:00Z"


def test_an_hour_ahead_of_our_clock_is_allowed_and_two_days_are_not(judge):
    assert len(judge(GOOD | {"occurred_at": "2026-03-01T13:00:00Z"}).rows) == 1
    assert only(judge(GOOD | {"occurred_at": "2026-03-03T12:00:00Z"})).code == "time_out_of_range"


def test_the_person_leaves_the_body_and_stays_as_hash_and_seal(judge):
    person = {"email": "Ann.Lee+x@gmail.com", "phone": "+44 20 7946 0018"}
    (row,) = judge(GOOD | {"person": person}).rows
    for text in (row.body, row.person_keys.encode(), row.person_sealed):
        assert b"gmail" not in text
        assert b"7946" not in text
    assert json.loads(row.person_keys)["email"] == RING.hmac("email", "annlee@gmail.com")
    assert RING.open(row.person_sealed, "e1") == person


def test_an_empty_person_leaves_nothing(judge):
    (row,) = judge(GOOD | {"person": {}}).rows
    assert (row.person_keys, row.person_sealed) == (None, None)


def test_quarantine_keeps_neither_person_nor_unknown_fields(judge):
    bad = GOOD | {
        "value_minor": -1,
        "person": {"email": "ann@example.com"},
        "emial": "ann@example.com",
        "lines": [{"item_id": "a", "buyer": "ann@example.com"}],
        "brand": "Acme",
    }
    raw = judge(bad).refused[0].raw
    assert "ann@example.com" not in raw
    assert "Acme" in raw


def test_a_wrong_person_value_is_not_repeated(judge):
    parsed = judge(GOOD | {"person": {"email": 15551234567}})
    assert only(parsed).field == "person.email"
    assert "15551234567" not in repr(parsed)


PLACES = [
    {"event_id": CARD},
    {"customer_id": f"card-{CARD}"},
    {"text": f"my card is {CARD}, thanks"},
    {"text": "4111 1111 1111 1111"},
    {"text": "4111-1111-1111-1111"},
    {"text": f"nummer{CARD}"},
    {"text": "4111111111111111"},
    {"query": "378282246310005"},
    {"properties": {"note": CARD}},
    {"properties": {"number": int(CARD)}},
    {"properties": {CARD: "x"}},
    {"lines": [{"item_id": CARD}]},
    {"item_id": "5555555555554444"},
    {"person": {"name": f"Ann {CARD}"}},
    {"person": {"card_fingerprint": CARD}},
    {"kind": CARD},
    {CARD: 1},
    {"quantity": CARD},
    {"value_minor": int(CARD)},
    {"quantity": float(CARD)},
    {"kind": "?", "text": CARD},
    {"value_minor": -1, "text": f"pay {CARD}"},
    {"occurred_at": CARD},
    {"occurred_at": "x" * 105 + CARD},
    {"lines": [{"item_id": "a", CARD: 1}]},
]


@pytest.mark.parametrize("place", PLACES, ids=range(len(PLACES)))
def test_a_card_number_is_refused_and_appears_nowhere(judge, place):
    """Not in the answer, not in quarantine, in any writing of it."""
    parsed = judge([GOOD | place, GOOD | {"event_id": "other"}])
    assert [row.event_id for row in parsed.rows] == ["other"]
    kept = repr(parsed.rejections) + repr(parsed.refused)
    digits = "".join(c for c in kept if c.isdigit())
    for number in (CARD[:-1], "378282246310005", "5555555555554444"):
        assert number not in digits


def test_a_body_full_of_card_numbers_is_refused_quickly(judge):
    """60,000 of them; hiding one after the other took minutes."""
    parsed = judge(GOOD | {"text": f"{CARD} " * 60_000})
    assert only(parsed).code == "wrong_value"
    assert CARD not in parsed.refused[0].raw


ESCAPED = (
    '{"event_id":"e1","kind":"message","occurred_at":"2026-03-01T10:00:00Z",'
    '"conversation_id":"c","text":"\\u0034111111111111111"}'
)


def test_a_card_number_written_with_escapes_is_found(judge):
    assert only(judge(ESCAPED.encode())).code == "card_number"


@pytest.mark.parametrize(
    "place",
    [
        {"item_id": "40123456789016"},  # GTIN-14
        {"order_id": "20260301000000012345"},
        {"properties": {"score": 0.4111111111111111, "text": "[0.4111111111111111]"}},
        {"event_id": "evt_019d4111111111111111ab"},
        {"person": {"phone": "+49 1512 3456789"}},
        {"text": "order 4111111111111112"},
    ],
)
def test_numbers_that_are_no_card_pass(judge, place):
    assert len(judge(GOOD | place).rows) == 1


def test_a_key_with_limits_may_send_only_its_kinds(judge):
    assert len(judge(GOOD, kinds={"page_view"}).rows) == 1
    assert only(judge(GOOD, kinds={"view_item"})).code == "not_allowed"


def build(**more):
    return Event(event_id="e1", kind="page_view", occurred_at=NOW, **more)


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (build(score=float("nan")), "score"),
        (build(lines=[Line(item_id="a", quantity=float("inf"))]), "lines[0].quantity"),
        (build(properties={"x": float("nan")}), "properties.x"),
        (build(value_minor=-1), "value_minor"),
        (build(lines=[Line(item_id="")]), "lines[0].item_id"),
        (build(text=f"card {CARD}"), "text"),
        (build(schema_version=9), "schema_version"),
        (build(text="\ud800"), "event"),
    ],
)
def test_events_built_in_python_are_judged_like_those_from_outside(event, field):
    with clock.frozen(NOW):
        assert check_event(event).field == field
        assert check_event(build()) is None


def test_a_row_gives_back_its_event():
    row = to_row(build(lines=[Line(item_id="a", quantity=2)]), RING, NOW_US)
    assert row.event() == decoder.decode(row.body)
    assert row.event().lines == [Line(item_id="a", quantity=2)]


def test_to_row_takes_the_person_out_of_the_event():
    row = to_row(build(person=Person(name="Ann")), RING, NOW_US)
    assert row.event().person is msgspec.UNSET
    assert RING.open(row.person_sealed, "e1") == {"name": "Ann"}


def test_every_field_says_what_is_allowed():
    for name in Event.__struct_fields__:
        assert faults.ALLOWED[name]
    assert faults.ALLOWED["lines.quantity"] == "a number from 0 to 1000000000"


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from([CARD, "2026-03-01T10:00:00Z", "page_view", "purchase", ""])
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
fields = st.sampled_from([*Event.__struct_fields__, "unknown"])


@given(
    changes=st.lists(st.dictionaries(fields, values, max_size=5) | values, min_size=1, max_size=4)
)
@hypothesis.settings(max_examples=120, deadline=None, derandomize=True)
def test_whatever_comes_each_event_is_stored_or_refused(changes):
    """Every event of a batch gets one answer; what is stored reads back; no card number stays."""
    batch = [GOOD | one if isinstance(one, dict) else one for one in changes]
    parsed = parse(json.dumps(batch).encode(), LIMITS, RING, NOW_US)
    assert len(parsed.rows) + len(parsed.rejections) == len(batch)
    assert len(parsed.rejections) == len(parsed.refused)
    for row in parsed.rows:
        assert check_event(row.event(), latest=NOW + timedelta(days=1)) is None
        assert CARD not in row.body.decode()
    assert CARD not in repr(parsed.rejections) + repr(parsed.refused)
    msgspec.json.encode(parsed.rejections)
    for one in parsed.refused:
        json.loads(one.raw)
        (one.raw + one.message + (one.event_id or "")).encode("utf-8")


@given(raw=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()))
@hypothesis.settings(max_examples=120, deadline=None, derandomize=True)
def test_whatever_bytes_come_the_answer_is_in_our_words(raw):
    try:
        parsed = parse(raw, LIMITS, RING, NOW_US)
    except BadInput as error:
        msgspec.json.encode(error.to_dict())
    else:
        assert parsed.rejections
