"""Tell other programs: ``send`` stores a signed message, a Courier thread delivers it.

    send(shop, "fraud.order_held", {...})   durable on return, delivered within a second or two

Each message goes to the endpoints of its topic, signed as base/signing.py says, again after a
failure with growing pauses for about a day. Addresses inside private networks are refused after
the name is resolved, and redirects are not followed, so nobody can make the shop call its own
neighbours; ``webhook_private_networks`` lets a shop allow them.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shopkeeper import __version__
from shopkeeper.base import clock, log, signing
from shopkeeper.base.errors import BadInput, ShopError
from shopkeeper.data.outbox import ALL_TOPICS, DELIVERED, FAILED, WAITING, Message

# topic -> what it says; capabilities add theirs. Order is the order of the reference page.
TOPICS: dict[str, str] = {
    "webhook.test": "Sent by `shopkeeper webhooks test`; says nothing else.",
    "fraud.order_held": "Fraud holds an order until a person decides.",
    "fraud.order_blocked": "Fraud blocked a payment.",
    "fraud.order_released": "A person released a held order.",
    "fraud.order_cancelled": "A person cancelled a held order as fraud.",
    "inventory.plan_made": "A plan proposed purchases: cycle, counts, value.",
    "inventory.purchase_order_sent": "A planner sent approved proposals to a supplier.",
    "fraud.alert": "Card testing, a new ring, drift, or a sudden approval rate.",
    "supply.plan_published": "A route plan was published.",
    "job.failed": "A job of the server failed, or its process died more than once.",
    "supply.promise_changed": "An order will come on another day than was promised.",
    "supply.promise_drift": "A carrier's lane keeps fewer promises than they say.",
}
# Seconds from a failed try to the next one; after the last the message stays as failed.
PAUSES_SECONDS = (5, 30, 120, 600, 1800, 7200, 21_600, 43_200)
TIMEOUT_SECONDS = 10
POLL_SECONDS = 1.0
MOST_ENDPOINT_FAULT = 200


def send(
    shop: Any, topic: str, body: Mapping[str, Any], message_id: str | None = None
) -> list[str]:
    """Store a message for every endpoint of the topic and return the message ids.

    ``message_id``: an id of your own (a decision, a proposal) that makes a repeat harmless.

    >>> send(None, "nothing.known", {})
    Traceback (most recent call last):
    shopkeeper.base.errors.BadInput: There is no webhook topic 'nothing.known'.
    """
    _known(topic)
    whole = {"topic": topic, "sent_at": clock.iso(clock.now_us()), "data": body}
    made: list[str] = shop.outbox.put(topic, msgspec.json.encode(whole), message_id)
    return made


def add_endpoint(shop: Any, url: str, topics: tuple[str, ...] = ()) -> tuple[Any, str]:
    """Return a new endpoint and its secret, after the address and the topics are checked."""
    for topic in topics:
        _known(topic)
    _resolved(url, private=shop.settings.webhook_private_networks)
    made: tuple[Any, str] = shop.outbox.add(url, topics)
    return made


class Courier:
    """Delivers what waits, one message at a time; ``start`` once per server."""

    def __init__(self, shop: Any) -> None:
        self.shop = shop
        self.counts = {DELIVERED: 0, FAILED: 0, "retried": 0}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> Courier:
        """Begin to deliver beside the server."""
        self._thread = threading.Thread(target=self._run, name="courier", daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop after the message under way; the rest waits in the outbox."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=TIMEOUT_SECONDS + POLL_SECONDS)

    def deliver_due(self) -> int:
        """Try every message that is due once; return how many there were."""
        messages = self.shop.outbox.due(clock.now_us())
        for message in messages:
            if self._stop.is_set():
                break
            self._try(message)
        return len(messages)

    def _run(self) -> None:
        tidied = 0
        while not self._stop.wait(POLL_SECONDS):
            try:
                self.deliver_due()
                if clock.now_us() - tidied > clock.DAY_US:
                    self.shop.outbox.tidy(clock.now_us())
                    tidied = clock.now_us()
            except ShopError as problem:
                log.error("webhook.outbox_failed", reason=problem.message)

    def _try(self, message: Message) -> None:
        endpoint = {e.endpoint_id: e for e in self.shop.outbox.endpoints()}.get(message.endpoint_id)
        if endpoint is None:  # removed since the message was read
            return
        problem = None
        try:
            secret = self.shop.outbox.secret(message.endpoint_id)
            post(
                endpoint.url,
                message.body,
                signing.headers(
                    secret, message.message_id, clock.now_us() // 1_000_000, message.body
                ),
                private=self.shop.settings.webhook_private_networks,
            )
        except (OSError, http.client.HTTPException, ShopError) as fault:
            problem = (fault.message if isinstance(fault, ShopError) else str(fault))[
                :MOST_ENDPOINT_FAULT
            ] or type(fault).__name__
        self._settle(message, problem)

    def _settle(self, message: Message, problem: str | None) -> None:
        facts = {"message_id": message.message_id, "topic": message.topic, "try": message.tries + 1}
        if problem is None:
            self.counts[DELIVERED] += 1
            self.shop.outbox.settle(message.message_id, DELIVERED)
            log.info("webhook.delivered", **facts)
            return
        if message.tries >= len(PAUSES_SECONDS):
            self.counts[FAILED] += 1
            self.shop.outbox.settle(message.message_id, FAILED, problem=problem)
            log.error("webhook.failed", reason=problem, **facts)
            return
        due_us = clock.now_us() + PAUSES_SECONDS[message.tries] * 1_000_000
        self.counts["retried"] += 1
        self.shop.outbox.settle(message.message_id, WAITING, due_us=due_us, problem=problem)
        log.warning("webhook.retried", reason=problem, **facts)


def post(url: str, body: bytes, signed: Mapping[str, str], *, private: bool = False) -> None:
    """Post one body; raise unless the endpoint answers 2xx. Redirects are not followed."""
    address, parts = _resolved(url, private=private)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    # Connect to the very address that was judged, so that a name cannot change in between.
    link = socket.create_connection((address, port), timeout=TIMEOUT_SECONDS)
    if parts.scheme == "https":
        try:
            link = ssl.create_default_context().wrap_socket(link, server_hostname=host)
        except OSError:
            link.close()
            raise
    with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)) as connection:
        connection.sock = link
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(
            "POST",
            path,
            body,
            {
                "Content-Type": "application/json",
                "User-Agent": f"shopkeeper/{__version__}",
                **signed,
            },
        )
        status = connection.getresponse().status
    if not 200 <= status < 300:
        raise BadInput(f"The endpoint answered {status}.", field="url", value=url)


def _known(topic: str) -> None:
    if topic not in TOPICS and topic != ALL_TOPICS:
        raise BadInput(
            f"There is no webhook topic '{topic}'.",
            hint="`shopkeeper webhooks topics` lists them.",
            field="topic",
            value=topic,
            allowed=", ".join(TOPICS),
        )


def _resolved(url: str, *, private: bool) -> tuple[str, Any]:
    """Return an address of the URL's host and the URL in parts, or say why it is refused."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    good = parts.scheme == "https" or (parts.scheme == "http" and private)
    if not good or not parts.hostname or parts.username:
        raise BadInput(
            f"'{url}' is not an address for a webhook.",
            hint="Use https://host/path; http and private networks only with the setting "
            "webhook_private_networks = true.",
            field="url",
            value=url,
            allowed="https://…" if not private else "https://… or http://…",
        )
    try:
        found = socket.getaddrinfo(parts.hostname, port or 443, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as problem:
        raise BadInput(
            f"The host '{parts.hostname}' has no address.",
            hint="Check the name.",
            field="url",
            value=url,
        ) from problem
    addresses = [str(one[4][0]) for one in found]
    inside = [a for a in addresses if not ipaddress.ip_address(a.split("%")[0]).is_global]
    if inside and not private:
        raise BadInput(
            f"The host '{parts.hostname}' is {inside[0]}, inside a private network.",
            hint="Set webhook_private_networks = true if your endpoints are there.",
            field="url",
            value=url,
        )
    return addresses[0], parts
