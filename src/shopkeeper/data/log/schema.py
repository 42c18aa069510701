"""The tables of the shop's one database, as SQLAlchemy Core; migrations/ builds the same.

``events`` is the log itself. The others are small: the lake's manifest, watermarks, refused
rows, API keys and console users. They share the file so that a manifest and its watermark, or
an event and its quarantine note, are written in one transaction.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    false,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# SQLite needs the exact word INTEGER to make the key the row's own number.
_Seq = BigInteger().with_variant(Integer, "sqlite")

events = Table(
    "events",
    metadata,
    Column("seq", _Seq, primary_key=True),
    Column("event_id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("occurred_us", BigInteger, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("customer_id", Text),
    Column("body", LargeBinary, nullable=False),  # JSON of the event, person taken out
    Column("person_keys", Text),  # JSON {field: HMAC hex}
    Column("person_sealed", LargeBinary),  # AES-GCM of the person block
)

lake_parts = Table(
    "lake_parts",
    metadata,
    Column("path", Text, primary_key=True),  # relative to the lake folder
    Column("dt", Text, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
)

# Watermarks and other single facts: name -> value as text.
meta = Table(
    "meta",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", _Seq, primary_key=True),
    Column("received_us", BigInteger, nullable=False),
    Column("source", Text, nullable=False),  # api, import, log …
    Column("event_id", Text),
    Column("code", Text, nullable=False),
    Column("field", Text),
    Column("message", Text, nullable=False),
    Column("raw", Text, nullable=False),  # the row as it came, without person and card numbers
    Index(None, "code"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_sha256", Text, nullable=False),
    Column("scopes", Text, nullable=False),  # space between
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger),
    Column("revoked_us", BigInteger),
    Column("last_used_us", BigInteger),
    Column("publishable", Boolean, nullable=False, server_default=false()),
)

users = Table(
    "users",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("login", Text, nullable=False, unique=True),
    Column("password_hash", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("language", Text, nullable=False, server_default="en"),
    Column("created_us", BigInteger, nullable=False),
)
