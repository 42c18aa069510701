"""Which faults of a model or a state stay inside its capability, and how they are told."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from shopkeeper.base.errors import ShopError

# What a model or a state of plain Python and numpy can raise; anything else is a bug that shows.
FAULTS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    ShopError,
)


def require_finite(prediction: Any) -> None:
    """Raise ValueError if a prediction holds NaN or infinity in any of its number arrays."""
    for field in dataclasses.fields(prediction):
        value = getattr(prediction, field.name)
        if (
            isinstance(value, np.ndarray)
            and value.dtype.kind == "f"
            and not np.isfinite(value).all()
        ):
            raise ValueError(f"prediction has NaN or infinity in '{field.name}'")


def told(problem: BaseException) -> str:
    """Return an error as one short line; its first line, for those that print a page."""
    text = problem.message if isinstance(problem, ShopError) else str(problem)
    first = text.splitlines()[0][:200] if text else ""
    return first if isinstance(problem, ShopError) else f"{type(problem).__name__}: {first}"
