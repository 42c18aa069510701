"""What contests a chargeback: the order, its delivery, and earlier undisputed orders that match.

Follows Visa's compelling evidence 3.0 for disputes of condition 10.4 (fraud, card absent): two
earlier payments with the same card, 120 to 365 days before the dispute, that nobody disputed, and
at least two of customer account, delivery address, device and IP address in common, one of them
device or IP. Identifiers are compared as keyed hashes; clear values are for whoever may see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shopkeeper.base.clock import DAY_US, iso

EARLIEST_DAYS, LATEST_DAYS = 365, 120
NEEDED = 2
# column of ``payments`` -> what the evidence calls it
MATCHED = {
    "customer_id": "account",
    "address_key": "delivery address",
    "device_key": "device",
    "ip_key": "IP address",
}
_STRONG = ("device", "IP address")


def pack(
    disputed: Mapping[str, Any],
    earlier: Iterable[Mapping[str, Any]],
    *,
    disputed_us: int,
    order: Mapping[str, Any] | None = None,
    deliveries: Iterable[Mapping[str, Any]] = (),
    decision: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the evidence for one disputed payment, and whether it meets the programme.

    Parameters
    ----------
    disputed, earlier
        Rows of ``payments``; earlier ones with ``class`` of ``payment_truth``.
    disputed_us
        When the chargeback came; the 120 and 365 days count back from it.
    """
    found = []
    for one in earlier:
        days = (disputed_us - one["occurred_us"]) / DAY_US
        same_card = disputed.get("card_key") and one.get("card_key") == disputed["card_key"]
        clean = one.get("class") in (None, "legit") and not one.get("declined")
        if not (same_card and clean and LATEST_DAYS <= days <= EARLIEST_DAYS):
            continue
        common = [
            name
            for column, name in MATCHED.items()
            if disputed.get(column) and one.get(column) == disputed[column]
        ]
        if len(common) >= 2 and any(name in _STRONG for name in common):
            found.append(
                {
                    "payment_id": one["payment_id"],
                    "order_id": one.get("order_id"),
                    "at": iso(one["occurred_us"]),
                    "days_before_dispute": round(days),
                    "amount_minor": one.get("value_minor"),
                    "currency": one.get("currency"),
                    "in_common": common,
                }
            )
    found.sort(key=lambda one: (-len(one["in_common"]), one["days_before_dispute"]))
    return {
        "programme": "Visa compelling evidence 3.0, dispute condition 10.4",
        "qualifies": len(found) >= NEEDED,
        "missing": _missing(found, disputed),
        "payment": {
            "payment_id": disputed["payment_id"],
            "order_id": disputed.get("order_id"),
            "customer_id": disputed.get("customer_id"),
            "at": iso(disputed["occurred_us"]),
            "amount_minor": disputed.get("value_minor"),
            "currency": disputed.get("currency"),
            "disputed_at": iso(disputed_us),
        },
        "earlier_undisputed": found[:5],
        "order": dict(order) if order else None,
        "deliveries": [dict(one) for one in deliveries],
        "decision": dict(decision) if decision else None,
    }


def _missing(found: list[dict[str, Any]], disputed: Mapping[str, Any]) -> list[str]:
    told = []
    if not disputed.get("card_key"):
        told.append("the card's fingerprint on the disputed payment")
    if not disputed.get("device_key") and not disputed.get("ip_key"):
        told.append("device or IP address on the disputed payment")
    if len(found) < NEEDED:
        told.append(
            f"{NEEDED - len(found)} more undisputed payments with this card, {LATEST_DAYS} to "
            f"{EARLIEST_DAYS} days before the dispute, that share two identifiers"
        )
    return told
