"""Is the data sound: named checks over the tables, each with a count, samples and a next step.

A check is one query; a row that it returns is one fault. Findings inform and never stop
anything: what to leave out of training is cleaning.py. The queries are quality_checks.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from shopkeeper.base import clock
from shopkeeper.base.errors import BadInput
from shopkeeper.data.quality_checks import CHECKS, Check
from shopkeeper.data.reports import Tables, rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found: how many rows, and some of them."""

    name: str
    severity: str
    count: int
    says: str
    hint: str
    samples: list[dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON prints it."""
        return asdict(self)


def checks() -> dict[str, Check]:
    """Return every check by name."""
    return {check.name: check for check in CHECKS}


def check(
    warehouse: Tables, *, only: Sequence[str] = (), samples: int = 3, now_us: int | None = None
) -> list[Finding]:
    """Run the checks and return those that found something, errors first.

    Parameters
    ----------
    only
        Names of checks; none means all.
    samples
        Rows to carry along per finding.
    now_us
        The moment that counts as now; default the clock's.
    """
    known = checks()
    for name in only:
        if name not in known:
            raise BadInput(
                f"There is no check '{name}'.",
                field="only",
                value=name,
                allowed=", ".join(known),
            )
    now = clock.now_us() if now_us is None else now_us
    findings = []
    for one in (known[name] for name in only) if only else CHECKS:
        sql = one.sql.replace("{now_us}", str(int(now)))
        count = rows(warehouse, f"SELECT count(*) AS n FROM ({sql})")[0]["n"]
        if count:
            shown = rows(warehouse, f"SELECT * FROM ({sql}) ORDER BY ALL LIMIT {int(samples)}")
            findings.append(
                Finding(
                    name=one.name,
                    severity=one.severity,
                    count=count,
                    says=one.says,
                    hint=one.hint,
                    samples=shown,
                )
            )
    return sorted(findings, key=lambda finding: (finding.severity != "error", finding.name))
