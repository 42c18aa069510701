"""Where the shop lives and what may be tuned: defaults, then shopkeeper.toml, then environment.

``SHOPKEEPER_HOME`` names the shop folder (default ``./shop``). Each setting ``x`` may be given
in ``shopkeeper.toml`` there, or as ``SHOPKEEPER_X``, which wins.

    shop/shopkeeper.toml   settings          shop/lake/        Parquet, compacted from the log
    shop/log.sqlite3       the event log     shop/models/      registry of model versions
    shop/keys.json         secret keys 0600  shop/quarantine/  rows refused, with reasons
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from shopkeeper.base.errors import BadInput

_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of one shop; ``help`` in the metadata feeds the reference page."""

    home: Path = field(default=Path("shop"), metadata={"help": "The shop folder."})
    host: str = field(default="127.0.0.1", metadata={"help": "Address to listen on."})
    port: int = field(default=8000, metadata={"help": "Port to listen on."})
    currency: str = field(default="USD", metadata={"help": "Currency of events that name none."})
    log_level: str = field(default="info", metadata={"help": "debug, info, warning or error."})
    max_batch_events: int = field(default=1000, metadata={"help": "Events in one request."})
    max_body_bytes: int = field(
        default=1_048_576, metadata={"help": "Bytes of one request body; above it: 413."}
    )
    queue_requests: int = field(
        default=2000, metadata={"help": "Requests waiting for the log writer; above it: 429."}
    )
    group_commit_requests: int = field(
        default=200, metadata={"help": "Requests that share one commit at most."}
    )
    future_hours: int = field(
        default=24, metadata={"help": "How far ahead of our clock occurred_at may lie."}
    )
    rate_per_second: int = field(
        default=5000, metadata={"help": "Requests per second and API key; above it: 429."}
    )
    browser_rate_per_second: int = field(
        default=20, metadata={"help": "Requests per second, publishable key and client address."}
    )
    request_seconds: int = field(
        default=30, metadata={"help": "Seconds in which a request body must arrive; then 408."}
    )
    cors_origins: str = field(
        default="",
        metadata={"help": "Origins of shop pages that may post events, comma-separated, or *."},
    )
    compact_every_seconds: int = field(
        default=300, metadata={"help": "Pause between compactions of the log while serving."}
    )
    webhook_private_networks: bool = field(
        default=False, metadata={"help": "Allow webhooks to http and to private addresses."}
    )
    fraud_on_failure: str = field(
        default="review",
        metadata={"help": "Outcome when fraud cannot score: approve, challenge, review or block."},
    )
    explore_share: float = field(
        default=0.0,
        metadata={"help": "Share of recommended places drawn by chance to learn from; 0: none."},
    )
    customer_attributes: str = field(
        default="all",
        metadata={
            "help": "Attributes of `customer` events that recommendations may use: "
            "all, none, or names, comma-separated."
        },
    )
    engine_memory: str = field(default="4GB", metadata={"help": "DuckDB memory limit."})
    engine_threads: int = field(default=2, metadata={"help": "DuckDB threads."})
    language_model_url: str = field(
        default="",
        metadata={"help": "OpenAI-compatible address of a language model; empty: none is used."},
    )
    language_model: str = field(default="", metadata={"help": "Name of the model at that address."})
    language_model_seconds: int = field(
        default=20, metadata={"help": "Seconds for one answer of the language model."}
    )
    chatwoot_url: str = field(
        default="",
        metadata={"help": "Address of a Chatwoot whose agent bot the assistant is; empty: none."},
    )
    time_zone: str = field(
        default="UTC",
        metadata={"help": "IANA name, such as Europe/Berlin: the clock of nightly jobs."},
    )
    run_jobs: bool = field(
        default=True,
        metadata={"help": "Whether the server runs its jobs (training, plans)."},
    )
    job_times: str = field(
        default="",
        metadata={"help": "Other times of jobs: inventory.plan=nightly 03:15; inventory.train=off"},
    )
    random_seed: int = field(default=7, metadata={"help": "Seed of every training."})

    @property
    def log_path(self) -> Path:
        return self.home / "log.sqlite3"

    @property
    def lake_path(self) -> Path:
        return self.home / "lake"

    @property
    def models_path(self) -> Path:
        return self.home / "models"

    @property
    def keys_path(self) -> Path:
        return self.home / "keys.json"

    @property
    def jobs_path(self) -> Path:
        return self.home / "jobs.sqlite3"

    @property
    def quarantine_path(self) -> Path:
        return self.home / "quarantine"


def load(home: Path | str | None = None) -> Settings:
    """Return the settings of a shop folder; unknown names and wrong types are refused."""
    folder = Path(home or os.environ.get("SHOPKEEPER_HOME") or "shop")
    given: dict[str, Any] = {}
    path = folder / "shopkeeper.toml"
    if path.exists():
        try:
            given = tomllib.loads(path.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
            raise BadInput(f"{path} is not valid TOML: {problem}.") from problem
    known = {f.name: f for f in fields(Settings) if f.name != "home"}
    for name in given:
        if name not in known:
            raise BadInput(
                f"{path} has the unknown setting '{name}'.",
                hint="docs/reference/settings.md lists them.",
                field=name,
                value=given[name],
                allowed=", ".join(known),
            )
    for name in known:
        if (value := os.environ.get(f"SHOPKEEPER_{name.upper()}")) is not None:
            given[name] = value
    return Settings(home=folder, **{name: _typed(name, given[name], known) for name in given})


def _typed(name: str, value: Any, known: dict[str, Any]) -> Any:
    kind = type(known[name].default)
    try:
        if kind is bool:
            return _TRUTH[str(value).lower()]
        if isinstance(value, bool):
            raise ValueError
        return kind(value)
    except (KeyError, ValueError) as problem:
        raise BadInput(
            f"Setting {name} must be {kind.__name__}, but is {value!r}.",
            hint=f"Correct it in shopkeeper.toml or in SHOPKEEPER_{name.upper()}.",
            field=name,
            value=value,
            allowed=kind.__name__,
        ) from problem
