"""Gradient descent of factors.py in PyTorch, on the GPU where there is one. Training only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.recommend.ratings.table import Ratings

_HINT = "pip install 'shopkeeper[deep]'; what was trained elsewhere is served without it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """Arrays by name, RMSE by epoch, the epoch kept (from 1), and where it ran."""

    arrays: Mapping[str, np.ndarray]
    curves: Mapping[str, list[tuple[float, float]]]
    best_epoch: int
    device: str


def learn(
    data: Ratings, valid: Ratings | None, settings: Mapping[str, Any], log_folder: str | None
) -> Learned:
    """Return the weights of the best epoch on ``valid``, or of the last without it."""
    try:
        import torch
    except ImportError as problem:
        raise BadInput(
            "Training `factors` needs PyTorch, which is not here.", hint=_HINT
        ) from problem
    device = "cuda" if torch.cuda.is_available() else "cpu"
    draw = torch.Generator().manual_seed(int(settings["seed"]))
    torch.manual_seed(int(settings["seed"]))  # dropout draws from the global generator alone
    weights = _begin(torch, data, int(settings["dimensions"]), draw, device)
    adam = torch.optim.Adam(weights.values(), lr=float(settings["rate"]))
    mean = float(data.value.mean())
    rows = _columns(torch, data, mean, device)
    judged = None if valid is None else _columns(torch, valid, mean, device)
    writer = _writer(log_folder)
    curves: dict[str, list[tuple[float, float]]] = {"train_rmse": [], "valid_rmse": []}
    best, best_epoch, kept = float("inf"), 0, _copied(weights)
    for epoch in range(1, int(settings["epochs"]) + 1):
        order = torch.randperm(len(data.user), generator=draw).to(device)
        squares = 0.0
        for part in order.split(int(settings["batch"])):
            adam.zero_grad()
            loss, square = _loss(torch, weights, [column[part] for column in rows], settings)
            loss.backward()
            adam.step()
            squares += float(square) * len(part)
        curves["train_rmse"].append((epoch, (squares / len(data.user)) ** 0.5))
        if judged is not None:
            with torch.no_grad():
                guess = _stars(weights, judged[0], judged[1])
                now = float(((guess - judged[2]) ** 2).mean() ** 0.5)
            curves["valid_rmse"].append((epoch, now))
        for name, points in curves.items():
            if writer is not None and points:
                writer.add_scalar(name, points[-1][1], epoch)
        if judged is None or now < best:
            best, best_epoch, kept = (now if judged else best), epoch, _copied(weights)
        elif epoch - best_epoch >= int(settings["patience"]):
            break
    if writer is not None:
        writer.close()
    return Learned(arrays=kept, curves=curves, best_epoch=best_epoch, device=device)


def _begin(torch: Any, data: Ratings, width: int, draw: Any, device: str) -> dict[str, Any]:
    """Return small random vectors and zero biases; who has no rating keeps zeros everywhere."""
    made = {}
    sides = (("user", data.user, data.user_ids), ("item", data.item, data.item_ids))
    for side, codes, ids in sides:
        known = torch.zeros(len(ids), 1)
        known[np.unique(codes)] = 1
        vectors = 0.05 * torch.randn(len(ids), width, generator=draw) * known
        made[f"{side}_vectors"] = vectors.to(device).requires_grad_()
        made[f"{side}_bias"] = torch.zeros(len(ids), device=device, requires_grad=True)
    return made


def _columns(torch: Any, data: Ratings, mean: float, device: str) -> list[Any]:
    user = torch.as_tensor(data.user.astype(np.int64), device=device)
    item = torch.as_tensor(data.item.astype(np.int64), device=device)
    return [user, item, torch.as_tensor((data.value - mean).astype(np.float32), device=device)]


def _stars(weights: Mapping[str, Any], user: Any, item: Any) -> Any:
    """Return stars above the mean."""
    inner = (weights["user_vectors"][user] * weights["item_vectors"][item]).sum(1)
    return weights["user_bias"][user] + weights["item_bias"][item] + inner


def _loss(
    torch: Any, weights: Mapping[str, Any], rows: list[Any], settings: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return (mean squared error + L2 of the pairs met, mean squared error)."""
    user, item, target = rows
    p, q = weights["user_vectors"][user], weights["item_vectors"][item]
    b_u, b_i = weights["user_bias"][user], weights["item_bias"][item]
    kept_p = torch.nn.functional.dropout(p, float(settings["dropout"]))
    square = ((b_u + b_i + (kept_p * q).sum(1) - target) ** 2).mean()
    size = (p**2).sum(1) + (q**2).sum(1) + b_u**2 + b_i**2
    return square + float(settings["penalty"]) * size.mean(), square.detach()


def _copied(weights: Mapping[str, Any]) -> dict[str, np.ndarray]:
    return {name: w.detach().cpu().numpy().copy() for name, w in weights.items()}


def _writer(folder: str | None) -> Any:
    """Return a TensorBoard writer; BadInput where its package is missing."""
    if folder is None:
        return None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as problem:
        raise BadInput(
            "--log-folder needs TensorBoard, which is not here.",
            hint="pip install 'shopkeeper[deep]', or leave --log-folder out.",
            field="log_folder",
        ) from problem
    return SummaryWriter(folder)
