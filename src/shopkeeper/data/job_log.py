"""What became of each job: one row per run, kept beside the log in ``jobs.sqlite3``.

A run is written before its work begins and settled when it ends; a row that says ``running``
while nobody holds the jobs' lock belongs to a process that died. Scheduling is operate/jobs/.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa

from shopkeeper.base import clock, ids
from shopkeeper.data.access import open_private, storing

ASKED, RUNNING, DONE, FAILED, LOST = "asked", "running", "done", "failed", "lost"
ENDED = (DONE, FAILED, LOST)
KEPT_US = 90 * clock.DAY_US

_meta = sa.MetaData()
_jobs = sa.Table(
    "jobs",
    _meta,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("known_us", sa.BigInteger, nullable=False),
)
_runs = sa.Table(
    "runs",
    _meta,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("due_us", sa.BigInteger, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("started_us", sa.BigInteger),
    sa.Column("ended_us", sa.BigInteger),
    sa.Column("share", sa.Float),
    sa.Column("saying", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("code", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("hint", sa.Text),
    sa.UniqueConstraint("job", "due_us", "tries"),
    sa.Index("ix_runs_job", "job", "due_us"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of a job. ``due_us``: the moment it serves; ``share``: progress, 0 to 1."""

    run_id: str
    job: str
    due_us: int
    tries: int
    asked_by: str
    state: str
    started_us: int | None = None
    ended_us: int | None = None
    share: float | None = None
    saying: str | None = None
    outcome: Mapping[str, Any]
    code: str | None = None
    problem: str | None = None
    hint: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took, None while it runs."""
        if self.started_us is None or self.ended_us is None:
            return None
        return round((self.ended_us - self.started_us) / 1e6, 1)


class JobLog:
    """The runs of one shop folder; safe to use from several threads and processes."""

    def __init__(self, path: Path) -> None:
        self._engine = open_private(path, _meta)

    def known_since(self, job: str) -> int:
        """Return when a job was first heard of; the first question is that moment."""
        now_us = clock.now_us()
        with storing(), self._engine.begin() as connection:
            connection.execute(
                _jobs.insert().prefix_with("OR IGNORE"), {"job": job, "known_us": now_us}
            )
            found = connection.execute(sa.select(_jobs.c.known_us).where(_jobs.c.job == job))
            return int(found.scalar_one())

    def begin(
        self, job: str, due_us: int, *, asked_by: str, tries: int = 1, state: str = RUNNING
    ) -> Run | None:
        """Write a new run of a due moment; None: this try of it is on the record already."""
        run = Run(
            run_id=ids.new_id("run"),
            job=job,
            due_us=due_us,
            tries=tries,
            asked_by=asked_by,
            state=state,
            started_us=clock.now_us() if state == RUNNING else None,
            outcome={},
        )
        row = {name: getattr(run, name) for name in run.__slots__} | {"outcome": "{}"}
        with storing(), self._engine.begin() as connection:
            done = connection.execute(_runs.insert().prefix_with("OR IGNORE"), row)
            return run if done.rowcount else None

    def take(self, run_id: str) -> bool:
        """Turn an asked run into a running one; False: it was taken already."""
        changed = {"state": RUNNING, "started_us": clock.now_us()}
        return self._change(_runs.c.run_id == run_id, _runs.c.state == ASKED, **changed)

    def tell(self, run_id: str, share: float | None, saying: str) -> None:
        """Note how far a run is."""
        self._change(_runs.c.run_id == run_id, share=share, saying=saying[:200])

    def settle(
        self,
        run_id: str,
        state: str,
        *,
        outcome: Mapping[str, Any] | None = None,
        code: str | None = None,
        problem: str | None = None,
        hint: str | None = None,
    ) -> bool:
        """Note how a run ended; a run that has ended keeps its end."""
        return self._change(
            _runs.c.run_id == run_id,
            _runs.c.state.in_((RUNNING, ASKED)),
            state=state,
            ended_us=clock.now_us(),
            outcome=msgspec.json.encode(dict(outcome or {})).decode(),
            code=code,
            problem=problem and problem[:500],
            hint=hint and hint[:500],
        )

    def get(self, run_id: str) -> Run | None:
        """Return one run."""
        found = self._read(_runs.select().where(_runs.c.run_id == run_id))
        return found[0] if found else None

    def of_job(self, job: str, limit: int = 20) -> list[Run]:
        """Return a job's newest runs, newest first."""
        chosen = _runs.select().where(_runs.c.job == job)
        return self._read(chosen.order_by(sa.text("rowid DESC")).limit(limit))

    def latest(self, limit: int = 50) -> list[Run]:
        """Return the newest runs of all jobs, newest first."""
        return self._read(_runs.select().order_by(sa.text("rowid DESC")).limit(limit))

    def waiting(self, state: str) -> list[Run]:
        """Return the runs in a state that has not ended, oldest first."""
        return self._read(_runs.select().where(_runs.c.state == state).order_by(sa.text("rowid")))

    def tidy(self) -> int:
        """Drop ended runs older than 90 days, but never a job's newest; return how many."""
        newest = sa.select(sa.func.max(_runs.c.due_us)).where(_runs.c.job == sa.text("runs.job"))
        old = clock.now_us() - KEPT_US
        with storing(), self._engine.begin() as connection:
            gone = connection.execute(
                _runs.delete().where(
                    _runs.c.state.in_(ENDED),
                    _runs.c.ended_us < old,
                    _runs.c.due_us < newest.scalar_subquery(),
                )
            )
            return int(gone.rowcount)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def _change(self, *where: Any, **values: Any) -> bool:
        with storing(), self._engine.begin() as connection:
            return bool(connection.execute(_runs.update().where(*where).values(values)).rowcount)

    def _read(self, chosen: Any) -> list[Run]:
        with storing(), self._engine.connect() as connection:
            found = []
            for row in connection.execute(chosen):
                fields = dict(row._mapping)
                found.append(Run(**{**fields, "outcome": msgspec.json.decode(fields["outcome"])}))
            return found
