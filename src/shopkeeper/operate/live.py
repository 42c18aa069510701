"""One running capability: its live state, its model, and what went wrong with either.

Faults stay inside: a state that cannot be built makes this capability answer with its error, a
model that cannot be read or fails makes it answer with the baseline. Others do not notice.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from typing import Any

from shopkeeper.base import clock, log
from shopkeeper.base.errors import ArtefactBroken, Conflict, StoreUnavailable
from shopkeeper.data.events import Event
from shopkeeper.learn.contracts import Capability, Choice
from shopkeeper.operate.faults import FAULTS, require_finite, told
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.rivals import Rival, Rivals

COMMIT_TRIES = 5
WARMING = "warming up: its live state is being rebuilt from the log"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A choice and how it came about. ``arm``: who acted, while a challenger has a share."""

    choice: Choice
    as_of_us: int
    model: str
    fallback_reason: str | None
    arm: str | None = None


class Live:
    """A capability in memory. Every read and write of the state holds ``lock``."""

    def __init__(self, card: Capability, registry: Registry) -> None:
        self.card = card
        self.registry = registry
        self.lock = threading.RLock()
        self.state: Any = None
        self.state_fault: str | None = WARMING
        # Events that arrive while a state is built from the tables; None: none is being built.
        self._meanwhile: list[dict[str, Any]] | None = []
        self.model: Any = None
        self.version: str | None = None
        self.model_fault: str | None = None
        self.rivals = Rivals(card, registry)
        self.stamp: tuple[int, int] = (-1, -1)
        self.skipped_events = 0

    def rebuild(self, shop: Any) -> None:
        """Build the state from the shop's tables; a failure is kept and told, not raised.

        The state before it answers meanwhile. Events that arrive while it is built are applied
        to it before it answers; those that its tables held, it recognises and skips.
        """
        with self.lock:
            self._meanwhile = self._meanwhile or []
        try:
            state = self.card.rebuild(shop.warehouse)
            if self.card.attach is not None:
                self.card.attach(state, shop)
        except FAULTS as problem:
            with self.lock:
                self.state_fault, self._meanwhile = told(problem), None
            log.error("state.rebuild_failed", capability=self.card.name, reason=self.state_fault)
            return
        with self.lock:
            facts, self._meanwhile = self._meanwhile or [], None
            self.state, self.state_fault = state, None
            self._take(facts)

    def apply(self, facts: list[dict[str, Any]]) -> None:
        """Take events in order; one that the state cannot take is counted, logged and left out."""
        with self.lock:
            if self._meanwhile is not None:
                self._meanwhile.extend(facts)
            if self.state is not None:
                self._take(facts)

    def _take(self, facts: list[dict[str, Any]]) -> None:
        for fact in facts:
            try:
                self.state.apply(fact)
            except FAULTS as problem:
                self.skipped_events += 1
                log.error(
                    "state.event_skipped",
                    capability=self.card.name,
                    event_id=fact.get("event_id"),
                    reason=told(problem),
                )

    def reload(self) -> str | None:
        """Load the champion, else the one before it; swap after its self-test.

        Returns the version that is live now, None for the baseline. A model that runs stays
        when nothing better can be loaded.
        """
        name = self.card.name
        self.stamp = self.registry.stamp(name)
        fault = None
        try:
            aliases = self.registry.aliases(name)
        except ArtefactBroken as problem:
            aliases, fault = {}, problem.message
        rivals, share = self.rivals.load(aliases, self.self_test), self.registry.share(name)
        with self.lock:
            self.rivals.held, self.rivals.share = rivals, share
        for alias in ("champion", "previous"):
            version = aliases.get(alias)
            if version is None:
                continue
            if version == self.version and self.model is not None:
                self.model_fault = fault
                return self.version
            try:
                model = self.registry.load(name, version, self.card.models)
                self.self_test(model, self.registry.version(name, version).self_test)
            except FAULTS as problem:
                fault = f"{version}: {told(problem)}"
                log.error("model.not_loaded", capability=name, version=version, reason=fault)
                continue
            # One assignment under the lock: a decision sees the old pair or the new one.
            with self.lock:
                self.model, self.version, self.model_fault = model, version, fault
            log.info("model.live", capability=name, version=version, alias=alias)
            return version
        if not aliases and fault is None:
            with self.lock:
                self.model = self.version = None
        self.model_fault = fault
        return self.version

    def self_test(self, model: Any, request: Mapping[str, Any]) -> None:
        """Predict once on the live state; raise unless the numbers are finite."""
        if self.state is None:
            return
        self.make_ready()
        with self.lock:
            parsed = self.card.parse(request)
            features = self.card.features(self.state, parsed, clock.now_us())
            require_finite(model.predict(features))

    def make_ready(self) -> None:
        """Let the state read what the next answer needs, while nobody waits for its lock."""
        if self.card.ready is not None:
            self.card.ready(self.state, clock.now_us())

    def answer(self, request: Any) -> Answer:
        """Return a choice for a parsed request as of now: by the model, else by the baseline."""
        if self.state is None:
            raise StoreUnavailable(
                f"{self.card.name} cannot answer: {self.state_fault}.",
                hint="`shopkeeper status` and the log say more; the others keep answering.",
            )
        self.make_ready()
        with self.lock:
            as_of_us = clock.now_us()
            features = self.card.features(self.state, request, as_of_us)
            why = self.model_fault or "no_model"
            if self.model is not None:
                acting = self.rivals.acting(request)
                if acting is not None:
                    try:
                        return self._by(acting.model, request, features, as_of_us, acting)
                    except FAULTS as problem:
                        self.rivals.failed(acting, problem)
                try:
                    return self._by(self.model, request, features, as_of_us)
                except FAULTS as problem:
                    why = f"{self.version}: {told(problem)}"
                    log.warning("model.failed", capability=self.card.name, reason=why)
            choice = self.card.choose(request, features, self.card.fallback(features))
            return Answer(
                choice=choice,
                as_of_us=as_of_us,
                model=f"{self.card.name}-baseline",
                fallback_reason=why,
            )

    def _by(
        self,
        model: Any,
        request: Any,
        features: Any,
        as_of_us: int,
        acting: Rival | None = None,
    ) -> Answer:
        """Return what a model chooses: the champion, or a challenger that acts."""
        prediction = model.predict(features)
        require_finite(prediction)
        choice = self.card.choose(request, features, prediction)
        choice = self.rivals.beside(request, features, choice, acting)
        arm = None if self.rivals.share <= 0 else "champion" if acting is None else "challenger"
        version = self.version if acting is None else acting.version
        return Answer(
            choice=choice, as_of_us=as_of_us, model=str(version), fallback_reason=None, arm=arm
        )

    def settle(self, request: Any, decision_id: str) -> tuple[Answer, tuple[Event, ...]]:
        """Answer, and make the choice hold before anybody else chooses.

        Returns the events that go on the record with it. Where another process took what the
        choice wanted, it chooses again; Conflict after COMMIT_TRIES.
        """
        commit = self.card.commit
        if commit is None:
            return self.answer(request), ()
        with self.lock:
            for _ in range(COMMIT_TRIES):
                answer = self.answer(request)
                events = commit(self.state, request, answer.choice, decision_id)
                if events is not None:
                    return answer, tuple(events)
        raise Conflict(
            f"{self.card.name} could not hold its choice: others took it {COMMIT_TRIES} times.",
            hint="Ask again.",
        )

    def health(self) -> dict[str, Any]:
        """Return what runs and what is wrong, for health pages."""
        return {
            "ok": self.state is not None and self.model_fault is None,
            "state": self.state_fault or "ready",
            "model": self.version,
            "fallback": self.model is None,
            "fault": self.model_fault,
            "challenger": self.rivals.held["challenger"].version,
            "challenger_fault": self.rivals.held["challenger"].fault,
            "challenger_share": self.rivals.share,
            "shadow": self.rivals.held["shadow"].version,
            "shadow_fault": self.rivals.held["shadow"].fault,
            "skipped_events": self.skipped_events,
        }
