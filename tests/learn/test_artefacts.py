"""Artefacts: what is saved comes back the same, and a byte that changed is found."""

from __future__ import annotations

import json

import numpy as np
import pytest

from shopkeeper.base.errors import ArtefactBroken, NotFound
from shopkeeper.learn import artefacts
from shopkeeper.learn.contracts import Artefact

MODEL = Artefact(
    kind="popularity",
    arrays={"popularity": np.arange(6, dtype=np.float32), "empty": np.zeros((0, 3))},
    facts={"days": 45.0},
)


def test_what_is_saved_comes_back_the_same(tmp_path):
    artefacts.save(MODEL, tmp_path / "model", {"ndcg_at_10": 0.4})
    back = artefacts.load(tmp_path / "model")
    assert (back.kind, dict(back.facts)) == (MODEL.kind, MODEL.facts)
    for name, array in MODEL.arrays.items():
        assert back.arrays[name].dtype == array.dtype
        assert np.array_equal(back.arrays[name], array)
    assert artefacts.read_card(tmp_path / "model")["facts"] == {"ndcg_at_10": 0.4}


def test_the_version_depends_on_the_model_and_not_on_what_is_said_of_it(tmp_path):
    first = artefacts.save(MODEL, tmp_path / "a", {"note": "one"})
    second = artefacts.save(MODEL, tmp_path / "b", {"note": "two"})
    other = Artefact(kind=MODEL.kind, arrays=MODEL.arrays, facts={"days": 46.0})
    assert first == second == artefacts.version_of(MODEL) != artefacts.version_of(other)


@pytest.mark.parametrize("name", ["arrays.npz", "model.json"])
@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_one_flipped_byte_is_found_and_the_file_named(tmp_path, name, place):
    artefacts.save(MODEL, tmp_path / "model", {"ndcg_at_10": 0.4})
    path = tmp_path / "model" / name
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * place)] ^= 0x01
    path.write_bytes(bytes(raw))
    with pytest.raises(ArtefactBroken, match=name):
        artefacts.load(tmp_path / "model")


def test_a_file_cut_short_or_missing_is_found(tmp_path):
    artefacts.save(MODEL, tmp_path / "model")
    path = tmp_path / "model" / "arrays.npz"
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(ArtefactBroken, match=r"arrays\.npz"):
        artefacts.load(tmp_path / "model")
    path.unlink()
    with pytest.raises(ArtefactBroken, match="missing"):
        artefacts.load(tmp_path / "model")


def test_a_folder_without_a_model_is_not_found(tmp_path):
    with pytest.raises(NotFound, match=r"holds no model\.json"):
        artefacts.load(tmp_path)


def test_an_array_of_objects_is_never_written(tmp_path):
    bad = Artefact(kind="x", arrays={"a": np.array([{}], dtype=object)}, facts={})
    with pytest.raises(ValueError, match="allow_pickle"):
        artefacts.save(bad, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_model_json_is_plain_json(tmp_path):
    artefacts.save(MODEL, tmp_path / "model")
    card = json.loads((tmp_path / "model" / "model.json").read_text("utf-8"))
    assert card["kind"] == "popularity"


def test_words_of_any_script_survive_packing():
    words = ["", "mug", "马克杯", "ß", "", "🙂"]
    assert artefacts.unpack_words("w", artefacts.pack_words("w", words)) == words
    assert artefacts.unpack_words("w", artefacts.pack_words("w", [])) == []
