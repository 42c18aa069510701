"""Which spellings of an e-mail address reach one mailbox, provider by provider.

Dots, plus tags and twin domains are ignored only where the provider ignores them: elsewhere they
may be another person's. Written from the providers' own help pages; a provider that is not here
keeps every character.
"""

from __future__ import annotations

from dataclasses import dataclass

from shopkeeper.data.lookalikes import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """What a provider ignores: ``drops`` anywhere in the name, all from ``tag`` on, its ``twins``.

    ``same``: characters that it takes for one another, first the one that is kept.
    """

    host: str
    twins: tuple[str, ...] = ()
    drops: str = ""
    tag: str = "+"
    same: str = ""


PROVIDERS = (
    Provider(host="gmail.com", twins=("googlemail.com",), drops="."),
    Provider(host="outlook.com"),
    Provider(host="hotmail.com"),
    Provider(host="live.com"),
    Provider(host="msn.com"),
    Provider(host="icloud.com", twins=("me.com", "mac.com")),
    Provider(host="proton.me", twins=("protonmail.com", "pm.me"), drops=".-_"),
    Provider(host="fastmail.com", twins=("fastmail.fm",)),
    Provider(host="zoho.com"),
    Provider(host="hey.com"),
    Provider(
        host="yandex.ru",
        twins=("ya.ru", "yandex.com", "yandex.by", "yandex.kz"),
        same="-.",
    ),
    Provider(host="yahoo.com", tag="-"),
)
_BY_HOST = {host: one for one in PROVIDERS for host in (one.host, *one.twins)}


def mailbox(text: str) -> str:
    """Return one spelling of an address that was put in NFKC and lower case.

    >>> mailbox("ann.lee+shop@googlemail.com"), mailbox("ann.lee+shop@shop.test")
    ('annlee@gmail.com', 'ann.lee+shop@shop.test')
    """
    name, at, host = text.rpartition("@")
    name, host = plain(name), _host(host)
    known = _BY_HOST.get(host)
    if known is None or not at:
        return f"{name}{at}{host}"
    kept = name.partition(known.tag)[0]
    kept = "".join(c for c in kept if c not in known.drops)
    for other in known.same[1:]:
        kept = kept.replace(other, known.same[0])
    return f"{kept or name}{at}{known.host}"


def _host(host: str) -> str:
    """Return a mail host as the eye reads it, also one that came in its ASCII form (xn--)."""
    host = host.replace("\u3002", ".").rstrip(".")
    if host.isascii() and "xn--" not in host:
        return host
    return plain(".".join(_label(one) for one in host.split(".")))


def _label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[4:].encode("ascii").decode("punycode")
    except UnicodeError:
        return label
