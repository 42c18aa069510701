"""A small server over the real route, in a process of its own so that a test can kill it.

    python event_server.py HOME PORT [answers-first]

With ``answers-first`` the log acknowledges before it commits: the fault that the test must see.
"""

from __future__ import annotations

import sys
import time

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from shopkeeper.api.events import post_events
from shopkeeper.base import settings
from shopkeeper.data.log import writer
from shopkeeper.data.shop import open_shop


def answer_first(self: writer.Writer, jobs: list) -> None:
    """Acknowledge, dawdle, commit."""
    writer._answer([(job, ["accepted"] * len(job.rows), None) for job in jobs])
    time.sleep(0.05)
    self.store.commit([row for job in jobs for row in job.rows])


def main() -> None:
    """Serve until killed."""
    home, port, *more = sys.argv[1:]
    if more:
        writer.Writer._write = answer_first  # type: ignore[method-assign]
    with open_shop(settings.load(home), exclusive=True) as shop:
        app = Starlette(routes=[Route("/v1/events", post_events, methods=["POST"])])
        app.state.ingest = shop.ingest
        uvicorn.run(app, port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
