"""Good routes of many solutions, put together anew: a set-partitioning problem over a pool.

The search sees thousands of good routes and keeps one solution. The best choice among all routes
seen, each stop once, is a small integer programme that HiGHS solves in seconds where routes are
short; it often finds what the search alone would take minutes for.

Source: Rochat and Taillard, Probabilistic diversification and intensification in local search
for vehicle routing, Journal of Heuristics 1 (1995); Subramanian et al., A hybrid algorithm for a
class of vehicle routing problems, Computers & Operations Research 40 (2013).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyvrp
from scipy import optimize, sparse

_MAX_ROUTES = 6_000


@dataclass(slots=True)
class Pool:
    """Feasible routes by vehicle type and the set of stops served, the cheapest of each."""

    data: pyvrp.ProblemData
    routes: dict[tuple[int, frozenset[int]], tuple[int, pyvrp.Route]] = field(default_factory=dict)

    def add(self, solution: pyvrp.Solution) -> None:
        """Keep the feasible routes of a solution."""
        for route in solution.routes():
            if not route.is_feasible():
                continue
            key = (
                route.vehicle_type(),
                frozenset(stop.idx for stop in route if stop.is_client()),
            )
            cost = route.distance_cost() + route.duration_cost() + route.fixed_vehicle_cost()
            known = self.routes.pop(key, None)
            if known is not None and known[0] <= cost:
                cost, route = known
            self.routes[key] = (cost, route)  # last: most lately seen
        while len(self.routes) > _MAX_ROUTES:
            del self.routes[next(iter(self.routes))]


def recombine(
    pool: Pool, best: pyvrp.Solution, best_cost: float, seconds: float
) -> pyvrp.Solution | None:
    """Return a solution of pool routes that is cheaper than ``best``, or None."""
    pool.add(best)
    columns = list(pool.routes.items())
    data = pool.data
    clients = data.clients()
    cost = np.array([cost for _, (cost, _) in columns], dtype=float)
    members = [sorted(key[1]) for key, _ in columns]
    rows = np.concatenate([np.array(m, dtype=np.int64) for m in members])
    which = np.repeat(np.arange(len(columns)), [len(m) for m in members])
    cover = sparse.csr_matrix(
        (np.ones(len(rows)), (rows, which)), shape=(len(clients), len(columns))
    )
    optional = np.array([at for at, client in enumerate(clients) if not client.required], dtype=int)
    left_out = sparse.csr_matrix(
        (np.ones(len(optional)), (optional, np.arange(len(optional)))),
        shape=(len(clients), len(optional)),
    )
    prizes = np.array([clients[at].prize for at in optional], dtype=float)
    kinds = np.array([key[0] for key, _ in columns])
    fleet = sparse.csr_matrix(
        (np.ones(len(columns)), (kinds, np.arange(len(columns)))),
        shape=(data.num_vehicle_types, len(columns)),
    )
    available = np.array([data.vehicle_type(t).num_available for t in range(fleet.shape[0])])
    empty = sparse.csr_matrix((fleet.shape[0], len(optional)))
    objective = np.concatenate([cost, prizes])
    found = optimize.milp(
        objective,
        constraints=[
            optimize.LinearConstraint(sparse.hstack([cover, left_out]), 1, 1),
            optimize.LinearConstraint(sparse.hstack([fleet, empty]), -np.inf, available),
            # Only what beats the best known is of interest; it also prunes the search.
            optimize.LinearConstraint(objective[None, :], -np.inf, best_cost - 0.5),
        ],
        integrality=np.ones(len(objective)),
        bounds=optimize.Bounds(0, 1),
        options={"time_limit": max(seconds, 0.1), "mip_rel_gap": 1e-5},
    )
    if found.x is None:
        return None
    chosen = np.flatnonzero(found.x[: len(columns)] > 0.5)
    solution = pyvrp.Solution(data, [columns[at][1][1] for at in chosen])
    return solution if solution.is_feasible() else None
