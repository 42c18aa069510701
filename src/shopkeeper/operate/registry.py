"""Which model versions exist and which one is live: a folder per version, names by alias.

    models/recommend/blend@0123456789abcdef/   model.json, arrays.npz (learn/artefacts.py)
    models/recommend/aliases.json              champion, challenger, previous

A version is named by its content. Aliases change by an atomic rename, so a reader sees the old
set or the new one, and a server in another process notices by the file's time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopkeeper import __version__
from shopkeeper.base import clock, log
from shopkeeper.base.errors import ArtefactBroken, BadInput, Conflict, NotFound
from shopkeeper.learn import artefacts
from shopkeeper.learn.contracts import Trained

ALIASES = ("champion", "challenger", "previous")


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One registered model. ``report`` and ``data`` are what its training said of it."""

    capability: str
    name: str  # "blend@0123456789abcdef"
    kind: str
    created_us: int
    report: Mapping[str, Any]
    data: Mapping[str, Any]
    curves: Mapping[str, Any]
    self_test: Mapping[str, Any]
    aliases: tuple[str, ...] = ()
    broken: str | None = None  # what is wrong with its files, if anything


class Registry:
    """The model folder of a shop; every call reads the disk, so processes agree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def register(self, capability: str, trained: Trained) -> str:
        """Write a trained model as a version and return its name; the same model is one version."""
        artefact = trained.model.to_artefact()
        name = f"{trained.model.name}@{artefacts.version_of(artefact)}"
        facts = {
            "report": trained.report,
            "data": trained.data,
            "curves": trained.curves,
            "self_test": trained.self_test,
            "created_us": clock.now_us(),
            "code_version": __version__,
        }
        artefacts.save(artefact, self._home(capability) / name, facts)
        log.info("model.registered", capability=capability, version=name)
        return name

    def load(self, capability: str, name: str, classes: Mapping[str, type]) -> Any:
        """Return the fitted model of a version; ArtefactBroken if a byte differs."""
        artefact = artefacts.load(self._existing(capability, name))
        reader = classes.get(artefact.kind)
        if reader is None:
            raise ArtefactBroken(
                f"Model {name} is of kind '{artefact.kind}', which {capability} cannot read.",
                hint="Train again, or roll back to the version before it.",
                field="kind",
                value=artefact.kind,
                allowed=", ".join(classes),
            )
        return reader.from_artefact(artefact)  # type: ignore[attr-defined]

    def versions(self, capability: str) -> list[Version]:
        """Return all versions, newest first; broken ones too, saying what is wrong."""
        home = self._home(capability)
        names = [p.name for p in home.glob("*@*") if p.is_dir() and not p.name.startswith(".")]
        found = [self.version(capability, name) for name in names]
        return sorted(found, key=lambda v: (v.created_us, v.name), reverse=True)

    def version(self, capability: str, name: str) -> Version:
        """Return what is known of one version."""
        folder = self._existing(capability, name)
        held = tuple(a for a, target in self.aliases(capability).items() if target == name)
        try:
            card, broken = artefacts.read_card(folder), None
        except (ArtefactBroken, NotFound) as problem:
            card, broken = {}, problem.message
        facts = card.get("facts", {})
        return Version(
            capability=capability,
            name=name,
            kind=card.get("kind", "unknown"),
            created_us=facts.get("created_us", 0),
            report=facts.get("report", {}),
            data=facts.get("data", {}),
            curves=facts.get("curves", {}),
            self_test=facts.get("self_test", {}),
            aliases=held,
            broken=broken,
        )

    def aliases(self, capability: str) -> dict[str, str]:
        """Return alias -> version name; empty where nothing was promoted yet."""
        try:
            held = json.loads(self._aliases_path(capability).read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError) as problem:
            raise ArtefactBroken(
                f"{self._aliases_path(capability)} does not parse: {problem}.",
                hint=f"Run `shopkeeper models promote {capability} VERSION`: it writes it anew.",
            ) from problem
        if not isinstance(held, dict):
            raise ArtefactBroken(f"{self._aliases_path(capability)} is not a JSON object.")
        return {alias: str(held[alias]) for alias in ALIASES if held.get(alias)}

    def stamp(self, capability: str) -> tuple[int, int]:
        """Return a value that changes whenever the aliases do; (0, 0) without any."""
        try:
            facts = self._aliases_path(capability).stat()
        except FileNotFoundError:
            return (0, 0)
        return (facts.st_mtime_ns, facts.st_ino)

    def promote(self, capability: str, name: str) -> dict[str, str]:
        """Make a version the champion; the champion until now becomes ``previous``."""
        self._existing(capability, name)
        try:
            held = self.aliases(capability)
        except ArtefactBroken:
            held = {}
        if held.get("champion") == name:
            return held
        fresh = {"champion": name}
        if "champion" in held:
            fresh["previous"] = held["champion"]
        if held.get("challenger", name) != name:
            fresh["challenger"] = held["challenger"]
        self._write_aliases(capability, fresh)
        log.info("model.promoted", capability=capability, version=name)
        return fresh

    def challenge(self, capability: str, name: str) -> dict[str, str]:
        """Keep a version as challenger: registered and measured, not live."""
        self._existing(capability, name)
        fresh = {**self.aliases(capability), "challenger": name}
        self._write_aliases(capability, fresh)
        return fresh

    def rollback(self, capability: str) -> dict[str, str]:
        """Make the previous champion live again; the two change places."""
        held = self.aliases(capability)
        if "previous" not in held:
            raise Conflict(
                f"{capability} has no previous model to go back to.",
                hint=f"`shopkeeper models list {capability}` shows what can be promoted.",
            )
        self._existing(capability, held["previous"])
        fresh = {**held, "champion": held["previous"], "previous": held["champion"]}
        self._write_aliases(capability, fresh)
        log.info("model.rolled_back", capability=capability, version=fresh["champion"])
        return fresh

    def _existing(self, capability: str, name: str) -> Path:
        if not name or "/" in name or name.startswith("."):
            raise BadInput("A model version is named name@hash.", field="version", value=name)
        folder = self._home(capability) / name
        if not folder.is_dir():
            raise NotFound(
                f"{capability} has no model version '{name}'.",
                hint=f"`shopkeeper models list {capability}` shows them.",
                field="version",
                value=name,
            )
        return folder

    def _home(self, capability: str) -> Path:
        return self.folder / capability

    def _aliases_path(self, capability: str) -> Path:
        return self._home(capability) / "aliases.json"

    def _write_aliases(self, capability: str, aliases: Mapping[str, str]) -> None:
        path = self._aliases_path(capability)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".aliases.{os.getpid()}.part")
        with part.open("w", encoding="utf-8") as text:
            json.dump(dict(aliases), text, indent=1)
            text.flush()
            os.fsync(text.fileno())
        part.replace(path)
