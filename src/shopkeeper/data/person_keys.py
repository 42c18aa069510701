"""Which keyed hashes stand for a person: one per field, and two that are derived.

``ip_net`` joins what comes from one network (an IPv4 /24, an IPv6 /64), ``email_domain`` what
comes from one mail host. Events (validate.py) and requests for a decision (operate/runtime.py)
make their hashes here, so that both join.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any

from shopkeeper.base.errors import BadInput, shorten
from shopkeeper.data.events import Person
from shopkeeper.data.privacy import Keyring, find_card_number, hide_card_numbers, normalise

_LONGEST = 400
_BYTE = r"(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_PLAIN_IPV4 = re.compile(rf"({_BYTE}\.{_BYTE}\.{_BYTE})\.{_BYTE}", re.ASCII)


def person_keys(person: Mapping[str, str], keyring: Keyring) -> dict[str, str]:
    """Return field -> hash for the fields that are there, with ip_net and email_domain."""
    keys = {name: keyring.hmac(name, value) for name, value in person.items()}
    if (net := _network(person.get("ip"))) is not None:
        keys["ip_net"] = keyring.hmac("ip_net", net)
    if (email := person.get("email")) is not None:
        host = normalise("email", email).rpartition("@")[2]
        if host:
            keys["email_domain"] = keyring.hmac("email_domain", host)
    return keys


def hashed_request(raw: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
    """Return a request whose ``person`` has become ``keys``; nothing of it stays in clear."""
    person = raw.get("person")
    if not isinstance(person, Mapping):
        raise _bad("person", type(person).__name__, "an object")
    if "keys" in raw:
        raise _bad("keys", "…", "left out when person is given")
    clear: dict[str, str] = {}
    for name, value in person.items():
        if name not in Person.__struct_fields__:
            told = hide_card_numbers(shorten(str(name)))
            raise _bad(f"person.{told}", "…", ", ".join(Person.__struct_fields__))
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise _bad(f"person.{name}", "…", f"a text of up to {_LONGEST} characters")
        if name != "phone" and len(value) >= 14 and find_card_number(value):
            raise BadInput(
                f"person.{name} holds a card number.",
                hint="Send the provider's fingerprint of the card.",
                field=f"person.{name}",
                code="card_number",
            )
        clear[name] = value
    keys = person_keys(clear, keyring)
    kept = {name: key for name, key in keys.items() if name not in ("name", "postcode")}
    rest = {name: value for name, value in raw.items() if name != "person"}
    return {**rest, "keys": kept}


def _network(ip: str | None) -> str | None:
    """Return the /24 or /64 that an address lies in; None for what is no address.

    >>> _network("2001:db8::1")
    '2001:db8::/64'
    """
    if ip is None:
        return None
    plain = _PLAIN_IPV4.fullmatch(ip)
    if plain is not None:  # what nearly all are; ipaddress takes ten times as long
        return f"{plain[1]}.0/24"
    try:
        address = ipaddress.ip_address(normalise("ip", ip))
    except ValueError:
        return None
    bits = 24 if address.version == 4 else 64
    return str(ipaddress.ip_network(f"{address}/{bits}", strict=False))


def _bad(name: str, value: str, allowed: str) -> BadInput:
    return BadInput(
        f"{name} must be {allowed}, but is {value!r}.", field=name, value=value, allowed=allowed
    )
