"""Open a shop folder: its log, keys, writer, lake and warehouse in one place.

One process may serve a shop (``exclusive``); others may import into it meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from functools import cached_property
from itertools import islice
from time import sleep
from typing import TYPE_CHECKING

from sqlalchemy import select

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, ShopError, ShopLocked, StoreUnavailable, TooBusy
from shopkeeper.base.settings import Settings
from shopkeeper.data.events import Event
from shopkeeper.data.faults import Rejection
from shopkeeper.data.ingest import Ingest, Receipt, receipt
from shopkeeper.data.log.schema import meta
from shopkeeper.data.log.store import Row, Store, open_store
from shopkeeper.data.log.writer import Writer
from shopkeeper.data.own_records import own_row
from shopkeeper.data.privacy import Keyring, load_keyring
from shopkeeper.data.quarantine import refuse
from shopkeeper.data.validate import HOUR_US, judged, to_row

if TYPE_CHECKING:
    from shopkeeper.data.job_log import JobLog
    from shopkeeper.data.lake import Lake
    from shopkeeper.data.outbox import Outbox
    from shopkeeper.data.reservations import Reservations
    from shopkeeper.data.warehouse import Warehouse

_KEY_CHECK = "master_key_fingerprint"
_BATCH = 2000
SWITCH_SECONDS = 0.0003


class Shop:
    """An open shop; make it with ``open_shop``, close it or use it in a ``with``."""

    def __init__(self, settings: Settings, *, lock: int | None = None) -> None:
        self.settings = settings
        self._lock = lock
        self.store: Store = open_store(settings)
        try:
            self.keyring: Keyring = load_keyring(settings)
            _check_key(self.store, self.keyring)
        except ShopError:
            self.store.close()
            raise
        self.writer = Writer(self.store, settings)
        self.ingest = Ingest(settings, self.keyring, self.writer)

    @cached_property
    def lake(self) -> Lake:
        """The log's older part as Parquet."""
        from shopkeeper.data.lake import Lake

        return Lake(self.store, self.settings)

    @cached_property
    def warehouse(self) -> Warehouse:
        """Tables over lake and log."""
        from shopkeeper.data.warehouse import Warehouse

        return Warehouse(self.lake, self.settings)

    @cached_property
    def outbox(self) -> Outbox:
        """What waits to be told to other programs."""
        from shopkeeper.data.outbox import Outbox

        return Outbox(self.settings.home / "outbox.sqlite3", self.keyring)

    @cached_property
    def reservations(self) -> Reservations:
        """Which units are set aside for which orders."""
        from shopkeeper.data.reservations import Reservations

        return Reservations(self.settings.home / "reservations.sqlite3")

    @cached_property
    def jobs(self) -> JobLog:
        """What became of each job."""
        from shopkeeper.data.job_log import JobLog

        return JobLog(self.settings.jobs_path)

    def append_events(self, events: Iterable[Event], *, source: str = "import") -> Receipt:
        """Judge and store events of this process; wait until they are durable.

        Rows are the same as if the events had come over HTTP.
        """
        accepted = duplicate = conflict = 0
        rejected: list[Rejection] = []
        start = 0
        for some in _batches(events, _BATCH):
            one = self._append(some, source)
            accepted += one.accepted
            duplicate += one.duplicate
            conflict += one.conflict
            rejected += [bad.at(bad.index + start, bad.event_id) for bad in one.rejected]
            start += len(some)
        return Receipt(accepted=accepted, duplicate=duplicate, conflict=conflict, rejected=rejected)

    def record(self, event: Event) -> Future[list[str]]:
        """Queue one event of our own (a decision) without waiting; TooBusy when the queue is full.

        The future gives its status once durable; BadInput when the event is not valid.
        """
        good, fault = judged(event)
        if good is None:
            assert fault is not None
            raise BadInput(fault.message, field=fault.field, value=fault.value)
        return self.writer.submit([to_row(good, self.keyring, clock.now_us())])

    def record_decision(self, event: Event, said: bytes, as_of_us: int) -> Future[list[str]]:
        """Queue a decision that is answered already, without judging it; TooBusy as ``record``.

        ``said``: JSON of the request.

        It is durable with the next commit, PATIENCE_SECONDS later at most.
        """
        row = own_row(event, said, as_of_us, clock.now_us())
        if row is None:
            return self.record(event)
        return self.writer.submit([row], patient=True)

    def record_all(self, events: Iterable[Event]) -> Future[list[str]]:
        """Queue events of our own that are stored in one transaction, all or none."""
        now_us, rows = clock.now_us(), []
        for event in events:
            good, fault = judged(event)
            if good is None:
                assert fault is not None
                raise BadInput(fault.message, field=fault.field, value=fault.value)
            rows.append(to_row(good, self.keyring, now_us))
        return self.writer.submit(rows)

    def close(self) -> None:
        """Write what waits, close the files, give the folder free."""
        self.writer.close()
        if "warehouse" in self.__dict__ and hasattr(self.warehouse, "close"):
            self.warehouse.close()
        if "outbox" in self.__dict__:
            self.outbox.close()
        if "reservations" in self.__dict__:
            self.reservations.close()
        if "jobs" in self.__dict__:
            self.jobs.close()
        self.store.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Shop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _append(self, events: list[Event], source: str) -> Receipt:
        now_us = clock.now_us()
        latest = clock.from_us(now_us + self.settings.future_hours * HOUR_US)
        rows: list[Row] = []
        bad, refused = [], []
        for index, event in enumerate(events):
            good, fault = judged(event, latest=latest)
            if good is not None:
                rows.append(to_row(good, self.keyring, now_us))
            elif fault is not None:
                bad.append(fault.at(index, event.event_id))
                refused.append(refuse(bad[-1], _plain(event), source, now_us))
        while True:
            try:
                statuses = self.writer.submit(rows, refused).result()
            except TooBusy as busy:
                sleep(busy.retry_after_seconds / 10)
                continue
            return receipt(rows, statuses, bad)


def open_shop(settings: Settings, *, exclusive: bool = False) -> Shop:
    """Open a shop folder, making it when there is none.

    ``exclusive`` takes the server's lock; ShopLocked when another server has it. The lock
    goes with its process, also when that is killed.
    """
    lock = _take_lock(settings) if exclusive else None
    if exclusive:
        # The log's thread needs the interpreter for some microseconds per commit. With the usual
        # 5 ms before a busy thread lets go, every commit waits for the HTTP thread.
        sys.setswitchinterval(SWITCH_SECONDS)
    try:
        return Shop(settings, lock=lock)
    except BaseException:
        if lock is not None:
            os.close(lock)
        raise


def _take_lock(settings: Settings) -> int:
    path = settings.home / "server.lock"
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as problem:
        raise StoreUnavailable(
            f"The shop folder {settings.home} cannot be used: {problem.strerror}.",
            hint="Look at its owner and the disk, or name another with --home.",
        ) from problem
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(handle, 20).decode("ascii", "replace").strip()
        os.close(handle)
        raise ShopLocked(
            f"Another server (process {holder or 'unknown'}) serves {settings.home}.",
            hint="Stop it, or give this one a folder of its own with --home.",
        ) from None
    with suppress(OSError):  # the number only helps a message; a full disk must not stop us here
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode("ascii"), 0)
    return handle


def _check_key(store: Store, keyring: Keyring) -> None:
    """Refuse a master key other than the one the shop began with; its hashes would not join."""
    with store.reading() as connection:
        row = connection.execute(select(meta.c.value).where(meta.c.name == _KEY_CHECK)).first()
    if row is None:
        with store.writing() as connection:
            connection.execute(
                meta.insert().prefix_with("OR IGNORE", dialect="sqlite"),
                {"name": _KEY_CHECK, "value": keyring.fingerprint},
            )
    elif row[0] != keyring.fingerprint:
        raise BadInput(
            "The master key is not the one this shop began with.",
            hint="Restore keys.json or SHOPKEEPER_MASTER_KEY; hashes made with another key "
            "do not join.",
        )


def _batches(events: Iterable[Event], size: int) -> Iterator[list[Event]]:
    steps = iter(events)
    while some := list(islice(steps, size)):
        yield some


def _plain(event: Event) -> dict[str, object]:
    return {name: getattr(event, name) for name in event.__struct_fields__ if getattr(event, name)}
