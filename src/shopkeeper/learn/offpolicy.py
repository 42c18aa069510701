"""What another policy would have earned, from what was logged under the one that ran.

    estimates = compare(Logged(reward=…, action=…, propensity=…, policy=…), rng)

Each row is one place of one answer: the item shown, the exact probability with which the running
policy showed it there, whether the customer took it, and the probabilities of the policy in
question. With w = policy / propensity and q a model of the reward (see ``fold_means``):

    ips        mean(w r)                       unbiased, wild where w is large
    clipped    mean(min(w, M) r)               tamer, low by what is cut off
    snips      sum(w r) / sum(w)               a ratio: slight bias, far less spread
    dm         mean(sum_a policy_a q_a)        as good as q
    dr         dm + mean(w (r - q))            right if either the propensities or q are
    switch_dr  dm + mean(w (r - q) [w <= tau]) trusts q where w is large

Intervals draw the answers again; they know nothing of the error of q, so that of dm is far too
narrow and no verdict rests on it. Sources: Horvitz & Thompson 1952 (ips), Ionides 2008 (clipped),
Swaminathan & Joachims 2015 (snips), Dudik et al. 2011 (dr), Wang, Agarwal & Dudik 2017
(switch-dr). The same numbers as the Open Bandit Pipeline on its own data (tests).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from shopkeeper.base.errors import BadInput

LEAST_EFFECTIVE = 1_000  # rows that the weights must be worth
LEAST_REWARDS = 30  # rows with a reward among them
MOST_OF_ONE = 0.05  # of the estimate, from one row
CLIP, TAU = 10.0, 10.0
DRAWS = 1_000
BETTER, WORSE, EQUAL, REFUSED = "better", "worse", "no_difference_shown", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """Rows of the log and the policy in question.

    reward      (n,) what the place earned: 1 for a click, or money
    action      (n,) column of the item shown
    propensity  (n,) probability with which it was shown there, above 0
    policy      (n, n_actions) probabilities of the policy in question; rows sum to 1
    predicted   (n, n_actions) expected reward by a model that has not seen the row, or None
    request     (n,) which rows belong to one answer: they are drawn together; None: each its own
    """

    reward: np.ndarray
    action: np.ndarray
    propensity: np.ndarray
    policy: np.ndarray
    predicted: np.ndarray | None = None
    request: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.reward)
        for name in ("action", "propensity", "policy", "predicted", "request"):
            value = getattr(self, name)
            if value is not None and len(value) != n:
                raise BadInput(
                    f"{name} has {len(value)} rows, reward has {n}.", field=name, value=len(value)
                )
        low = float(self.propensity.min(initial=1.0))
        high = float(self.propensity.max(initial=1.0))
        if not (low > 0 and high <= 1):
            raise BadInput(
                "A propensity lies outside (0, 1].",
                field="propensity",
                value=low if not low > 0 else high,
                allowed="above 0, at most 1",
                hint="Only rows whose logging policy could have shown something else tell "
                "about another policy; log the exact propensity with each place.",
            )
        sums = self.policy.sum(axis=1)
        if n and not np.allclose(sums, 1, atol=1e-6):
            worst = float(sums[np.abs(sums - 1).argmax()])
            raise BadInput(
                "The probabilities of the policy do not sum to 1 in every row.",
                field="policy",
                value=worst,
                allowed="rows that sum to 1",
            )

    @property
    def weight(self) -> np.ndarray:
        """Return (n,) policy / propensity of what was shown."""
        shown = self.policy[np.arange(len(self.action)), self.action]
        return np.asarray(shown / self.propensity, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A policy's mean reward per place by one estimator."""

    name: str
    value: float
    interval_95: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The policy in question beside the one that ran.

    logged      mean reward of the policy that ran
    effective   (sum w)^2 / sum w^2: how many rows of its own the policy's evidence is worth
    difference  95 % interval of (policy - logged) by ``judged_by``, requests drawn in pairs
    verdict     better, worse, no_difference_shown or refused; ``why`` says what was lacking
    """

    rows: int
    rewards: int
    logged: float
    effective: float
    estimates: Mapping[str, Estimate]
    judged_by: str
    difference: tuple[float, float]
    verdict: str
    why: tuple[str, ...] = field(default=())


def compare(logged: Logged, rng: np.random.Generator, *, draws: int = DRAWS) -> Comparison:
    """Return all estimates, and a verdict where the sample can carry one."""
    if not len(logged.reward):
        raise BadInput("There is no row to learn from.", field="reward", value=0, allowed="1 row")
    weight = logged.weight
    rows = per_row(logged, weight)
    groups = _groups(logged)
    estimates = {}
    for name, values in rows.items():
        ratio = weight if name == "snips" else None
        drawn = _drawn(values, ratio, groups, rng, draws)
        estimates[name] = Estimate(
            name=name, value=_mean(values, ratio), interval_95=_middle(drawn)
        )
    judged_by = "dr" if "dr" in rows else "snips"
    values = rows[judged_by]
    difference = _middle(
        _drawn(values, weight if judged_by == "snips" else None, groups, rng, draws, logged.reward)
    )
    effective = float(weight.sum() ** 2 / max(float((weight**2).sum()), 1e-300))
    why = lacking(logged.reward, weight, effective)
    low, high = difference
    verdict = REFUSED if why else BETTER if low > 0 else WORSE if high < 0 else EQUAL
    return Comparison(
        rows=len(weight),
        rewards=int(np.count_nonzero(logged.reward)),
        logged=float(logged.reward.mean()),
        effective=effective,
        estimates=estimates,
        judged_by=judged_by,
        difference=difference,
        verdict=verdict,
        why=why,
    )


def per_row(logged: Logged, weight: np.ndarray) -> dict[str, np.ndarray]:
    """Return what each row adds to each estimator; their means are the estimates.

    For ``snips`` the mean is over sum(w) instead of n.
    """
    reward = logged.reward.astype(np.float64)
    rows = {
        "ips": weight * reward,
        "clipped": np.minimum(weight, CLIP) * reward,
        "snips": weight * reward,
    }
    if logged.predicted is None:
        return rows
    direct = (logged.policy * logged.predicted).sum(axis=1)
    left = weight * (reward - logged.predicted[np.arange(len(reward)), logged.action])
    rows["dm"] = direct
    rows["dr"] = direct + left
    rows["switch_dr"] = direct + np.where(weight <= TAU, left, 0.0)
    return rows


def lacking(reward: np.ndarray, weight: np.ndarray, effective: float) -> tuple[str, ...]:
    """Return what keeps the sample from carrying a verdict; empty when nothing does."""
    why = []
    if effective < LEAST_EFFECTIVE:
        why.append(f"effective sample size {effective:.0f}, at least {LEAST_EFFECTIVE} needed")
    paid = int(np.count_nonzero((reward != 0) & (weight > 0)))
    if paid < LEAST_REWARDS:
        why.append(f"{paid} rewarded rows that the policy could show, {LEAST_REWARDS} needed")
    part = np.abs(weight * reward)
    if part.sum() > 0 and part.max() > MOST_OF_ONE * part.sum():
        why.append(f"one row carries {part.max() / part.sum():.0%} of the estimate")
    return tuple(why)


def fold_means(
    reward: np.ndarray,
    action: np.ndarray,
    n_actions: int,
    rng: np.random.Generator,
    *,
    folds: int = 5,
    prior: float = 20.0,
) -> np.ndarray:
    """Return (n, n_actions) expected rewards: each action's mean in the other folds.

    Means are drawn towards the mean of all actions with the weight of ``prior`` rows. The simplest
    model that has not seen the row; a better one may take its place.
    """
    fold = rng.integers(0, folds, len(reward))
    predicted = np.empty((len(reward), n_actions))
    for number in range(folds):
        others = fold != number
        count = np.bincount(action[others], minlength=n_actions)
        paid = np.bincount(action[others], weights=reward[others], minlength=n_actions)
        whole = float(reward[others].mean()) if others.any() else 0.0
        predicted[~others] = (paid + prior * whole) / (count + prior)
    return predicted


def _groups(logged: Logged) -> np.ndarray:
    if logged.request is None:
        return np.arange(len(logged.reward))
    return np.unique(logged.request, return_inverse=True)[1]


def _mean(values: np.ndarray, ratio: np.ndarray | None) -> float:
    below = len(values) if ratio is None else float(ratio.sum())
    return float(values.sum() / below) if below else 0.0


def _drawn(
    values: np.ndarray,
    ratio: np.ndarray | None,
    groups: np.ndarray,
    rng: np.random.Generator,
    draws: int,
    less: np.ndarray | None = None,
) -> np.ndarray:
    """Return ``draws`` estimates (less the mean of ``less``), requests drawn again each time."""
    n = int(groups.max()) + 1
    summed = np.bincount(groups, weights=values, minlength=n)
    below = np.bincount(groups, weights=ratio, minlength=n)
    rows = np.bincount(groups, minlength=n).astype(np.float64)
    other = None if less is None else np.bincount(groups, weights=less, minlength=n)
    found = np.empty(draws)
    for number in range(draws):
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        found[number] = (times @ summed) / max(float(times @ below), 1e-300)
        if other is not None:
            found[number] -= (times @ other) / (times @ rows)
    return found


def _middle(drawn: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(low), float(high)
