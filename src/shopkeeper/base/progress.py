"""Progress on long work: a bar on a terminal, a plain line per stage elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# A log that lists what took no time hides what did.
WORTH_SAYING_SECONDS = 0.5


class Stage:
    """What long work reports to: ``total`` steps, ``advance`` by some."""

    def __init__(self, bar: Progress | None, task: int | None) -> None:
        self._bar, self._task, self.done = bar, task, 0

    def advance(self, steps: int = 1) -> None:
        self.done += steps
        if self._bar is not None and self._task is not None:
            self._bar.advance(self._task, steps)  # type: ignore[arg-type]


@contextmanager
def stage(title: str, total: int | None = None) -> Iterator[Stage]:
    """Show one stage of work on standard error, so that standard output stays for answers."""
    console = Console(file=sys.stderr)
    started = time.perf_counter()
    if not console.is_terminal:
        step = Stage(None, None)
        yield step
        seconds = time.perf_counter() - started
        if seconds >= WORTH_SAYING_SECONDS:
            print(f"  {title:<44} {seconds:7.1f} s", file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn("  {task.description:<44}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=total)
        yield Stage(bar, task)
        bar.update(task, total=total or 1, completed=total or 1)
