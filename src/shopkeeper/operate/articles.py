"""Knowledge for support: articles as events, a folder kept in step, and the gaps between them.

A folder holds Markdown files ``<id>.<language>.md``: an optional head between ``---`` lines
(title, kind, questions, from, until), then the text. Files that went are withdrawn.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import UNSET

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data import support_tables
from shopkeeper.data.events import Event
from shopkeeper.language.embedder import sentence_embedder

KINDS = ("faq", "terms", "product")
FIELDS = ("id", "title", "text", "language", "kind", "questions", "from", "until", "status")
LIKE = 0.6  # cosine from which two questions ask the same


def event_of(told: Mapping[str, Any], *, source: str) -> Event:
    """Return one article as its event; BadInput names the field that is wrong."""
    for name in told:
        if name not in FIELDS:
            raise _bad(str(name), told[name], ", ".join(FIELDS))
    text, language = told.get("text"), told.get("language", "en")
    kind, status = told.get("kind", "faq"), told.get("status", "active")
    if not isinstance(text, str) or not 0 < len(text) <= 10_000:
        raise _bad("text", text, "a text of 1 to 10000 characters")
    if language not in ("en", "zh"):
        raise _bad("language", language, "en or zh")
    if kind not in KINDS:
        raise _bad("kind", kind, ", ".join(KINDS))
    if status not in ("active", "withdrawn"):
        raise _bad("status", status, "active or withdrawn")
    questions = told.get("questions", [])
    if not isinstance(questions, list) or not all(isinstance(one, str) for one in questions):
        raise _bad("questions", questions, "a list of texts")
    starts, ends = _date("from", told.get("from")), _date("until", told.get("until"))
    now = clock.now()
    body = "|".join(str(told.get(name, "")) for name in FIELDS)
    digest = hashlib.blake2b(f"{body}|{clock.to_us(now)}".encode(), digest_size=10).hexdigest()
    return Event(
        event_id=f"art_{digest}",
        kind="article",
        occurred_at=now,
        label=str(told["id"]),
        title=str(told.get("title") or told["id"])[:400],
        text=text,
        language=language,
        category=kind,
        status=status,
        source=source,
        starts_at=starts,
        ends_at=ends,
        properties={"questions": "\n".join(questions)} if questions else UNSET,
    )


def sync(shop: Any, folder: Path) -> dict[str, int]:
    """Bring the articles in step with a folder; return how many were added, changed, withdrawn."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder.", field="folder", value=str(folder))
    held = {
        (row["article_id"], row["language"]): row
        for row in support_tables.articles(shop.warehouse)
        if row["source"] == "folder"
    }
    counts = {"added": 0, "changed": 0, "same": 0, "withdrawn": 0}
    events, seen = [], set()
    for path in sorted(folder.rglob("*.md")):
        told = read_file(path)
        key = (told["id"], told["language"])
        seen.add(key)
        row = held.get(key)
        try:
            event = event_of(told, source="folder")
        except BadInput as fault:
            raise _of_file(path, fault) from fault
        if row is not None and _same(row, event):
            counts["same"] += 1
            continue
        counts["changed" if row else "added"] += 1
        events.append(event)
    for key, row in held.items():
        if key not in seen:
            counts["withdrawn"] += 1
            gone = {"id": key[0], "language": key[1], "text": row["text"], "status": "withdrawn"}
            events.append(event_of(gone, source="folder"))
    if events:
        shop.append_events(events, source="knowledge")
    return counts


def _same(row: Mapping[str, Any], event: Event) -> bool:
    """Say whether a stored article says what a file says: words, kind, wordings, dates."""
    properties = event.properties or {}
    questions = properties.get("questions", "")
    dates = [None if at is None else clock.to_us(at) for at in (event.starts_at, event.ends_at)]
    return (
        (row["text"], row["title"], row["kind"], row["questions"] or "")
        == (event.text, event.title, event.category, questions)
    ) and [row["starts_us"], row["ends_us"]] == dates


def _of_file(path: Path, fault: BadInput) -> BadInput:
    """Return the fault with the name of its file before it."""
    return BadInput(
        f"{path.name}: {fault.message}",
        hint=fault.hint,
        field=fault.field,
        value=fault.value,
        allowed=fault.allowed,
    )


def read_file(path: Path) -> dict[str, Any]:
    """Return what a file says of one article."""
    stem, _, language = path.stem.rpartition(".")
    told: dict[str, Any] = {"id": stem or path.stem, "language": language if stem else "en"}
    try:
        text = path.read_text("utf-8").strip()
    except (UnicodeDecodeError, OSError) as problem:
        raise BadInput(
            f"{path.name} cannot be read: {type(problem).__name__}.",
            hint="Articles are text files in UTF-8.",
            field="file",
            value=path.name,
        ) from problem
    if text.startswith("---\n"):
        head, _, text = text[4:].partition("\n---")
        for line in head.splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "questions":
                told["questions"] = [one.strip() for one in value.split("|") if one.strip()]
            elif name.strip():
                told[name.strip()] = value.strip()
    elif text.startswith("# "):
        title, _, text = text[2:].partition("\n")
        told["title"] = title.strip()
    told["text"] = text.strip()
    told.setdefault("title", told["id"])
    return told


def gaps(warehouse: Any, most: int = 20) -> list[dict[str, Any]]:
    """Return unanswered questions, alike ones together, the most asked first."""
    rows = support_tables.unanswered(warehouse)
    if not rows:
        return []
    vectors = sentence_embedder().encode([row["text"] for row in rows])
    groups: list[list[int]] = []
    for place in range(len(rows)):
        likeness = [float(vectors[place] @ vectors[group[0]]) for group in groups]
        best = max(range(len(groups)), key=likeness.__getitem__, default=None)
        if best is not None and likeness[best] >= LIKE:
            groups[best].append(place)
        else:
            groups.append([place])
    groups.sort(key=lambda group: -len(group))
    return [
        {
            "question": rows[group[0]]["text"],
            "times": len(group),
            "language": rows[group[0]]["language"],
            "others": [rows[place]["text"] for place in group[1:4]],
            "conversation_id": rows[group[0]]["conversation_id"],
        }
        for group in groups[:most]
    ]


def _date(name: str, value: Any) -> datetime | None:
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        raise _bad(name, value, "a date such as 2026-01-31") from None


def _bad(name: str, value: Any, allowed: str) -> BadInput:
    return BadInput(
        f"{name} of an article must be {allowed}.",
        hint="docs/how-to/answer-customers.md describes articles.",
        field=name,
        value=value,
        allowed=allowed,
    )
