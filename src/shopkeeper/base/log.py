"""One line per unit of work: ``noun.verb key=value …`` on standard error, no personal data.

Callers pass ids, counts and durations; never a name, an address or a message text.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def configure(level: str = "info") -> None:
    """Set the level and send lines to standard error; call once at the start of a process."""
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.add_log_level,
            structlog.processors.LogfmtRenderer(
                key_order=["at", "level", "event"], bool_as_flag=False
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        # Standard error as it is when a line is written: whoever configures may redirect it later.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)


def info(event: str, **facts: Any) -> None:
    """Say that something happened."""
    structlog.get_logger().info(event, **facts)


def warning(event: str, **facts: Any) -> None:
    """Say that something went on in a lesser way, such as a fallback."""
    structlog.get_logger().warning(event, **facts)


def error(event: str, **facts: Any) -> None:
    """Say that something failed."""
    structlog.get_logger().error(event, **facts)
