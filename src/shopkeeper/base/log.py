"""One line per unit of work: ``noun.verb key=value …`` on standard error, no personal data.

Callers pass ids, counts and durations; never a name, an address or a message text. A line is
written for every decision, so it is rendered straight away: through bound loggers of a library the
same line took three times as long.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
from typing import Any

from shopkeeper.base import clock

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}
_PLAIN = re.compile(r"[\w@.:/+-]*\Z").match
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
    said = "".join([f" {name}={_word(value)}" for name, value in facts.items()])
    # Standard error as it is now: whoever configured may have redirected it since.
    with _one_at_a_time:
        sys.stderr.write(f"at={at} level={level} event={_word(event)}{said}\n")
        sys.stderr.flush()


def _word(value: Any) -> str:
    """Return a value as logfmt has it: in quotes where it has spaces, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if _PLAIN(text):
        return text
    if " " in text or "=" in text or '"' in text:
        quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{quoted}"'
    return text.replace("\n", "\\n")
