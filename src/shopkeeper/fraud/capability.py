"""The index card of fraud: accept, challenge, look at or stop a payment or a refund."""

from __future__ import annotations

from shopkeeper.fraud import fallback
from shopkeeper.fraud.explain import explain
from shopkeeper.fraud.features import features_at
from shopkeeper.fraud.models.detector import Detector
from shopkeeper.fraud.models.sequence import SequenceDetector
from shopkeeper.fraud.policy import beside, choose, default
from shopkeeper.fraud.rebuild import rebuild
from shopkeeper.fraud.request import parse
from shopkeeper.fraud.training import train
from shopkeeper.fraud.training_deep import train_encoder, train_sequence
from shopkeeper.learn.contracts import Capability

CAPABILITY = Capability(
    name="fraud",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=fallback.predict,
    choose=choose,
    train=train,
    explain=explain,
    models={"detector": Detector, "sequence": SequenceDetector},
    variants={"encoder": train_encoder, "sequence": train_sequence},
    gating={"average_precision": 1, "auc_roc": 1},
    default=default,
    beside=beside,
    kinds=frozenset(("payment", "chargeback", "label", "refund", "customer", "rule")),
)
