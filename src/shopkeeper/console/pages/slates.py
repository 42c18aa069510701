"""Ranked lists as the pages show them: live previews that leave no record, and recorded ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from shopkeeper.base.errors import StoreUnavailable
from shopkeeper.console.view import View


def preview(view: View, capability: str, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the live model without putting anything on the record.

    Returns ``rows`` for the page, ``model``, ``fallback`` and ``latency_ms``.
    """
    runtime = view.console.runtime
    if runtime is None:
        raise StoreUnavailable(view.say("fault.no_runtime"), hint=view.say("fault.no_runtime_hint"))
    live = runtime.live[capability]
    started = time.perf_counter()
    answer = live.answer(live.card.parse(request))
    return {
        "latency_ms": (time.perf_counter() - started) * 1000,
        "rows": ranked(view, answer.choice.value.get("items", [])),
        "model": answer.model,
        "fallback": answer.fallback_reason is not None,
    }


def ranked(view: View, items: list[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return a slate's items with their reason in words and bars relative to the best."""
    best = max((float(item.get("score") or 0) for item in items), default=0.0)
    rows = []
    for item in items:
        score = float(item.get("score") or 0)
        sources = {k: float(v) for k, v in (item.get("sources") or {}).items() if v > 0}
        whole = sum(sources.values())
        parts = [
            {"name": view.word("source", name), "share": value / whole}
            for name, value in sorted(sources.items(), key=lambda pair: -pair[1])
            if whole > 0
        ]
        rows.append(
            {
                "item_id": item["item_id"],
                "title": item.get("title"),
                "score": score,
                "relative": score / best if best > 0 else 0.0,
                "reason": _sentence(view, item.get("reasons") or []),
                "parts": parts,
            }
        )
    return rows


def _sentence(view: View, reasons: list[Mapping[str, Any]]) -> str:
    key = "text_zh" if view.language == "zh" else "text"
    texts = [str(one.get(key) or one.get("text") or one.get("code", "")) for one in reasons[:2]]
    return " · ".join(text for text in texts if text)
