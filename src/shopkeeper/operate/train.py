"""Train capabilities, register what came out, and let it go live if it is not worse.

The gate compares with the baseline and with the champion; the self-test reads the model back
from disk and predicts once on the live state. What fails either stays as challenger, measured
and on file, while the champion goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from shopkeeper.base import log
from shopkeeper.base.errors import BadInput
from shopkeeper.learn.contracts import Capability, Trained
from shopkeeper.operate import capabilities
from shopkeeper.operate.faults import FAULTS
from shopkeeper.operate.gate import Verdict, champion_of, judge
from shopkeeper.operate.live import Live
from shopkeeper.operate.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What one training came to. ``alias``: champion if it went live, else challenger."""

    capability: str
    version: str
    alias: str
    verdict: Verdict
    report: dict[str, Any]
    seconds: float


def train(
    shop: Any,
    names: Sequence[str],
    *,
    promote: bool = True,
    registry: Registry | None = None,
    variant: str | None = None,
) -> list[Training]:
    """Train capabilities by name, all if none; ``promote=False`` only registers.

    ``variant`` names another model than the usual one, of the one capability named.

    Without names, a capability that the log has too little for is passed over; BadInput when
    that is all of them.
    """
    registry = registry or Registry(shop.settings.models_path)
    everything = (*capabilities.MODULES, *capabilities.BESIDE)
    if variant is not None and len(names) != 1:
        raise BadInput(
            f"The model {variant!r} belongs to one capability, and {len(names)} are named.",
            hint=f"For example: shopkeeper train fraud --model {variant}",
            field="model",
            value=variant,
        )
    cards = capabilities.all_of(names or everything)
    shop.warehouse.refresh()
    done: list[Training] = []
    lacking: BadInput | None = None
    for card in cards:
        try:
            done.append(train_one(shop, card, registry, promote=promote, variant=variant))
        except BadInput as problem:
            if names:
                raise
            log.info("model.not_trained", capability=card.name, reason=problem.message)
            lacking = lacking or problem
    if lacking is not None and not done:
        raise lacking
    return done


def train_one(
    shop: Any,
    card: Capability,
    registry: Registry,
    *,
    promote: bool = True,
    variant: str | None = None,
) -> Training:
    """Train one capability, register the version, judge it, and promote or keep it aside."""
    started = time.perf_counter()
    trained = _trainer(card, variant)(shop.warehouse, shop.settings)
    held = registry.aliases(card.name).get("champion")
    version = registry.register(card.name, trained)
    old = registry.version(card.name, held) if held and held != version else None
    verdict = judge(trained.report, old.report if old else None, card.gating)
    if verdict.passed:
        verdict = _self_test(shop, card, registry, version, verdict)
    live = verdict.passed and promote
    if live:
        registry.promote(card.name, version)
    elif version != held:
        registry.challenge(card.name, version)
    seconds = round(time.perf_counter() - started, 1)
    log.info(
        "model.trained",
        capability=card.name,
        version=version,
        live=live,
        verdict=verdict.facts[0],
        seconds=seconds,
        **dict(champion_of(trained.report).get("metrics", {})),
    )
    return Training(
        capability=card.name,
        version=version,
        alias="champion" if live or version == held else "challenger",
        verdict=verdict,
        report=dict(trained.report),
        seconds=seconds,
    )


def _trainer(card: Capability, variant: str | None) -> Callable[[Any, Any], Trained]:
    if variant is None:
        return card.train
    if variant not in card.variants:
        known = ", ".join(sorted(card.variants)) or "none but the usual one"
        raise BadInput(
            f"{card.name} has no model {variant!r}.",
            hint=f"Its models: {known}.",
            field="model",
            value=variant,
            allowed=known,
        )
    return card.variants[variant]


def _self_test(
    shop: Any, card: Capability, registry: Registry, version: str, verdict: Verdict
) -> Verdict:
    """Read the version back from disk and predict once, as the server will."""
    live = Live(card, registry)
    live.rebuild(shop)
    try:
        model = registry.load(card.name, version, card.models)
        live.self_test(model, registry.version(card.name, version).self_test)
    except FAULTS as problem:
        return Verdict(passed=False, facts=(f"self-test failed: {problem}",))
    return Verdict(passed=True, facts=(*verdict.facts, "self-test passed"))
