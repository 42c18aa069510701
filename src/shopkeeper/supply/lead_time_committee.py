"""Several lead-time models heard together: at each level the mean of their quantiles.

Which orders count as alike, how fast they fade and how much a narrow group may say alone cannot be
told from a few hundred orders; models that differ in these err in different ways. Averaging
quantiles keeps a distribution as sharp as its members, where pooling their votes widens it.

Source: Ratcliff, Group reaction time distributions and an analysis of distribution statistics,
Psychological Bulletin 86 (1979), on averaging quantiles; Lichtendahl, Grushka-Cockayne and Winkler,
Is it better to average probabilities or quantiles?, Management Science 59 (2013).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.supply import lead_time
from shopkeeper.supply.lead_time import Curve, Deliveries, Fitted, Settings

_STRENGTHS = (4.0, 16.0, 64.0)
_HALF_LIFE_DAYS = 120.0
_LEVELS = np.arange(1, 201) / 200


@dataclass(slots=True)
class Committee:
    """Fitted models that answer as one; ask it as one of them."""

    members: tuple[Fitted, ...]
    _kept: dict[tuple[tuple[str, str], ...], Curve] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """Settings that all members share: whether lateness was learned."""
        return self.members[0].settings

    @property
    def as_of(self) -> int:
        """The day up to which they learned."""
        return self.members[0].as_of

    def curve(self, keys: Mapping[str, str]) -> Curve:
        """Return the distribution for an order with these keys (lateness, or lead time)."""
        names = {name for one in self.members for level in one.settings.levels for name in level}
        at = tuple(sorted((name, keys.get(name, "")) for name in names))
        if at not in self._kept:
            self._kept[at] = averaged([one.curve(keys) for one in self.members])
        return self._kept[at]


def averaged(curves: Sequence[Curve]) -> Curve:
    """Return the curve whose quantile at each half per cent is the mean of the curves'.

    >>> said = dict(cdf=np.ones(1), observed=9, source="all suppliers")
    >>> one, two = (Curve(days=np.array([days]), **said) for days in (2.0, 6.0))
    >>> averaged([one, two]).at(0.5)
    4.0
    """
    days = np.mean([_quantiles(one) for one in curves], axis=0)
    last = np.append(days[1:] != days[:-1], True)
    narrowest = min(curves, key=lambda one: one.observed)
    return Curve(
        days=days[last], cdf=_LEVELS[last], observed=narrowest.observed, source=narrowest.source
    )


def fit(deliveries: Deliveries, members: Sequence[Settings], as_of: int) -> Committee:
    """Let every member learn from what is known at the start of day ``as_of``."""
    if not members:
        raise BadInput("A committee needs a member.", field="members", value=0, allowed="1 or more")
    return Committee(members=tuple(lead_time.fit(deliveries, one, as_of) for one in members))


def members_for(
    levels: Sequence[tuple[str, ...]], *, lateness: bool = False
) -> tuple[Settings, ...]:
    """Return the members that serve: each prefix of the levels, cautious to bold.

    The half-life was chosen on validation orders of public deliveries, for supplier alone.
    """
    sets = [tuple(levels[: place + 1]) for place in range(len(levels))] or [()]
    plain = Settings(half_life_days=_HALF_LIFE_DAYS, lateness=lateness)
    return tuple(
        replace(plain, levels=chosen, strength=strength)
        for chosen in sets
        for strength in _STRENGTHS
    )


def _quantiles(curve: Curve) -> np.ndarray:
    place = np.searchsorted(curve.cdf, _LEVELS - 1e-12)
    found: np.ndarray = curve.days[np.minimum(place, len(curve.days) - 1)]
    return found
