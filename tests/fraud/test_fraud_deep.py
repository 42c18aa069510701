"""The networks: numpy says what torch says, one row what many say, live what the batch says."""

from __future__ import annotations

import math
from dataclasses import replace

import made_frauds
import numpy as np
import pytest

from shopkeeper.base import clock
from shopkeeper.base import settings as settings_file
from shopkeeper.base.errors import BadInput
from shopkeeper.data.shop import open_shop
from shopkeeper.fraud.aggregates import HORIZON_US
from shopkeeper.fraud.capability import CAPABILITY
from shopkeeper.fraud.models.detector import Detector, learn_strangeness
from shopkeeper.fraud.models.encoder import Encoder, knots_of, ranked
from shopkeeper.fraud.models.sequence import STEP, Network, SequenceDetector, steps_of
from shopkeeper.fraud.online import Windows
from shopkeeper.fraud.past import LAST, Past, past_of
from shopkeeper.fraud.registry import AGGREGATES, ROW
from shopkeeper.fraud.rows import Stream
from shopkeeper.operate import train as training
from shopkeeper.operate.registry import Registry
from shopkeeper.operate.runtime import Runtime

NAMES = ("amount_minor", "hour", "customer_count_1d")


def small(draw: np.random.Generator, state: int = 2, top: int = 3) -> Network:
    """Return a network of random weights over NAMES."""
    rows = draw.normal(size=(200, 3)) * 50 + 100

    def weights(*shape: int) -> np.ndarray:
        return draw.normal(size=shape) * 0.5

    return Network(
        knots=knots_of(rows),
        mean=np.full(3, 4.0),
        scale=np.ones(3),
        wx=weights(STEP, 3 * state),
        wh=weights(state, 3 * state),
        bx=weights(3 * state),
        bh=weights(3 * state),
        w1=weights(state + 6, top),
        b1=weights(top),
        w2=weights(top),
        b2=weights(1),
        places=np.array([0, 1]),
    )


def pasts(draw: np.random.Generator, count: int) -> np.ndarray:
    """Return random pasts of 0 to LAST payments."""
    ages = np.sort(draw.uniform(0, 1e6, (count, LAST)), axis=1)[:, ::-1]
    found = np.concatenate([draw.uniform(100, 9000, (count, LAST)), ages], axis=1)
    short = np.arange(LAST) < draw.integers(0, LAST + 1, count)[:, None]
    found[np.concatenate([short, short], axis=1)] = np.nan
    return found


def by_hand(net: Network, row: np.ndarray, past: np.ndarray) -> float:
    """Return the log-odds by the equations of the paper, one number after another."""

    def sigma(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    size = len(net.wh)
    state = [0.0] * size
    for step in steps_of(past[None], row[:1], row[1:2])[0]:
        x = [float(step @ net.wx[:, k] + net.bx[k]) for k in range(3 * size)]
        h = [sum(state[j] * net.wh[j, k] for j in range(size)) + net.bh[k] for k in range(3 * size)]
        new = []
        for k in range(size):
            reset, update = sigma(x[k] + h[k]), sigma(x[size + k] + h[size + k])
            fresh = math.tanh(x[2 * size + k] + reset * h[2 * size + k])
            new.append((1 - update) * fresh + update * state[k])
        state = new
    inputs = list(state)
    for column, value in enumerate(row):
        below = sum(knot <= value for knot in net.knots[column])
        inputs.append(-1.5 if math.isnan(value) else below / 100 * 2 - 1)
    for column, value in enumerate(row):
        scaled = 0.0 if math.isnan(value) else math.copysign(math.log1p(abs(value)), value)
        scaled = (scaled - net.mean[column]) / net.scale[column]
        inputs.append(0.0 if math.isnan(value) else min(5.0, max(-5.0, scaled)))
    hidden = [
        max(0.0, sum(i * w for i, w in zip(inputs, net.w1[:, k], strict=True)) + net.b1[k])
        for k in range(len(net.b1))
    ]
    return float(sum(a * b for a, b in zip(hidden, net.w2, strict=True)) + net.b2[0])


def test_the_network_is_its_equations_and_one_row_is_as_many():
    draw = np.random.default_rng(8)
    net = small(draw)
    rows, past = draw.normal(size=(40, 3)) * 60 + 100, pasts(draw, 40)
    rows[3, 2] = np.nan
    many = net.raw_many(rows, past)
    assert many == pytest.approx([by_hand(net, *one) for one in zip(rows, past, strict=True)])
    single = [float(net.raw_many(rows[i : i + 1], past[i : i + 1])[0]) for i in range(40)]
    assert single == pytest.approx(many.tolist(), abs=1e-12)
    assert many.std() > 0.01
    assert np.abs(net.raw_many(rows, past[::-1]) - many).max() > 1e-3, "the past is read"


def test_steps_tell_what_was_there_and_when():
    past = np.full((1, 2 * LAST), np.nan)
    past[0, LAST - 1], past[0, 2 * LAST - 1] = 999.0, 3600.0  # one payment, an hour ago
    steps = steps_of(past, np.array([500.0]), np.array([6.0]))[0]
    assert (steps[: LAST - 1] == 0).all()
    assert steps[LAST - 1, :3] == pytest.approx([1, np.log(1000) / 10, np.log1p(3600) / 15])
    assert steps[LAST] == pytest.approx([1, np.log(501) / 10, 0, 1, 0], abs=1e-12)
    assert steps[LAST - 1, 3] == pytest.approx(np.sin(5 * np.pi / 12))


def test_live_pasts_are_those_of_the_batch():
    """Cards before customers, no guests, nothing beyond the horizon, ties in order of arrival."""
    draw = np.random.default_rng(5)
    count = 600
    at_us = np.sort(draw.integers(0, HORIZON_US * 3 // 2, count))
    at_us[100:104] = at_us[100]
    amount = draw.integers(1, 10_000, count)
    codes = {"customer": draw.integers(-1, 12, count), "card": draw.integers(-6, 8, count)}
    codes["card"] = np.maximum(codes["card"], -1)
    batch = Past(payments=Stream(at_us=at_us, amount=amount, codes=codes))(np.arange(count))
    windows = Windows(AGGREGATES, ROW)
    for i in range(count):
        values = {kind: str(code[i]) for kind, code in codes.items() if code[i] >= 0}
        live = past_of(windows, values, int(at_us[i]))
        np.testing.assert_array_equal(np.array(live), batch[i])
        windows.pay(str(i), int(at_us[i]), int(amount[i]), values)
    assert 0.05 < np.isnan(batch[:, 0]).mean() < 0.95


def test_ranks_of_one_row_are_those_of_many():
    draw = np.random.default_rng(2)
    rows = np.round(draw.exponential(3, size=(500, 4)))
    knots = knots_of(rows)
    many = ranked(knots, rows)
    assert all((ranked(knots, rows[i : i + 1])[0] == many[i]).all() for i in range(500))


def test_an_encoder_from_disk_scores_the_same():
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(500, 3))

    def made(whole: np.ndarray, seed: int) -> Encoder:
        shapes = {"w1": (3, 4), "w2": (4, 2), "w3": (2, 4), "w4": (4, 3)}
        arrays = {name: draw.normal(size=shape) for name, shape in shapes.items()}
        arrays |= {f"b{n[1]}": np.zeros(s[1]) for n, s in shapes.items()}
        return Encoder(mean=whole.mean(axis=0), scale=np.ones(3), **arrays)

    strange = learn_strangeness(rows, NAMES, 1, made)
    detector = Detector(names=NAMES, strange=strange)
    again = Detector.from_artefact(detector.to_artefact())
    assert again.rarity_many(rows).tolist() == detector.rarity_many(rows).tolist()
    without = Detector(names=NAMES, strange=replace(strange, encoder=None))
    assert without.rarity_many(rows).tolist() != detector.rarity_many(rows).tolist()


def test_an_autoencoder_finds_what_breaks_the_pattern():
    pytest.importorskip("torch")
    from shopkeeper.fraud.models import deep

    draw = np.random.default_rng(6)
    first = draw.normal(size=4000)
    usual = np.column_stack([first, first + draw.normal(size=4000) * 0.05, -first, first * 2])
    odd = usual[:200].copy()
    odd[:, 1] = -odd[:, 1]  # every value by itself is usual
    made = deep.train_encoder(usual, 1)
    assert np.median(made.error_many(odd)) > 4 * np.median(made.error_many(usual))
    again = deep.train_encoder(usual, 1)
    assert (again.w1 == made.w1).all(), "the same seed gives the same weights"


def test_numpy_says_what_torch_says():
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(9)
    net = small(draw)
    rows, past = draw.normal(size=(64, 3)) * 60 + 100, pasts(draw, 64)
    gru = torch.nn.GRU(STEP, 2, batch_first=True).double()
    with torch.no_grad():
        gru.weight_ih_l0.copy_(torch.from_numpy(net.wx.T))
        gru.weight_hh_l0.copy_(torch.from_numpy(net.wh.T))
        gru.bias_ih_l0.copy_(torch.from_numpy(net.bx))
        gru.bias_hh_l0.copy_(torch.from_numpy(net.bh))
        state = gru(torch.from_numpy(steps_of(past, rows[:, 0], rows[:, 1])))[1][0].numpy()
    only = replace(net, w1=np.eye(8)[:, :2], b1=np.full(2, 9.0), w2=np.array([1.0, 10.0]))
    expected = (state + 9) @ only.w2 + only.b2[0]
    assert only.raw_many(rows, past) == pytest.approx(expected.tolist(), abs=1e-10)


def test_a_sequence_model_learns_what_only_the_order_tells():
    """Fraud: the payment before was tiny. No feature of the row says so."""
    pytest.importorskip("torch")
    from shopkeeper.fraud import metrics
    from shopkeeper.fraud.models import deep

    draw = np.random.default_rng(4)
    rows, past = draw.normal(size=(6000, 3)) * 20 + 100, pasts(draw, 6000)
    tiny = draw.random(6000) < 0.1
    past[tiny & ~np.isnan(past[:, LAST - 1]), LAST - 1] = 1.0
    label = (past[:, LAST - 1] == 1.0).astype(np.int64)
    net = deep.train_sequence(rows[:4000], past[:4000], label[:4000], np.ones(4000), list(NAMES), 1)
    assert metrics.auc_roc(label[4000:], net.raw_many(rows[4000:], past[4000:])) > 0.95


@pytest.mark.slow
def test_a_shop_trains_it_keeps_it_beside_and_can_serve_it(tmp_path):
    pytest.importorskip("torch")
    with (
        clock.frozen(clock.from_us(made_frauds.END_US)),
        open_shop(settings_file.load(tmp_path / "shop")) as shop,
    ):
        assert not shop.append_events(made_frauds.events(days=40, customers=150)).rejected
        registry = Registry(shop.settings.models_path)
        done = training.train(shop, ["fraud"], variant="sequence")[0]
        assert done.report["champion"] == "sequence"
        assert {"trees", "strange", "logistic"} <= set(done.report["models"])
        model = registry.load("fraud", done.version, CAPABILITY.models)
        assert isinstance(model, SequenceDetector)
        registry.promote("fraud", done.version)
        runtime = Runtime(shop, capabilities=[CAPABILITY]).start(follow=False)
        bad = runtime.decide("fraud", made_frauds.question(1, thief=1, amount=15_000))
        assert not bad.fallback
        assert bad.model == done.version
        assert bad.reasons
        with pytest.raises(BadInput, match="no model 'nothing'"):
            training.train(shop, ["fraud"], variant="nothing")
        with pytest.raises(BadInput, match="belongs to one capability"):
            training.train(shop, [], variant="sequence")
