"""Google Merchant product feeds to item events: XML (RSS 2.0 or Atom, g: namespace) and TSV.

The XML is read as a stream and may not declare a document type: entities are how a small file
becomes a huge one, and no product feed needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.parsers import expat

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, MissingColumns
from shopkeeper.data.importers.money import price_with_currency
from shopkeeper.data.importers.reading import open_bytes, open_table, suffix_of
from shopkeeper.data.importers.rows import Found, Odd, Skip

_BLOCK = 1 << 16
_ENTRIES = ("item", "entry")
_AVAILABLE = {"in_stock": True, "preorder": True, "backorder": True, "out_of_stock": False}
_KEPT = (
    *("gtin", "mpn", "item_group_id", "condition", "google_product_category", "color", "size"),
    *("material", "pattern", "age_group", "gender"),
)


def read_merchant(path: Path, at: datetime) -> tuple[int, Iterator[Found | Odd | Skip]]:
    """Return about how many products a feed has, and its item events as of ``at``."""
    if suffix_of(path) == ".xml":
        return 0, _events(_xml_products(path), at)
    table = open_table(path, delimiter="\t" if suffix_of(path) == ".txt" else None)
    names = {column: column.strip().lower().replace(" ", "_") for column in table.columns}
    if "id" not in names.values() or "title" not in names.values():
        lacks = [name for name in ("id", "title") if name not in names.values()]
        raise MissingColumns(
            f"{path.name} lacks {', '.join(lacks)}; it has {', '.join(table.columns)}.",
            hint="A merchant feed has the columns id, title, price …; for another table use "
            "shopkeeper import items.",
            field=lacks[0],
        )
    return table.rows, _events(_table_products(table.chunks, names), at)


def to_event(product: dict[str, str], at: datetime) -> dict[str, Any]:
    """Return the item event of one product; ValueError when a price cannot be read."""
    given = {name: text for name, text in product.items() if text}
    price = price_with_currency(given["price"]) if "price" in given else (None, None)
    sale = price_with_currency(given["sale_price"]) if "sale_price" in given else None
    availability = given.get("availability", "").lower().replace(" ", "_")
    if availability and availability not in _AVAILABLE:
        raise ValueError(f"availability must be in_stock or out_of_stock, but is {availability!r}")
    properties: dict[str, Any] = {name: given[name] for name in _KEPT if name in given}
    if sale is not None and price[0] is not None:
        properties["list_price_minor"] = price[0]
    now = sale or price
    event = {
        "event_id": "",
        "kind": "item",
        "occurred_at": clock.iso(clock.to_us(at)),
        "item_id": given.get("id"),
        "title": given.get("title"),
        "description": given.get("description", "")[:10_000] or None,
        "category": given.get("product_type") or given.get("google_product_category"),
        "brand": given.get("brand"),
        "price_minor": now[0],
        "currency": now[1],
        "available": _AVAILABLE.get(availability),
        "url": given.get("link"),
        "image_url": given.get("image_link"),
        "properties": properties or None,
        "source": "merchant",
    }
    return {name: value for name, value in event.items() if value is not None}


def _events(
    products: Iterator[tuple[int, dict[str, str]] | Odd], at: datetime
) -> Iterator[Found | Odd | Skip]:
    for one in products:
        if isinstance(one, Odd):
            yield one
            continue
        number, product = one
        raw = {"item_id": product.get("id"), "title": product.get("title")}
        if not product.get("id"):
            yield Odd(number, "missing_field", "item_id", "id is empty.", raw)
            continue
        try:
            yield Found(number, to_event(product, at))
        except ValueError as problem:
            yield Odd(number, "wrong_value", None, f"{problem}.", raw)


def _table_products(
    chunks: Any, names: dict[str, str]
) -> Iterator[tuple[int, dict[str, str]] | Odd]:
    for chunk in chunks:
        yield from (Odd(number, "torn_row", None, f"{said}.", {}) for number, said in chunk.torn)
        columns = {names[column]: cells for column, cells in chunk.columns.items()}
        for place, number in enumerate(chunk.numbers):
            cells = ((name, column[place]) for name, column in columns.items())
            yield number, {name: str(cell).strip() for name, cell in cells if cell is not None}


def _xml_products(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    parser = expat.ParserCreate(namespace_separator=" ")
    reader = _FeedReader(path)
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.buffer_text = True
    number = 0
    try:
        with open_bytes(path) as file:
            while block := file.read(_BLOCK):
                parser.Parse(block)
                for product in reader.take():
                    number += 1
                    yield number, product
            parser.Parse(b"", True)
    except expat.ExpatError as problem:
        raise BadInput(
            f"{path.name} is not valid XML: {expat.ErrorString(problem.code)} in line "
            f"{problem.lineno}.",
            hint="It may be half-written; export the feed again. Products before it are imported.",
        ) from problem
    if not reader.entries:
        raise BadInput(
            f"{path.name} holds no product.",
            hint="A feed has <item> (RSS) or <entry> (Atom) elements.",
        )


class _FeedReader:
    """Collects the children of each item or entry; nested groups such as g:shipping are left."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._product: dict[str, str] | None = None
        self._depth = 0
        self._done: list[dict[str, str]] = []
        self.entries = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if self._product is None:
            if local in _ENTRIES:
                self._product, self._depth, self.entries = {}, 0, self.entries + 1
            return
        self._depth += 1
        if self._depth == 1:
            self._name, self._parts = local, [attributes.get("href", "")]

    def text(self, data: str) -> None:
        if self._product is not None and self._depth == 1:
            self._parts.append(data)

    def end(self, name: str) -> None:
        if self._product is None:
            return
        if self._depth == 0:
            self._done.append(self._product)
            self._product = None
            return
        if self._depth == 1:
            value = re.sub(r"\s+", " ", "".join(self._parts)).strip()
            # title and g:title may both stand there; the first that says something counts.
            if value:
                self._product.setdefault(self._name, value)
        self._depth -= 1

    def doctype(self, *_: Any) -> None:
        raise BadInput(
            f"{self._path.name} declares a document type, which product feeds do not need.",
            hint="Remove the <!DOCTYPE …> part; entities in it could blow the file up.",
        )

    def take(self) -> list[dict[str, str]]:
        done, self._done = self._done, []
        return done
