"""Jobs that tests declare: good, failing, broken, long."""

from __future__ import annotations

import os
import time


def good(task):
    """Do something that can be told from outside."""
    task.tell(0.5, "half way")
    path = task.shop.settings.home / "did"
    path.write_text((path.read_text() if path.exists() else "") + "x")
    return {"capability": task.capability, "nice": os.nice(0)}


def refused(task):
    """Fail with a named error."""
    from shopkeeper.base.errors import BadInput

    raise BadInput("There are 3 weeks, but 20 are needed.", hint="Wait.", field="weeks", value=3)


def broken(task):
    """Fail as bugs do."""
    raise ZeroDivisionError("division by zero")


def dies(task):
    """End as a killed process does: nothing is written after it."""
    os._exit(9)


def endless(task):
    """Go on until somebody stops it."""
    (task.shop.settings.home / "going").write_text("x")
    time.sleep(600)
    return {}
