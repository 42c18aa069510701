"""Gradient descent of transformer.py in PyTorch, on the GPU where there is one. Training only.

Every place of a window (windows.py) predicts its next item, against one draw of negatives that
the whole batch shares: one matrix product instead of one draw per place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.models import windows
from shopkeeper.recommend.models.windows import Sequences

_HINT = "pip install 'shopkeeper[deep]'; what was trained elsewhere is served without it."
_POOL = 1 << 22  # numbers drawn once an epoch for dropout; each use reads them at another place


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Arrays by name, curves by epoch, the epoch kept (from 1), and where it ran."""

    arrays: Mapping[str, np.ndarray]
    curves: Mapping[str, list[tuple[float, float]]]
    best_epoch: int
    device: str


@dataclass(slots=True, kw_only=True)
class _State:
    """What a stopped run needs to go on, beside the optimiser's own numbers."""

    epoch: int = 0
    step: int = 0
    best: float = -1.0
    best_epoch: int = 0
    kept: dict[str, np.ndarray] = field(default_factory=dict)
    curves: dict[str, list[tuple[float, float]]] = field(default_factory=dict)


def learn(
    data: Sequences,
    settings: Mapping[str, Any],
    log_folder: str | None = None,
    checkpoint: str | None = None,
) -> Learned:
    """Return the weights of the epoch best on the held items, or of the last without any.

    ``checkpoint`` names a file written after each epoch, from which a stopped run goes on.
    """
    try:
        import torch
    except ImportError as problem:
        raise BadInput(
            "Training `transformer` needs PyTorch, which is not here.", hint=_HINT
        ) from problem
    device = "cuda" if torch.cuda.is_available() else "cpu"
    draw = torch.Generator().manual_seed(int(settings["seed"]))
    weights = _begin(torch, data.n_items, settings, draw, device)
    adam = torch.optim.AdamW(
        weights.values(), lr=float(settings["rate"]), betas=(0.9, 0.98), weight_decay=0.0
    )
    state = _State()
    if checkpoint is not None and Path(checkpoint).exists():
        state = _restored(torch, Path(checkpoint), weights, adam, settings)
    writer = _writer(log_folder)
    epochs, patience = int(settings["epochs"]), int(settings["patience"])
    while state.epoch < epochs and state.epoch - state.best_epoch <= patience:
        rng = np.random.default_rng((int(settings["seed"]), state.epoch))
        loss = _epoch(torch, weights, adam, data, settings, state, rng, device)
        state.epoch += 1
        _add(state, writer, "train_loss", loss)
        now = _judge(torch, weights, data, settings, device) if data.held.any() else 0.0
        if data.held.any():
            _add(state, writer, "held_ndcg_at_10", now)
        if now >= state.best:
            state.best, state.best_epoch, state.kept = now, state.epoch, _copied(weights)
        if checkpoint is not None:
            _keep(torch, Path(checkpoint), weights, adam, settings, state)
    if writer is not None:
        writer.close()
    return Learned(
        arrays=state.kept, curves=state.curves, best_epoch=state.best_epoch, device=device
    )


def _begin(
    torch: Any, n_items: int, settings: Mapping[str, Any], draw: Any, device: str
) -> dict[str, Any]:
    """Return fresh weights; what each block adds starts small, so that depth costs no calm."""
    d, hidden = int(settings["dimensions"]), 2 * int(settings["dimensions"])
    blocks = int(settings["blocks"])

    def random(*shape: int, scale: float) -> Any:
        return scale * torch.randn(*shape, generator=draw)

    made = {
        "item": random(n_items, d, scale=d**-0.5),
        "place": random(int(settings["length"]), d, scale=d**-0.5),
    }
    for at in range(blocks):
        own = {
            "qkv": random(3 * d, d, scale=d**-0.5),
            "qkv_bias": torch.zeros(3 * d),
            "out": random(d, d, scale=(2 * blocks * d) ** -0.5),
            "out_bias": torch.zeros(d),
            "up": random(hidden, d, scale=d**-0.5),
            "up_bias": torch.zeros(hidden),
            "down": random(d, hidden, scale=(2 * blocks * hidden) ** -0.5),
            "down_bias": torch.zeros(d),
        }
        for norm in ("before_attention", "before_forward"):
            own |= {norm: torch.ones(d), f"{norm}_bias": torch.zeros(d)}
        made |= {f"{at}.{name}": value for name, value in own.items()}
    made |= {"last": torch.ones(d), "last_bias": torch.zeros(d)}
    return {name: value.to(device).requires_grad_() for name, value in made.items()}


def hidden(
    torch: Any, weights: Mapping[str, Any], item: Any, place: Any, heads: int, drop: Any = None
) -> Any:
    """Return (rows, places, d): what each place says of the item after it.

    ``item`` (rows, places) row numbers, ``place`` counts from the end of the longest window.
    ``drop`` (tensor) -> tensor is dropout.
    """
    functional, drop = torch.nn.functional, drop or (lambda x: x)
    d = weights["item"].shape[1]
    rows, places = item.shape
    embed = functional.embedding
    x = drop(embed(item, weights["item"]) + embed(place, weights["place"]))

    def norm(name: str) -> Any:
        return functional.layer_norm(x, (d,), weights[name], weights[f"{name}_bias"])

    for at in range(sum(name.endswith(".qkv") for name in weights)):
        own = {n: weights[f"{at}.{n}"] for n in ("qkv", "out", "up", "down")}
        bias = {n: weights[f"{at}.{n}_bias"] for n in own}
        mixed = functional.linear(norm(f"{at}.before_attention"), own["qkv"], bias["qkv"])
        parts = mixed.view(rows, places, 3, heads, d // heads).permute(2, 0, 3, 1, 4)
        seen = _attend(torch, *parts.flatten(1, 2)).view(rows, heads, places, d // heads)
        seen = seen.transpose(1, 2).reshape(rows, places, d)
        x = x + drop(functional.linear(seen, own["out"], bias["out"]))
        up = functional.linear(norm(f"{at}.before_forward"), own["up"], bias["up"])
        up = functional.gelu(up, approximate="tanh")
        x = x + drop(functional.linear(up, own["down"], bias["down"]))
    return norm("last")


def _attend(torch: Any, q: Any, k: Any, v: Any) -> Any:
    """Return causal attention of (rows x heads, places, width).

    Spelt out: on a CPU in bfloat16 it takes two fifths of the fused kernel's time.
    """
    places = q.shape[1]
    later = torch.full((places, places), float("-inf"), dtype=q.dtype, device=q.device).triu(1)
    weight = torch.baddbmm(later.expand(len(q), -1, -1), q * q.shape[-1] ** -0.5, k.mT)
    return torch.bmm(weight.softmax(-1).to(v.dtype), v)


def _epoch(
    torch: Any,
    weights: Mapping[str, Any],
    adam: Any,
    data: Sequences,
    settings: Mapping[str, Any],
    state: _State,
    rng: np.random.Generator,
    device: str,
) -> float:
    """Take one step per batch; return the mean loss of a place."""
    batches = list(windows.batches(data, settings, rng))
    total, places = 0.0, 0
    steps = max(1, int(settings["epochs"]) * len(batches))
    drop = _dropper(torch, float(settings["dropout"]), rng, device)
    heads, negatives = int(settings["heads"]), int(settings["negatives"])
    for rows in batches:
        state.step += 1
        for group in adam.param_groups:
            group["lr"] = float(settings["rate"]) * _pace(state.step, steps)
        item, place, after = (torch.as_tensor(part, device=device) for part in rows)
        real = after >= 0
        others = torch.as_tensor(rng.integers(0, data.n_items, negatives), device=device)
        with torch.autocast(device, torch.bfloat16, enabled=bool(settings["half"])):
            said = hidden(torch, weights, item, place, heads, drop)[real]
            loss = _loss(torch, weights["item"], said, after[real], others)
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights.values(), 1.0)
        adam.step()
        count = int(real.sum())
        total, places = total + float(loss.detach()) * count, places + count
    return total / max(places, 1)


def _pace(step: int, steps: int) -> float:
    """Return the share of the learning rate at a step: up in at most 200, then down a cosine."""
    warm = min(1.0, step / min(200.0, steps / 20))
    return warm * (0.05 + 0.95 * 0.5 * (1 + float(np.cos(np.pi * min(1.0, step / steps)))))


def _loss(torch: Any, items: Any, said: Any, after: Any, others: Any) -> Any:
    """Return the softmax loss against shared negatives, each standing for its share of items.

    Uniform draws are corrected by log(items / draws), so that the sum over them estimates the
    sum over the catalogue; a draw that is the target itself does not count.
    """
    right = (said * items[after]).sum(1, keepdim=True).float()
    wrong = (said @ items[others].T).float() + float(np.log(len(items) / len(others)))
    wrong = wrong.masked_fill(others[None, :] == after[:, None], float("-inf"))
    return (torch.logsumexp(torch.cat([right, wrong], 1), 1) - right[:, 0]).mean()


def _dropper(torch: Any, share: float, rng: np.random.Generator, device: str) -> Any:
    """Return dropout that reads one pool of draws at random places: cheaper than drawing anew."""
    if share == 0:
        return None
    kept = (rng.random(_POOL, dtype=np.float32) >= share) / np.float32(1 - share)
    pool = torch.as_tensor(kept, device=device)

    def drop(x: Any) -> Any:
        size = x.numel()
        if size > _POOL // 2:
            return torch.nn.functional.dropout(x, share)
        first = int(rng.integers(0, _POOL - size))
        return x * pool[first : first + size].view(x.shape).to(x.dtype)

    return drop


def _judge(
    torch: Any,
    weights: Mapping[str, Any],
    data: Sequences,
    settings: Mapping[str, Any],
    device: str,
) -> float:
    """Return NDCG@10 of the held items over the whole catalogue, what was met before left out."""
    length, gains = int(settings["length"]), []
    users = np.flatnonzero(data.held & (np.diff(data.start) > 1))
    users = users[np.argsort(np.diff(data.start)[users], kind="stable")]
    for part in np.array_split(users, max(1, len(users) // 64)):
        last = data.start[part + 1] - 1
        first = np.maximum(data.start[part], last - length)
        step = np.arange(int((last - first).max()))[None, :]
        inside = step < (last - first)[:, None]
        item = np.where(inside, data.item[np.where(inside, first[:, None] + step, 0)], 0)
        place = np.where(inside, length - (last - first)[:, None] + step, 0)
        with torch.no_grad():
            read, where = (torch.as_tensor(a, device=device) for a in (item, place))
            said = hidden(torch, weights, read, where, int(settings["heads"]))
            said = said[torch.arange(len(part)), torch.as_tensor(last - first - 1)]
            score = (said @ weights["item"].T).cpu().numpy()
        for row, user in enumerate(part):
            target = int(data.item[last[row]])
            goal = score[row, target]
            score[row, data.item[data.start[user] : last[row]]] = -np.inf
            rank = int((score[row] > goal).sum())
            gains.append(1 / np.log2(rank + 2) if rank < 10 else 0.0)
    return float(np.mean(gains))


def _add(state: _State, writer: Any, name: str, value: float) -> None:
    state.curves.setdefault(name, []).append((state.epoch, value))
    if writer is not None:
        writer.add_scalar(name, value, state.epoch)
        writer.flush()


def _copied(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: w.detach().cpu().numpy().copy() for name, w in weights.items()}


def _keep(
    torch: Any,
    path: Path,
    weights: Mapping[str, Any],
    adam: Any,
    settings: Mapping[str, Any],
    state: _State,
) -> None:
    """Write the run to disk, whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    facts = {name: getattr(state, name) for name in ("epoch", "step", "best", "best_epoch")}
    kept = {name: torch.as_tensor(value) for name, value in state.kept.items()}
    saved = {"weights": dict(weights), "adam": adam.state_dict(), "kept": kept}
    saved |= {"settings": dict(settings), "facts": facts, "curves": state.curves}
    torch.save(saved, part)
    part.replace(path)


def _restored(
    torch: Any, path: Path, weights: Mapping[str, Any], adam: Any, settings: Mapping[str, Any]
) -> _State:
    """Return where the run at ``path`` stood; weights and optimiser are set to it."""
    saved = torch.load(path, weights_only=True)
    other = [name for name, value in saved["settings"].items() if settings[name] != value]
    if other:
        raise BadInput(
            f"checkpoint {path} holds a run with another {other[0]}.",
            hint="Name a new file, or the settings of that run.",
            field="checkpoint",
            value=saved["settings"][other[0]],
        )
    with torch.no_grad():
        for name, value in saved["weights"].items():
            weights[name].copy_(value)
    adam.load_state_dict(saved["adam"])
    kept = {name: value.numpy() for name, value in saved["kept"].items()}
    return _State(**saved["facts"], kept=kept, curves=saved["curves"])


def _writer(folder: str | None) -> Any:
    """Return a TensorBoard writer; BadInput where its package is missing."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise BadInput(
            "log_folder needs TensorBoard, which is not here.",
            hint="pip install 'shopkeeper[deep]', or leave log_folder out.",
            field="log_folder",
        ) from problem
    return SummaryWriter(folder)
