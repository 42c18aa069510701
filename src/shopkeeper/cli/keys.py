"""`shopkeeper keys`: make, list and revoke API keys; add and remove console users."""

from __future__ import annotations

import sys

import click

from shopkeeper.base import clock, settings
from shopkeeper.cli.main import print_json
from shopkeeper.data import keys as store
from shopkeeper.data.passwords import new_password

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object.")


@click.group("keys")
def command() -> None:
    """Make, list and revoke API keys and console users."""


@command.command("make")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, help="What the key may do; give it repeatedly.")
@click.option("--publishable", is_flag=True, help="A key for the browser snippet.")
@click.option("--expires-days", type=float, help="Days until the key ends; without it, never.")
@as_json
@click.pass_obj
def make(
    home: str,
    name: str,
    scopes: tuple[str, ...],
    publishable: bool,
    expires_days: float | None,
    as_json: bool,
) -> None:
    """Make a key named NAME and print it; it cannot be shown again."""
    wanted = store.BROWSER_SCOPES if publishable else scopes
    keys = store.open_keys(settings.load(home))
    key, text = keys.make(name, wanted, expires_days=expires_days)
    keys.close()
    if as_json:
        print_json({"key": text, **_facts(key)})
        return
    print(text)
    print(f"  {' '.join(sorted(key.scopes))}; keep it now, it cannot be shown again")


@command.command("list")
@as_json
@click.pass_obj
def list_keys(home: str, as_json: bool) -> None:
    """List keys (never their secrets) and console users."""
    keys = store.open_keys(settings.load(home))
    found, users = keys.all(), keys.users()
    keys.close()
    if as_json:
        print_json({"keys": [_facts(key) for key in found], "users": users})
        return
    print(f"{'key':<17}{'name':<22}{'state':<10}{'last used':<22}scopes")
    for key in found:
        last = clock.iso(key.last_used_us)[:19] + "Z" if key.last_used_us else "never"
        print(
            f"{key.key_id:<17}{key.name[:20]:<22}{_state(key):<10}{last:<22}"
            f"{' '.join(sorted(key.scopes))}"
        )
    print(f"console users: {', '.join(users) or 'none'}")


@command.command("revoke")
@click.argument("key_id")
@as_json
@click.pass_obj
def revoke(home: str, key_id: str, as_json: bool) -> None:
    """Revoke the key KEY_ID; a running server refuses it within a second."""
    keys = store.open_keys(settings.load(home))
    keys.revoke(key_id)
    keys.close()
    if as_json:
        print_json({"revoked": key_id})
    else:
        print(f"revoked {key_id}")


@command.command("user")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@as_json
@click.pass_obj
def add_user(home: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Add the console user NAME and print a password made for it."""
    _with_password(home, name, password_stdin, as_json, known=False)


@command.command("password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@as_json
@click.pass_obj
def set_password(home: str, name: str, password_stdin: bool, as_json: bool) -> None:
    """Give the console user NAME a new password."""
    _with_password(home, name, password_stdin, as_json, known=True)


@command.command("remove-user")
@click.argument("name")
@as_json
@click.pass_obj
def remove_user(home: str, name: str, as_json: bool) -> None:
    """Remove the console user NAME."""
    keys = store.open_keys(settings.load(home))
    keys.remove_user(name)
    keys.close()
    if as_json:
        print_json({"removed": name})
    else:
        print(f"removed {name}")


def _with_password(
    home: str, name: str, password_stdin: bool, as_json: bool, *, known: bool
) -> None:
    word = sys.stdin.readline().rstrip("\n") if password_stdin else ""
    word = word or new_password()
    keys = store.open_keys(settings.load(home))
    if known:
        keys.set_password(name, word)
    else:
        keys.add_user(name, word)
    keys.close()
    shown = None if password_stdin else word
    if as_json:
        print_json({"user": name, "password": shown})
        return
    print(f"user {name}" + (f", password {shown}" if shown else ""))


def _state(key: store.ApiKey) -> str:
    if key.revoked_us is not None:
        return "revoked"
    ended = key.expires_us is not None and key.expires_us <= clock.now_us()
    return "expired" if ended else "active"


def _facts(key: store.ApiKey) -> dict[str, object]:
    stamps = {
        name: clock.iso(at) if (at := getattr(key, f"{name}_us")) is not None else None
        for name in ("created", "expires", "revoked", "last_used")
    }
    state = _state(key)
    scopes = sorted(key.scopes)
    return {"key_id": key.key_id, "name": key.name, "state": state, "scopes": scopes, **stamps}
