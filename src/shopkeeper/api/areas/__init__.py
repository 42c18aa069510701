"""What a capability adds to the API beyond ``/v1/decisions/{capability}``: one file each.

A file offers ``add(api, service)``, which puts its routes on the FastAPI app. It is named here.
"""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from shopkeeper.api.areas import (
    completions,
    fraud,
    inventory,
    inventory_views,
    language,
    mcp,
    merchandising,
    simulations,
    supply,
    supply_stock,
    support,
)
from shopkeeper.api.service import Service

# In the order of the house.
AREAS: tuple[Callable[[FastAPI, Service], None], ...] = (
    merchandising.add,
    simulations.add,
    inventory.add,
    inventory_views.add,
    fraud.add,
    support.add,
    mcp.add,
    completions.add,
    supply.add,
    supply_stock.add,
    language.add,
)
