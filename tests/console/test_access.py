"""Nobody gets in without the password, no form counts without its token, no header is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from shopfront import CUSTOMER, PASSWORD, USER, Front, sign_in, token

from shopkeeper.base import clock
from shopkeeper.base.errors import StoreUnavailable, TooBusy
from shopkeeper.console.session import Brake, Sessions, read_secret

GUARDED = ("/", "/live", "/quality", f"/customers/{CUSTOMER}", "/products", "/models", "/find?q=a")


@pytest.mark.parametrize("path", GUARDED)
def test_without_signing_in_every_page_leads_to_the_form(front: Front, path: str):
    answer = front.client().get(f"/console{path}")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/console/sign-in?back=")


def test_the_root_leads_to_the_console(front: Front):
    assert front.client().get("/").headers["location"] == "/console/"


def test_signing_in_leads_back_to_the_page_wished_for(front: Front):
    answer = sign_in(front.client(), USER, PASSWORD, back="/console/models")
    assert answer.headers["location"] == "/console/models"


@pytest.mark.parametrize(
    "wish", ["//evil.example/", "https://evil.example", "/console/\\evil", "x"]
)
def test_signing_in_never_leads_to_another_host(front: Front, wish: str):
    assert sign_in(front.client(), USER, PASSWORD, back=wish).headers["location"] == "/console/"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(front: Front):
    wrong = sign_in(front.client(), USER, "wrong-password-1")
    unknown = sign_in(front.client(), "nobody", "wrong-password-1")
    assert wrong.status_code == unknown.status_code == 403
    assert "Name or password is wrong." in wrong.text
    assert "Name or password is wrong." in unknown.text


def test_guessing_is_braked_even_with_the_right_password_at_last(empty_front: Front):
    browser = empty_front.client()
    for _ in range(5):
        assert sign_in(browser, USER, "wrong-password-1").status_code == 403
    braked = sign_in(browser, USER, PASSWORD)
    assert braked.status_code == 429
    assert int(braked.headers["retry-after"]) > 0


def test_the_brake_lets_go_after_its_window():
    brake = Brake()
    start = clock.now()
    with clock.frozen(start):
        for _ in range(5):
            brake.wrong("1.2.3.4", "li")
        brake.check("9.9.9.9", "li")
        with pytest.raises(TooBusy, match="Too many wrong passwords"):
            brake.check("1.2.3.4", "other")
    with clock.frozen(start + timedelta(minutes=6)):
        brake.check("1.2.3.4", "li")


def test_a_name_is_braked_over_many_addresses():
    brake = Brake()
    for n in range(20):
        brake.wrong(f"10.0.0.{n}", "li")
    with pytest.raises(TooBusy):
        brake.check("172.16.0.1", "li")


def test_the_session_cookie_is_closed_to_scripts_and_other_sites(front: Front):
    cookie = sign_in(front.client(), USER, PASSWORD).headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "path=/console" in cookie


def test_a_forged_an_old_and_an_ended_session_are_refused():
    sessions = Sessions(b"k" * 32)
    cookie = sessions.start("li")
    found = sessions.read(cookie)
    assert found
    assert found.user == "li"
    assert Sessions(b"j" * 32).read(cookie) is None
    for forged in ("", "a.b", "é.é", cookie[:-3], f"x{cookie}", cookie.split(".")[0] + "."):
        assert sessions.read(forged) is None
    with clock.frozen(clock.now() + timedelta(hours=13)):
        assert sessions.read(cookie) is None
    sessions.end(found)
    assert sessions.read(cookie) is None


def test_signing_out_ends_the_session_of_a_copied_cookie_too(front: Front):
    browser = front.signed_in(fresh=True)
    copied = dict(browser.cookies)
    page = browser.get("/console/").text
    assert browser.post("/console/sign-out", data={"csrf": token(page)}).status_code == 303
    thief = front.client()
    thief.cookies.update(copied)
    assert thief.get("/console/").status_code == 303


def test_a_removed_user_is_out_at_the_next_look(empty_front: Front):
    browser = empty_front.signed_in()
    empty_front.keys.remove_user(USER)
    with clock.frozen(clock.now() + timedelta(seconds=3)):
        assert browser.get("/console/").status_code == 303


FORMS = (
    ("/sign-out", {}),
    ("/language", {"language": "zh"}),
    ("/models/recommend/rollback", {"sure": "yes"}),
    ("/sign-in", {"name": USER, "password": PASSWORD}),
)


@pytest.mark.parametrize(("path", "data"), FORMS)
def test_no_form_counts_without_its_token(front: Front, path: str, data: dict[str, str]):
    browser = front.signed_in()
    other = token(front.signed_in(fresh=True).get("/console/models").text)
    for given in (data, {**data, "csrf": ""}, {**data, "csrf": "ü"}, {**data, "csrf": other}):
        answer = browser.post(f"/console{path}", data=given)
        assert answer.status_code == 403, given
        assert "Not allowed" in answer.text
    assert browser.get("/console/models").status_code == 200


def test_a_form_from_another_site_is_refused_even_with_the_token(front: Front):
    browser = front.signed_in()
    data = {"csrf": token(browser.get("/console/").text), "language": "zh"}
    away = {"sec-fetch-site": "cross-site"}
    assert browser.post("/console/language", data=data, headers=away).status_code == 403


def test_a_form_of_a_visitor_without_a_cookie_is_refused(front: Front):
    form = token(front.client().get("/console/sign-in").text)
    data = {"csrf": form, "name": USER, "password": PASSWORD}
    assert front.client().post("/console/sign-in", data=data).status_code == 403


@pytest.mark.parametrize("path", ["/console/", "/console/sign-in", "/console/nothing", "/console"])
def test_every_answer_carries_the_strict_headers(front: Front, path: str):
    if path == "/console":
        assert front.client().get(path).headers["location"] == "/console/"
        return
    headers = front.signed_in().get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"


def test_an_htmx_request_after_the_session_ended_loads_the_form(front: Front):
    answer = front.client(**{"hx-request": "true"}).get("/console/live")
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/console/sign-in"


def test_a_shop_without_users_says_how_to_make_one(empty_front: Front):
    empty_front.keys.remove_user(USER)
    assert "shopkeeper keys user NAME" in empty_front.client().get("/console/sign-in").text


def test_rolling_back_needs_the_tick_and_a_previous_model(front: Front):
    browser = front.signed_in()
    form = {"csrf": token(browser.get("/console/models").text)}
    path = "/console/models/recommend/rollback"
    assert browser.post(path, data=form).status_code == 409
    answer = browser.post(path, data={**form, "sure": "yes"})
    assert answer.status_code == 409
    assert "no previous model" in answer.text
    assert (
        browser.post("/console/models/nope/rollback", data={**form, "sure": "yes"}).status_code
        == 404
    )


def test_rolling_back_makes_the_previous_model_answer(front: Front):
    registry = front.runtime.registry
    champion = registry.aliases("recommend")["champion"]
    folder = registry.folder / "recommend"
    held = (folder / "aliases.json").read_text("utf-8")
    try:
        registry._write_aliases("recommend", {"champion": champion, "previous": champion}, 0.0)
        browser = front.signed_in()
        page = browser.get("/console/models").text
        assert 'action="/console/models/recommend/rollback"' in page
        done = browser.post(
            "/console/models/recommend/rollback", data={"csrf": token(page), "sure": "yes"}
        )
        assert done.status_code == 200
        assert f"Rolled back: {champion}" in done.text
    finally:
        (folder / "aliases.json").write_text(held, "utf-8")


def test_the_secret_is_made_once_and_closed_to_others(tmp_path):
    first = read_secret(tmp_path / "shop")
    assert read_secret(tmp_path / "shop") == first
    assert (tmp_path / "shop" / "console.key").stat().st_mode & 0o077 == 0
    (tmp_path / "shop" / "console.key").write_bytes(b"short")
    with pytest.raises(StoreUnavailable, match="must hold 32 bytes"):
        read_secret(tmp_path / "shop")
