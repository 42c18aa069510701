"""A shop with a fraud capability whose scores are known: p = amount / 1,000,000 minor units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from shopkeeper.base import clock, ids
from shopkeeper.data.events import Event
from shopkeeper.fraud import controls, policy
from shopkeeper.fraud.registry import NAMES, ROW
from shopkeeper.fraud.request import parse
from shopkeeper.fraud.rules_row import NAMES as RULE_NAMES
from shopkeeper.fraud.schema import Features, Prediction, Request
from shopkeeper.learn.contracts import Capability


@dataclass
class State:
    """Controls that follow the log, and nothing else."""

    controls: controls.Controls
    broken: bool = False

    def apply(self, fact: Mapping[str, Any]) -> None:
        if fact["kind"] == "rule":
            self.controls.apply(fact)


def rebuild(warehouse: Any) -> State:
    return State(controls.load(warehouse, np.random.default_rng(5), RULE_NAMES))


def features_at(state: State, request: Request, as_of_us: int) -> Features:
    if state.broken:
        raise RuntimeError("the windows are gone")
    values = np.zeros(len(NAMES))
    values[ROW["amount_minor"]] = request.amount_minor
    values[ROW["attempts_failed"]] = request.declines or 0
    return Features(as_of_us=as_of_us, names=NAMES, values=values, row=ROW, controls=state.controls)


def predict(features: Features) -> Prediction:
    return Prediction(
        probability=np.array([min(1.0, features["amount_minor"] / 1e6)]),
        raw=np.array([0.0]),
        rarity=np.array([0.5]),
        groups={"amount": 1.0},
        calibrated=True,
    )


def unused(*_: Any) -> Any:
    raise NotImplementedError


CARD = Capability(
    name="fraud",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=predict,
    choose=policy.choose,
    train=unused,
    explain=lambda state, decision: {"reasons": decision["reasons"]},
    models={},
    gating={},
    default=policy.default,
)


def event(kind: str, at_us: int | None = None, **more: Any) -> Event:
    at = clock.from_us(clock.now_us() if at_us is None else at_us)
    given = {"event_id": ids.new_id("t"), "kind": kind, "occurred_at": at, **more}
    return msgspec.convert(given, Event)


def payment(
    payment_id: str, amount_minor: int = 1000, at_us: int | None = None, **more: Any
) -> Event:
    given = {"payment_id": payment_id, "value_minor": amount_minor, "currency": "EUR", **more}
    return event("payment", at_us, **given)
