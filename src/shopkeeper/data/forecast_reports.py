"""How good the forecasts were: by origin, by segment, for one product, and against the planner.

Windows in which a product was sold out are counted and left out, since its sales are not its
demand. WAPE is the sum of errors over the sum of demand; pinball likewise, at 95 %; a positive
bias forecast too much. ``value_added`` is the WAPE of the naive forecast less the model's.
"""

from __future__ import annotations

from typing import Any

_MEASURES = """
    count(*) AS windows,
    count(*) FILTER (WHERE NOT censored) AS judged,
    sum(actual) FILTER (WHERE NOT censored) AS units,
    sum(abs(mean - actual)) FILTER (WHERE NOT censored) / nullif(units, 0) AS wape,
    sum(mean - actual) FILTER (WHERE NOT censored) / nullif(units, 0) AS bias,
    sum(greatest(0.95 * (actual - q95), 0.05 * (q95 - actual))) FILTER (WHERE NOT censored)
        / nullif(units, 0) AS pinball_95,
    avg(CASE WHEN actual <= q95 THEN 1.0 ELSE 0.0 END) FILTER (WHERE NOT censored) AS coverage_95,
    avg(CASE WHEN actual BETWEEN q10 AND q90 THEN 1.0 ELSE 0.0 END) FILTER (WHERE NOT censored)
        AS coverage_80,
    sum(abs(naive - actual)) FILTER (WHERE NOT censored) / nullif(units, 0) AS naive_wape,
    naive_wape - wape AS value_added
"""
GROUPS = ("segment", "method", "model")


def over_time(warehouse: Any, *, horizon: int = 1) -> list[dict[str, Any]]:
    """Return one row per origin, oldest first: how its forecast of ``horizon`` periods did."""
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT CAST(origin AS VARCHAR) AS origin, min(kind) AS kind, {_MEASURES}
        FROM forecast_accuracy WHERE horizon = $horizon GROUP BY origin ORDER BY origin""",
        {"horizon": horizon},
    ).to_pylist()
    return found


def by_horizon(warehouse: Any, *, since: str = "1970-01-01") -> list[dict[str, Any]]:
    """Return one row per horizon, of origins since an ISO day."""
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT horizon, any_value(days) AS days, {_MEASURES} FROM forecast_accuracy
        WHERE origin >= CAST($since AS DATE) GROUP BY horizon ORDER BY horizon""",
        {"since": since},
    ).to_pylist()
    return found


def by_group(
    warehouse: Any, group: str, *, horizon: int = 1, since: str = "1970-01-01"
) -> list[dict[str, Any]]:
    """Return one row per segment, method or model, most demand first."""
    assert group in GROUPS, group
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT {group} AS name, {_MEASURES} FROM forecast_accuracy
        WHERE horizon = $horizon AND origin >= CAST($since AS DATE)
        GROUP BY {group} ORDER BY units DESC""",
        {"horizon": horizon, "since": since},
    ).to_pylist()
    return found


def worst(warehouse: Any, *, horizon: int = 1, limit: int = 20) -> list[dict[str, Any]]:
    """Return the products whose errors were dearest over all origins, in minor units of price."""
    found: list[dict[str, Any]] = warehouse.sql(
        f"""SELECT a.item_id, a.location_id, any_value(i.title) AS title, {_MEASURES},
            sum(abs(a.mean - a.actual) * a.price_minor) FILTER (WHERE NOT a.censored) AS error_minor
        FROM forecast_accuracy AS a LEFT JOIN items AS i ON a.item_id = i.item_id
        WHERE a.horizon = $horizon GROUP BY a.item_id, a.location_id
        ORDER BY error_minor DESC NULLS LAST LIMIT {int(limit)}""",
        {"horizon": horizon},
    ).to_pylist()
    return found


def of_item(
    warehouse: Any, item: str, location: str = "", *, horizon: int = 1
) -> list[dict[str, Any]]:
    """Return a product's past forecasts beside what came, oldest origin first."""
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT CAST(origin AS VARCHAR) AS origin, CAST(until AS VARCHAR) AS until, days, actual,
            mean, q10, q50, q90, q95, naive, censored, in_stock_share, method, model, kind
        FROM forecast_accuracy
        WHERE item_id = $item AND location_id = $location AND horizon = $horizon
        ORDER BY origin""",
        {"item": item, "location": location, "horizon": horizon},
    ).to_pylist()
    return found


def forecast_of(warehouse: Any, item: str, location: str = "") -> list[dict[str, Any]]:
    """Return a product's newest live forecast, one row per horizon."""
    found: list[dict[str, Any]] = warehouse.sql(
        """SELECT * FROM demand_forecast
        WHERE item_id = $item AND location_id = $location AND kind = 'live' AND origin = (
            SELECT max(origin) FROM demand_forecast WHERE kind = 'live')
        ORDER BY horizon""",
        {"item": item, "location": location},
    ).to_pylist()
    return found


def newest(warehouse: Any, *, days: int = 7) -> dict[tuple[str, str], float]:
    """Return (item, location) -> expected units over the next ``days`` by the newest forecast.

    From the shortest horizon that holds so many days, in proportion; the longest one beyond it.
    """
    found = warehouse.sql(
        """SELECT item_id, location_id, mean * $days / days AS units
        FROM (
            SELECT *, row_number() OVER (
                PARTITION BY item_id, location_id ORDER BY days < $days, abs(days - $days)
            ) AS place
            FROM demand_forecast
            WHERE kind = 'live' AND origin = (
                SELECT max(origin) FROM demand_forecast WHERE kind = 'live')
        ) AS horizons
        WHERE place = 1""",
        {"days": days},
    ).to_pylist()
    return {(row["item_id"], row["location_id"]): float(row["units"]) for row in found}


def overrides(warehouse: Any) -> list[dict[str, Any]]:
    """Return what planners' edits of proposals added to the forecast, one row per edit.

    An edit from q to q' units says that demand over the protection interval (lead time and
    review) will be q' - q higher than the model's. Both are held against what was ordered in
    that interval; a positive ``value_added`` is a planner who knew better, in units of error.
    Intervals with a sold-out day are marked.
    """
    found: list[dict[str, Any]] = warehouse.sql(_OVERRIDES).to_pylist()
    return found


_OVERRIDES = """
WITH edited AS (
    SELECT decision_id, item_id, location_id, coalesce(edited_by, operator) AS operator,
        coalesce(edit_reason, reason) AS reason, dt,
        quantity - proposed_quantity AS changed,
        TRY_CAST(value ->> '$.numbers.demand_mean' AS DOUBLE) AS model_units,
        CAST(round(TRY_CAST(value ->> '$.numbers.protection_days' AS DOUBLE)) AS INTEGER) AS days
    FROM proposals
    WHERE quantity <> proposed_quantity
),
over AS (
    SELECT *, dt + days AS ends FROM edited
    WHERE days > 0 AND dt + days <= (SELECT max(dt) + 1 FROM demand_history)
),
came AS (
    SELECT o.decision_id, coalesce(sum(greatest(d.units, 0)), 0) AS actual
    FROM over AS o
    LEFT JOIN demand_history AS d ON o.item_id = d.item_id AND o.location_id = d.location_id
        AND d.dt >= o.dt AND d.dt < o.ends
    GROUP BY o.decision_id
),
out AS (
    SELECT o.decision_id, count(s.dt) AS out_days
    FROM over AS o
    LEFT JOIN stock_days AS s ON o.item_id = s.item_id AND o.location_id = s.location_id
        AND s.dt >= o.dt AND s.dt < o.ends AND s.least_on_hand <= 0
    GROUP BY o.decision_id
)
SELECT o.decision_id, o.item_id, o.location_id, o.operator, o.reason,
    CAST(o.dt AS VARCHAR) AS made, o.days, o.changed, o.model_units,
    greatest(o.model_units + o.changed, 0) AS planner_units, c.actual, x.out_days > 0 AS censored,
    abs(o.model_units - c.actual) - abs(greatest(o.model_units + o.changed, 0) - c.actual)
        AS value_added
FROM over AS o
JOIN came AS c ON o.decision_id = c.decision_id
JOIN out AS x ON o.decision_id = x.decision_id
ORDER BY o.dt, o.decision_id
"""
