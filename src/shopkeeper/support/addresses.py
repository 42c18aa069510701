"""Read an address that a customer wrote, in English or Chinese order, and where it stands."""

from __future__ import annotations

import re

from shopkeeper.support.records import Address

_STREET = re.compile(
    r"(?P<line1>\d+ [A-Z][\w' .]*?)(?:, (?P<line2>(?:Suite|Apt|Unit|#)[^,]*))?"
    r", (?P<city>[A-Z][\w .]+?),? "
    r"(?:(?P<state>[A-Z]{2}|Texas|New York|Illinois|Colorado|California),? )?(?P<zip>\d{5})\b"
)
_CITY_STATES = {
    "new york": "NY", "denver": "CO", "chicago": "IL", "houston": "TX", "seattle": "WA",
    "san francisco": "CA", "los angeles": "CA", "san diego": "CA", "san jose": "CA",
    "philadelphia": "PA", "phoenix": "AZ", "charlotte": "NC", "columbus": "OH", "miami": "FL",
    "indianapolis": "IN", "austin": "TX", "dallas": "TX", "fort worth": "TX", "san antonio": "TX",
    "jacksonville": "FL", "washington": "DC",
}  # fmt: skip
_STATE_NAMES = {
    "texas": "TX",
    "new york": "NY",
    "illinois": "IL",
    "colorado": "CO",
    "california": "CA",
}
_ZH_ADDRESS = re.compile(
    r"[一-鿿]{2,}(?:省|市|区|县)[一-鿿\d\w-]*(?:路|街|道|号|室|栋|楼)[\d\w一-鿿-]*"
)


def read_address(text: str) -> tuple[Address, tuple[int, int]] | None:
    """Return an address said in a text, and where it stands.

    >>> read_address("to 101 Highway, New York, 10001")[0].state
    'NY'
    """
    match = _STREET.search(text)
    if match:
        city = match["city"].strip()
        said = match["state"] or ""
        state = _STATE_NAMES.get(said.lower(), said) or _CITY_STATES.get(city.lower(), "")
        address = Address(
            line1=match["line1"].strip(),
            line2=(match["line2"] or "").strip(),
            city=city,
            state=state,
            country="USA",
            postcode=match["zip"],
        )
        return address, match.span()
    match = _ZH_ADDRESS.search(text)
    if match:
        return Address(line1=match[0], country="CN"), match.span()
    return None
