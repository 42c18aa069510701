"""Payment files for ``evaluate fraud``: CSV, TSV or Parquet, ``.gz`` too, read into plain arrays.

Columns transaction_id, timestamp, customer_id, amount, is_fraud, and where there: from when the
label was known, and what payments share (terminal_id, device_id, ip …). Nothing is imported into
the shop. A file that cannot be trusted is refused whole, with the column and the first bad row;
row numbers count data rows from 1. Values of persons become codes and are not kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers import interactions as files
from shopkeeper.data.importers.tabular import bad_row, first_row, named_columns, numbers

NEEDED = ("transaction_id", "timestamp", "customer_id", "amount", "is_fraud")
# column -> the entity that payments share
ENTITIES = {
    "customer_id": "customer",
    "terminal_id": "terminal",
    "item_id": "item",
    "card": "card",
    "device_id": "device",
    "ip": "ip",
    "email": "email",
    "phone": "phone",
    "address": "address",
}
COUNTRIES = ("billing_country", "shipping_country", "ip_country", "card_country")
OPTIONAL = ("label_timestamp", "signup_timestamp", *list(ENTITIES)[1:], *COUNTRIES)
MOST = 1e9  # currency units; above is an error of units or of export
_YES, _NO = ("1", "true", "t", "yes", "fraud"), ("0", "false", "f", "no", "legit")
NEVER_US = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRows:
    """Payments in order of time, ties in order of the file. Arrays (n,).

    ``amount_minor`` whole hundredths; ``codes`` per entity, -1 where empty; ``label_us`` from when
    a label is known, NEVER_US where the file does not say; ``facts`` flags and seconds, NaN where
    unknown.
    """

    at_us: np.ndarray
    amount_minor: np.ndarray
    fraud: np.ndarray
    label_us: np.ndarray
    codes: Mapping[str, np.ndarray]
    facts: Mapping[str, np.ndarray]
    columns: tuple[str, ...]
    duplicates: int
    sha256: str


def read_payments(path: Path, names: Mapping[str, str] | None = None) -> PaymentRows:
    """Read one file; ``names`` maps our column names to the file's."""
    table, found = named_columns(path, NEEDED, OPTIONAL, names)
    if table.num_rows == 0:
        raise BadInput(f"{path} has no rows.", field="transactions", value=str(path))
    at_us = files._moments(table["timestamp"], path, found["timestamp"])
    amount = _amounts(table["amount"], path, found["amount"])
    fraud = _labels(table["is_fraud"], path, found["is_fraud"])
    label_us = np.full(len(at_us), NEVER_US)
    if "label_timestamp" in found:
        label_us = _label_moments(table["label_timestamp"], path, found["label_timestamp"], at_us)
    keep = _unique(table, path, found, fraud)
    codes = {"customer": files._codes(table["customer_id"], path, found["customer_id"])[0]}
    codes |= {
        e: _loose_codes(table[c]) for c, e in ENTITIES.items() if c in found and c != "customer_id"
    }
    codes |= _derived(table, found)
    order = np.flatnonzero(keep)
    order = order[np.argsort(at_us[order], kind="stable")]
    facts = {name: one[order] for name, one in _facts(table, found, at_us, path).items()}
    classes = np.unique(fraud[order])
    if len(classes) < 2:
        raise BadInput(
            f"{path}: column '{found['is_fraud']}' is {int(classes[0])} in every row.",
            hint="There must be payments of both classes; map the right column.",
            field="is_fraud",
            value=int(classes[0]),
        )
    return PaymentRows(
        at_us=at_us[order],
        amount_minor=amount[order],
        fraud=fraud[order],
        label_us=label_us[order],
        codes={name: code[order].astype(np.int64) for name, code in codes.items()},
        facts=facts,
        columns=tuple(found),
        duplicates=int((~keep).sum()),
        sha256=files._sha256(path),
    )


def _amounts(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    amount = numbers(column, path, name)
    bad = first_row((amount < 0) | (amount > MOST))
    if bad is not None:
        value = float(amount[bad])
        raise bad_row(path, name, bad, f"must lie from 0 to {MOST:.0e}, but is {value:g}", value)
    return np.round(amount * 100).astype(np.int64)


def _labels(column: pa.ChunkedArray, path: Path, name: str) -> np.ndarray:
    texts = pc.utf8_lower(pc.utf8_trim_whitespace(pc.cast(_whole(column), pa.string())))
    yes = pc.fill_null(pc.is_in(texts, pa.array(_YES)), False).to_numpy(zero_copy_only=False)
    no = pc.fill_null(pc.is_in(texts, pa.array(_NO)), False).to_numpy(zero_copy_only=False)
    bad = first_row(~(yes | no))
    if bad is not None:
        value = column[bad].as_py()
        said = (
            "is empty or NaN"
            if value is None or value != value
            else f"is neither 0 nor 1: '{value}'"
        )
        raise bad_row(path, name, bad, said, value)
    return yes.astype(np.int64)


def _whole(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return floats that are whole (1.0) as integers, so that they read as 1."""
    if not pa.types.is_floating(column.type):
        return column
    values = column.to_numpy(zero_copy_only=False)
    known = np.isfinite(values) & (np.floor(values) == values)
    whole = pa.array(np.where(known, values, 0).astype(np.int64), mask=~known)
    return column if (np.isfinite(values) & ~known).any() else pa.chunked_array([whole])


def _label_moments(column: pa.ChunkedArray, path: Path, name: str, at_us: np.ndarray) -> np.ndarray:
    """Return when labels were known; empty: NEVER_US; before the payment: refused."""
    missing = pc.is_null(column).to_numpy(zero_copy_only=False)
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        blank = pc.equal(pc.utf8_trim_whitespace(column), "")
        missing = missing | pc.fill_null(blank, True).to_numpy(zero_copy_only=False)
    found = np.full(len(column), NEVER_US)
    known = np.flatnonzero(~missing)
    if len(known):
        parsed = files.parsed_moments(column.take(pa.array(known)))
        bad = first_row(pc.is_null(parsed).to_numpy(zero_copy_only=False))
        if bad is not None:
            row = int(known[bad])
            value = column[row].as_py()
            raise bad_row(path, name, row, f"is no date or moment: '{value}'", value)
        found[known] = parsed.to_numpy(zero_copy_only=False)
    early = first_row(found < at_us)
    if early is not None:
        value = str(column[early].as_py())
        raise bad_row(path, name, early, f"lies before its payment: '{value}'", value)
    return found


def _unique(table: pa.Table, path: Path, found: Mapping[str, str], fraud: np.ndarray) -> np.ndarray:
    """Return which rows are first of their id; the same id with other content is refused."""
    code, _ = files._codes(table["transaction_id"], path, found["transaction_id"])
    order = np.argsort(code, kind="stable")
    again = np.flatnonzero(np.diff(code[order]) == 0)
    keep = np.ones(len(code), dtype=bool)
    for place in again.tolist():
        first, second = int(order[place]), int(order[place + 1])
        same_id = table["transaction_id"][second].as_py()
        if fraud[first] != fraud[second]:
            said = f"contradicts the label of row {first + 1} for the same id '{same_id}'"
            raise bad_row(path, found["is_fraud"], second, said, same_id)
        differs = [n for n in found if table[n][first].as_py() != table[n][second].as_py()]
        if differs:
            said = f"repeats the id '{same_id}' of row {first + 1} with another {differs[0]}"
            raise bad_row(path, found["transaction_id"], second, said, same_id)
        keep[second] = False
    return keep


def _loose_codes(column: pa.ChunkedArray) -> np.ndarray:
    """Return codes of a column that may be empty, -1 there."""
    texts = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    texts = pc.if_else(pc.equal(texts, ""), None, texts)
    coded = texts.combine_chunks().dictionary_encode()
    return np.asarray(pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)).astype(
        np.int64
    )


def _derived(table: pa.Table, found: Mapping[str, str]) -> dict[str, np.ndarray]:
    """Return codes of networks (/24, the first four groups of IPv6) and of mail hosts."""
    codes = {}
    if "ip" in found:
        texts = pc.cast(table["ip"], pa.string())
        nets = pc.replace_substring_regex(texts, r"^(\d+\.\d+\.\d+)\.\d+$", r"\1")
        nets = pc.replace_substring_regex(nets, r"^(([0-9a-fA-F]+:){4}).*$", r"\1")
        codes["ip_net"] = _loose_codes(nets)
    if "email" in found:
        texts = pc.cast(table["email"], pa.string())
        hosts = pc.utf8_lower(pc.replace_substring_regex(texts, r"^.*@", ""))
        codes["email_domain"] = _loose_codes(hosts)
    return codes


def _facts(
    table: pa.Table, found: Mapping[str, str], at_us: np.ndarray, path: Path
) -> dict[str, np.ndarray]:
    facts = {}
    upper = {
        name: pc.utf8_upper(pc.utf8_trim_whitespace(pc.cast(table[name], pa.string())))
        for name in COUNTRIES
        if name in found
    }
    pairs = {
        "billing_shipping_differ": ("billing_country", "shipping_country"),
        "ip_billing_differ": ("ip_country", "billing_country"),
        "card_billing_differ": ("card_country", "billing_country"),
    }
    for name, (one, other) in pairs.items():
        if one in upper and other in upper:
            differ = pc.cast(pc.not_equal(upper[one], upper[other]), pa.float64())
            facts[name] = pc.fill_null(differ, np.nan).to_numpy(zero_copy_only=False)
    if "signup_timestamp" in found:
        signup = files._moments(table["signup_timestamp"], path, found["signup_timestamp"])
        facts["signup_seconds"] = np.maximum(at_us - signup, 0) / 1e6
    return facts
