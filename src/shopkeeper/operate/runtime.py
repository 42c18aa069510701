"""The running shop: the only path of a decision, for HTTP, the command line and the console.

validate -> features as of now -> predict or fall back -> choose with reasons -> record -> one
log line. The live states follow the log event by event; models are swapped while it runs.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from typing import Any

import msgspec

from shopkeeper.base import clock, ids, log
from shopkeeper.base.errors import NotFound, ShopError
from shopkeeper.data.events import Event, Line
from shopkeeper.data.person_keys import hashed_request
from shopkeeper.learn.contracts import Capability, Decision, Reason
from shopkeeper.operate import capabilities as cards
from shopkeeper.operate import rewording, stock_told
from shopkeeper.operate.faults import FAULTS
from shopkeeper.operate.history import find_decision, find_outcomes
from shopkeeper.operate.live import Answer, Live
from shopkeeper.operate.registry import Registry

REMEMBERED = 2000  # latest decisions that can be explained before the log has them
WATCH_SECONDS = 1.0
MOST_ASKS = 4  # other capabilities that one decision may ask, one after the other


class Runtime:
    """Live states and models of some capabilities over one shop; ``start`` before ``decide``."""

    def __init__(
        self,
        shop: Any,
        registry: Registry | None = None,
        capabilities: Sequence[Capability] | None = None,
    ) -> None:
        self.shop = shop
        self.registry = registry or Registry(shop.settings.models_path)
        every = (*cards.MODULES, *cards.BESIDE)
        chosen = cards.all_of(every) if capabilities is None else capabilities
        self.live = {card.name: Live(card, self.registry) for card in chosen}
        self.ready: set[str] = set()  # names of those whose start is behind them
        self.counts = {"decisions": 0, "fallbacks": 0, "unrecorded": 0}
        self._listening: dict[str, tuple[str, ...]] = {}  # kind -> names of states it moves
        self._recent: OrderedDict[str, Decision] = OrderedDict()
        self._recent_lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def start(self, *, follow: bool = True) -> Runtime:
        """Rebuild the states, load the champions and, unless told otherwise, follow the log.

        Each capability answers as soon as it stands; the others go on warming.
        """
        started = time.perf_counter()
        # Everything up to here is in the tables; what the tables hold beyond it, the states
        # recognise by its seq and skip.
        seq = self.shop.store.last_seq()
        self.shop.warehouse.refresh()
        if follow:
            self.shop.writer.subscribe(self._on_events, after_seq=seq)
        # Millions of objects are made here to stay; looking for garbage among them as they
        # come costs a fifth of the start.
        gc.disable()
        try:
            for live in self.live.values():
                live.rebuild(self.shop)
                live.reload()
                self.ready.add(live.card.name)
        finally:
            gc.enable()
        if follow:
            self._watcher = threading.Thread(target=self._watch, name="model-watch", daemon=True)
            self._watcher.start()
            # What stands now stays: without this, each full collection walks millions of
            # objects while a request waits (measured: 160 ms).
            gc.collect()
            gc.freeze()
        seconds = time.perf_counter() - started
        log.info("runtime.started", seq=seq, seconds=round(seconds, 2))
        return self

    def decide(self, capability: str, raw: Mapping[str, Any]) -> Decision:
        """Return one decision and put it on the record; it is answered even if that must wait.

        Raises
        ------
        BadInput
            If the request is wrong; names the field.
        NotFound
            If there is no such capability.
        StoreUnavailable
            If the capability's live state could not be built.
        """
        started = time.perf_counter()
        live = self._live(capability)
        if "person" in raw:
            # Before anything reads, records or logs the request.
            raw = hashed_request(raw, self.shop.keyring)
        decision_id = ids.new_id("dec")
        request = live.card.parse(raw)
        answer, events = self._answer(live, request, decision_id)
        if live.card.asks is not None and live.card.supply is not None:
            for _ in range(MOST_ASKS):
                needs = live.card.asks(answer.choice)
                if not needs:
                    break
                given = {name: self._asked(name, ask) for name, ask in needs.items()}
                request = live.card.supply(request, given)
                answer, events = self._answer(live, request, decision_id)
        choice = answer.choice
        decision = Decision(
            decision_id=decision_id,
            capability=capability,
            subject=choice.subject,
            as_of_us=answer.as_of_us,
            model=answer.model,
            fallback=answer.fallback_reason is not None,
            fallback_reason=answer.fallback_reason,
            arm=answer.arm,
            propensity=choice.propensity,
            value=choice.value,
            reasons=choice.reasons,
            request=live.card.recorded(raw) if live.card.recorded else dict(raw),
            latency_ms=round((time.perf_counter() - started) * 1000, 3),
        )
        self.counts["decisions"] += 1
        self.counts["fallbacks"] += decision.fallback
        self._remember(decision)
        if live.card.durable:
            self.store(live, to_event(decision), *events)
        log.info(
            "decision.made",
            capability=capability,
            subject=decision.subject,
            model=decision.model,
            fallback=decision.fallback,
            reason=decision.reasons[0].code,
            decision_id=decision.decision_id,
            total_ms=round((time.perf_counter() - started) * 1000, 3),
        )
        if not live.card.durable:
            # Last: from here on the log's thread runs, and would hold up what still follows.
            self._record(decision, raw, *events)
        return decision

    def explain(self, decision_id: str, *, item: str | None = None) -> dict[str, Any]:
        """Return why a decision came out so; ``item`` asks why that one is not in it.

        The answer for an item comes from the recorded trace, else from the same request put
        again to the model and state of now, and says which.
        """
        with self._recent_lock:
            recent = self._recent.get(decision_id)
        decision = as_dict(recent) if recent else find_decision(self.shop.warehouse, decision_id)
        if decision is None:
            raise NotFound(
                f"There is no decision '{decision_id}'.",
                hint="Decisions reach the log within a second; check the id.",
                field="decision_id",
                value=decision_id,
            )
        live = self._live(decision["capability"])
        asked = dict(decision)
        if item is not None:
            asked |= {"asked_item": item, "replayed": self._replay(live, decision)}
            asked["model_now"] = live.model
        with live.lock:
            told = live.card.explain(live.state, asked)
        return {
            "decision_id": decision_id,
            "capability": decision["capability"],
            "subject": decision["subject"],
            "as_of": clock.iso(decision["as_of_us"]),
            "model": decision["model"],
            "fallback": decision["fallback"],
            "fallback_reason": decision["fallback_reason"],
            "request": decision["request"],
            **told,
            "outcomes": find_outcomes(self.shop.warehouse, decision_id),
        }

    def reload(self, capability: str) -> str | None:
        """Load what the registry calls champion now; returns the live version, None: baseline."""
        return self._live(capability).reload()

    def healthy(self) -> dict[str, Any]:
        """Return ``ok`` and, per capability, what runs and what is wrong with it."""
        parts = {name: live.health() for name, live in self.live.items()}
        return {
            "ok": all(part["ok"] for part in parts.values()),
            "capabilities": parts,
            **self.counts,
        }

    def close(self) -> None:
        """Stop watching for models; the shop is closed by whoever opened it."""
        self._stop.set()
        if self._watcher is not None:
            self._watcher.join(timeout=2 * WATCH_SECONDS)
            gc.unfreeze()

    def _answer(
        self, live: Live, request: Any, decision_id: str
    ) -> tuple[Answer, tuple[Event, ...]]:
        """Ask the capability; one that has a default answers with it rather than not at all."""
        default = live.card.default
        if default is None:
            return live.settle(request, decision_id)
        try:
            return live.settle(request, decision_id)
        except FAULTS as problem:
            log.error("decision.defaulted", capability=live.card.name, reason=str(problem)[:200])
            answer = Answer(
                choice=default(request, self.shop.settings),
                as_of_us=clock.now_us(),
                model=f"{live.card.name}-default",
                fallback_reason=str(problem)[:200] or type(problem).__name__,
            )
            return answer, ()

    def _asked(self, capability: str, raw: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return another capability's decision value, None where it cannot answer."""
        try:
            if capability == rewording.NAME:
                return rewording.answer(self.shop.settings, raw)
            if capability == stock_told.NAME:
                return stock_told.answer(self, raw)
            decision = self.decide(capability, raw)
        except ShopError as problem:
            log.info("decision.not_given", capability=capability, reason=problem.message[:200])
            return None
        return {**decision.value, "decision_id": decision.decision_id}

    def store(self, live: Live, *events: Event) -> None:
        """Put events that the state took already on disk together, or tell it was not done."""
        try:
            self.shop.record_all(events).result()
        except ShopError:
            # The state took the events already; what is not on disk did not happen.
            live.rebuild(self.shop)
            raise

    def _live(self, capability: str) -> Live:
        if capability not in self.live:
            cards.get(capability)
            raise NotFound(f"Capability '{capability}' does not run here.", value=capability)
        return self.live[capability]

    def _replay(self, live: Live, decision: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        """Return (request, features, prediction) of the recorded request as of now."""
        with live.lock:
            request = live.card.parse(decision["request"])
            features = live.card.features(live.state, request, clock.now_us())
            use_model = live.model is not None and not decision["fallback"]
            predict = live.model.predict if use_model else live.card.fallback
            return request, features, predict(features)

    def _remember(self, decision: Decision) -> None:
        with self._recent_lock:
            self._recent[decision.decision_id] = decision
            while len(self._recent) > REMEMBERED:
                self._recent.popitem(last=False)

    def _record(self, decision: Decision, raw: Mapping[str, Any], *events: Event) -> None:
        """Queue the decision and its events; a full queue costs the record, never the answer."""
        record, own = self.shop.record, self.shop.record_decision
        try:
            said = msgspec.json.encode(dict(raw))
            own(to_event(decision), said, decision.as_of_us).add_done_callback(self._recorded)
            for event in events:
                record(event).add_done_callback(self._recorded)
        except (ShopError, msgspec.ValidationError) as problem:
            self._lost(decision.decision_id, str(problem))

    def _recorded(self, done: Future[list[str]]) -> None:
        try:
            problem = done.exception()
        except CancelledError:
            problem = None
        if problem is not None:
            self._lost("", str(problem))

    def _lost(self, decision_id: str, reason: str) -> None:
        self.counts["unrecorded"] += 1
        log.warning("decision.unrecorded", decision_id=decision_id, reason=reason[:200])

    def _on_events(self, rows: Sequence[tuple[int, Any]]) -> None:
        """Hand each event, decoded once, to the states that its kind moves."""
        taken: dict[str, list[dict[str, Any]]] = {name: [] for name in self.live}
        for seq, row in rows:
            # Our own decisions are the most frequent and longest events, and no feature.
            wanted = () if row.kind == "decision" else self._listeners(row.kind)
            if not wanted:
                continue
            fact = msgspec.json.decode(row.body)
            fact["seq"], fact["occurred_us"] = seq, row.occurred_us
            if row.person_keys:
                fact["person_keys"] = msgspec.json.decode(row.person_keys)
            for name in wanted:
                taken[name].append(fact)
        for name, facts in taken.items():
            if facts:  # taking a lock for nothing would hold up the log behind a decision
                self.live[name].apply(facts)

    def _listeners(self, kind: str) -> tuple[str, ...]:
        found = self._listening.get(kind)
        if found is None:
            cards = [live.card for live in self.live.values()]
            found = tuple(c.name for c in cards if c.kinds is None or kind in c.kinds)
            self._listening[kind] = found
        return found

    def _watch(self) -> None:
        """Notice promotions and rollbacks by other processes."""
        while not self._stop.wait(WATCH_SECONDS):
            for name, live in self.live.items():
                if self.registry.stamp(name) != live.stamp:
                    live.reload()


def to_event(decision: Decision) -> Event:
    """Return the decision as the event that records it; a ranked list goes into ``lines``."""
    request, value = decision.request, decision.value
    listed = value.get("items")
    lines: Any = msgspec.UNSET
    if isinstance(listed, list):
        lines = [Line(item_id=one["item_id"], position=at) for at, one in enumerate(listed)]
    encode = msgspec.json.encode
    return Event(
        event_id=decision.decision_id,
        kind="decision",
        occurred_at=clock.from_us(decision.as_of_us),
        decision_id=decision.decision_id,
        customer_id=request.get("customer_id"),
        session_id=request.get("session_id"),
        placement=request.get("placement"),
        lines=lines,
        properties={
            "capability": decision.capability,
            "subject": decision.subject,
            "model": decision.model,
            "fallback": decision.fallback,
            "fallback_reason": decision.fallback_reason,
            "arm": decision.arm,
            "propensity": decision.propensity,
            "latency_ms": decision.latency_ms,
            "value": encode(value).decode(),
            "reasons": encode([_plain(reason) for reason in decision.reasons]).decode(),
            "request": encode(request).decode(),
        },
    )


def as_dict(decision: Decision) -> dict[str, Any]:
    """Return a decision as plain JSON values, the form that is printed and explained."""
    plain = {name: getattr(decision, name) for name in Decision.__dataclass_fields__}
    return {**plain, "reasons": [_plain(reason) for reason in decision.reasons]}


def _plain(reason: Reason) -> dict[str, Any]:
    # dataclasses.asdict copies everything below, value by value.
    return {"code": reason.code, "facts": dict(reason.facts), "share": reason.share}
