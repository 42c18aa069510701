"""One line per unit of work: ``noun.verb key=value …`` on standard error, no personal data.

Callers pass ids, counts and durations; never a name, an address or a message text. A line is
written for every decision, so it is rendered straight away: through structlog's bound loggers the
same line took three times as long.
"""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from structlog.processors import LogfmtRenderer

from shopkeeper.base import clock

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_render = LogfmtRenderer(key_order=["at", "level", "event"], bool_as_flag=False)
_one_at_a_time = threading.Lock()
_least = _LEVELS["info"]


def configure(level: str = "info") -> None:
    """Set the level; call once at the start of a process."""
    global _least
    _least = _LEVELS[level]
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def info(event: str, **facts: Any) -> None:
    """Say that something happened."""
    _write("info", event, facts)


def warning(event: str, **facts: Any) -> None:
    """Say that something went on in a lesser way, such as a fallback."""
    _write("warning", event, facts)


def error(event: str, **facts: Any) -> None:
    """Say that something failed."""
    _write("error", event, facts)


def _write(level: str, event: str, facts: dict[str, Any]) -> None:
    if _LEVELS[level] < _least:
        return
    at = clock.iso(clock.now_us())
    line = _render(None, level, {"at": at, "level": level, "event": event, **facts})
    # Standard error as it is now: whoever configured may have redirected it since.
    with _one_at_a_time:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
