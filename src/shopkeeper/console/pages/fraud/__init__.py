"""Fraud in the console: the queue, a case, rules with back-tests, lists, alerts, performance."""

from __future__ import annotations

from shopkeeper.console.area import Area
from shopkeeper.console.pages.fraud import alerts, cases, figures, lists, rules

AREA = Area(
    name="fraud",
    pages=(
        ("/fraud", cases.index),
        ("/fraud/rules", rules.index),
        ("/fraud/lists", lists.index),
        ("/fraud/alerts", alerts.index),
        ("/fraud/performance", figures.index),
        ("/fraud/evidence/{payment_id:path}", cases.evidence),
        ("/fraud/cases/{decision_id:path}", cases.show),
    ),
    forms=(
        ("/fraud/decide", cases.decide),
        ("/fraud/lock", cases.lock),
        ("/fraud/note", cases.note),
        ("/fraud/rules/test", rules.test),
        ("/fraud/rules/save", rules.save),
        ("/fraud/rules/move", rules.move),
        ("/fraud/lists/add", lists.propose),
        ("/fraud/lists/change", lists.change),
        ("/fraud/alerts/seen", alerts.seen),
        ("/fraud/costs", figures.set_costs),
    ),
)
