"""The index card of recommend: which products, to whom, where."""

from __future__ import annotations

from typing import Any

from shopkeeper.learn.contracts import Capability, Job
from shopkeeper.recommend import attributes, explore, fallback
from shopkeeper.recommend.explain import explain
from shopkeeper.recommend.features import features_at
from shopkeeper.recommend.models.blend import Blend
from shopkeeper.recommend.policy import choose
from shopkeeper.recommend.rebuild import rebuild
from shopkeeper.recommend.request import parse
from shopkeeper.recommend.training import train, train_with_towers


def _attach(state: Any, shop: Any) -> None:
    explore.attach(state, shop)
    attributes.attach(state, shop)


CAPABILITY = Capability(
    name="recommend",
    parse=parse,
    rebuild=rebuild,
    features=features_at,
    fallback=fallback.predict,
    choose=choose,
    train=train,
    explain=explain,
    attach=_attach,
    models={"blend": Blend},
    jobs=(
        Job(
            name="simulate",
            says="Try policies on customers simulated from the log, for the simulator's page.",
            when="weekly sun 04:00",
            run="shopkeeper.operate.simulation:job",
            most_minutes=30,
        ),
    ),
    variants={"towers": train_with_towers},
    gating={"ndcg_at_10": 1, "recall_at_10": 1, "recall_at_20": 1},
)
