"""Which jobs there are, and when: the cards' declarations, the platform's own, the shop's wishes.

A capability declares a job on its card (``jobs=(Job(...),)``) and it is run, listed and shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from shopkeeper.base.errors import BadInput, NotFound
from shopkeeper.base.settings import Settings
from shopkeeper.learn.contracts import Capability, Job
from shopkeeper.operate import capabilities
from shopkeeper.operate.jobs import schedule
from shopkeeper.operate.jobs.schedule import When

PLATFORM = (
    Job(
        name="compact",
        says="Move the log into the lake and write the tables' files, so the server starts fast.",
        when="nightly 00:30",
        run="shopkeeper.operate.jobs.work:compact",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """A job by its full name, with the time that holds in this shop, as text and as value."""

    name: str
    capability: str
    job: Job
    time: str
    when: When


def declared(settings: Settings) -> dict[str, Declared]:
    """Return every job by full name; BadInput names a wrong time or an unknown job."""
    found = _named([*_platform(), *((card.name, job) for card in _cards() for job in card.jobs)])
    wishes = times(settings.job_times)
    for name in wishes:
        if name not in found:
            raise BadInput(
                f"job_times names '{name}', but there is no such job.",
                field="job_times",
                value=name,
                allowed=", ".join(found),
            )
    return {name: _timed(one, wishes) for name, one in found.items()}


def get(settings: Settings, name: str) -> Declared:
    """Return one job, without importing the other capabilities; NotFound names those there are."""
    owner = name.rpartition(".")[0]
    some = _platform()
    if owner in capabilities.MODULES:
        some = [(owner, job) for job in capabilities.get(owner).jobs]
    found = _named(some)
    if name not in found:
        raise NotFound(
            f"There is no job '{name}'.",
            hint="`shopkeeper jobs list` shows them.",
            field="job",
            value=name,
            allowed=", ".join(declared(settings)),
        )
    return _timed(found[name], times(settings.job_times))


def _platform() -> list[tuple[str, Job]]:
    return [("", job) for job in PLATFORM]


def _cards() -> list[Capability]:
    return capabilities.all_of()


def _named(some: Iterable[tuple[str, Job]]) -> dict[str, Declared]:
    found = {}
    for owner, job in some:
        name = f"{owner}.{job.name}" if owner else job.name
        when = schedule.parse(job.when)
        found[name] = Declared(name=name, capability=owner, job=job, time=job.when, when=when)
    return found


def _timed(one: Declared, wishes: Mapping[str, str]) -> Declared:
    time = wishes.get(one.name, one.time)
    return replace(one, time=time, when=schedule.parse(time))


def times(text: str) -> dict[str, str]:
    """Return job -> time of ``name=time; name=time``.

    >>> times("inventory.plan=nightly 03:15; inventory.train=off")
    {'inventory.plan': 'nightly 03:15', 'inventory.train': 'off'}
    """
    found = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, _, time = part.partition("=")
        if not time.strip():
            raise BadInput(
                f"job_times holds '{part}', which names no time.",
                hint="Write it as: inventory.plan=nightly 03:15; inventory.train=off",
                field="job_times",
                value=part,
                allowed=schedule.FORMS,
            )
        found[name.strip()] = time.strip()
    return found
