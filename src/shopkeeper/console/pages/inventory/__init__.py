"""Inventory in the console: proposals in bulk, one product, what-if on the plan, accuracy."""

from __future__ import annotations

from shopkeeper.console.area import Area
from shopkeeper.console.pages.inventory import accuracy, plan, product, proposals

AREA = Area(
    name="inventory",
    pages=(
        ("/inventory", proposals.index),
        ("/inventory/proposals.csv", proposals.export),
        ("/inventory/plan", plan.index),
        ("/inventory/accuracy", accuracy.index),
        ("/inventory/products/{sku:path}", product.show),
    ),
    forms=(
        ("/inventory/act", proposals.act),
        ("/inventory/quantity", proposals.change),
    ),
)
