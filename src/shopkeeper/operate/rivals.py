"""Models that run along with the champion: a challenger and a shadow.

Both score what the champion scores, on the very same features, and what they would have chosen
goes on the decision's record (the card's ``beside``). A shadow never acts. A challenger acts on
its share of the traffic, 0 unless somebody sets it: which part is drawn from the customer and the
version, so that one customer stays on one side. One that fails stops running along, says so, and
leaves the decision alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shopkeeper.base import log
from shopkeeper.learn.contracts import Capability, Choice
from shopkeeper.operate.faults import FAULTS, require_finite, told
from shopkeeper.operate.registry import Registry

ROLES = ("challenger", "shadow")


@dataclass(slots=True, kw_only=True)
class Rival:
    """One version beside the champion; ``model`` None when there is none or it failed."""

    version: str | None = None
    model: Any = None
    fault: str | None = None


class Rivals:
    """The rivals of one capability; whoever calls holds the capability's lock."""

    def __init__(self, card: Capability, registry: Registry) -> None:
        self.card = card
        self.registry = registry
        self.held = {role: Rival() for role in ROLES}
        self.share = 0.0

    def load(
        self, aliases: Mapping[str, str], test: Callable[[Any, Mapping[str, Any]], None]
    ) -> dict[str, Rival]:
        """Return what the aliases name, read and tested; one that cannot be loaded says why."""
        found = {}
        for role, held in self.held.items():
            version = aliases.get(role)
            if version == held.version:
                found[role] = held
            elif version is None:
                found[role] = Rival()
            else:
                found[role] = self._loaded(role, version, test)
        return found

    def acting(self, request: Any) -> Rival | None:
        """Return the challenger if this request is of its share."""
        rival = self.held["challenger"]
        if self.share <= 0 or rival.model is None:
            return None
        unit = getattr(request, "customer_id", None) or getattr(request, "subject", "")
        return rival if drawn(f"{rival.version}|{unit}") < self.share else None

    def beside(self, request: Any, features: Any, choice: Choice, acted: Rival | None) -> Choice:
        """Return the choice with the view of those that did not act on its record."""
        if self.card.beside is None:
            return choice
        for role, rival in self.held.items():
            if rival.model is None or rival is acted:
                continue
            try:
                prediction = rival.model.predict(features)
                require_finite(prediction)
                version = str(rival.version)
                choice = self.card.beside(request, features, choice, version, prediction, role)
            except FAULTS as problem:
                self.failed(rival, problem)
        return choice

    def failed(self, rival: Rival, problem: BaseException) -> None:
        """End the run of a rival that failed."""
        rival.model, rival.fault = None, f"{rival.version}: {told(problem)}"
        log.warning("rival.failed", capability=self.card.name, reason=rival.fault)

    def _loaded(
        self, role: str, version: str, test: Callable[[Any, Mapping[str, Any]], None]
    ) -> Rival:
        name = self.card.name
        try:
            model = self.registry.load(name, version, self.card.models)
            test(model, self.registry.version(name, version).self_test)
        except FAULTS as problem:
            fault = f"{version}: {told(problem)}"
            log.error("rival.not_loaded", capability=name, role=role, reason=fault)
            return Rival(version=version, fault=fault)
        log.info("rival.live", capability=name, role=role, version=version)
        return Rival(version=version, model=model)


def drawn(text: str) -> float:
    """Return a number from 0 to 1 that is always the same for a text, evenly spread over texts.

    >>> 0 <= drawn("trees@1|c7") < 1
    True
    """
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
