"""Train fraud on the shop's own log: features as they were, labels as they were known.

A payment without a label is taken as good only as far as its age allows: its weight is the share
of frauds that would have been reported by now, from the shop's own delays. The last days whose
labels are mature are held out once to measure; then the same is fitted on everything. Below
FEW frauds the served model is the label-free part alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base import clock
from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.data import fraud_history
from shopkeeper.fraud import evaluate, features, folds, rings
from shopkeeper.fraud.aggregates import declare
from shopkeeper.fraud.columns import columns_of
from shopkeeper.fraud.models.detector import FEW, Detector, learn_strangeness
from shopkeeper.fraud.models.encoder import Encoder
from shopkeeper.fraud.models.learn import fit_calibrated
from shopkeeper.fraud.past import Past
from shopkeeper.fraud.rows import NEVER_US, Rows, Stream
from shopkeeper.learn.contracts import Trained

MIN_PAYMENTS = 200
HISTORY_DAYS = 365
USUAL_DELAY_DAYS, SHORTEST_DAYS, LONGEST_DAYS = 30, 1, 90
TEST_SHARE, LONGEST_TEST_DAYS = 0.25, 28
MEASURED = ("strange", "trees")  # beside the baseline; what may be served, and no other peers


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Payments of the log as rows with features, labels and their delays."""

    table: evaluate.Table
    reported_us: np.ndarray  # (frauds,) from payment to label
    payment_ids: list[str]
    example: Mapping[str, Any]


def gather(warehouse: Any) -> History:
    """Return the shop's payments with the features that they had at their moment."""
    newest = fraud_history.newest_payment_us(warehouse)
    since = max(0, newest - HISTORY_DAYS * DAY_US)
    events = fraud_history.fraud_events(warehouse, since)
    truth = {row["payment_id"]: row for row in fraud_history.judged_payments(warehouse).to_pylist()}
    replay = _Replay()
    for batch in events.to_batches(max_chunksize=20_000):
        for fact in batch.to_pylist():
            replay.take(fact)
    return replay.history(truth)


def train(warehouse: Any, settings: Any) -> Trained:
    """Return the detector fitted on all payments, measured on the last mature days."""
    return train_as(warehouse, settings, fit=fit, measured=MEASURED)


def train_as(
    warehouse: Any,
    settings: Any,
    *,
    fit: Callable[[evaluate.Table, np.ndarray, int, int], Any],
    measured: Sequence[str],
    champion: str | None = None,
) -> Trained:
    """Return what ``fit`` makes of all payments; ``measured`` are the candidates beside it.

    ``champion`` names what is served where it is not the usual choice among them.
    """
    started = time.perf_counter()
    history = gather(warehouse)
    table = history.table
    if len(table.label) < MIN_PAYMENTS:
        raise BadInput(
            f"Training fraud needs {MIN_PAYMENTS} payments, but the log has {len(table.label)}.",
            hint="Send payment events; until then known signs and the rule pack decide.",
        )
    seed = settings.random_seed
    now_us = int(table.at_us[-1]) + 1
    delay_days = delay_of(history.reported_us)
    models, usual, protocol = _measured(table, delay_days, seed, measured)
    served = fit(table, history.reported_us, now_us, seed)
    return Trained(
        model=served,
        report={
            "capability": "fraud",
            "protocol": protocol,
            "models": models,
            "champion": champion if champion in models else usual,
            "baseline": evaluate.BASELINE if models else "",
        },
        data={
            "payments": len(table.label),
            "frauds": int(table.label.sum()),
            "label_delay_days": delay_days,
            "features": len(table.names),
            "until": clock.iso(now_us),
            "seconds": round(time.perf_counter() - started, 1),
        },
        self_test=dict(history.example),
    )


def fit(
    table: evaluate.Table,
    reported_us: np.ndarray,
    now_us: int,
    seed: int,
    encode: Callable[[np.ndarray, int], Encoder] | None = None,
) -> Detector:
    """Return the detector of all rows; trees only with at least FEW known frauds."""
    strange = learn_strangeness(table.columns, table.names, seed, encode)
    positives = int(table.label.sum())
    if positives < FEW:
        return Detector(names=table.names, strange=strange, positives=positives)
    weight, mature = believed(table, reported_us, now_us)
    text, curve = fit_calibrated(
        table.columns,
        table.label,
        table.names,
        table.at_us // DAY_US,
        seed,
        calibrate=mature,
        weight=weight,
    )
    return Detector(
        names=table.names, strange=strange, trees=text, calibration=curve, positives=positives
    )


def believed(
    table: evaluate.Table, reported_us: np.ndarray, now_us: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return (weight of each row's label, rows whose labels are mature), both (n,)."""
    age_us = now_us - table.at_us
    reported = folds.reported_share(age_us, reported_us)
    weight = np.where(table.label == 1, 1.0, reported)
    # The curve is learned where labels are mature, so that a missing report is no good payment.
    # A label makes a row kept; among the rest only mature rows stand for their days.
    return weight, (weight > folds.MATURE) & (age_us >= np.quantile(reported_us, 0.9))


def delay_of(reported_us: np.ndarray) -> int:
    """Return after how many days nine of ten frauds are known, from the shop's own delays."""
    if len(reported_us) < 20:
        return USUAL_DELAY_DAYS
    days = float(np.quantile(reported_us, 0.9)) / DAY_US
    return int(np.clip(np.ceil(days), SHORTEST_DAYS, LONGEST_DAYS))


def _measured(
    table: evaluate.Table, delay_days: int, seed: int, measured: Sequence[str]
) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return (models, champion, protocol) on the last mature days; no models without labels."""
    first, last = int(table.at_us[0]) // DAY_US, int(table.at_us[-1]) // DAY_US
    mature_until = last - delay_days + 1
    span = mature_until - first
    test_days = int(np.clip(span * TEST_SHARE, 1, LONGEST_TEST_DAYS))
    train_days = span - test_days - delay_days
    told = {"delay_days": delay_days, "test_days": test_days, "train_days": max(train_days, 0)}
    if train_days < 3:
        return {}, "detector", {**told, "skipped": "too few days with mature labels"}
    plan = folds.Plan(
        start_us=first * DAY_US,
        train_days=train_days,
        delay_days=delay_days,
        test_days=test_days,
    )
    try:
        folds.require(table.at_us, table.label, plan, "log")
    except BadInput as problem:
        return {}, "detector", {**told, "skipped": problem.message}
    setup = evaluate.Setup(
        start_us=plan.start_us,
        train_days=train_days,
        delay_days=delay_days,
        test_days=test_days,
        seed=seed,
        among=tuple(measured),
    )
    models, champion = evaluate.measure(table, [plan], setup)
    return models, champion, {**told, "test_from": clock.iso(plan.test_us), "split": "time"}


class _Replay:
    """Reads the log once: streams as lists, and ring features from a live state as it grows."""

    def __init__(self) -> None:
        self.state = features.LiveState()
        self.codes: dict[str, dict[str, int]] = {}
        self.payments: list[tuple[str, int, int, dict[str, int]]] = []
        self.declines: list[tuple[int, int, dict[str, int]]] = []
        self.refunds: list[tuple[int, int, dict[str, int]]] = []
        self.ring: list[list[float]] = []
        self.signup: list[float] = []
        self.example: dict[str, Any] = {}

    def take(self, fact: dict[str, Any]) -> None:
        """Take one event in the log's order."""
        at_us, kind = fact["occurred_us"], fact["kind"]
        amount = fact.get("value_minor") or 0
        if kind == "payment":
            values = features.entities_of(fact)
            if fact["payment_id"] not in self.state.windows.payments:
                found, _ = rings.around(self.state.windows, values, at_us, self.state.signups)
                self.ring.append(found)
                signup = self.state.signups.get(fact["customer_id"])
                self.signup.append(np.nan if signup is None else max(0, at_us - signup) / 1e6)
                self.payments.append((fact["payment_id"], at_us, amount, self._coded(values)))
                self.example = _asked(fact, amount)
            if fact["status"] in features.DECLINED:
                self.declines.append((at_us, amount, self._coded(values)))
        elif kind == "refund" and fact["customer_id"]:
            self.refunds.append((at_us, amount, self._coded({"customer": fact["customer_id"]})))
        self.state.apply({**fact, "seq": 0})

    def history(self, truth: Mapping[str, Mapping[str, Any]]) -> History:
        """Return what was read, with the truth of each payment."""
        ids = [one[0] for one in self.payments]
        at_us = np.array([one[1] for one in self.payments], dtype=np.int64)
        known = np.full(len(ids), NEVER_US)
        for place, payment_id in enumerate(ids):
            row = truth.get(payment_id)
            if row is not None and row["class"] == "fraud":
                known[place] = max(row["label_us"], at_us[place])
        rows = Rows(
            payments=self._stream([one[1:] for one in self.payments]),
            known_us=known,
            declines=self._stream(self.declines),
            refunds=self._stream(self.refunds),
            facts={"signup_seconds": np.array(self.signup)},
        )
        rings_ = np.array(self.ring).reshape(len(ids), len(rings.FEATURES))
        ring = dict(zip(rings.FEATURES, rings_.T, strict=True))
        columns, found = columns_of(rows, declare(), ring) if ids else (np.zeros((0, 0)), ())
        customer = rows.payments.codes.get("customer", np.full(len(ids), -1))
        table = evaluate.Table(
            at_us=at_us,
            # Guests are each somebody of their own.
            customer=np.where(
                customer >= 0, customer, customer.max(initial=0) + 1 + np.arange(len(ids))
            ),
            amount=rows.payments.amount,
            label=(known != NEVER_US).astype(np.int64),
            known_us=known,
            columns=columns,
            names=found,
            past=Past(payments=rows.payments),
        )
        bad = known != NEVER_US
        return History(
            table=table,
            reported_us=known[bad] - at_us[bad],
            payment_ids=ids,
            example=self.example,
        )

    def _coded(self, values: Mapping[str, str]) -> dict[str, int]:
        found = {}
        for entity, value in values.items():
            known = self.codes.setdefault(entity, {})
            found[entity] = known.setdefault(value, len(known))
        return found

    def _stream(self, things: list[tuple[int, int, dict[str, int]]]) -> Stream:
        return Stream(
            at_us=np.array([one[0] for one in things], dtype=np.int64),
            amount=np.array([one[1] for one in things], dtype=np.int64),
            codes={
                entity: np.array([one[2].get(entity, -1) for one in things], dtype=np.int64)
                for entity in self.codes
            },
        )


def _asked(fact: Mapping[str, Any], amount: int) -> dict[str, Any]:
    """Return a payment event as the request that would have asked about it."""
    found: dict[str, Any] = {
        "payment_id": f"self-test-{fact['payment_id']}"[:128],
        "amount_minor": min(amount, 10**11),
        "currency": fact["currency"] or "XXX",
    }
    if fact["customer_id"]:
        found["customer_id"] = fact["customer_id"]
    return found
