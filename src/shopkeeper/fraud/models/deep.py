"""Networks are trained here, in torch (extra ``deep``), and leave as plain numpy arrays.

Serving never needs torch: encoder.py and sequence.py compute the same in numpy, and a test holds
both together. One thread, one seed: the same rows give the same weights on the same machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.fraud.models import calibration
from shopkeeper.fraud.models.calibration import Calibration
from shopkeeper.fraud.models.encoder import Encoder, knots_of, scaled, spread_of
from shopkeeper.fraud.models.learn import UNHEARD
from shopkeeper.fraud.models.sequence import STEP, Network, inputs_of, steps_of

HIDDEN, CODE = 32, 8
EPOCHS, BATCH, RATE = 12, 512, 2e-3
LEAST_STEPS = 300  # few rows are gone through more often
MOST_ROWS = 60_000  # more cost minutes; drawn at random
STATE, TOP, DROPPED, DECAY = 16, 32, 0.2, 1e-3


def installed() -> bool:
    """Say whether networks can be trained here."""
    return find_spec("torch") is not None


def train_encoder(rows: np.ndarray, seed: int) -> Encoder:
    """Return an autoencoder fitted on rows (n, width) without NaN; no label is looked at."""
    draw = np.random.default_rng(seed)
    rows = rows[_sampled(rows, draw)]
    mean, scale = spread_of(rows)
    inputs = scaled(mean, scale, rows).astype(np.float32)
    width = inputs.shape[1]
    with _torch(seed) as torch:
        layers = [
            torch.nn.Linear(a, b)
            for a, b in ((width, HIDDEN), (HIDDEN, CODE), (CODE, HIDDEN), (HIDDEN, width))
        ]
        net = torch.nn.Sequential(
            *(step for layer in layers[:-1] for step in (layer, torch.nn.Tanh())), layers[-1]
        )
        held = torch.from_numpy(inputs)
        _descend(
            torch,
            net,
            len(inputs),
            draw,
            lambda place: ((net(held[place]) - held[place]) ** 2).mean(),
            epochs=EPOCHS,
        )
        arrays: dict[str, np.ndarray] = {"mean": mean, "scale": scale}
        for number, layer in enumerate(layers, 1):
            arrays[f"w{number}"] = _plain(layer.weight).T.copy()
            arrays[f"b{number}"] = _plain(layer.bias)
    return Encoder(**arrays)


def fit_sequence(
    rows: np.ndarray,
    past: np.ndarray,
    label: np.ndarray,
    names: Sequence[str],
    block: np.ndarray,
    seed: int,
    *,
    calibrate: np.ndarray,
    weight: np.ndarray,
) -> tuple[Network, Calibration]:
    """Return the network as it is served, and the curve from raw to probability.

    Arguments as in learn.fit_calibrated. The curve is learned from scores of days that a fit did
    not see: two fits, each without every other day.
    """
    heard = weight > UNHEARD
    rows, past, label, block = rows[heard], past[heard], label[heard], block[heard]
    weight, calibrate = weight[heard], calibrate[heard]
    raw = np.full(len(label), np.nan)
    for part in (0, 1):
        mine = calibrate & (block % 2 == part)
        rest = block % 2 != part
        if mine.any() and 0 < label[rest].sum() < rest.sum():
            half = train_sequence(rows[rest], past[rest], label[rest], weight[rest], names, seed)
            raw[mine] = half.raw_many(rows[mine], past[mine])
    seen = ~np.isnan(raw)
    curve = calibration.fit(raw[seen], label[seen])
    return train_sequence(rows, past, label, weight, names, seed), curve


def train_sequence(
    rows: np.ndarray,
    past: np.ndarray,
    label: np.ndarray,
    weight: np.ndarray,
    names: Sequence[str],
    seed: int,
) -> Network:
    """Return the network fitted on rows (n, width) with their past (n, 2 · LAST) and labels."""
    draw = np.random.default_rng(seed)
    kept = _sampled(label, draw)
    rows, past, label, weight = rows[kept], past[kept], label[kept], weight[kept]
    filler = np.nan_to_num(np.nanmedian(np.where(np.isnan(rows).all(0), 0.0, rows), axis=0))
    whole = np.where(np.isnan(rows), filler, rows)
    knots, (mean, scale) = knots_of(whole), spread_of(whole)
    places = np.array([names.index("amount_minor"), names.index("hour")])
    steps = steps_of(past, rows[:, places[0]], rows[:, places[1]])
    inputs = inputs_of(knots, mean, scale, rows)
    with _torch(seed) as torch:
        gru = torch.nn.GRU(STEP, STATE, batch_first=True)
        below = torch.nn.Linear(STATE + inputs.shape[1], TOP)
        top = torch.nn.Linear(TOP, 1)
        drop = torch.nn.Dropout(DROPPED)
        held = [torch.from_numpy(one.astype(np.float32)) for one in (steps, inputs, label, weight)]
        judge = torch.nn.functional.binary_cross_entropy_with_logits

        def loss_of(place: Any) -> Any:
            own, row, truth, weighs = (one[place] for one in held)
            state = gru(own)[1][0]
            hidden = torch.relu(below(torch.cat([state, drop(row)], dim=1)))
            return judge(top(drop(hidden))[:, 0], truth, weight=weighs)

        net = torch.nn.ModuleList([gru, below, top])
        _descend(torch, net, len(label), draw, loss_of, epochs=EPOCHS, decay=DECAY)
        return Network(
            knots=knots,
            mean=mean,
            scale=scale,
            wx=_plain(gru.weight_ih_l0).T.copy(),
            wh=_plain(gru.weight_hh_l0).T.copy(),
            bx=_plain(gru.bias_ih_l0),
            bh=_plain(gru.bias_hh_l0),
            w1=_plain(below.weight).T.copy(),
            b1=_plain(below.bias),
            w2=_plain(top.weight)[0],
            b2=_plain(top.bias),
            places=places,
        )


def _sampled(label: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """Return rows (indices, in order): all when few, otherwise MOST_ROWS drawn at random."""
    if len(label) <= MOST_ROWS:
        return np.arange(len(label))
    return np.sort(draw.choice(len(label), MOST_ROWS, replace=False))


def _descend(
    torch: Any,
    net: Any,
    count: int,
    draw: np.random.Generator,
    loss_of: Callable[[Any], Any],
    *,
    epochs: int,
    decay: float = 0.0,
) -> None:
    """Lower a loss over random batches of ``count`` rows, the rate falling to nothing."""
    per_epoch = -(-count // BATCH)
    epochs = max(epochs, -(-LEAST_STEPS // per_epoch))
    steps = epochs * per_epoch
    descent = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=decay)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(descent, steps)
    for _ in range(epochs):
        order = torch.from_numpy(draw.permutation(count))
        for start in range(0, count, BATCH):
            descent.zero_grad()
            loss_of(order[start : start + BATCH]).backward()
            descent.step()
            falling.step()


@contextmanager
def _torch(seed: int) -> Iterator[Any]:
    """Lend torch with one thread and a seed of its own; BadInput says how to get it."""
    try:
        import torch
    except ImportError:
        raise BadInput(
            "Training a network needs torch, which is not installed.",
            hint="pip install 'shopkeeper[deep]'; serving a trained one needs nothing more.",
            field="model",
        ) from None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield torch
    finally:
        torch.set_num_threads(threads)


def _plain(weight: Any) -> np.ndarray:
    return np.asarray(weight.detach().numpy(), dtype=np.float64)
