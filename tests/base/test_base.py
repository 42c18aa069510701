"""The ground floor: errors carry facts, the clock freezes, settings refuse the unknown."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from shopkeeper.base import clock, errors, ids, progress
from shopkeeper.base import settings as settings_file
from shopkeeper.base.errors import BadInput
from shopkeeper.data.privacy import find_card_number


def test_an_error_prints_as_json_even_with_a_nan_value():
    body = errors.BadInput("price is NaN.", field="price", value=float("nan")).to_dict()
    assert json.loads(json.dumps(body, allow_nan=False))["value"] == "nan"


def test_an_error_shortens_a_flood():
    assert len(str(errors.shorten("x" * 10_000))) < 200


def test_every_error_has_its_own_code_status_and_exit():
    def tree(kind):
        return [kind, *(k for child in kind.__subclasses__() for k in tree(child))]

    kinds = [k for k in tree(errors.ShopError) if k.__module__ == errors.__name__]
    codes = [k.code for k in kinds]
    assert len(set(codes)) == len(codes)
    # The tree drawn in the docstring is the tree in the code.
    for kind in kinds:
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.code in (errors.__doc__ or "") or kind is errors.ShopError


def test_a_moment_survives_the_way_to_microseconds_and_back():
    moment = datetime(2026, 11, 23, 10, 0, 0, 123456, tzinfo=UTC)
    assert clock.from_us(clock.to_us(moment)) == moment
    assert clock.iso(clock.to_us(moment)) == "2026-11-23T10:00:00.123456Z"


def test_a_frozen_clock_stands_still_and_then_runs_again():
    with clock.frozen(datetime(2020, 1, 1, tzinfo=UTC)):
        assert clock.now() == datetime(2020, 1, 1, tzinfo=UTC)
    assert clock.now().year > 2020


def test_ids_made_later_sort_later():
    with clock.frozen(datetime(2026, 1, 1, tzinfo=UTC)):
        early = ids.new_id("d")
    with clock.frozen(datetime(2026, 1, 2, tzinfo=UTC)):
        late = ids.new_id("d")
    assert early < late


def test_a_content_hash_frames_its_parts():
    assert ids.content_hash(b"ab", b"c") != ids.content_hash(b"a", b"bc")


def test_settings_come_from_the_file_and_the_environment_wins(tmp_path, monkeypatch):
    (tmp_path / "shopkeeper.toml").write_text('port = 9000\nhost = "0.0.0.0"\n')
    monkeypatch.setenv("SHOPKEEPER_PORT", "9001")
    loaded = settings_file.load(tmp_path)
    assert (loaded.port, loaded.host) == (9001, "0.0.0.0")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("prot = 1", "unknown setting 'prot'"),
        ('port = "x"', "port must be int, but is 'x'"),
        ("port = true", "port must be int"),
        ("port = ", "not valid TOML"),
    ],
)
def test_settings_name_what_is_wrong(tmp_path, text, says):
    (tmp_path / "shopkeeper.toml").write_text(text)
    with pytest.raises(BadInput, match=says):
        settings_file.load(tmp_path)


def test_progress_goes_to_standard_error_only(capsys, monkeypatch):
    monkeypatch.setattr(progress, "WORTH_SAYING_SECONDS", 0.0)
    with progress.stage("Counting", total=2) as step:
        step.advance(2)
    out, err = capsys.readouterr()
    assert out == ""
    assert "Counting" in err


def test_a_stable_id_never_reads_as_a_card_number(monkeypatch):
    assert ids.stable_id("dec", "a", "b") == ids.stable_id("dec", "a", "b")
    assert ids.stable_id("dec", "a", "b") != ids.stable_id("dec", "ab")
    monkeypatch.setattr(ids, "content_hash", lambda *parts: "4111111111111111")
    assert find_card_number("dec_4111111111111111") is not None
    assert find_card_number(ids.stable_id("dec", "a")) is None
