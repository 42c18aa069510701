"""The shapes that all five capabilities share: Reason, Choice, Decision, Model, Job, Capability.

A capability is an index card that names its parts; operate/runtime.py walks the parts in one
fixed order. Nothing here reads data or knows a shop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np

from shopkeeper.data.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why: a stable code, facts to fill its sentence, and a share of the score where additive."""

    code: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a policy picked for one subject, with at least one reason."""

    subject: str
    value: dict[str, Any]
    reasons: tuple[Reason, ...]
    propensity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A Choice on the record. ``as_of_us``: microseconds UTC; ``latency_ms`` wall time."""

    decision_id: str
    capability: str
    subject: str
    as_of_us: int
    model: str  # "name@version", or the baseline's name on fallback
    fallback: bool
    fallback_reason: str | None
    arm: str | None
    propensity: float | None
    value: dict[str, Any]
    reasons: tuple[Reason, ...]
    request: dict[str, Any]
    latency_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A fitted model at rest: plain arrays and plain facts, never pickle."""

    kind: str  # which class reads it back
    arrays: Mapping[str, np.ndarray]
    facts: Mapping[str, Any]


class Model(Protocol):
    """``fit`` returns self and forgets earlier fits; learned attributes end in ``_``."""

    name: str

    def fit(self, data: Any) -> Self: ...

    def predict(self, features: Any) -> Any: ...

    def to_artefact(self) -> Artefact: ...

    @classmethod
    def from_artefact(cls, artefact: Artefact) -> Self: ...


class LiveState(Protocol):
    """Incremental features in memory. Applying events one by one equals building from all."""

    def apply(self, event: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that the server does on its own; ``jobs`` of a card, run by operate/jobs.

    name          short; in full ``capability.name``
    says          one sentence for the list of jobs
    when          ``nightly HH:MM``, ``weekly mon HH:MM`` (the shop's time zone) or
                  ``every N minutes``
    run           ``module:function``, named and not imported, because the job runs in a process
                  of its own: (Task) -> facts about what came of it. Running it again for the
                  same moment must double nothing: a process that dies is started again.
    most_minutes  after which it is stopped
    """

    name: str
    says: str
    when: str
    run: str
    most_minutes: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What a job's function gets: the open shop, whose job it is, and whom to tell how far it is.

    ``tell(share, saying)``: a share from 0 to 1 or None, and a few words.
    """

    shop: Any
    capability: str
    tell: Callable[[float | None, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """The index card: every part is a plain function or class of the capability's own files.

    parse      raw request dict -> Request (BadInput names the field)
    rebuild    Warehouse -> LiveState, from the log, at start
    features   (LiveState, Request, as_of_us) -> Features
    fallback   (Features) -> Prediction of the baseline; needs no model
    choose     (Request, Features, Prediction) -> Choice
    train      (Warehouse, Settings) -> Trained: model, metrics against baselines, data facts
    variants   name -> another ``train``, asked for by ``train --model``
    explain    (LiveState, Decision as dict) -> dict: why, and why not
    models     artefact kind -> class
    gating     metric -> +1 where higher is better, -1 where lower is; these decide a promotion
    kinds      the event kinds that move the live state; None: every kind but decisions
    default    (Request, Settings) -> Choice when nothing else can answer; None: the error is told
    attach     (LiveState, Shop) -> None: what the state needs beside the tables, once at start
    commit     (LiveState, Request, Choice, decision id) -> events to record with the decision:
               makes a choice hold in the world (stock set aside); None: what it wanted was
               taken meanwhile, choose again. Runs under the state's lock.
    durable    the answer waits until decision and events are on disk, all or none of them;
               one that cannot be stored is an error, and the state is built again
    asks       (Choice) -> capability -> raw request of the decisions that it needs first
    supply     (Request, capability -> decision value or None) -> Request, asked again with them
    beside     (Request, Features, Choice, version, Prediction, role) -> Choice: the choice with
               what a challenger or shadow would have said on its record; None: none is recorded
    recorded   raw request dict -> what of it goes on the record; None: all of it
    ready      (LiveState, as_of_us) -> None: read what an answer needs before the state's lock is
               taken, so that neither other answers nor the log wait for it
    jobs       work that the server does on its own, at its times
    """

    name: str
    parse: Callable[[Mapping[str, Any]], Any]
    rebuild: Callable[[Any], Any]
    features: Callable[[Any, Any, int], Any]
    fallback: Callable[[Any], Any]
    choose: Callable[[Any, Any, Any], Choice]
    train: Callable[[Any, Any], Trained]
    explain: Callable[[Any, Mapping[str, Any]], dict[str, Any]]
    models: Mapping[str, type]
    gating: Mapping[str, int]
    kinds: frozenset[str] | None = None
    default: Callable[[Any, Any], Choice] | None = None
    attach: Callable[[Any, Any], None] | None = None
    commit: Callable[[Any, Any, Choice, str], Sequence[Event] | None] | None = None
    recorded: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None
    beside: Callable[[Any, Any, Choice, str, Any, str], Choice] | None = None
    durable: bool = False
    asks: Callable[[Choice], Mapping[str, Mapping[str, Any]]] | None = None
    supply: Callable[[Any, Mapping[str, Any]], Any] | None = None
    ready: Callable[[Any, int], None] | None = None
    jobs: Sequence[Job] = ()
    variants: Mapping[str, Callable[[Any, Any], Trained]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training hands to the registry.

    report    the object that ``evaluate`` prints (COMMANDS format: models, champion, baseline)
    curves    name -> list of (step, value), for the learning curves in the console
    self_test a request (raw dict) whose prediction must come out finite before a swap
    """

    model: Model
    report: Mapping[str, Any]
    data: Mapping[str, Any]
    curves: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    self_test: Mapping[str, Any] = field(default_factory=dict)
