"""The area of deliveries: the day's routes, promised orders, suppliers and their messages."""

from __future__ import annotations

from shopkeeper.console.area import Area
from shopkeeper.console.pages.supply import day, messages, orders, stock, suppliers

AREA = Area(
    name="supply",
    pages=(
        ("/supply", day.index),
        ("/supply/orders", orders.index),
        ("/supply/stock", stock.index),
        ("/supply/suppliers", suppliers.index),
        ("/supply/messages", messages.index),
    ),
    forms=(
        ("/supply/plan", day.start),
        ("/supply/cancel", day.cancel),
        ("/supply/publish", day.publish),
        ("/supply/move", day.move),
        ("/supply/mark", day.mark),
        ("/supply/replan", day.replan),
        ("/supply/notice", messages.judge),
        ("/supply/transfer", stock.accept),
        ("/supply/transfer/mark", stock.mark),
        ("/supply/allocate", stock.allocate),
    ),
)
