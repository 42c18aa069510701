"""Gradient descent of towers.py in PyTorch, on the GPU where there is one. Training only.

Every interaction after a customer's first is a target of what she took before it; her first one a
target of her attributes alone. The other targets of the batch are the negatives, each logit less
log q, q the share of targets that are this product: the popular stand in more batches.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.models.histories import KIND_WEIGHTS, Histories

REACH = 20  # baskets of a history that a target is told
_HINT = "pip install 'shopkeeper[deep]'; what was trained elsewhere is served without it."


def learn(
    features: np.ndarray, told: np.ndarray, past: Histories, settings: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Return the layers by name after ``epochs`` passes.

    Parameters
    ----------
    features
        (n_items, m) of the entries.
    told
        (n_users, k) of the customers' attributes, zeros where unknown.
    """
    try:
        import torch
    except ImportError as problem:
        raise BadInput(
            "Training `towers` needs PyTorch, which is not here.", hint=_HINT
        ) from problem
    device = "cuda" if torch.cuda.is_available() else "cpu"
    seed = int(settings["seed"])
    draw = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)  # dropout draws from the global generator alone
    of_user, history, weight, target = examples(past, float(settings["fade"]))
    entries = torch.as_tensor(features.astype(np.float32), device=device)
    people = torch.as_tensor(told.astype(np.float32), device=device)
    share = np.bincount(target, minlength=len(features)) / max(len(target), 1)
    log_q = torch.as_tensor(np.log(np.maximum(share, 1e-9)).astype(np.float32), device=device)
    layers = _begin(torch, features.shape[1], told.shape[1], settings, draw, device)
    adam = torch.optim.AdamW(
        layers.values(), lr=float(settings["rate"]), weight_decay=float(settings["penalty"])
    )
    columns = [torch.as_tensor(one, device=device) for one in (of_user, history, weight, target)]
    for _ in range(int(settings["epochs"])):
        order = torch.randperm(len(target), generator=draw).to(device)
        for part in order.split(int(settings["batch"])):
            if len(part) < 2:
                continue
            adam.zero_grad()
            rows = [column[part] for column in columns]
            loss = _loss(torch, layers, entries, people, rows, log_q, settings)
            loss.backward()
            adam.step()
    return {name: one.detach().cpu().numpy().copy() for name, one in layers.items()}


def examples(past: Histories, fade: float) -> tuple[np.ndarray, ...]:
    """Return (user, history (n, REACH), its weights, target) of every example.

    A history holds what was taken in baskets before the target's, newest last; an empty place
    has weight 0.
    """
    user, rows, weights, target = [], [], [], []
    kind = KIND_WEIGHTS[past.kind]
    for who in range(past.n_subjects):
        span = np.arange(past.start[who], past.start[who + 1])
        for at in span[kind[span] > 0].tolist():
            before = span[past.basket[span] < past.basket[at]][-REACH:]
            if past.item[at] in past.item[before]:
                continue  # a repeat is for buy_again to tell
            line, heavy = np.zeros(REACH, np.int64), np.zeros(REACH, np.float32)
            line[: len(before)] = past.item[before]
            passed = past.basket[at] - 1 - past.basket[before]
            heavy[: len(before)] = kind[before] * fade**passed
            user.append(who)
            rows.append(line)
            weights.append(heavy)
            target.append(int(past.item[at]))
    if not target:
        raise BadInput("Training `towers` needs interactions, and there are none.")
    whole = (np.array(user, np.int64), np.stack(rows), np.stack(weights))
    return (*whole, np.array(target, np.int64))


def _begin(
    torch: Any, m: int, k: int, settings: Mapping[str, Any], draw: Any, device: str
) -> dict[str, Any]:
    """Return small random layers."""
    hidden, width = int(settings["hidden"]), int(settings["dimensions"])
    shapes = {
        "w1": (m, hidden),
        "b1": (hidden,),
        "w2": (hidden, width),
        "b2": (width,),
        "u1": (width + k, hidden),
        "c1": (hidden,),
        "u2": (hidden, width),
        "c2": (width,),
    }
    made = {}
    for name, shape in shapes.items():
        scale = (2 / shape[0]) ** 0.5 if len(shape) == 2 else 0.0
        # The customer tower begins as the mean of her history.
        scale *= 0.1 if name == "u2" else 1.0
        first = scale * torch.randn(*shape, generator=draw)
        made[name] = first.to(device).requires_grad_()
    return made


def _loss(
    torch: Any,
    layers: Mapping[str, Any],
    entries: Any,
    people: Any,
    rows: list[Any],
    log_q: Any,
    settings: Mapping[str, Any],
) -> Any:
    """Return the mean softmax loss of a batch, its own targets the negatives."""
    user, history, weight, target = rows
    off = float(settings["dropout"])
    functional = torch.nn.functional
    # Each product of the batch goes through the tower once.
    needed, of = torch.unique(torch.cat([history.reshape(-1), target]), return_inverse=True)
    inner = functional.dropout(torch.relu(entries[needed] @ layers["w1"] + layers["b1"]), off)
    vectors = functional.normalize(inner @ layers["w2"] + layers["b2"], dim=1)
    taken = vectors[of[: history.numel()]].reshape(*history.shape, -1)
    mean = (taken * weight[:, :, None]).sum(1) / weight.sum(1, keepdim=True).clamp(min=1e-9)
    inner = torch.relu(torch.cat([mean, people[user]], dim=1) @ layers["u1"] + layers["c1"])
    who = mean + functional.dropout(inner, off) @ layers["u2"] + layers["c2"]
    who = functional.normalize(who, dim=1)
    wanted = vectors[of[history.numel() :]]
    logits = who @ wanted.T / float(settings["temperature"]) - log_q[target][None, :]
    # Where another customer took the same product, it is no negative.
    same = (target[:, None] == target[None, :]) & ~torch.eye(
        len(target), dtype=torch.bool, device=target.device
    )
    logits = logits.masked_fill(same, float("-inf"))
    return functional.cross_entropy(logits, torch.arange(len(target), device=target.device))
