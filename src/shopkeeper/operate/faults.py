"""Which faults of a model or a state stay inside its capability, and how they are told."""

from __future__ import annotations

import math
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
    for name in type(prediction).__dataclass_fields__:
        value = getattr(prediction, name)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f":
            # One number, as a score has: numpy takes five times as long over it.
            good = math.isfinite(value.item()) if value.size == 1 else np.isfinite(value).all()
            if not good:
                raise ValueError(f"prediction has NaN or infinity in '{name}'")


def told(problem: BaseException) -> str:
    """Return an error as one short line; its first line, for those that print a page."""
    text = problem.message if isinstance(problem, ShopError) else str(problem)
    first = text.splitlines()[0][:200] if text else ""
    return first if isinstance(problem, ShopError) else f"{type(problem).__name__}: {first}"
