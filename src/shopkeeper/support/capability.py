"""The index card of support: understand, answer from facts, act safely, hand over well."""

from __future__ import annotations

from shopkeeper.learn.contracts import Capability, Job
from shopkeeper.support.explain import explain
from shopkeeper.support.features import KINDS, attach, features_at, rebuild
from shopkeeper.support.learning import train
from shopkeeper.support.models.reader import Reader, by_words
from shopkeeper.support.policy import asks, choose, supply
from shopkeeper.support.record import commit
from shopkeeper.support.request import parse, recorded

CAPABILITY = Capability(
    name="support",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=by_words,
    choose=choose,
    train=train,
    explain=explain,
    models={"support-intent-mix": Reader},
    gating={"accuracy": 1},
    kinds=KINDS,
    commit=commit,
    recorded=recorded,
    durable=True,
    asks=asks,
    supply=supply,
    attach=attach,
    jobs=(
        Job(
            name="reviews",
            says="Judge new reviews: their feeling and the sides they praise or blame.",
            when="every 30 minutes",
            run="shopkeeper.operate.reviews:work",
        ),
    ),
)
