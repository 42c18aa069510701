"""The event routes as the server mounts them: events behind counting, and Segment batches.

Both run on bytes and msgspec; what became of the events goes to the metrics.
"""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from shopkeeper.api.browser import BROWSER_KINDS, refuse_person
from shopkeeper.api.errors import JSON
from shopkeeper.api.events import post_events, status_of
from shopkeeper.api.recommendations import read_object
from shopkeeper.api.service import Service
from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, TooLarge
from shopkeeper.data.faults import Rejection
from shopkeeper.data.importers import segment
from shopkeeper.data.ingest import Receipt
from shopkeeper.data.quarantine import refuse

_encode = msgspec.json.encode


async def take_events(request: Request, service: Service) -> Response:
    """Take events; from a publishable key only what a page may tell."""
    if request.scope["shop.key"].publishable:
        refuse_person(await request.body())
        request.state.only_kinds = BROWSER_KINDS
    response = await post_events(request)
    receipt = getattr(request.state, "receipt", None)
    if receipt is not None:
        count(service, receipt)
    return response


async def take_batch(request: Request, service: Service) -> Response:
    """Take a Segment-shaped batch; messageId becomes event_id, so a retry is harmless."""
    body = read_object(await request.body())
    batch = body.get("batch")
    if not isinstance(batch, list) or not batch:
        raise BadInput(
            "A Segment batch carries its messages in `batch`.",
            hint='Send {"batch": [{"type": "track", …}, …]}.',
            field="batch",
            value=batch,
            allowed="list of messages, not empty",
        )
    most = service.settings.max_batch_events
    if len(batch) > most:
        raise TooLarge(
            f"The batch has {len(batch)} messages; the limit is {most}.",
            hint="Send smaller batches.",
            field="batch",
            value=len(batch),
            allowed=f"up to {most} messages",
        )
    now_us = clock.now_us()
    events, problems = segment.to_events(
        body, currency=service.settings.currency, received_us=now_us
    )
    if problems:
        kept = [refuse(one, batch[one.index], "segment", now_us) for one in problems]
        await service.shop.writer.submit_async([], kept)
    done = Receipt()
    if events:
        done = await service.shop.ingest.post_async(_encode(events), source="segment")
    receipt = _by_place(done, problems, len(batch))
    count(service, receipt)
    return JSON(receipt, status_code=status_of(receipt))


def _by_place(done: Receipt, problems: list[Rejection], messages: int) -> Receipt:
    """Return the receipt of a batch, its rejections numbered by the place of their message."""
    lost = {one.index for one in problems}
    places = [place for place in range(messages) if place not in lost]
    judged = [one.at(places[one.index], one.event_id) for one in done.rejected]
    rejected = sorted(problems + judged, key=lambda one: one.index)
    return Receipt(
        accepted=done.accepted, duplicate=done.duplicate, conflict=done.conflict, rejected=rejected
    )


def count(service: Service, receipt: Receipt) -> None:
    """Count what became of the events of a request."""
    service.metrics.events(
        accepted=receipt.accepted,
        duplicate=receipt.duplicate,
        conflict=receipt.conflict,
        rejected=len(receipt.rejected) - receipt.conflict,
    )
    if receipt.accepted:
        service.note_event()
