"""Keys and users at rest: nothing that opens a door lies in the file; changes reach a server."""

from __future__ import annotations

import json
import stat

import pytest

from shopkeeper.base.errors import BadInput, Conflict, NotFound, NotSignedIn, StoreUnavailable
from shopkeeper.cli.main import main
from shopkeeper.data import keys as store
from shopkeeper.data.passwords import new_password


@pytest.fixture
def keys(settings):
    opened = store.open_keys(settings)
    yield opened
    opened.close()


def test_a_key_is_prefix_id_and_256_random_bits(keys):
    key, text = keys.make("web", ["events:write"])
    name, _, secret = text.partition(".")
    assert name == key.key_id
    assert name.startswith("sk_")
    assert len(secret) == 43  # 32 bytes in base64 without padding
    assert keys.verify(text).scopes == {"events:write"}
    assert keys.make("page", ["events:write:browser"])[1].startswith("pk_")


def test_no_secret_and_no_password_lies_in_the_files_which_are_private(keys, settings):
    secret = keys.make("web", ["admin"])[1].partition(".")[2]
    keys.add_user("maria", "correct horse battery")
    files = sorted(settings.home.glob("access.sqlite3*"))
    assert len(files) == 3
    for path in files:
        assert secret.encode() not in path.read_bytes()
        assert b"correct horse" not in path.read_bytes()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: t + "x", lambda t: t.split(".")[0]])
def test_a_changed_secret_is_refused(keys, change):
    text = keys.make("web", ["admin"])[1]
    with pytest.raises(NotSignedIn, match="not known"):
        keys.verify(change(text))


def test_a_key_of_another_id_with_a_right_secret_is_refused(keys):
    first = keys.make("a", ["admin"])[1]
    second = keys.make("b", ["admin"])[1]
    with pytest.raises(NotSignedIn):
        keys.verify(f"{first.split('.')[0]}.{second.split('.')[1]}")


def test_admin_may_do_all_others_only_what_they_name(keys):
    admin = keys.make("a", ["admin"])[0]
    reader = keys.make("r", ["models:read"])[0]
    assert all(admin.allows(scope) for scope in store.SCOPES)
    assert [scope for scope in store.SCOPES if reader.allows(scope)] == ["models:read"]


def test_a_scope_that_does_not_exist_is_named(keys):
    with pytest.raises(BadInput, match="no scope 'everything'") as error:
        keys.make("x", ["everything"])
    assert "events:write" in error.value.allowed
    with pytest.raises(BadInput, match="at least one scope"):
        keys.make("x", [])


def test_last_use_is_written_for_the_list(keys):
    key, text = keys.make("web", ["admin"])
    keys.verify(text)
    keys.write_last_used(force=True)
    assert keys.all()[0].last_used_us >= key.created_us


def test_a_key_made_by_another_process_is_known_soon(keys, settings):
    keys.verify(keys.make("a", ["admin"])[1])
    other = store.open_keys(settings)
    text = other.make("b", ["admin"])[1]
    other.close()
    keys._checked -= store.RECHECK_SECONDS
    assert keys.verify(text).name == "b"


def test_users_sign_in_with_their_password_only(keys):
    password = new_password()
    keys.add_user("maria", password)
    assert keys.check_password("maria", password)
    assert not keys.check_password("maria", password + "x")
    assert not keys.check_password("nobody", password)
    keys.set_password("maria", "another long one")
    assert not keys.check_password("maria", password)
    with pytest.raises(Conflict, match="exists"):
        keys.add_user("maria", password)
    keys.remove_user("maria")
    assert keys.users() == []
    with pytest.raises(NotFound):
        keys.set_password("maria", password)


def test_a_short_password_is_refused_without_showing_it(keys):
    with pytest.raises(BadInput, match="12 to 1000") as error:
        keys.add_user("maria", "hunter2")
    assert "hunter2" not in str(error.value.to_dict())


def test_a_broken_key_file_is_a_clear_error(settings):
    settings.home.mkdir(parents=True)
    (settings.home / "access.sqlite3").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreUnavailable, match="cannot be used: file is not a database"):
        store.open_keys(settings)


def test_the_command_makes_lists_and_revokes(settings, capsys):
    def run(*words: str) -> tuple[int, dict]:
        status = main(["--home", str(settings.home), "keys", *words, "--json"])
        return status, json.loads(capsys.readouterr().out)

    made = run("make", "web", "--scope", "events:write", "--expires-days", "30")[1]
    assert made["scopes"] == ["events:write"]
    assert made["key"].startswith(made["key_id"])
    assert run("user", "maria")[1]["password"]
    listed = run("list")[1]
    assert listed["keys"][0]["state"] == "active"
    assert "key" not in listed["keys"][0]
    assert listed["users"] == ["maria"]
    assert run("revoke", made["key"])[0] == 0
    assert run("list")[1]["keys"][0]["state"] == "revoked"
    status, said = run("revoke", "sk_none")
    assert (status, said["error"]["code"]) == (2, "not_found")
