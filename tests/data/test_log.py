"""The log keeps each event once, in order, durable before it is acknowledged, or says why not."""

from __future__ import annotations

import threading
import time

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from shopkeeper.base.errors import StoreUnavailable, TooBusy
from shopkeeper.data import quarantine
from shopkeeper.data.log import migrations, schema, store, writer
from shopkeeper.data.log.store import Refused, Row, open_store
from shopkeeper.data.log.writer import Writer


def row(name, body=b"{}", received_us=1, keys=None):
    return Row(name, "page_view", 1, received_us, None, body, keys, None)


def rows(start, end):
    return [row(f"e{i}") for i in range(start, end)]


@pytest.fixture
def log(settings):
    one = open_store(settings)
    yield one
    one.close()


@pytest.fixture
def pen(log, settings):
    one = Writer(log, settings)
    yield one
    one.close()


def until(check, seconds=10.0):
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


@pytest.mark.parametrize("number", [0, 1, 3, 4, 16, 21, 255, 256, 1000])
def test_rows_come_back_in_order_without_gaps(log, number):
    assert log.append(rows(0, number)) == ["accepted"] * number
    back = log.read(0, 10_000)
    assert [seq for seq, _ in back] == list(range(1, number + 1))
    assert [one for _, one in back] == rows(0, number)
    assert log.last_seq() == number


def test_reading_goes_on_after_a_seq_and_stops_at_a_limit(log):
    log.append(rows(0, 10))
    assert [seq for seq, _ in log.read(4, 3)] == [5, 6, 7]


def test_the_same_event_again_is_a_duplicate_and_leaves_no_gap(log):
    log.append(rows(0, 5))
    again = [one._replace(received_us=99) for one in rows(3, 7)]
    assert log.append(again) == ["duplicate", "duplicate", "accepted", "accepted"]
    assert [seq for seq, _ in log.read(0, 100)] == [1, 2, 3, 4, 5, 6, 7]
    assert log.read(3, 1)[0][1].received_us == 1


def test_other_content_under_a_known_id_is_a_conflict_and_goes_to_quarantine(log):
    log.append([row("a", b"1"), row("p", b"1", keys="k1")])
    found = log.append([row("a", b"2"), row("p", b"1", keys="k2"), row("b", b"3")])
    assert found == ["conflict", "conflict", "accepted"]
    assert [one.body for _, one in log.read(0, 10)] == [b"1", b"1", b"3"]
    assert quarantine.counts(log) == {"conflict": 2}
    assert quarantine.recent(log)[1]["raw"] == "2"


def test_one_batch_may_hold_the_same_id_twice(log):
    found = log.append([row("a", b"1"), row("b", b"1"), row("a", b"1"), row("a", b"2")])
    assert found == ["accepted", "accepted", "duplicate", "conflict"]
    assert [one.event_id for _, one in log.read(0, 10)] == ["a", "b"]


def test_a_thousand_duplicates_among_new_rows_are_all_found(log):
    log.append(rows(0, 1000))
    found = log.append(rows(500, 1500))
    assert found == ["duplicate"] * 500 + ["accepted"] * 500


def test_a_row_that_lacks_a_value_fails_its_whole_transaction(log):
    with pytest.raises(StoreUnavailable, match="NOT NULL"):
        log.append([row("a"), row("b", body=None)])
    assert log.last_seq() == 0


def test_refused_rows_make_room_for_newer_ones(log, monkeypatch):
    monkeypatch.setattr(store, "KEEP_REFUSED", 10)
    many = [Refused(1, "api", f"e{i}", "code", None, "why", "x" * 9000) for i in range(25)]
    quarantine.add_many(log, many)
    kept = quarantine.recent(log)
    assert [one["event_id"] for one in kept] == [f"e{i}" for i in range(24, 14, -1)]
    assert len(kept[0]["raw"]) == 4000


def test_a_fresh_database_equals_a_migrated_one(log, tmp_path):
    fresh = sa.create_engine(f"sqlite:///{tmp_path / 'fresh.sqlite3'}")
    schema.metadata.create_all(fresh)

    def shape(engine):
        inspector = sa.inspect(engine)
        return {
            table: (
                [
                    (c["name"], str(c["type"]), c["nullable"], c["default"])
                    for c in inspector.get_columns(table)
                ],
                inspector.get_pk_constraint(table),
                sorted(map(repr, inspector.get_unique_constraints(table))),
                sorted(map(repr, inspector.get_indexes(table))),
            )
            for table in inspector.get_table_names()
            if table != "alembic_version"
        }

    assert shape(fresh) == shape(log.engine)
    with log.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    fresh.dispose()


def test_seq_is_the_row_number_itself(log):
    """Anything but the exact words INTEGER PRIMARY KEY would cost a second index."""
    with log.reading() as connection:
        names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE tbl_name='events'")
        assert {name for (name,) in names} == {"events", "sqlite_autoindex_events_1"}


def test_the_head_revision_is_the_newest_file():
    config = Config()
    folder = migrations.__path__[0]
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_only_the_owner_can_read_the_log(log, settings):
    log.append(rows(0, 1))
    names = ["log.sqlite3", "log.sqlite3-wal", "log.sqlite3-shm"]
    assert {(settings.home / name).stat().st_mode & 0o777 for name in names} == {0o600}


def test_commits_are_synchronous(log):
    with log.writing() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous")
        ]
    assert pragmas == ["wal", 2]


@pytest.mark.parametrize("junk", [b"this is no database, far from it" * 200, bytes(8192)])
def test_a_damaged_file_is_named(settings, junk):
    settings.home.mkdir(parents=True)
    settings.log_path.write_bytes(junk)
    with pytest.raises(StoreUnavailable, match=r"log\.sqlite3 is damaged"):
        open_store(settings)
    assert settings.log_path.read_bytes() == junk


def test_pages_damaged_later_are_named_too(log, settings):
    log.append([row(f"e{i}", b"x" * 500) for i in range(2000)])
    log.close()
    with settings.log_path.open("r+b") as file:
        file.seek(4096 * 2)
        file.write(b"\xee" * 4096 * 100)
    again = open_store(settings)
    with pytest.raises(StoreUnavailable, match=r"log\.sqlite3 is damaged"):
        again.read(0, 2000)
    again.close()


def test_a_folder_that_cannot_be_made_is_named(settings):
    settings.home.write_text("a file stands here")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(settings)


def test_a_full_disk_fails_the_callers_and_the_log_recovers(log, pen):
    """max_page_count is SQLite's own way to run out of space."""
    pen.submit(rows(0, 10)).result(10)
    big = [row(f"big{i}", b"x" * 2000) for i in range(500)]
    limit = [50]

    def on_checkout(connection, *_):
        connection.execute(f"PRAGMA max_page_count = {limit[0]}")

    sa.event.listen(log.engine, "checkout", on_checkout)
    with pytest.raises(StoreUnavailable, match="is full; nothing was stored"):
        pen.submit(big).result(10)
    assert pen.submit(rows(0, 10)).result(10) == ["duplicate"] * 10
    limit[0] = 1_000_000
    assert pen.submit(big).result(10) == ["accepted"] * 500
    assert log.last_seq() == 510


def test_many_requests_share_a_commit_and_get_their_own_answers(log, pen, monkeypatch):
    sizes = []
    commit = log.commit

    def slow(some, refused=()):
        sizes.append(len(some))
        time.sleep(0.05)
        return commit(some, refused)

    monkeypatch.setattr(log, "commit", slow)
    futures = [pen.submit([row(f"e{i // 2}"), row(f"x{i}")]) for i in range(40)]
    answers = [future.result(10) for future in futures]
    assert answers[0::2] == [["accepted", "accepted"]] * 20
    assert answers[1::2] == [["duplicate", "accepted"]] * 20
    assert len(sizes) <= 3


def test_a_group_is_not_larger_than_its_limit(settings, log, monkeypatch):
    import dataclasses

    sizes = []
    commit = log.commit
    monkeypatch.setattr(
        log, "commit", lambda some, refused=(): sizes.append(len(some)) or commit(some, refused)
    )
    pen = Writer(log, dataclasses.replace(settings, group_commit_requests=5))
    for future in [pen.submit([row(f"e{i}")]) for i in range(100)]:
        future.result(10)
    pen.close()
    assert max(sizes) <= 5


def test_patient_rows_lie_before_what_came_after_them(log, pen):
    lying = [pen.submit([row(f"d{i}")], patient=True) for i in range(3)]
    assert pen.submit([row("then")]).result(10) == ["accepted"]
    assert [one.result(0) for one in lying] == [["accepted"]] * 3
    assert [found.event_id for _, found in log.read(0, 9)] == ["d0", "d1", "d2", "then"]


def test_patient_rows_beyond_half_a_group_wait_no_longer(log, settings, monkeypatch):
    import dataclasses

    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 5.0)
    pen = Writer(log, dataclasses.replace(settings, group_commit_requests=4))
    futures = [pen.submit([row(f"d{i}")], patient=True) for i in range(3)]
    assert [one.result(2) for one in futures] == [["accepted"]] * 3
    pen.submit([row("last")], patient=True)
    pen.close()
    assert log.last_seq() == 4


def test_a_full_queue_is_too_busy_and_says_when_to_come_back(settings, log, monkeypatch):
    import dataclasses

    gate = threading.Event()
    commit = log.commit
    monkeypatch.setattr(log, "commit", lambda *a: gate.wait(10) and commit(*a))
    pen = Writer(log, dataclasses.replace(settings, queue_requests=3, group_commit_requests=1))
    futures = [pen.submit([row("first")])]
    until(lambda: pen.waiting() == 0)
    futures += [pen.submit([row(f"e{i}")]) for i in range(3)]
    with pytest.raises(TooBusy) as caught:
        pen.submit([row("late")])
    assert caught.value.retry_after_seconds > 0
    gate.set()
    assert [future.result(10) for future in futures] == [["accepted"]] * 4
    pen.close()


def early_answers(pen, reader):
    """Return the ids that were acknowledged before another connection could see them."""
    early = []
    query = "SELECT count(*) FROM events WHERE event_id = ?"

    def submit(name):
        def look(_):  # runs on the writing thread, at the moment of the answer
            with reader.reading() as connection:
                if connection.exec_driver_sql(query, (name,)).scalar() != 1:
                    early.append(name)

        future = pen.submit([row(name, b"x" * 500)])
        future.add_done_callback(look)
        return future

    for future in [submit(f"e{i}") for i in range(50)]:
        future.result(10)
    pen.close()
    return early


class AnswersFirst(Writer):
    """The broken twin: acknowledges, then commits."""

    def _write(self, jobs):
        writer._answer([(job, ["accepted"] * len(job.rows), None) for job in jobs])
        self.store.commit([one for job in jobs for one in job.rows])


@pytest.mark.parametrize(("kind", "is_early"), [(Writer, False), (AnswersFirst, True)])
def test_an_answer_never_comes_before_its_commit(log, settings, kind, is_early):
    reader = open_store(settings)
    assert bool(early_answers(kind(log, settings), reader)) is is_early
    reader.close()


def test_few_huge_requests_are_too_busy_as_well(log, pen, monkeypatch):
    monkeypatch.setattr(writer, "_MAX_WAITING_ROWS", 100)
    gate = threading.Event()
    commit = log.commit
    monkeypatch.setattr(log, "commit", lambda *a: gate.wait(10) and commit(*a))
    first = pen.submit(rows(0, 500))  # alone, any size may pass
    until(lambda: pen.waiting() == 0)
    second = pen.submit(rows(500, 580))
    with pytest.raises(TooBusy, match="1 requests with 80 events"):
        pen.submit(rows(580, 620))
    gate.set()
    assert len(first.result(10)) + len(second.result(10)) == 580
    assert pen.submit(rows(580, 620)).result(10) == ["accepted"] * 40


def test_a_row_that_cannot_be_stored_fails_its_own_request_only(log, pen, monkeypatch):
    gate = threading.Event()
    commit = log.commit
    monkeypatch.setattr(log, "commit", lambda *a: gate.wait(10) and commit(*a))
    pen.submit(rows(0, 1))
    futures = [pen.submit([row("a")]), pen.submit([row("\ud800")]), pen.submit([row("b")])]
    gate.set()
    assert futures[0].result(10) == futures[2].result(10) == ["accepted"]
    with pytest.raises(UnicodeEncodeError):
        futures[1].result(10)


def test_a_caller_that_goes_away_does_not_stop_the_log(log, pen):
    futures = [pen.submit([row(f"e{i}")]) for i in range(100)]
    for future in futures:
        future.cancel()
    assert pen.submit([row("last")]).result(10) == ["accepted"]


def test_close_writes_what_waits_and_refuses_what_comes_later(log, settings):
    pen = Writer(log, settings)
    futures = [pen.submit([row(f"e{i}")]) for i in range(50)]
    pen.close()
    assert [future.result(0) for future in futures] == [["accepted"]] * 50
    with pytest.raises(StoreUnavailable, match="closed"):
        pen.submit([row("late")])
    pen.close()


def test_subscribers_see_accepted_rows_once_in_order_before_the_answer(log, pen):
    seen = []
    pen.subscribe(seen.extend)
    for i in range(20):
        pen.submit(rows(i * 5, i * 5 + 7)).result(10)
        assert [seq for seq, _ in seen] == list(range(1, i * 5 + 8))
    assert [one.event_id for _, one in seen] == [f"e{i}" for i in range(102)]


def test_subscribers_see_what_other_processes_wrote(log, pen, settings, monkeypatch):
    monkeypatch.setattr(writer, "POLL_SECONDS", 0.05)
    seen, late = [], []
    pen.submit(rows(0, 3)).result(10)
    pen.subscribe(seen.extend)
    other = open_store(settings)
    other.append(rows(10, 20))
    pen.submit(rows(20, 25)).result(10)
    assert [seq for seq, _ in seen] == list(range(4, 19))
    other.append(rows(30, 40))
    until(lambda: len(seen) == 25)
    pen.subscribe(late.extend, after_seq=0)
    until(lambda: len(late) == 28)
    other.close()
    assert [seq for seq, _ in late] == list(range(1, 29))
    assert [one.event_id for _, one in seen[15:]] == [f"e{i}" for i in range(30, 40)]


def test_a_busy_log_that_stores_nothing_new_still_looks_for_others_rows(
    log, pen, settings, monkeypatch
):
    monkeypatch.setattr(writer, "POLL_SECONDS", 0.05)
    seen = []
    pen.submit(rows(0, 1)).result(10)
    pen.subscribe(seen.extend)
    other = open_store(settings)
    other.append(rows(10, 20))
    until(lambda: pen.submit(rows(0, 1)).result(10) == ["duplicate"] and len(seen) == 10)
    other.close()


def test_a_subscriber_that_fails_stops_neither_the_log_nor_the_others(log, pen):
    seen = []

    def broken(_):
        raise RuntimeError("a reader's fault")

    pen.subscribe(broken)
    pen.subscribe(seen.extend)
    assert pen.submit(rows(0, 3)).result(10) == ["accepted"] * 3
    assert len(seen) == 3


def test_many_threads_and_two_writers_store_each_id_once(log, settings):
    """Sixteen threads over two writers offer the same 600 ids in different orders."""
    other = open_store(settings)
    pens = [Writer(log, settings), Writer(other, settings)]
    seen = []
    pens[0].subscribe(seen.extend)
    accepted = []

    def offer(turn):
        pen = pens[turn % 2]
        for i in range(0, 600, 6):
            at = (i + turn * 37) % 600
            some = [row(f"e{(at + k) % 600}") for k in range(6)]
            accepted.append(pen.submit(some).result(30).count("accepted"))

    threads = [threading.Thread(target=offer, args=(turn,)) for turn in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(accepted) == log.last_seq() == 600
    until(lambda: len(seen) == 600)
    assert [seq for seq, _ in seen] == list(range(1, 601))
    for pen in pens:
        pen.close()
    other.close()
