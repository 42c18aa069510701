"""Measure the dialogue on a shop's tasks: did the database end as it should, and was policy kept?

Reads the layout of the published retail tasks (``db.json`` and ``tasks*.json``). A scripted
customer (simulate/support_customer.py) speaks from the scenario's words alone; the expected
actions are read only after the conversation, to compare. pass^k is the share of tasks that
succeed in all of k trials, C(c, k) / C(n, k) averaged.

A task passes when users and orders equal those after the expected actions and every fact that
should be told was told. That second part stands in for the published judge of statements, which
is a language model; it looks for the same facts as text.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shopkeeper.base.errors import BadInput
from shopkeeper.learn.metrics import bootstrap
from shopkeeper.simulate.support_customer import Customer, compile_script
from shopkeeper.support.acts import Act, act
from shopkeeper.support.commit import address_of
from shopkeeper.support.desk import Desk
from shopkeeper.support.dialogue import Message, Outcome, step
from shopkeeper.support.grammar import render
from shopkeeper.support.retail import TERMS, Refused, RetailBook, read_database, replay
from shopkeeper.support.state import Conversation

METRICS = ("pass_1", "pass_2", "pass_3", "pass_4", "policy_violations", "database_1")
TRIALS = 4
MOST_TURNS = 40
Agent = Callable[[Message, Desk], Outcome]


@dataclass(slots=True, kw_only=True)
class Played:
    """One conversation: what was said, whether it came out right, what it broke."""

    task_id: str
    database: bool
    told: bool
    violations: list[str] = field(default_factory=list)
    turns: list[tuple[str, str]] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether the database is right and everything asked was told."""
        return self.database and self.told


def evaluate(
    folder: Path, names: Mapping[str, str] | None = None, *, seed: int = 7
) -> dict[str, Any]:
    """Return the report over all tasks of a folder, with a baseline that never writes."""
    database, tasks = read_database(folder / "db.json"), read_tasks(folder)
    models = {}
    for name, agent in (("assistant", step), ("hand-over", _hands_over)):
        started = time.perf_counter()
        played = [
            [play(database, task, [seed, trial], agent) for trial in range(TRIALS)]
            for task in tasks
        ]
        models[name] = _judged(played, time.perf_counter() - started)
    return {
        "capability": "support",
        "data": {
            "rows": len(tasks),
            "train": 0,
            "validation": 0,
            "test": len(tasks),
            "source": folder.name,
        },
        "protocol": {
            "kind": "tasks",
            "trials": TRIALS,
            "seed": seed,
            "champion": "there is one; nothing is learned",
            "split": "none",
            "customer": "scripted by rules from the scenario",
        },
        "models": models,
        "champion": "assistant",
        "baseline": "hand-over",
    }


def read_tasks(folder: Path) -> list[dict[str, Any]]:
    """Return the tasks of a folder; BadInput names the file and what is missing."""
    files = sorted(folder.glob("tasks*.json"))
    if not files:
        raise BadInput(
            f"{folder} has no tasks*.json.", hint="--tasks takes a folder in the retail layout."
        )
    try:
        tasks: list[dict[str, Any]] = json.loads(files[0].read_text("utf-8"))
    except ValueError as problem:
        raise BadInput(f"{files[0]} is not valid JSON: {problem}.", field="tasks") from problem
    for row, task in enumerate(tasks):
        for name in ("user_scenario", "evaluation_criteria"):
            if name not in task:
                raise BadInput(f"{files[0]}: task {row} lacks '{name}'.", field=name)
    if not tasks:
        raise BadInput(f"{files[0]} holds no task.", field="tasks")
    return tasks


def play(
    database: Mapping[str, Any], task: Mapping[str, Any], seed: Sequence[int], agent: Agent = step
) -> Played:
    """Let the scripted customer of a task talk to the agent, and judge what came of it."""
    customer = Customer(
        compile_script(task["user_scenario"]["instructions"]), np.random.default_rng(list(seed))
    )
    book = RetailBook(database)
    state = Conversation(conversation_id=f"task-{task['id']}")
    played = Played(task_id=str(task["id"]), database=False, told=False)
    address = previous = None
    said: str | None = customer.first()
    confirmed = False
    while said is not None and len(played.turns) < MOST_TURNS:
        desk = Desk(
            state=state,
            book=book,
            terms=TERMS,
            now_us=0,
            given={"recommend": None, "fraud": None, "stock": None},
            address=address,
            previous=previous,
        )
        shown = state.pending is not None
        outcome = agent(Message(text=said), desk)
        address, previous, state = outcome.address, outcome.previous, outcome.state
        confirmed = shown
        for write in outcome.writes:
            if not confirmed:
                played.violations.append(f"{write.tool} without a confirmation")
            owner = database["orders"].get(write.order_id, {}).get("user_id", state.customer_id)
            if owner != state.customer_id or state.customer_id is None:
                played.violations.append(f"{write.tool} on somebody else's order")
            try:
                book.carry_out(write, state.customer_id or "", address_of(write, desk))
            except Refused as problem:
                played.violations.append(f"{write.tool} was refused: {problem}")
        words = " ".join(
            one.text for one in render(outcome.acts, "en", seed=f"{seed}-{len(played.turns)}")
        )
        played.turns.append((said, words))
        said = customer.reply([one.kind for one in outcome.acts], words)
    _judge(played, book, database, task["evaluation_criteria"])
    return played


def pass_hat(successes: int, trials: int, k: int) -> float:
    """Return the chance that k trials drawn without replacement all succeed.

    >>> pass_hat(3, 4, 1), pass_hat(3, 4, 4)
    (0.75, 0.0)
    """
    return math.comb(successes, k) / math.comb(trials, k)


def _judge(
    played: Played, book: RetailBook, database: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    expected = replay(database, wanted.get("actions") or [])
    played.database = (
        expected["users"] == book.db["users"] and expected["orders"] == book.db["orders"]
    )
    text = " ".join(words for _, words in played.turns).lower().replace(",", "")
    facts = [str(one).lower().replace(",", "") for one in wanted.get("communicate_info") or []]
    played.told = all(one in text for one in facts)


def _judged(played: list[list[Played]], seconds: float) -> dict[str, Any]:
    wins = [sum(one.passed for one in some) for some in played]
    per_task = {
        f"pass_{k}": np.array([pass_hat(won, TRIALS, k) for won in wins])
        for k in range(1, TRIALS + 1)
    }
    per_task["database_1"] = np.array(
        [sum(one.database for one in some) / TRIALS for some in played]
    )
    violations = [sum(len(one.violations) for one in some) for some in played]
    metrics = {name: round(float(values.mean()), 4) for name, values in per_task.items()}
    intervals = {
        name: [round(edge, 4) for edge in bootstrap(values, np.random.default_rng(7))]
        for name, values in per_task.items()
    }
    turns = sum(len(one.turns) for some in played for one in some)
    return {
        "metrics": metrics | {"policy_violations": float(sum(violations))},
        "interval_95": intervals,
        "failed": [some[0].task_id for some, won in zip(played, wins, strict=True) if won < TRIALS],
        "fit_seconds": 0.0,
        "predict_ms_per_row": round(1000 * seconds / max(turns, 1), 3),
        "peak_memory_mb": 0.0,
    }


def _hands_over(said: Message, desk: Desk) -> Outcome:
    """Give every conversation to a person at once: what doing nothing is worth."""
    acts: list[Act] = [act("handed_over", "terms")]
    return Outcome(state=desk.state, acts=acts)
