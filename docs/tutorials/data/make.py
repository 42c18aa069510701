"""Write the tutorial's files, orders.csv and products.csv, from the generated tiny shop.

.venv/bin/python docs/tutorials/data/make.py
"""

from __future__ import annotations

import csv
from pathlib import Path

from shopkeeper.simulate.tiny_shop import tiny_shop

HERE = Path(__file__).parent


def main() -> None:
    """Write both files, in the spelling of a shop that never heard of us, with two bad rows."""
    events = tiny_shop(seed=11, customers=120, items=60, days=90)
    with (HERE / "products.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["sku", "name", "department", "maker", "price"])
        for event in events:
            if event.kind == "item":
                price = f"{(event.price_minor or 0) / 100:.2f}"
                out.writerow([event.item_id, event.title, event.category, event.brand, price])
    with (HERE / "orders.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["order_no", "buyer", "bought_at", "sku", "qty", "unit_price"])
        for event in events:
            if event.kind != "purchase":
                continue
            at = event.occurred_at.strftime("%Y-%m-%d %H:%M")
            for line in event.lines or []:
                price = f"{(line.price_minor or 0) / 100:.2f}"
                row = [event.order_id, event.customer_id, at, line.item_id]
                out.writerow([*row, f"{line.quantity:g}", price])
        out.writerow(["order-bad-1", "customer-001", "2026-13-01 10:00", "item-001", "1", "9.90"])
        out.writerow(["order-bad-2", "customer-002", "2026-01-20 10:00", "item-002", "-3", "9.90"])


if __name__ == "__main__":
    main()
