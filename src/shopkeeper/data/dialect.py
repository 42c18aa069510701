"""Keep the tables' SQL portable: DuckDB's dialect here, Spark's by translation.

``faults`` names constructs that give other rows on Spark, or none; ``to_spark`` translates one
query; ``unknown_to_spark`` says which functions of the translation Spark lacks. What carries
over was compared row by row on DuckDB 2.0 and Spark 4.3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp

from shopkeeper.data.definitions import Definition

# Function -> what to write instead.
FORBIDDEN_FUNCTIONS = {
    "quantile_cont": "sort with row_number() and pick the row",
    "quantile_disc": "sort with row_number() and pick the row",
    "percentile_cont": "sort with row_number() and pick the row",
    "median": "sort with row_number() and pick the middle row",
    "epoch": "the *_us columns",
    "epoch_ms": "the *_us columns",
    "epoch_us": "the *_us columns",
    "epoch_ns": "the *_us columns",
    "to_timestamp": "the *_us columns",
    "hash": "md5()",
    "isodow": "integer days modulo 7",
    "dayofweek": "integer days modulo 7",
    "weekday": "integer days modulo 7",
    "list_slice": "a filter on a position column",
    "array_slice": "a filter on a position column",
    "random": "md5() of a key",
}
# The same functions where the parser gives them a node of their own.
_NODES: dict[type[exp.Expr], str] = {
    exp.PercentileCont: "quantile_cont",
    exp.PercentileDisc: "quantile_disc",
    exp.Median: "median",
    exp.TimeToUnix: "epoch",
    exp.UnixToTime: "epoch_ms",
    exp.DayOfWeek: "dayofweek",
    exp.DayOfWeekIso: "isodow",
    exp.Rand: "random",
}
# Spark SQL's functions that the tables may use; a new one is added after a look at its rows.
SPARK_FUNCTIONS = frozenset(
    """
    abs any_value array array_contains array_distinct array_join array_size array_sort avg
    bool_and bool_or ceil coalesce collect_list collect_set concat concat_ws contains count
    count_if cume_dist date_add date_diff date_format date_sub date_trunc datediff day dense_rank
    element_at endswith exp explode explode_outer first first_value floor from_json
    get_json_object greatest hour if ifnull instr lag last last_value lead least left length
    listagg ln log log10 lower lpad ltrim map max max_by md5 min min_by mod month named_struct
    ntile nullif nvl percent_rank posexplode pow power rank regexp_extract regexp_like
    regexp_replace replace reverse right round row_number rpad rtrim sequence sha2 sign size
    split sqrt startswith stddev_pop stddev_samp string_agg struct substr substring sum
    to_date to_json transform trim trunc unix_micros upper var_pop var_samp year
    """.split()  # noqa: SIM905
)
_SYNTAX = frozenset(
    """
    and as between by case cast decimal distinct else exists filter from group in interval join
    not on or over partition select then try_cast union using values when where with within
    """.split()  # noqa: SIM905
)
_WHOLE = (exp.DType.BIGINT, exp.DType.INT, exp.DType.SMALLINT)
_ROUNDED = (exp.Round, exp.Floor, exp.Ceil, exp.Sum, exp.Count)


def faults(definition: Definition) -> list[str]:
    """Return what in a table's SQL does not carry over, or contradicts its header."""
    tree = sqlglot.parse_one(definition.sql, read="duckdb")
    return [*_functions(tree), *_shapes(tree), *_divisions(tree), *_header(definition, tree)]


def to_spark(sql: str) -> str:
    """Return a query in Spark's dialect; raises sqlglot's error for what it cannot say."""
    return sqlglot.transpile(
        sql,
        read="duckdb",
        write="spark",
        unsupported_level=sqlglot.ErrorLevel.RAISE,
        comments=False,
    )[0]


def unknown_to_spark(spark_sql: str) -> list[str]:
    """Return the functions of a Spark query that are not in SPARK_FUNCTIONS."""
    bare = re.sub(r"'[^']*'", "''", spark_sql)
    called = {name.lower() for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", bare)}
    aliases = {name.lower() for name in re.findall(r"\b([A-Za-z_]\w*) AS \(", bare)}
    return sorted(called - SPARK_FUNCTIONS - _SYNTAX - aliases)


def _functions(tree: exp.Expr) -> Iterator[str]:
    for node in tree.find_all(exp.Func):
        called = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
        name = _NODES.get(type(node), called.lower())
        if name in FORBIDDEN_FUNCTIONS:
            yield f"{name}(): use {FORBIDDEN_FUNCTIONS[name]}"
    for part in tree.find_all(exp.Extract):
        unit = part.name.upper()
        if unit in ("DOW", "ISODOW", "DAYOFWEEK", "WEEKDAY", "EPOCH"):
            yield f"EXTRACT({unit}): weekdays and seconds are counted otherwise on Spark"


def _shapes(tree: exp.Expr) -> Iterator[str]:
    for frame in tree.find_all(exp.WindowSpec):
        if frame.args.get("kind") == "RANGE" and any(frame.find_all(exp.Interval)):
            yield "RANGE INTERVAL frame: use an integer RANGE over *_us"
    for join in tree.find_all(exp.Join):
        if join.method.upper() == "ASOF":
            yield "ASOF JOIN: use a join and row_number()"
    if any(True for bracket in tree.find_all(exp.Bracket) if list(bracket.find_all(exp.Slice))):
        yield "slice [a:b]: use a filter on a position column"
    for star in tree.find_all(exp.Star):
        if star.args.get("replace"):
            yield "* REPLACE: name the columns"
    for cast in tree.find_all(exp.Cast):
        if cast.to.this in _WHOLE and not isinstance(cast.this, _ROUNDED):
            fraction = any(
                isinstance(node, exp.Div) or (node.is_number and not node.is_int)
                for node in cast.this.walk()
            )
            if fraction:
                yield "CAST of a fraction to an integer: round() first; Spark truncates"


def _divisions(tree: exp.Expr) -> Iterator[str]:
    for node in tree.find_all(exp.Div, exp.IntDiv, exp.Mod):
        divisor = node.expression.unnest()
        safe = isinstance(divisor, exp.Nullif) or (divisor.is_number and divisor.to_py() != 0)
        if not safe:
            yield f"division by {divisor.sql('duckdb')}: wrap it in nullif(…, 0)"


def _header(definition: Definition, tree: exp.Expr) -> Iterator[str]:
    ctes = {cte.alias for cte in tree.find_all(exp.CTE)}
    read = {table.name for table in tree.find_all(exp.Table)} - ctes
    if read != set(definition.inputs):
        says = ", ".join(definition.inputs)
        yield f"inputs says {says}; the query reads {', '.join(sorted(read))}"
    if ctes & set(definition.inputs):
        yield f"a CTE hides the input {', '.join(sorted(ctes & set(definition.inputs)))}"
    outermost = tree.selects if isinstance(tree, exp.Query) else []
    columns = {column.alias_or_name for column in outermost}
    if "*" not in columns and (lost := set(definition.keys) - columns):
        yield f"keys names {', '.join(sorted(lost))}, which the query does not return"
    if definition.build == "append" and "seq" not in columns:
        yield "an append table must return seq"
    if definition.build == "append":
        mixing = (exp.Group, exp.Distinct, exp.Window, exp.Join, exp.AggFunc)
        for node in tree.find_all(*mixing):
            yield f"{node.sql('duckdb')}: a row of an append table must come from one event"
    if definition.build == "key" and "events" in definition.inputs:
        yield "a key table reads tables, not events"
    if definition.build in ("append", "partition") and "dt" not in columns:
        yield "a table by day must return dt"
