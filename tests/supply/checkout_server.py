"""The whole server over a shop folder, in a process of its own: checkout_server.py HOME PORT."""

from __future__ import annotations

import sys

import uvicorn

from shopkeeper.api.app import create_app
from shopkeeper.base import settings
from shopkeeper.data.shop import open_shop
from shopkeeper.operate import capabilities
from shopkeeper.operate.runtime import Runtime


def main() -> None:
    """Serve until killed."""
    home, port = sys.argv[1:]
    capabilities.MODULES.setdefault("supply", "shopkeeper.supply.capability")
    shop = open_shop(settings.load(home), exclusive=True)
    runtime = Runtime(shop, capabilities=capabilities.all_of(["supply"]))
    app = create_app(runtime, close_shop=True)
    uvicorn.run(app, port=int(port), log_level="error", access_log=False)


if __name__ == "__main__":
    main()
