"""One spelling of an address on the net, for join keys."""

from __future__ import annotations

import ipaddress
import re

_BYTE = r"(?:0|[1-9][0-9]?|1[0-9][0-9]|2[0-4][0-9]|25[0-5])"
_PLAIN_IPV4 = re.compile(rf"{_BYTE}(?:\.{_BYTE}){{3}}", re.ASCII)
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]+)\](?::\d+)?|(?P<four>[\d.]+):\d+", re.ASCII)


def net_address(text: str) -> str:
    """Return the shortest form of an IP address, without brackets, port and zone.

    An IPv4 address that was written as IPv6 is the IPv4 one. What is no address keeps its text,
    without spaces.

    >>> net_address("[2001:DB8:0:0::1]:443"), net_address("::ffff:192.0.2.7"), net_address("x y")
    ('2001:db8::1', '192.0.2.7', 'xy')
    """
    if _PLAIN_IPV4.fullmatch(text) is not None:  # what nearly all are
        return text
    text = "".join(text.split())
    parted = _WITH_PORT.fullmatch(text)
    bare = text if parted is None else parted["six"] or parted["four"]
    try:
        address = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(address)
