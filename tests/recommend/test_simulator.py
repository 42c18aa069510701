"""Simulated customers: known truth comes back, policies earn what they should, validity tells."""

from __future__ import annotations

import numpy as np
import pytest
from made import shop

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.simulator import validity
from shopkeeper.recommend.simulator.policies import (
    ADAPTING,
    GREEDY,
    LINUCB,
    SOFTMAX,
    THOMPSON,
    Log,
    Policy,
    made,
    reinforce,
)
from shopkeeper.recommend.simulator.trial import trial
from shopkeeper.recommend.simulator.visits import facts_of, features, state_at, visits_of
from shopkeeper.recommend.simulator.world import choice, fit, log_likelihood, run


@pytest.fixture(scope="module")
def visits():
    return visits_of(shop(200).interactions, items=30)


@pytest.fixture(scope="module")
def world(visits):
    return fit(visits, 0.0, 150.0, np.random.default_rng(1))


def test_choice_finds_the_weights_that_made_the_picks():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(4000, 20, 3)).astype(np.float32)
    truth = np.array([1.0, -0.5, 0.0])
    chosen = (x @ truth + rng.gumbel(size=(4000, 20))).argmax(axis=1)
    theta, error = choice(x, chosen)
    assert np.abs(theta - truth).max() < 4 * error.max() < 0.15
    assert log_likelihood(x, chosen, theta).mean() > log_likelihood(x, chosen, truth * 0).mean()


def test_features_of_a_visit_do_not_know_it(visits):
    visit = len(visits.day) // 2
    day, customer = float(visits.day[visit]), int(visits.customer[visit])
    facts = facts_of(visits, 0.0, day)
    state = state_at(visits, 0.0, day)
    assert state.times.sum() == visits.first[visits.between(0.0, day).stop]
    before = features(facts, state, customer, day).copy()
    state.take(customer, day, visits.basket(visit))
    after = features(facts, state, customer, day)
    assert (after[visits.basket(visit), 1] == 1).all()
    assert (after[visits.basket(visit), 2] > before[visits.basket(visit), 2]).all()


def test_the_same_seed_brings_the_same_customers_whatever_is_shown(world):
    came = []
    for show in (None, lambda x, rng: np.arange(10)):
        found = []
        run(
            world, show, 5, visits=60, told=lambda one, to=found: to.append((one.customer, one.day))
        )
        came.append(found)
    assert came[0] == came[1]
    assert len(came[0]) == 60


def test_places_are_seen_as_often_as_assumed(world):
    eager = Policy(name=GREEDY, weights=world.theta)
    taken = []

    def show(x, rng):
        # The same best product in mind for all places: the order is turned at random.
        return rng.permutation(eager.slate(x, rng, 10))

    run(world, show, 9, visits=3000, told=lambda one: taken.append(one.taken))
    share = np.mean(taken, axis=0)
    assert share[0] == pytest.approx(2 * share[1], rel=0.25)
    assert share[0] == pytest.approx(4 * share[3], rel=0.3)


def test_lift_makes_what_is_seen_taken_more_often(visits):
    earned = []
    for lift in (0.0, 1.0):
        world = fit(visits, 0.0, 150.0, np.random.default_rng(1), lift=lift)
        found = []
        run(
            world,
            lambda x, rng: np.arange(10),
            2,
            visits=800,
            told=lambda o, to=found: to.append(o.taken.sum()),
        )
        earned.append(np.mean(found))
    assert earned[1] > 1.3 * earned[0]


def test_learners_find_the_better_products():
    rng = np.random.default_rng(4)
    truth = np.array([0.3, -0.2])
    look = np.ones(3)
    for name in (THOMPSON, LINUCB):
        policy = made(name, np.zeros(2))
        earned = []
        for _ in range(400):
            x = rng.random((12, 2))
            slate = policy.slate(x, rng, 3)
            taken = rng.random(3) < 0.3 + x[slate] @ truth
            policy.learn(x[slate], look, taken)
            earned.append((x[slate] @ truth).mean())
        assert np.mean(earned[-100:]) > 0.1 > 0.08 > np.mean(rng.random((500, 2)) @ truth)


def test_the_adapting_ranker_follows_tastes_that_moved_and_stays_where_they_did_not():
    old, new = np.array([1.0, 0.0]), np.array([0.2, 1.2])
    look, size = 1 / np.arange(1, 6), 3.0
    for truth in (new, old):
        rng = np.random.default_rng(4)
        policy = made(ADAPTING, old, error=np.array([0.05, 0.05]), size=size)
        for _ in range(2_500):
            x = rng.normal(size=(20, 2))
            p = np.exp(x @ truth)
            p /= p.sum()
            slate = policy.slate(x, rng, 5)
            taken = rng.random(5) < np.minimum(look * size * p[slate], 1)
            policy.learn(x[slate], look, taken)
        assert policy.belief.mean[:-1] == pytest.approx(truth, abs=0.15)
        assert np.exp(policy.belief.mean[-1]) == pytest.approx(size, rel=0.15)


def test_logged_chances_are_those_with_which_places_are_drawn():
    policy = Policy(name=SOFTMAX, weights=np.array([1.0]), share=0.5)
    x, rng = np.arange(5, dtype=float)[:, None] / 2, np.random.default_rng(6)
    first = {}
    for _ in range(20_000):
        slate = policy.slate(x, rng, 2)
        seen, chance = first.get(int(slate[0]), (0, 0.0))
        first[int(slate[0])] = (seen + 1, float(policy.chances[0]))
    assert sum(chance for _, chance in first.values()) == pytest.approx(1.0)
    for seen, chance in first.values():
        assert seen / 20_000 == pytest.approx(chance, abs=0.012)


def test_reinforce_moves_towards_what_is_taken():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(600, 10, 2)).astype(np.float32)
    slate = np.stack([rng.permutation(10)[:3] for _ in range(600)])
    chance = np.tile(1 / np.array([10.0, 9.0, 8.0]), (600, 1))
    shown = np.take_along_axis(x[:, :, 0], slate, axis=1)
    taken = rng.random((600, 3)) < 1 / (1 + np.exp(-2 * shown))
    w = reinforce(Log(x=x, slate=slate, chance=chance, taken=taken), np.zeros(2), rng)
    assert w[0] > 0.3 > abs(w[1])


def test_the_discriminator_knows_itself():
    rng = np.random.default_rng(2)
    real = rng.normal(size=(400, 3))
    same, _ = validity.discriminator(real, rng.normal(size=(400, 3)), rng)
    other, _ = validity.discriminator(real, rng.normal(1.5, size=(400, 3)), rng)
    assert abs(same - 0.5) < 0.08
    assert other > 0.9
    assert validity.discriminator(real[:50], real, rng) == (None, None)


def test_examination_finds_its_exponent():
    rng = np.random.default_rng(5)
    position = rng.integers(1, 6, 200_000)
    clicked = (rng.random(200_000) < 0.1 * position**-0.7).astype(float)
    found = validity.examination(position, clicked)
    assert found["interval_95"][0] < 0.7 < found["interval_95"][1]
    told = found["held_out_log_likelihood"]
    assert told["by_place"] > told["no_difference"]


def test_examination_is_not_misled_by_better_items_further_up():
    rng = np.random.default_rng(5)
    position = rng.integers(1, 9, 200_000)
    worth = rng.normal(size=200_000) - 0.4 * np.log(position)
    clicked = (rng.random(200_000) < 0.03 * position**-0.7 * np.exp(0.6 * worth)).astype(float)
    plain = validity.examination(position, clicked)
    fair = validity.examination(position, clicked, worth)
    assert plain["interval_95"][0] > 0.7
    assert fair["interval_95"][0] < 0.7 < fair["interval_95"][1]


def test_a_trial_tells_policies_validity_and_what_was_assumed():
    found = trial(shop(200).interactions, items=30, visits=60, seeds=2)
    assert found["protocol"]["assumed"] == {"eta": 1.0, "lift": 0.0}
    assert set(found["policies"]) == {
        "adapting",
        "greedy",
        "epsilon_softmax",
        "thompson",
        "linucb",
        "reinforce",
    }
    assert found["policies"]["greedy"]["against_greedy"]["mean"] == 0
    assert len(found["visits_at"]) == len(found["policies"]["linucb"]["regret"]["mean"])
    choice_of = found["simulators"][0]["validity"]["choice"]
    assert choice_of["log_likelihood"] > choice_of["popularity"] > choice_of["chance"] - 1
    assert found["off_policy"]["greedy"]["verdict"] == "refused"  # 60 slates carry no verdict
    assert trial(shop(200).interactions, items=30, visits=60, seeds=2) == found


def test_days_in_which_nobody_comes_cannot_judge(world, visits):
    with pytest.raises(BadInput, match="customer comes back in the"):
        validity.report(world, visits, 0.0, 1e-9, np.random.default_rng(1))


def test_too_little_is_refused():
    with pytest.raises(BadInput, match="visits buy something"):
        visits_of(shop(20).interactions, items=30)
    with pytest.raises(BadInput, match="seeds"):
        trial(shop(200).interactions, seeds=1)
