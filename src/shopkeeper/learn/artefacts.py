"""Fitted models at rest: one folder per version, plain arrays and plain facts, never pickle.

    <folder>/model.json    kind, facts, hashes; its own hash stands under "sealed"
    <folder>/arrays.npz    the arrays, read with allow_pickle=False

A version is the hash of what the model is (kind, facts, arrays), so the same training on the
same data has the same version. Any byte that differs from what was written is found on load.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import ArtefactBroken, NotFound
from shopkeeper.base.ids import content_hash
from shopkeeper.learn.contracts import Artefact

FORMAT = 1
_NEXT_STEP = "Train again, or roll back to the version before it."


def version_of(artefact: Artefact) -> str:
    """Return 16 hex digits that name exactly this fitted model."""
    parts = [artefact.kind.encode(), _canonical(artefact.facts)]
    for name in sorted(artefact.arrays):
        array = np.ascontiguousarray(artefact.arrays[name])
        parts += [name.encode(), f"{array.dtype.str}{array.shape}".encode(), array.tobytes()]
    return content_hash(*parts)


def save(artefact: Artefact, folder: Path, facts: Mapping[str, Any] | None = None) -> str:
    """Write a model into ``folder`` whole or not at all; return its version.

    ``facts`` is what others want to know about it (metrics, data, code version): JSON values.
    """
    version = version_of(artefact)
    part = folder.with_name(f".{folder.name}.part{os.getpid()}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    with (part / "arrays.npz").open("wb") as file:
        np.savez(file, allow_pickle=False, **{k: np.asarray(v) for k, v in artefact.arrays.items()})
        file.flush()
        os.fsync(file.fileno())
    card = {
        "format": FORMAT,
        "version": version,
        "kind": artefact.kind,
        "model": dict(artefact.facts),
        "facts": dict(facts or {}),
        "arrays_sha256": _sha256_of(part / "arrays.npz"),
    }
    card["sealed"] = hashlib.sha256(_canonical(card)).hexdigest()
    with (part / "model.json").open("w", encoding="utf-8") as text:
        json.dump(card, text, ensure_ascii=False, indent=1, sort_keys=True)
        text.flush()
        os.fsync(text.fileno())
    if folder.exists():
        shutil.rmtree(folder)
    part.rename(folder)
    return version


def read_card(folder: Path) -> dict[str, Any]:
    """Return model.json (version, kind, model, facts …) after checking its seal."""
    path = folder / "model.json"
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError as problem:
        raise NotFound(f"{folder.name} holds no model.json.", hint=_NEXT_STEP) from problem
    except UnicodeDecodeError as problem:
        raise ArtefactBroken(f"{path} is not text.", hint=_NEXT_STEP) from problem
    try:
        card = json.loads(text)
        sealed = card.pop("sealed")
        whole = hashlib.sha256(_canonical(card)).hexdigest() == sealed
    except (json.JSONDecodeError, KeyError, AttributeError, TypeError) as problem:
        raise ArtefactBroken(f"{path} does not parse: {problem}.", hint=_NEXT_STEP) from problem
    if not whole:
        raise ArtefactBroken(f"{path} differs from what was written.", hint=_NEXT_STEP)
    if card["format"] != FORMAT:
        raise ArtefactBroken(
            f"{path} has format {card['format']}, but this version reads {FORMAT}.",
            hint=_NEXT_STEP,
        )
    return dict(card)


def load(folder: Path) -> Artefact:
    """Read a model back, checked byte for byte; ArtefactBroken names the file that differs."""
    card = read_card(folder)
    path = folder / "arrays.npz"
    if not path.exists():
        raise ArtefactBroken(f"{path} is missing.", hint=_NEXT_STEP)
    if _sha256_of(path) != card["arrays_sha256"]:
        raise ArtefactBroken(f"{path} differs from what was written.", hint=_NEXT_STEP)
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (ValueError, OSError, zipfile.BadZipFile, zlib.error, KeyError) as problem:
        raise ArtefactBroken(f"{path} cannot be read: {problem}.", hint=_NEXT_STEP) from problem
    return Artefact(kind=card["kind"], arrays=arrays, facts=card["model"])


def pack_words(name: str, words: Sequence[str]) -> dict[str, np.ndarray]:
    """Return words as two plain arrays, UTF-8 bytes and ends; numpy text would pad each one."""
    encoded = [word.encode() for word in words]
    ends = np.cumsum([len(word) for word in encoded], dtype=np.int64)
    return {
        f"{name}.bytes": np.frombuffer(b"".join(encoded), dtype=np.uint8),
        f"{name}.ends": ends.reshape(-1),
    }


def unpack_words(name: str, arrays: Mapping[str, np.ndarray]) -> list[str]:
    """Return the words that ``pack_words`` put under ``name``."""
    blob = arrays[f"{name}.bytes"].tobytes()
    ends = arrays[f"{name}.ends"].tolist()
    return [blob[start:end].decode() for start, end in zip([0, *ends], ends, strict=False)]


def _canonical(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, allow_nan=False).encode()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
