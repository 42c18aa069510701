"""Judge a policy on anybody's logged bandit file: position, action, reward, pscore.

    action, reward, pscore   needed: what was shown, what it earned, with what chance
    position                 the place, any number; without it all rows are one place
    request                  rows that belong to one answer; drawn again together
    policy                   chance of the row's action under the policy in question

Which policy is in question: the column ``policy``; or another file of shown actions whose shares
per position are that policy's (as Open Bandit Data tells of its Thompson sampling); or by name
``uniform``, or ``learned``: in the second half the action whose mean reward at the position,
drawn towards everybody's, was largest in the first half. Only rows of the second half judge it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shopkeeper.base.errors import BadInput
from shopkeeper.data.importers.tabular import bad_row, first_row, named_columns, numbers
from shopkeeper.learn.offpolicy import Logged, compare, fold_means
from shopkeeper.recommend.offpolicy.evaluate import printed

NEEDED = ("action", "reward", "pscore")
OPTIONAL = ("position", "request", "policy")
NAMED = ("uniform", "learned")
MOST_ACTIONS = 2_000
PRIOR = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A logged file as arrays (n,), in its order; ``policy`` None where it has no such column."""

    action: np.ndarray
    reward: np.ndarray
    pscore: np.ndarray
    position: np.ndarray
    request: np.ndarray | None
    policy: np.ndarray | None
    actions: list[str]
    positions: list[str]

    def take(self, rows: np.ndarray) -> Rows:
        """Return some rows; actions and positions keep their numbers."""
        return replace(
            self,
            action=self.action[rows],
            reward=self.reward[rows],
            pscore=self.pscore[rows],
            position=self.position[rows],
            request=None if self.request is None else self.request[rows],
            policy=None if self.policy is None else self.policy[rows],
        )


def read(path: Path, names: Mapping[str, str] | None = None) -> Rows:
    """Return a logged file; BadInput names the column and the first bad row."""
    table, found = named_columns(path, NEEDED, OPTIONAL, names)
    if table.num_rows == 0:
        raise BadInput(f"{path} has no rows.", field="file", value=str(path))
    pscore = numbers(table["pscore"], path, found["pscore"])
    bad = first_row(~((pscore > 0) & (pscore <= 1)))
    if bad is not None:
        said = f"must lie above 0 and up to 1, but is {pscore[bad]:g}"
        raise bad_row(path, found["pscore"], bad, said, float(pscore[bad]))
    policy = numbers(table["policy"], path, found["policy"]) if "policy" in found else None
    if policy is not None and (bad := first_row(~((policy >= 0) & (policy <= 1)))) is not None:
        said = f"must lie from 0 to 1, but is {policy[bad]:g}"
        raise bad_row(path, found["policy"], bad, said, float(policy[bad]))
    action, actions = _codes(table["action"], path, found["action"])
    if len(actions) > MOST_ACTIONS:
        raise BadInput(
            f"{path} has {len(actions)} actions.",
            hint="Log the candidates of a place, not the whole catalogue; or give a policy column.",
            field="action",
            value=len(actions),
            allowed=f"up to {MOST_ACTIONS}",
        )
    one = (np.zeros(table.num_rows, dtype=np.int64), ["1"])
    position, positions = (
        _codes(table["position"], path, found["position"]) if "position" in found else one
    )
    return Rows(
        action=action,
        reward=numbers(table["reward"], path, found["reward"]),
        pscore=pscore,
        position=position,
        request=_codes(table["request"], path, found["request"])[0] if "request" in found else None,
        policy=policy,
        actions=actions,
        positions=positions,
    )


def evaluate(
    path: Path,
    names: Mapping[str, str] | None = None,
    *,
    against: Path | None = None,
    policy: str = "",
    seed: int = 7,
) -> dict[str, Any]:
    """Return the report on a file; see the module for which policy is in question."""
    rows = read(path, names)
    if against is not None and policy:
        raise BadInput("--against and --policy exclude each other.", field="policy", value=policy)
    name = policy or ("file" if against else "column" if rows.policy is not None else "learned")
    if name in ("column", "file") or name in NAMED:
        judged, chances = _asked(name, rows, against, names)
    else:
        raise BadInput(
            f"There is no policy '{name}'.",
            field="policy",
            value=name,
            allowed=", ".join(NAMED),
            hint="A policy of your own: a column 'policy', or --against FILE.",
        )
    told = compare(_logged(judged, chances, seed), np.random.default_rng(seed))
    mean = round(float(judged.reward.mean()), 6)
    return {
        "capability": "recommend",
        "data": {
            "source": path.name,
            "rows": len(rows.reward),
            "judged": told.rows,
            "rewarded": told.rewards,
            "actions": len(rows.actions),
            "positions": len(rows.positions),
        },
        "protocol": {"asked": name, "unit": "row", "seed": seed},
        "missing": [],
        "models": {"logged": {"metrics": {"mean": mean}}, name: printed(told)},
        "baseline": "logged",
    }


def _asked(
    name: str, rows: Rows, against: Path | None, names: Mapping[str, str] | None
) -> tuple[Rows, np.ndarray | None]:
    """Return the rows that judge and the chances of all actions (n, actions), None: one column."""
    wide = len(rows.actions)
    if name == "column":
        return rows, None
    if name == "uniform":
        return rows, np.full((len(rows.action), wide), 1 / wide)
    if name == "learned":
        half = np.arange(len(rows.action)) >= len(rows.action) // 2
        best = _means(rows.take(~half)).argmax(axis=1)
        judged = rows.take(half)
        return judged, np.eye(wide)[best[judged.position]]
    assert against is not None
    shown, found = named_columns(against, ("action",), ("position",), _some(names))
    action, own = _codes(shown["action"], against, found["action"])
    place, places = (
        _codes(shown["position"], against, found["position"])
        if "position" in found
        else (np.zeros(len(action), np.int64), ["1"])
    )
    shares = np.zeros((len(rows.positions), wide))
    number = {one: at for at, one in enumerate(rows.actions)}
    spot = {one: at for at, one in enumerate(rows.positions)}
    for a, p in zip(action.tolist(), place.tolist(), strict=True):
        if own[a] not in number or places[p] not in spot:
            field, value = ("action", own[a]) if own[a] not in number else ("position", places[p])
            raise BadInput(
                f"{against.name} shows {field} '{value}', which the log never did.",
                hint="What the log never showed, it says nothing of.",
                field=field,
                value=value,
            )
        shares[spot[places[p]], number[own[a]]] += 1
    sums = shares.sum(axis=1, keepdims=True)
    if not sums.all():
        raise BadInput(
            f"{against.name} has no row at position {rows.positions[int(sums.argmin())]}.",
            field="position",
        )
    return rows, (shares / sums)[rows.position]


def _logged(rows: Rows, chances: np.ndarray | None, seed: int) -> Logged:
    n = len(rows.action)
    if chances is None:
        assert rows.policy is not None
        # Two columns: what was shown and all else; enough where nothing models the rest.
        pair = np.stack([rows.policy, 1 - rows.policy], axis=1)
        return Logged(
            reward=rows.reward,
            action=np.zeros(n, dtype=np.int64),
            propensity=rows.pscore,
            policy=pair,
            request=rows.request,
        )
    rng = np.random.default_rng(seed)
    return Logged(
        reward=rows.reward,
        action=rows.action,
        propensity=rows.pscore,
        policy=chances,
        predicted=fold_means(rows.reward, rows.action, len(rows.actions), rng),
        request=rows.request,
    )


def _means(rows: Rows) -> np.ndarray:
    """Return (positions, actions) mean rewards, each drawn to the whole by PRIOR rows."""
    shape = (len(rows.positions), len(rows.actions))
    count, paid = np.zeros(shape), np.zeros(shape)
    np.add.at(count, (rows.position, rows.action), 1)
    np.add.at(paid, (rows.position, rows.action), rows.reward)
    whole = float(rows.reward.mean()) if len(rows.reward) else 0.0
    return (paid + PRIOR * whole) / (count + PRIOR)


def _codes(column: pa.ChunkedArray, path: Path, name: str) -> tuple[np.ndarray, list[str]]:
    bad = first_row(pc.is_null(column).to_numpy(zero_copy_only=False))
    if bad is not None:
        raise bad_row(path, name, bad, "is empty", None)
    texts = np.array(pc.cast(column, pa.string()).to_pylist())
    values, code = np.unique(texts, return_inverse=True)
    return code.astype(np.int64), values.tolist()


def _some(names: Mapping[str, str] | None) -> dict[str, str]:
    return {k: v for k, v in (names or {}).items() if k in ("action", "position")}
