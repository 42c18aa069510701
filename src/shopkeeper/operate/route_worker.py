"""The process of one route job: search, write the best so far, stop when asked to.

python -m shopkeeper.operate.route_worker FOLDER
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from shopkeeper.base import log
from shopkeeper.base.errors import ShopError
from shopkeeper.operate.route_jobs import read_json, stored_matrix, write_json
from shopkeeper.supply import day_plan, replan, routing
from shopkeeper.supply.routing_schema import Progress, RoutePlan

PLAN_SECONDS = 1.0  # between two plans written while searching
LOOK_SECONDS = 0.1  # between two looks for a cancel


class Worker:
    """One search and its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state: dict[str, Any] = read_json(folder / "state.json")
        self._written = self._looked = 0.0
        self._cancelled = False

    def run(self) -> None:
        """Search to the end; what goes wrong stands in the state."""
        raw = read_json(self.folder / "request.json")
        seconds, seed = day_plan.search_of(raw)
        self._tell(status="running", pid=os.getpid())
        try:
            made = self._made(raw, seconds, seed)
        except ShopError as problem:
            self._tell(status="failed", problem=problem.message)
            return
        except BaseException as problem:
            self._tell(status="failed", problem=type(problem).__name__)
            raise
        self._write(made)
        self._tell(
            status=made.status,
            seconds=made.seconds,
            cost_minor=made.cost_minor,
            iterations=made.iterations,
            first_feasible_s=made.first_feasible_s,
            dropped=len(made.dropped),
            routes=len(made.routes),
        )

    def _made(self, raw: dict[str, Any], seconds: float, seed: int) -> RoutePlan:
        problem = day_plan.problem_of(raw, matrix=stored_matrix(self.folder))
        search: dict[str, Any] = {"seconds": seconds, "seed": seed}
        search |= {"on_progress": self._progress, "stop": self._stop}
        if not (self.folder / "moment.json").exists():
            return routing.solve(problem, **search)
        before = day_plan.plan_of(read_json(self.folder / "before.json"))
        moment = day_plan.moment_of(read_json(self.folder / "moment.json"))
        return replan.replan(problem, before, moment, **search)

    def _progress(self, seen: Progress) -> None:
        now = time.monotonic()
        if self._written and now - self._written < PLAN_SECONDS:
            return
        self._written = now
        made = seen.plan()
        self._write(made)
        self._tell(
            seconds=round(seen.seconds, 2),
            cost_minor=made.cost_minor,
            iterations=seen.iterations,
            dropped=len(made.dropped),
            routes=len(made.routes),
        )

    def _stop(self) -> bool:
        now = time.monotonic()
        if now - self._looked > LOOK_SECONDS:
            self._looked = now
            self._cancelled = (self.folder / "cancel").exists()
        return self._cancelled

    def _write(self, made: RoutePlan) -> None:
        write_json(self.folder / "plan.json", day_plan.plan_json(made))

    def _tell(self, **facts: Any) -> None:
        self.state |= facts
        write_json(self.folder / "state.json", self.state)


def main() -> None:
    """Run the job of the folder that is named."""
    log.configure("warning")
    os.nice(5)
    Worker(Path(sys.argv[1])).run()


if __name__ == "__main__":
    main()
