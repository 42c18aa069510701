"""The process of one job: it yields to the server that started it, in CPU and in threads.

python -m shopkeeper.operate.jobs.worker HOME JOB RUN_ID
"""

from __future__ import annotations

import dataclasses
import os
import sys

from shopkeeper.base import log, settings
from shopkeeper.base.errors import Conflict, ShopLocked
from shopkeeper.data.shop import open_shop
from shopkeeper.operate.jobs import declared, runner

BUSY = 75  # the exit status that says: another job runs, try later
NICE = 10


def main(argv: list[str]) -> int:
    """Run the job that is named; its end is on the record, the status says only how it went."""
    home, name, run_id = argv
    os.nice(NICE)
    chosen = dataclasses.replace(settings.load(home), engine_threads=1)
    log.configure(chosen.log_level)
    with open_shop(chosen) as shop:
        try:
            ended = runner.run(shop, declared.get(chosen, name), run_id=run_id)
        except (ShopLocked, Conflict):
            return BUSY
    return 0 if ended.state == "done" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
