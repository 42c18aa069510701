"""The jobs page: times in words, the last run, and a wish that the server takes up."""

from __future__ import annotations

from shopfront import token

from shopkeeper.operate.jobs import declared, runner


def test_jobs_have_times_and_wait_to_be_run(front):
    page = front.signed_in().get("/console/jobs").text
    assert "inventory.plan" in page
    assert "every day at 03:00" in page
    assert "Sunday at 01:30" in page
    assert "every 5 min" in page


def test_a_run_and_what_came_of_it_are_shown(front):
    one = declared.get(front.shop.settings, "compact")
    runner.run(front.shop, one, asked_by="command line")
    failed = declared.get(front.shop.settings, "inventory.train")
    assert runner.run(front.shop, failed, asked_by="command line").state == "failed"
    page = front.signed_in().get("/console/jobs").text
    assert "table files" in page
    assert "Training inventory needs 20 weeks of orders" in page
    assert "asked by command line" in page


def test_a_wish_waits_for_the_server_and_is_one(front):
    browser = front.signed_in()
    csrf = token(browser.get("/console/jobs").text)
    data = {"csrf": csrf, "job": "inventory.plan"}
    answer = browser.post("/console/jobs/run", data=data)
    assert "inventory.plan runs as soon as the server is free" in answer.text
    browser.post("/console/jobs/run", data=data)
    [asked] = front.shop.jobs.waiting("asked")
    assert (asked.job, asked.asked_by) == ("inventory.plan", "li")
    front.shop.jobs.settle(asked.run_id, "done")
    wrong = browser.post("/console/jobs/run", data={"csrf": csrf, "job": "nope"})
    assert wrong.status_code == 404
    assert "There is no job" in wrong.text


def test_the_page_speaks_chinese(front):
    browser = front.signed_in(fresh=True, **{"accept-language": "zh"})
    page = browser.get("/console/jobs").text
    assert "每天 03:00" in page
    assert "每周日 01:30" in page
