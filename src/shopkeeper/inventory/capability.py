"""The index card of inventory: what to order of a product, from whom, by when."""

from __future__ import annotations

from shopkeeper.inventory import fallback
from shopkeeper.inventory.explain import explain
from shopkeeper.inventory.live import KINDS, features_at, ready, rebuild
from shopkeeper.inventory.models.ladder import Ladder
from shopkeeper.inventory.policy import choose
from shopkeeper.inventory.request import parse
from shopkeeper.inventory.training import train
from shopkeeper.learn.contracts import Capability, Job

CAPABILITY = Capability(
    name="inventory",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=fallback.predict,
    choose=choose,
    train=train,
    explain=explain,
    models={"ladder": Ladder},
    gating={"pinball": -1, "wape": -1},
    kinds=KINDS,
    ready=ready,
    jobs=(
        Job(
            name="train",
            says="Train the demand forecast; it goes live if it is not worse.",
            when="weekly sun 01:30",
            run="shopkeeper.operate.jobs.work:train",
        ),
        Job(
            name="plan",
            says="Make this review cycle's purchase proposals; judge past forecasts.",
            when="nightly 03:00",
            run="shopkeeper.operate.jobs.work:plan",
        ),
    ),
)
