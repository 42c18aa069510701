"""Ask the shop's language model to word a reply, outside the lock of the conversation's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shopkeeper.base.settings import Settings
from shopkeeper.language.model import from_settings
from shopkeeper.support.wording import NAME, messages_of

__all__ = ["NAME", "answer"]


def answer(settings: Settings, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the model's text for a request of wording.py; None where the shop has no model.

    Raises
    ------
    ModelUnavailable
        If it does not answer in time.
    """
    model = from_settings(settings)
    if model is None:
        return None
    text = model.complete(messages_of(asked), max_tokens=800)
    return {"text": text, "model": model.name, "of": asked["of"]}
