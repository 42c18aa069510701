"""From bytes to the log: judge, queue, and say afterwards what became of each event.

The receipt comes when everything in it is durable: accepted events in the log, refused ones
and conflicts in quarantine.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from concurrent.futures import Future

import msgspec

from shopkeeper.base import clock
from shopkeeper.base.settings import Settings
from shopkeeper.data.faults import Rejection
from shopkeeper.data.log.store import Row
from shopkeeper.data.log.writer import Writer
from shopkeeper.data.privacy import Keyring
from shopkeeper.data.validate import Parsed, parse


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch. ``rejected`` holds refused events and conflicts, with reasons."""

    accepted: int = 0
    duplicate: int = 0
    conflict: int = 0
    rejected: list[Rejection] = msgspec.field(default_factory=list)


class Ingest:
    """The entrance of the log for request bodies."""

    def __init__(self, settings: Settings, keyring: Keyring, writer: Writer) -> None:
        self.settings = settings
        self._keyring = keyring
        self._writer = writer

    def post(
        self, raw: bytes, *, kinds: Container[str] | None = None, source: str = "api"
    ) -> Future[Receipt]:
        """Judge a body and queue its events; the future gives the receipt once durable.

        Raises BadInput or TooLarge for a body that is refused as a whole, TooBusy when the
        queue is full.
        """
        parsed = self._parse(raw, kinds, source)
        answer: Future[Receipt] = Future()
        answer.set_running_or_notify_cancel()

        def _done(written: Future[list[str]]) -> None:
            problem = written.exception()
            if problem is not None:
                answer.set_exception(problem)
            else:
                answer.set_result(receipt(parsed.rows, written.result(), parsed.rejections))

        self._writer.submit(parsed.rows, parsed.refused).add_done_callback(_done)
        return answer

    async def post_async(
        self, raw: bytes, *, kinds: Container[str] | None = None, source: str = "api"
    ) -> Receipt:
        """Do the same from a coroutine, with one wake-up of the loop per commit."""
        parsed = self._parse(raw, kinds, source)
        statuses = await self._writer.submit_async(parsed.rows, parsed.refused)
        return receipt(parsed.rows, statuses, parsed.rejections)

    def _parse(self, raw: bytes, kinds: Container[str] | None, source: str) -> Parsed:
        now_us = clock.now_us()
        return parse(raw, self.settings, self._keyring, now_us, kinds=kinds, source=source)


def receipt(
    rows: Sequence[Row], statuses: Sequence[str], rejections: Sequence[Rejection]
) -> Receipt:
    """Return the receipt of rows written and events refused."""
    accepted = statuses.count("accepted")
    duplicate = statuses.count("duplicate")
    conflict = len(statuses) - accepted - duplicate
    rejected = list(rejections)
    if conflict:
        refused = {one.index for one in rejections}
        places = (i for i in range(len(rows) + len(refused)) if i not in refused)
        rejected += [
            Rejection(
                index=place,
                event_id=row.event_id,
                code="conflict",
                field="event_id",
                value=row.event_id,
                message=f"event_id {row.event_id} is stored already with other content.",
                hint="A corrected event needs a new event_id.",
            )
            for place, row, status in zip(places, rows, statuses, strict=True)
            if status == "conflict"
        ]
    return Receipt(accepted=accepted, duplicate=duplicate, conflict=conflict, rejected=rejected)
