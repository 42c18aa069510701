"""Isolation Forest in the form of a LightGBM model, so that one row costs microseconds.

scikit-learn grows the trees at training time; here they are written as a LightGBM text whose
leaves hold path lengths, so that serving uses the same C fast path as the trees of trees.py.
Source: Liu, Ting and Zhou, Isolation Forest, ICDM 2008: the shorter the mean path, the stranger.
"""

from __future__ import annotations

from typing import Any

import numpy as np

TREES, SAMPLE = 100, 256
_NAN_LEFT = 10  # LightGBM's decision type: missing values are NaN and go left


def grow(rows: np.ndarray, seed: int, *, trees: int = TREES, sample: int = SAMPLE) -> str:
    """Return the text of a model whose raw score is the mean path length; "" if none can grow.

    ``rows`` (n, width) must hold no NaN.
    """
    from sklearn.ensemble import IsolationForest

    forest = IsolationForest(
        n_estimators=trees, max_samples=min(sample, len(rows)), random_state=seed, n_jobs=1
    ).fit(rows)
    blocks: list[str] = []
    for tree, columns in zip(forest.estimators_, forest.estimators_features_, strict=True):
        block = _block(len(blocks), tree.tree_, columns, trees)
        if block:
            blocks.append(block)
    return _text(blocks, rows) if blocks else ""


def normal_path(n: np.ndarray | float) -> Any:
    """Return the mean path length of an unsuccessful search among n, eq. 1 of the paper."""
    n = np.asarray(n, dtype=np.float64)
    harmonic = np.log(np.maximum(n - 1, 1)) + np.euler_gamma
    return np.where(
        n > 2, 2 * harmonic - 2 * (n - 1) / np.maximum(n, 1), np.where(n == 2, 1.0, 0.0)
    )


def _block(number: int, tree: Any, columns: np.ndarray, trees: int) -> str:
    """Return one tree as LightGBM writes it: inner nodes and leaves numbered apart."""
    left, right = tree.children_left, tree.children_right
    inner = np.flatnonzero(left >= 0)
    leaves = np.flatnonzero(left < 0)
    if not len(inner):
        return ""
    place = np.empty(len(left), dtype=np.int64)
    place[inner] = np.arange(len(inner))
    place[leaves] = -np.arange(len(leaves)) - 1
    depth = np.zeros(len(left))
    for node in inner:  # parents come before their children
        depth[[left[node], right[node]]] = depth[node] + 1
    length = (depth + normal_path(tree.n_node_samples)) / trees
    facts = {
        "num_leaves": [len(leaves)],
        "num_cat": [0],
        "split_feature": columns[tree.feature[inner]],
        "split_gain": np.ones(len(inner)),
        "threshold": tree.threshold[inner],
        "decision_type": np.full(len(inner), _NAN_LEFT),
        "left_child": place[left[inner]],
        "right_child": place[right[inner]],
        "leaf_value": length[leaves],
        "leaf_weight": tree.n_node_samples[leaves],
        "leaf_count": tree.n_node_samples[leaves],
        "internal_value": length[inner],
        "internal_weight": tree.n_node_samples[inner],
        "internal_count": tree.n_node_samples[inner],
        "is_linear": [0],
        "shrinkage": [1],
    }
    lines = [
        f"{key}={' '.join(repr(v.item() if hasattr(v, 'item') else v) for v in values)}"
        for key, values in facts.items()
    ]
    return f"Tree={number}\n" + "\n".join(lines) + "\n\n\n"


def _text(blocks: list[str], rows: np.ndarray) -> str:
    width = rows.shape[1]
    head = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={width - 1}",
        "objective=regression",
        "feature_names=" + " ".join(f"f{i}" for i in range(width)),
        "feature_infos="
        + " ".join(
            f"[{low!r}:{high!r}]"
            for low, high in zip(rows.min(0).tolist(), rows.max(0).tolist(), strict=True)
        ),
        "tree_sizes=" + " ".join(str(len(block.encode())) for block in blocks),
    ]
    return "\n".join(head) + "\n\n" + "".join(blocks) + "end of trees\n"
