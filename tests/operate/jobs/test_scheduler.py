"""The server's own work: once per moment, on the record, in a process whose death is no harm."""

from __future__ import annotations

import dataclasses
import os
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput, ShopLocked
from shopkeeper.data.shop import open_shop
from shopkeeper.learn.contracts import Job
from shopkeeper.operate import capabilities
from shopkeeper.operate.jobs import declared, runner, scheduler
from shopkeeper.operate.jobs.scheduler import Scheduler
from shopkeeper.operate.status import status

HERE = Path(__file__).parent
NIGHT = datetime(2026, 1, 10, 3, 0, tzinfo=UTC)


def made(name, function, when="nightly 02:30", most_minutes=1):
    job = Job(
        name=name, says="A test.", when=when, run=f"made_jobs:{function}", most_minutes=most_minutes
    )
    return declared.Declared(
        name=name, capability="inventory", job=job, time=when, when=declared.schedule.parse(when)
    )


@pytest.fixture
def shop(settings, monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))
    with open_shop(settings) as opened:
        yield opened


def known_before(shop, name):
    with clock.frozen(NIGHT - timedelta(days=1)):
        shop.jobs.known_since(name)


@pytest.fixture
def in_process(shop, monkeypatch):
    """Let the scheduler run its jobs here instead of in a process, so that time can stand still."""

    def spawn(self, one, run):
        return runner.run(self.shop, one, run_id=run.run_id)

    monkeypatch.setattr(Scheduler, "_spawn", spawn)


def test_a_night_is_served_once_however_many_were_missed(shop, in_process):
    known_before(shop, "good")
    jobs = {"good": made("good", "good")}
    server = Scheduler(shop)
    with clock.frozen(NIGHT + timedelta(days=30)):
        assert server.look(jobs).state == "done"
        assert server.look(jobs) is None
    with clock.frozen(NIGHT + timedelta(days=31)):
        # A server that was started again knows it from the record.
        assert Scheduler(shop).look(jobs).outcome["capability"] == "inventory"
    assert (shop.settings.home / "did").read_text() == "xx"


def test_a_job_that_is_new_waits_for_its_hour(shop, in_process):
    with clock.frozen(NIGHT):
        assert Scheduler(shop).look({"good": made("good", "good")}) is None
        [row] = [r for r in scheduler.table(shop) if r["job"] == "inventory.plan"]
        assert clock.iso(row["next_us"]) == "2026-01-11T03:00:00Z"


def test_a_named_error_ends_the_run_and_is_told_once(shop, in_process):
    known_before(shop, "refused")
    endpoint = shop.outbox.add("http://127.0.0.1:9/x", ["job.failed"])[0]
    jobs = {"refused": made("refused", "refused")}
    with clock.frozen(NIGHT):
        ended = Scheduler(shop).look(jobs)
        assert (ended.state, ended.code, ended.hint) == ("failed", "bad_input", "Wait.")
        assert Scheduler(shop).look(jobs) is None
    with clock.frozen(NIGHT + timedelta(hours=2)):
        assert Scheduler(shop).look(jobs) is None  # it would only fail again
    [alert] = [one for one in status(shop)["alerts"] if "Job" in one]
    assert "Job refused failed" in alert
    [message] = shop.outbox.latest()
    assert message.endpoint_id == endpoint.endpoint_id
    assert b"There are 3 weeks, but 20 are needed." in message.body


def test_a_process_that_dies_is_tried_three_times_with_pauses(shop, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(HERE), *sys.path]))
    known_before(shop, "compact")
    one = dataclasses.replace(made("compact", "dies"))
    server = Scheduler(shop)
    with clock.frozen(NIGHT):
        assert server.due(one, clock.now_us())[1] == 1
        run = shop.jobs.begin("compact", us(NIGHT, minutes=-30), asked_by="schedule")
        assert run is not None  # as a worker leaves it that was killed
        [lost] = runner.sweep(shop)
        assert (lost.state, lost.code) == ("lost", "process_ended")
        assert server.due(one, clock.now_us()) is None
    with clock.frozen(NIGHT + timedelta(minutes=2)):
        assert server.due(one, clock.now_us()) == (run.due_us, 2)
    for tries in (2, 3):
        with clock.frozen(NIGHT + timedelta(minutes=10 * tries)):
            shop.jobs.begin("compact", run.due_us, tries=tries, asked_by="schedule")
            runner.sweep(shop)
    with clock.frozen(NIGHT + timedelta(hours=5)):
        assert server.due(one, clock.now_us()) is None
    with clock.frozen(NIGHT + timedelta(days=1)):
        assert server.due(one, clock.now_us())[1] == 1


def us(at, **shift):
    return clock.to_us(at + timedelta(**shift))


def test_one_try_of_one_moment_is_begun_by_one_server(shop):
    begun = []

    def begin():
        begun.append(shop.jobs.begin("good", 7, asked_by="schedule"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in begun) == 1


def test_two_jobs_never_work_at_the_same_time(shop):
    known_before(shop, "good")
    with runner.alone(shop.settings.home):
        with pytest.raises(ShopLocked, match="Another job of this shop runs"):
            runner.run(shop, made("good", "good"), asked_by="li")
        assert runner.sweep(shop) is None
        assert Scheduler(shop).look({"good": made("good", "good")}) is None
    assert shop.jobs.latest() == []


def test_a_bug_is_on_the_record_and_shows(shop):
    with pytest.raises(ZeroDivisionError):
        runner.run(shop, made("broken", "broken"), asked_by="li")
    [run] = shop.jobs.of_job("broken")
    assert (run.state, run.code) == ("failed", "internal")
    assert "division by zero" in run.problem


def test_a_wish_is_taken_once_and_goes_before_the_schedule(shop, in_process):
    known_before(shop, "good")
    jobs = {"good": made("good", "good"), "refused": made("refused", "refused")}
    with clock.frozen(NIGHT):
        first, again = scheduler.ask(shop, "refused", "li"), scheduler.ask(shop, "refused", "wu")
        assert first.run_id == again.run_id
        assert Scheduler(shop).look(jobs).asked_by == "li"
        assert Scheduler(shop).look(jobs).job == "good"


# --- with real processes


@pytest.fixture
def patched(shop, monkeypatch):
    """Let worker processes find the tests' jobs: sitecustomize declares them there."""

    def declare(function, most_minutes=1):
        folder = shop.settings.home / "site"
        folder.mkdir(exist_ok=True)
        (folder / "sitecustomize.py").write_text(
            "from shopkeeper.learn.contracts import Job\n"
            "from shopkeeper.operate.jobs import declared\n"
            f"declared.PLATFORM = (Job(name='made', says='A test.', when='off', "
            f"run='made_jobs:{function}'),)\n"
        )
        paths = [str(folder), str(HERE), *[one for one in sys.path if one]]
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
        return {"made": made("made", function, when="off", most_minutes=most_minutes)}

    return declare


def test_a_worker_process_yields_and_reports(shop, patched):
    jobs = patched("good")
    scheduler.ask(shop, "made", "li")
    ended = Scheduler(shop).look(jobs)
    assert (ended.state, ended.problem) == ("done", None)
    assert ended.outcome["nice"] == os.nice(0) + 10
    assert (ended.share, ended.saying) == (0.5, "half way")


def test_a_killed_worker_is_lost_and_the_server_goes_on(shop, patched):
    jobs = patched("dies")
    scheduler.ask(shop, "made", "li")
    ended = Scheduler(shop).look(jobs)
    assert (ended.state, ended.code) == ("lost", "process_ended")
    assert "status 9" in ended.problem
    assert Scheduler(shop).look(jobs) is None  # what a person asked for is not tried again


def test_stopping_the_server_stops_the_job(shop, patched):
    jobs = patched("endless")
    scheduler.ask(shop, "made", "li")
    server = Scheduler(shop)
    thread = threading.Thread(target=server.look, args=(jobs,))
    thread.start()
    deadline = time.monotonic() + 30
    while not (shop.settings.home / "going").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    server.close()
    thread.join(20)
    assert not thread.is_alive()
    [run] = shop.jobs.of_job("made")
    assert run.state == "lost"
    assert "the server was stopped" in run.problem


def test_a_job_that_takes_too_long_is_stopped(shop, patched):
    jobs = patched("endless", most_minutes=3 / 60)
    scheduler.ask(shop, "made", "li")
    ended = Scheduler(shop).look(jobs)
    assert ended.state == "lost"
    assert "took more than" in ended.problem


# --- declarations


def test_every_declared_job_can_be_run_and_has_a_time(settings):
    import importlib

    jobs = declared.declared(settings)
    assert {"compact", "inventory.train", "inventory.plan"} <= set(jobs)
    for one in jobs.values():
        module, _, function = one.job.run.partition(":")
        assert callable(getattr(importlib.import_module(module), function)), one.name
        assert one.job.says.endswith(".")


def test_one_declaration_on_a_card_is_a_job(settings, monkeypatch):
    card = capabilities.get("inventory")
    more = Job(name="look", says="Looks.", when="every 5 minutes", run="made_jobs:good")
    changed = dataclasses.replace(card, jobs=(*card.jobs, more))
    monkeypatch.setattr(capabilities, "all_of", lambda: [changed])
    assert declared.declared(settings)["inventory.look"].when.minutes == 5


def test_a_shop_changes_times_and_switches_off(settings):
    wish = "inventory.plan = nightly 04:15; inventory.train=off"
    jobs = declared.declared(dataclasses.replace(settings, job_times=wish))
    assert jobs["inventory.plan"].time == "nightly 04:15"
    assert jobs["inventory.train"].when == declared.When()
    with pytest.raises(BadInput, match="job_times names 'plan', but there is no such job"):
        declared.declared(dataclasses.replace(settings, job_times="plan=off"))
    with pytest.raises(BadInput, match=r"'inventory\.plan', which names no time"):
        declared.declared(dataclasses.replace(settings, job_times="inventory.plan"))


def test_old_runs_go_but_never_the_newest(shop):
    with clock.frozen(NIGHT):
        for due in (1, 2):
            run = shop.jobs.begin("good", due, asked_by="schedule")
            shop.jobs.settle(run.run_id, "done")
    with clock.frozen(NIGHT + timedelta(days=200)):
        assert shop.jobs.tidy() == 1
    assert [run.due_us for run in shop.jobs.of_job("good")] == [2]


def test_the_command_line_lists_runs_and_looks_back(settings, capsys):
    from shopkeeper.cli.main import main

    home = ["--home", str(settings.home)]
    assert main([*home, "jobs", "run", "inventory.train"]) == 1
    assert "bad_input: Training inventory needs 20 weeks" in capsys.readouterr().out
    assert main([*home, "jobs", "run", "compact"]) == 0
    assert main([*home, "jobs", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("inventory.train") and "failed" in line for line in lines)
    assert main([*home, "jobs", "history", "compact", "--json"]) == 0
    assert '"state": "done"' in capsys.readouterr().out
    assert main([*home, "jobs", "run", "nope"]) == 2
    assert "There is no job 'nope'" in capsys.readouterr().err


@pytest.mark.parametrize(("grace_seconds", "looks"), [(30.0, False), (0.0, True)])
def test_a_server_lets_its_first_callers_go_before_its_jobs(
    settings, monkeypatch, grace_seconds, looks
):
    looked = threading.Event()
    monkeypatch.setattr(Scheduler, "look", lambda self, jobs: looked.set())
    with open_shop(settings) as shop:
        server = Scheduler(shop, look_seconds=0.01, grace_seconds=grace_seconds).start()
        assert looked.wait(3.0 if looks else 0.5) is looks
        server.close()
