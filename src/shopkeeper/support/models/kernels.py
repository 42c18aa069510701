"""Likeness of texts as one kernel, and ridge regression on it, with exact leave-one-out.

    k(x, y) = [ terms * <t(x), t(y)> / 2  +  exp(-gamma (1 - <v(x), v(y)>)) ] / (terms + 1)

t is TF-IDF of words and letters (two rows of length 1, hence the half), v the sentence vector.
The solution of  (K + ridge I) A = Y  gives scores k(x, .) A. A row's score had it been left out
is  y_i - a_i / C_ii  with C the inverse of K + ridge I.

Source: Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), ch. 2 and
eq. 5.12 for the leave-one-out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """``terms`` weight of wording against meaning; ``gamma`` how fast meaning fades."""

    terms: float = 1.0
    gamma: float = 4.0
    ridge: float = 0.1


def kernel(
    shape: Shape,
    rows: sparse.csr_matrix,
    vectors: np.ndarray,
    other_rows: sparse.csr_matrix,
    other_vectors: np.ndarray,
) -> np.ndarray:
    """Return (n, m) likeness, 1 for equal texts."""
    out = vectors @ other_vectors.T
    out -= 1.0
    out *= shape.gamma
    np.exp(out, out=out)
    if shape.terms:
        step = 2048
        for first in range(0, rows.shape[0], step):
            part = (rows[first : first + step] @ other_rows.T).toarray()
            part *= shape.terms / 2
            out[first : first + step] += part
    out /= 1.0 + shape.terms
    return out


def solve(
    matrix: np.ndarray, targets: np.ndarray, ridge: float, *, left_out: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (coefficients, leave-one-out scores or None); the matrix is overwritten."""
    matrix[np.diag_indices_from(matrix)] += ridge
    factor = linalg.cho_factor(matrix, lower=True, overwrite_a=True, check_finite=False)
    found = linalg.cho_solve(factor, targets, check_finite=False)
    if not left_out:
        return found, None
    inverse = linalg.cho_solve(factor, np.eye(len(found), dtype=found.dtype), check_finite=False)
    return found, targets - found / np.diag(inverse)[:, None]


def targets_of(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return (n, n_classes): 1 for the class of a row, -1/(n_classes - 1) for the others."""
    out = np.full((len(labels), n_classes), -1.0 / max(n_classes - 1, 1), dtype=np.float32)
    out[np.arange(len(labels)), labels] = 1.0
    return out
