"""Support in the console: the operators' inbox in three panes, one conversation, the gaps."""

from __future__ import annotations

from shopkeeper.console.area import Area
from shopkeeper.console.pages.support import inbox, knowledge

AREA = Area(
    name="support",
    pages=(
        ("/support", inbox.index),
        ("/support/knowledge", knowledge.index),
        ("/support/{conversation_id:path}", inbox.show),
    ),
    forms=(
        ("/support/do", inbox.do),
        ("/support/carry-out", inbox.carry_out),
        ("/support/canned", knowledge.keep_canned),
    ),
)
