"""The networks of fraud, trained on the shop's own log: ``train fraud --model NAME``.

They are measured on the same last mature days as the usual model, beside it, and go through the
same gate: worse than the champion means challenger, which runs along and decides nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from shopkeeper.base.clock import DAY_US
from shopkeeper.base.errors import BadInput
from shopkeeper.fraud import evaluate, training
from shopkeeper.fraud.models import deep
from shopkeeper.fraud.models.detector import FEW, Detector, learn_strangeness
from shopkeeper.fraud.models.sequence import SequenceDetector
from shopkeeper.learn.contracts import Trained


def train_encoder(warehouse: Any, settings: Any) -> Trained:
    """Return the usual detector with an autoencoder as third label-free part."""
    return training.train_as(
        warehouse,
        settings,
        fit=partial(training.fit, encode=deep.train_encoder),
        measured=("strange", "strange_encoder", "trees"),
    )


def train_sequence(warehouse: Any, settings: Any) -> Trained:
    """Return the network over the payer's last payments; BadInput below FEW known frauds."""
    return training.train_as(
        warehouse,
        settings,
        fit=fit_sequence,
        measured=("strange", "trees", "sequence"),
        champion="sequence",
    )


def fit_sequence(
    table: evaluate.Table, reported_us: np.ndarray, now_us: int, seed: int
) -> SequenceDetector:
    """Return the network of all rows over the label-free parts."""
    positives = int(table.label.sum())
    if positives < FEW:
        raise BadInput(
            f"The sequence model needs {FEW} known frauds, but the log has {positives}.",
            hint="Until then: shopkeeper train fraud, or --model encoder; both need no label.",
            field="model",
            value="sequence",
        )
    weight, mature = training.believed(table, reported_us, now_us)
    network, curve = deep.fit_sequence(
        table.columns,
        table.past(np.arange(len(table.label))),
        table.label,
        table.names,
        table.at_us // DAY_US,
        seed,
        calibrate=mature,
        weight=weight,
    )
    strange = learn_strangeness(table.columns, table.names, seed)
    base = Detector(names=table.names, strange=strange)
    return SequenceDetector(base=base, network=network, calibration=curve, positives=positives)
