"""Off-policy: the numbers of the Open Bandit Pipeline, and no verdict without evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from shopkeeper.base.errors import BadInput
from shopkeeper.learn.offpolicy import Logged, compare, fold_means, lacking, per_row

OPEN_BANDIT = Path(__file__).parents[3] / "shared" / "data" / "open_bandit"
# obp 0.4.1 (IPW, SNIPW, DM, DR, SwitchDR with tau 10) on the rows of ``drawn``, to 12 digits.
OBP = {
    "ips": 0.166056885173,
    "snips": 0.152986441620,
    "dm": 0.198869231868,
    "dr": 0.154501700456,
    "switch_dr": 0.210887464901,
}
# The same on 10,000 rows of its random policy, for the Thompson policy's shares per position.
OBP_ON_ITS_DATA = {"ips": 0.005035366932711512, "snips": 0.0052530721964214695}


def drawn(n: int = 400, actions: int = 12) -> Logged:
    rng = np.random.default_rng(7)
    ran = rng.dirichlet(np.full(actions, 0.5), n) * 0.9 + 0.1 / actions
    asked = rng.dirichlet(np.full(actions, 0.5), n)
    action = np.array([rng.choice(actions, p=row / row.sum()) for row in ran])
    reward = (rng.random(n) < 0.1 + 0.3 * (action % 3 == 0)).astype(float)
    predicted = rng.random((n, actions)) * 0.4
    return Logged(
        reward=reward,
        action=action,
        propensity=ran[np.arange(n), action],
        policy=asked,
        predicted=predicted,
    )


def bandit(rng: np.random.Generator, n: int, better: bool) -> tuple[Logged, float]:
    """Return rows of a uniform policy over 4 items, and the true value of the policy asked for."""
    value = np.array([0.02, 0.05, 0.10, 0.20])
    action = rng.integers(0, 4, n)
    reward = (rng.random(n) < value[action]).astype(float)
    asked = np.array([0.1, 0.1, 0.2, 0.6] if better else [0.6, 0.2, 0.1, 0.1])
    logged = Logged(
        reward=reward,
        action=action,
        propensity=np.full(n, 0.25),
        policy=np.tile(asked, (n, 1)),
        predicted=fold_means(reward, action, 4, rng),
    )
    return logged, float(asked @ value)


def test_estimates_are_those_of_the_open_bandit_pipeline():
    found = compare(drawn(), np.random.default_rng(0))
    for name, value in OBP.items():
        assert found.estimates[name].value == pytest.approx(value, abs=1e-11), name


def test_the_policy_that_ran_is_worth_what_it_earned():
    logged = drawn()
    ran = np.zeros_like(logged.policy)
    ran[np.arange(len(ran)), logged.action] = logged.propensity
    rest = (1 - logged.propensity) / (ran.shape[1] - 1)
    ran[ran == 0] = np.repeat(rest, ran.shape[1] - 1)
    same = Logged(
        reward=logged.reward, action=logged.action, propensity=logged.propensity, policy=ran
    )
    found = compare(same, np.random.default_rng(0))
    for name in ("ips", "clipped", "snips"):
        assert found.estimates[name].value == pytest.approx(logged.reward.mean())
    assert found.effective == pytest.approx(len(logged.reward))


@pytest.mark.parametrize(("better", "verdict"), [(True, "better"), (False, "worse")])
def test_a_sample_that_can_carry_it_gives_the_right_verdict(better, verdict):
    logged, _ = bandit(np.random.default_rng(3), 8_000, better)
    found = compare(logged, np.random.default_rng(0))
    assert (found.verdict, found.why) == (verdict, ())


def test_intervals_cover_the_truth_as_often_as_they_say():
    inside = 0
    for seed in range(120):
        logged, truth = bandit(np.random.default_rng(seed), 2_000, better=True)
        low, high = (
            compare(logged, np.random.default_rng(seed), draws=200).estimates["dr"].interval_95
        )
        inside += low <= truth <= high
    assert 0.88 <= inside / 120 <= 0.99


def test_rows_of_one_answer_are_drawn_together():
    logged, _ = bandit(np.random.default_rng(5), 3_000, better=True)
    tripled = Logged(
        reward=np.repeat(logged.reward, 3),
        action=np.repeat(logged.action, 3),
        propensity=np.repeat(logged.propensity, 3),
        policy=np.repeat(logged.policy, 3, axis=0),
        request=np.repeat(np.arange(3_000), 3),
    )
    alone = compare(logged, np.random.default_rng(0)).estimates["ips"].interval_95
    together = compare(tripled, np.random.default_rng(0)).estimates["ips"].interval_95
    assert together == pytest.approx(alone, rel=0.05)


def test_too_little_evidence_gets_no_verdict_but_its_reasons():
    logged, _ = bandit(np.random.default_rng(1), 120, better=True)
    found = compare(logged, np.random.default_rng(0))
    assert found.verdict == "refused"
    assert any("effective sample size" in one for one in found.why)
    reward, weight = np.zeros(5_000), np.ones(5_000)
    reward[:40] = 1
    weight[0] = 400.0
    assert lacking(reward, weight, 2_000.0) == ("one row carries 91% of the estimate",)


def test_clipping_and_switching_cut_only_what_is_above_their_bound():
    logged = Logged(
        reward=np.array([1.0, 1.0]),
        action=np.array([0, 1]),
        propensity=np.array([0.01, 0.5]),
        policy=np.array([[0.5, 0.5], [0.5, 0.5]]),
        predicted=np.full((2, 2), 0.4),
    )
    rows = per_row(logged, logged.weight)
    assert rows["ips"].tolist() == [50.0, 1.0]
    assert rows["clipped"].tolist() == [10.0, 1.0]
    assert rows["switch_dr"].tolist() == pytest.approx([0.4, 1.0])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("propensity", np.array([0.0, 0.5])),
        ("propensity", np.array([0.5, 1.5])),
        ("propensity", np.array([0.5, np.nan])),
        ("policy", np.array([[0.5, 0.1], [0.5, 0.5]])),
        ("policy", np.array([[0.5, 0.5]])),
    ],
)
def test_what_cannot_be_judged_is_refused_by_name(field, value):
    good = {
        "reward": np.array([1.0, 0.0]),
        "action": np.array([0, 1]),
        "propensity": np.array([0.5, 0.5]),
        "policy": np.array([[0.5, 0.5], [0.5, 0.5]]),
    }
    with pytest.raises(BadInput) as caught:
        Logged(**(good | {field: value}))
    assert caught.value.field == field


@pytest.mark.benchmark
def test_open_bandit_data_gives_the_numbers_of_its_own_pipeline():
    if not OPEN_BANDIT.exists():
        pytest.skip("Open Bandit Data is not here")
    from benchmarks.quality import offpolicy

    found = offpolicy.measure(OPEN_BANDIT, "all")
    for name, value in OBP_ON_ITS_DATA.items():
        assert found["estimates"][name]["value"] == pytest.approx(value, abs=1e-12)
