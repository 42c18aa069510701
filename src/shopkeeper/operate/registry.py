"""Which model versions exist and which one is live: a folder per version, names by alias.

    models/recommend/blend@0123456789abcdef/   model.json, arrays.npz (learn/artefacts.py)
    models/recommend/aliases.json              champion, challenger, shadow, previous

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

ALIASES = ("champion", "challenger", "shadow", "previous")
SHARE = "challenger_share"  # beside the aliases: of the traffic that the challenger acts on


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
        held = self._read_aliases(capability)
        return {alias: str(held[alias]) for alias in ALIASES if held.get(alias)}

    def share(self, capability: str) -> float:
        """Return the share of the traffic that the challenger acts on, 0 to 1."""
        try:
            share = self._read_aliases(capability).get(SHARE, 0.0)
        except ArtefactBroken:
            return 0.0
        return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else 0.0

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
        fresh |= {role: held[role] for role in ("challenger", "shadow") if role in held}
        self._write_aliases(capability, fresh, self.share(capability))
        log.info("model.promoted", capability=capability, version=name)
        return self.aliases(capability)

    def challenge(self, capability: str, name: str, share: float = 0.0) -> dict[str, str]:
        """Keep a version as challenger; it acts on ``share`` of the traffic, on none by default."""
        if isinstance(share, bool) or not 0 <= share <= 1:
            raise BadInput(
                f"share must be from 0 to 1, but is {share!r}.",
                hint="0.05 lets the challenger decide for one customer in twenty.",
                field="share",
                value=share,
                allowed="0 to 1",
            )
        return self._beside(capability, "challenger", name, share)

    def shadow(self, capability: str, name: str) -> dict[str, str]:
        """Keep a version as shadow: scored and recorded on live traffic, it never acts."""
        return self._beside(capability, "shadow", name, self.share(capability))

    def retire(self, capability: str, role: str) -> dict[str, str]:
        """Let the challenger or the shadow run along no more; its version stays on file."""
        held = self.aliases(capability)
        if role not in ("challenger", "shadow") or role not in held:
            raise NotFound(
                f"{capability} has no {role[:40]} to retire.",
                hint=f"`shopkeeper models list {capability}` shows who has which role.",
                field="role",
                value=role[:40],
                allowed="challenger, shadow",
            )
        share = 0.0 if role == "challenger" else self.share(capability)
        kept = {alias: name for alias, name in held.items() if alias != role}
        self._write_aliases(capability, kept, share)
        log.info("model.retired", capability=capability, version=held[role], role=role)
        return self.aliases(capability)

    def give(
        self, capability: str, role: str, name: Any, share: Any, classes: Mapping[str, type]
    ) -> dict[str, str]:
        """Give a version a role by the role's name, after reading it back whole; None retires."""
        if role not in ("champion", "challenger", "shadow"):
            raise BadInput(
                f"role must be champion, challenger or shadow, but is '{role[:40]}'.",
                field="role",
                value=role[:40],
                allowed="champion, challenger, shadow",
            )
        if name is None and role != "champion":
            return self.retire(capability, role)
        if not isinstance(name, str):
            raise BadInput(
                "version must be the name of a model version.", field="version", value=name
            )
        self.load(capability, name, classes)
        if role == "champion":
            return self.promote(capability, name)
        if role == "shadow":
            return self.shadow(capability, name)
        if not isinstance(share, int | float):
            raise BadInput("share must be a number.", field="share", value=share, allowed="0 to 1")
        return self.challenge(capability, name, share)

    def _beside(self, capability: str, role: str, name: str, share: float) -> dict[str, str]:
        self._existing(capability, name)
        held = self.aliases(capability)
        if held.get("champion") == name:
            raise Conflict(
                f"{name} is the champion of {capability}; it cannot be its own {role}.",
                hint="Name another version, or promote another one first.",
                field="version",
                value=name,
            )
        self._write_aliases(capability, {**held, role: name}, share)
        log.info("model.beside", capability=capability, version=name, role=role, share=share)
        return self.aliases(capability)

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
        self._write_aliases(capability, fresh, self.share(capability))
        log.info("model.rolled_back", capability=capability, version=fresh["champion"])
        return self.aliases(capability)

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

    def _read_aliases(self, capability: str) -> dict[str, Any]:
        path = self._aliases_path(capability)
        try:
            held = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (json.JSONDecodeError, UnicodeDecodeError) as problem:
            raise ArtefactBroken(
                f"{path} does not parse: {problem}.",
                hint=f"Run `shopkeeper models promote {capability} VERSION`: it writes it anew.",
            ) from problem
        if not isinstance(held, dict):
            raise ArtefactBroken(f"{path} is not a JSON object.")
        return held

    def _write_aliases(self, capability: str, aliases: Mapping[str, str], share: float) -> None:
        """Write the aliases whole; who became champion is no longer its own rival."""
        rivals = ("challenger", "shadow")
        kept: dict[str, Any] = {
            alias: name
            for alias, name in aliases.items()
            if alias not in rivals or name != aliases.get("champion")
        }
        if share > 0 and "challenger" in kept:
            kept[SHARE] = share
        path = self._aliases_path(capability)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".aliases.{os.getpid()}.part")
        with part.open("w", encoding="utf-8") as text:
            json.dump(kept, text, indent=1)
            text.flush()
            os.fsync(text.fileno())
        part.replace(path)
