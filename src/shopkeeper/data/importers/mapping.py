"""Which column means what: a mapping file, obvious synonyms, and a clear error otherwise.

In: a kind of import, the columns a file has and what the user said. Out: field -> column.
Field names are those of events; money fields may be named without ``_minor``. A synonym counts
only when it is the one candidate. docs/reference/mapping.md lists fields and synonyms.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from shopkeeper.base.errors import BadInput, MissingColumns

PERSON = ("email", "phone", "name", "address", "postcode", "ip", "device_id", "card_fingerprint")
MONEY = ("price", "value", "discount", "shipping", "tax")
# field -> other names for it that can hardly mean anything else.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "event_id": ("message_id",),
    "kind": ("event", "event_name", "event_type"),
    "occurred_at": (
        *("timestamp", "event_time", "event_timestamp", "datetime", "date", "time"),
        *("invoice_date", "order_date", "ordered_at", "updated_at"),
    ),
    "customer_id": ("user_id", "household_id", "visitor_id"),
    "item_id": ("product_id", "sku", "stock_code", "asin"),
    "order_id": ("invoice", "invoice_no", "invoice_number", "basket_id", "order_number"),
    "quantity": ("units",),
    "price_minor": ("price", "unit_price"),
    "value_minor": ("value", "amount", "total"),
    "discount_minor": ("discount",),
    "shipping_minor": ("shipping",),
    "tax_minor": ("tax",),
    "title": ("product_name", "item_name"),
    "description": ("long_description",),
    "category": ("category_path", "product_type"),
    "image_url": ("image", "image_link"),
    "url": ("link",),
    "available": ("in_stock", "availability"),
    "location_id": ("store_id", "warehouse_id", "warehouse"),
    "payment_id": ("charge_id",),
    "promotion_id": ("campaign_id",),
    "supplier_id": ("vendor_id", "vendor", "supplier"),
    "purchase_order_id": ("po_number", "po_id", "purchase_order"),
    "shipment_id": ("delivery_id", "receipt_id"),
    "promised_at": ("expected_at", "promised_date", "due_date"),
    "starts_at": ("start_date", "starts"),
    "ends_at": ("end_date", "ends"),
    "session_id": ("visit_id",),
    "query": ("search_term",),
    "postcode": ("zip", "zip_code", "postal_code"),
    "phone": ("phone_number",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """What the user said about the files. The defaults say: our names, UTC, ISO times, major."""

    columns: MappingOf[str, str] = field(default_factory=dict)
    constants: MappingOf[str, Any] = field(default_factory=dict)
    money: str = "major"
    decimal: str = "."
    timezone: str = "UTC"
    date_format: str | None = None
    kind: str | None = None
    delimiter: str | None = None
    properties: tuple[str, ...] = ()


_CHOICES = {"money": ("major", "minor"), "decimal": (".", ",")}
_TOP = ("timezone", "date_format", "kind", "delimiter", "properties")


def load_mapping(given: Sequence[str]) -> Mapping:
    """Return the mapping of ``--map`` words: TOML files and ``field=column`` pairs, in order.

    Raises
    ------
    BadInput
        If a file is missing or not TOML, or a name or value in it is unknown.
    """
    mapping = Mapping()
    for word in given:
        if "=" in word and not Path(word).exists():
            name, _, column = word.partition("=")
            mapping = replace(mapping, columns={**mapping.columns, canonical(name): column})
        else:
            mapping = _merge(mapping, _read(Path(word)), word)
    return mapping


def from_dict(facts: MappingOf[str, Any], *, where: str = "the mapping") -> Mapping:
    """Return the mapping that a decoded TOML file says."""
    return _merge(Mapping(), facts, where)


def canonical(name: str) -> str:
    """Return a field's full name: money may be written without its unit.

    >>> canonical("price"), canonical("item_id")
    ('price_minor', 'item_id')
    """
    return f"{name}_minor" if name in MONEY else name


def resolve(
    file: str,
    has: Sequence[str],
    fields: Sequence[str],
    needed: Sequence[str],
    mapping: Mapping,
) -> dict[str, str]:
    """Return field -> column of a file for the fields that an import knows.

    ``needed`` fields must come from a column or a constant.

    Raises
    ------
    MissingColumns
        If a needed field has no column, a mapped column is not there, or two columns fit.
    """
    found = {}
    for name, column in mapping.columns.items():
        if name not in fields:
            raise BadInput(
                f"The mapping names the field '{name}', which this import does not know.",
                field=name,
                allowed=", ".join(fields),
            )
        if column not in has:
            raise _missing(file, [column], has)
        found[name] = column
    plain = {_plain_name(column): column for column in reversed(has)}
    taken = set(found.values()) | set(mapping.properties)
    for name in fields:
        if name in found or name in mapping.constants:
            continue
        candidates = _candidates(name, plain, taken)
        if len(candidates) > 1:
            raise MissingColumns(
                f"{file} has {' and '.join(candidates)}, and either may be {name}.",
                hint=f"Say which: --map {name}={candidates[0]}",
                field=name,
                code="ambiguous_columns",
            )
        if candidates:
            found[name] = candidates[0]
    lacks = [name for name in needed if name not in found and name not in mapping.constants]
    if lacks:
        raise _missing(file, lacks, has)
    for column in mapping.properties:
        if column not in has:
            raise _missing(file, [column], has)
    return found


def with_words(
    mapping: Mapping, words: MappingOf[str, tuple[str, ...]], has: Sequence[str]
) -> Mapping:
    """Return the mapping with what a kind of file calls its fields, where nobody said otherwise."""
    plain = {_plain_name(column): column for column in reversed(has)}
    taken = {*mapping.columns.values(), *mapping.properties}
    found = dict(mapping.columns)
    for name, some in words.items():
        known = name in found or name in mapping.constants or name in plain
        there = [plain[word] for word in some if word in plain and plain[word] not in taken]
        if not known and there:
            found[name] = there[0]
            taken.add(there[0])
    return replace(mapping, columns=found)


def _candidates(name: str, plain: MappingOf[str, str], taken: set[str]) -> list[str]:
    if name in plain and plain[name] not in taken:
        return [plain[name]]
    return [plain[s] for s in SYNONYMS.get(name, ()) if s in plain and plain[s] not in taken]


def _plain_name(column: str) -> str:
    """Return ``InvoiceNo``, ``Invoice No`` and ``invoice-no`` as ``invoice_no``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", column.strip())
    return re.sub(r"[\s\-.]+", "_", spaced).lower()


def _missing(file: str, lacks: Sequence[str], has: Sequence[str]) -> MissingColumns:
    return MissingColumns(
        f"{file} lacks {', '.join(lacks)}; it has {', '.join(has)}.",
        hint=f"Rename the columns in your export, or map them: --map {lacks[0]}=COLUMN "
        "(a mapping file does it for many: docs/reference/mapping.md).",
        field=lacks[0],
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise BadInput(f"The mapping file {path} cannot be read: {problem.strerror}.") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise BadInput(f"The mapping file {path} is not valid TOML: {problem}.") from problem


def _merge(mapping: Mapping, facts: MappingOf[str, Any], where: str) -> Mapping:
    known = ("columns", "constants", "units", *_TOP)
    for name in facts:
        if name not in known:
            raise _unknown(where, name, known)
    said: dict[str, Any] = {name: facts[name] for name in _TOP if name in facts}
    for name, value in facts.get("units", {}).items():
        if name not in _CHOICES:
            raise _unknown(where, f"units.{name}", tuple(_CHOICES))
        if value not in _CHOICES[name]:
            raise BadInput(
                f"units.{name} in {where} must be {' or '.join(_CHOICES[name])}, but is {value!r}.",
                field=f"units.{name}",
                value=value,
                allowed=", ".join(_CHOICES[name]),
            )
        said[name] = value
    if "properties" in said:
        said["properties"] = tuple(said["properties"])
    if "timezone" in said:
        _check_zone(said["timezone"])
    for part in ("columns", "constants"):
        mine = {canonical(name): value for name, value in facts.get(part, {}).items()}
        said[part] = {**getattr(mapping, part), **mine}
    return replace(mapping, **said)


def _check_zone(name: str) -> None:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, TypeError) as problem:
        raise BadInput(
            f"timezone {name!r} is unknown.",
            hint="Use a name such as Europe/London; on a machine without time zone data: "
            "pip install tzdata",
            field="timezone",
            value=name,
        ) from problem


def _unknown(where: str, name: str, known: Sequence[str]) -> BadInput:
    return BadInput(
        f"{where} has the unknown entry '{name}'.",
        hint="docs/reference/mapping.md lists them.",
        field=name,
        allowed=", ".join(known),
    )
