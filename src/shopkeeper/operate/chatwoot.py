"""A Chatwoot inbox as another door: read what its agent bot sends, answer as that bot.

Chatwoot ignores the body of a webhook's answer, so with ``chatwoot_url`` and the bot's token (in
SHOPKEEPER_CHATWOOT_TOKEN) the reply is posted to its API, and handing over opens the conversation
for its agents. A visitor may claim any identifier; it counts as the customer only where Chatwoot
verified it (``hmac_verified``). What is with a person already (not pending) gets no answer.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shopkeeper.base import log
from shopkeeper.base.settings import Settings

TOKEN = "SHOPKEEPER_CHATWOOT_TOKEN"
TIMEOUT_SECONDS = 5
MAX_TEXT = 4000
_ID = re.compile(r"[A-Za-z0-9-]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message of a visitor. ``customer_id`` only where Chatwoot verified who it is."""

    account_id: str
    conversation_id: str
    message_id: str
    text: str
    customer_id: str | None

    @property
    def session(self) -> dict[str, Any]:
        """The session that a turn of this conversation has."""
        name = f"cw-{self.account_id}-{self.conversation_id}"
        return {"conversation_id": name, "customer_id": self.customer_id}


def read(body: Mapping[str, Any]) -> Incoming | None:
    """Return the message of an agent bot's event, None where nothing is to be answered."""
    conversation = _object(body.get("conversation"))
    text = body.get("content")
    if body.get("event") != "message_created" or body.get("message_type") not in ("incoming", 0):
        return None
    if conversation.get("status", "pending") != "pending" or body.get("private"):
        return None
    if not isinstance(text, str) or not text.strip():
        return None
    account = str(_object(body.get("account")).get("id", "0"))
    name = str(conversation.get("id", ""))
    if not _ID.fullmatch(account) or not _ID.fullmatch(name):
        return None
    return Incoming(
        account_id=account,
        conversation_id=name,
        message_id=str(body.get("id") or "")[:60],
        text=text[:MAX_TEXT],
        customer_id=_verified(body, conversation),
    )


def deliver(settings: Settings, to: Incoming, reply: str, *, hand_over: bool) -> bool:
    """Post the reply as the bot, then open the conversation for people; False if it failed."""
    token = os.environ.get(TOKEN, "")
    if not settings.chatwoot_url or not token:
        return False
    base = f"/api/v1/accounts/{to.account_id}/conversations/{to.conversation_id}"
    told = not reply or _post(
        settings.chatwoot_url,
        token,
        f"{base}/messages",
        {"content": reply, "message_type": "outgoing"},
    )
    if hand_over:
        told &= _post(settings.chatwoot_url, token, f"{base}/toggle_status", {"status": "open"})
    return told


def _verified(body: Mapping[str, Any], conversation: Mapping[str, Any]) -> str | None:
    meta = _object(conversation.get("meta"))
    inbox = _object(conversation.get("contact_inbox"))
    if meta.get("hmac_verified") is not True and inbox.get("hmac_verified") is not True:
        return None
    sender = _object(meta.get("sender")) or _object(body.get("sender"))
    found = sender.get("identifier")
    return found if isinstance(found, str) and 0 < len(found) <= 128 else None


def _post(url: str, token: str, path: str, body: Mapping[str, Any]) -> bool:
    parts = urlsplit(url)
    kind: Any = http.client.HTTPConnection
    more: dict[str, Any] = {}
    if parts.scheme == "https":
        kind, more = http.client.HTTPSConnection, {"context": ssl.create_default_context()}
    line = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS, **more)
    headers = {"Content-Type": "application/json", "api_access_token": token}
    try:
        line.request("POST", parts.path.rstrip("/") + path, json.dumps(body), headers)
        status = line.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        log.warning("chatwoot.unreachable", kind=type(problem).__name__)
        return False
    finally:
        line.close()
    if status >= 300:
        log.warning("chatwoot.refused", status=status)
    return bool(status < 300)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
