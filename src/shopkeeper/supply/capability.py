"""The index card of supply: from which warehouse, by which route, arriving when."""

from __future__ import annotations

from shopkeeper.learn.contracts import Capability, Job
from shopkeeper.supply import fallback
from shopkeeper.supply.carrier_training import train
from shopkeeper.supply.explain import explain
from shopkeeper.supply.features import features_at
from shopkeeper.supply.models.carrier_times import CarrierTimes
from shopkeeper.supply.policy import choose
from shopkeeper.supply.rebuild import attach, rebuild
from shopkeeper.supply.request import parse, recorded
from shopkeeper.supply.reserve import commit
from shopkeeper.supply.state import KINDS

CAPABILITY = Capability(
    name="supply",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=fallback.predict,
    choose=choose,
    train=train,
    explain=explain,
    models={"carrier-times": CarrierTimes},
    gating={"pinball_50": -1, "pinball_90": -1},
    kinds=KINDS,
    attach=attach,
    commit=commit,
    recorded=recorded,
    jobs=(
        Job(
            name="reallocate",
            says="Allocate the orders not yet picked together, and move those for which it pays.",
            when="every 5 minutes",
            run="shopkeeper.operate.reallocate:job",
            most_minutes=5,
        ),
        Job(
            name="watch_promises",
            says="Look whether promises are kept as often as they say; tell where they are not.",
            when="nightly 05:00",
            run="shopkeeper.operate.promise_watch:job",
        ),
        Job(
            name="train",
            says="Train the promise on the parcels that came; it goes live if it is not worse.",
            when="weekly sun 02:30",
            run="shopkeeper.operate.jobs.work:train",
        ),
    ),
)
