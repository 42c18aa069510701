"""The language of fraud rules: one safe expression over named features, checked before it runs.

    ip_declines_10m >= 5 and amount < 20
    billing_country != shipping_country and not missing(shipping_country)
    email_domain in ("mailinator.com", "yopmail.com")

The text is parsed as Python, but only the nodes named here are let through, each with its type
(number, text, flag) worked out against the features there are; what comes out is a tree of plain
closures. There is no loop, no attribute, no power and no call but of the functions below, so an
evaluation takes at most one step per node.

What is missing stays missing: a comparison with it is neither true nor false, ``and`` and ``or``
follow Kleene, and a rule hits only where its expression is true. Dividing by zero is missing.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shopkeeper.base.errors import BadInput, shorten

MOST_CHARACTERS = 2000
MOST_NODES = 300
MOST_DEPTH = 25
MOST_LISTED = 500
LARGEST = 1e15

NUMBER, TEXT, FLAG = "number", "text", "flag"
Row = Mapping[str, Any]
Step = Callable[[Row], Any]

_ORDER: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_SAME: dict[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_SUMS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
# name -> (types of its arguments, type of its value, what it does)
FUNCTIONS: dict[str, tuple[tuple[str, ...], str, Callable[..., Any]]] = {
    "abs": ((NUMBER,), NUMBER, abs),
    "min": ((NUMBER, NUMBER), NUMBER, min),
    "max": ((NUMBER, NUMBER), NUMBER, max),
    "contains": ((TEXT, TEXT), FLAG, operator.contains),
    "starts_with": ((TEXT, TEXT), FLAG, str.startswith),
    "ends_with": ((TEXT, TEXT), FLAG, str.endswith),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A checked expression. ``names`` are the features that it reads."""

    text: str
    names: frozenset[str]
    run: Step

    def hits(self, row: Row) -> bool:
        """Return whether the expression is true of a row; missing is not true."""
        return self.run(row) is True


def compile_expression(text: str, names: Mapping[str, str]) -> Expression:
    """Return the expression as closures, checked against the features there are.

    Parameters
    ----------
    text
        Up to MOST_CHARACTERS characters.
    names
        Feature -> ``number``, ``text`` or ``flag``.

    Raises
    ------
    BadInput
        If it is no expression of the language, or names or types do not fit; says where.

    >>> rule = compile_expression("amount > 100 and country != 'DE'",
    ...                           {"amount": "number", "country": "text"})
    >>> rule.hits({"amount": 120.0, "country": "FR"}), rule.hits({"amount": 120.0})
    (True, False)
    """
    if not isinstance(text, str) or not text.strip():
        raise _bad("is empty", text)
    if len(text) > MOST_CHARACTERS:
        raise _bad(f"is longer than {MOST_CHARACTERS} characters", text)
    try:
        tree = ast.parse(text.replace("\n", " ").strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        said = problem.msg if isinstance(problem, SyntaxError) else "it cannot be read"
        where = f" at character {problem.offset}" if isinstance(problem, SyntaxError) else ""
        raise _bad(f"is no expression{where}: {said}", text) from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES + MOST_LISTED:
        raise _bad(f"has more than {MOST_NODES} parts", text)
    compiler = _Compiler(text, names)
    kind, step = compiler.build(tree.body, 0)
    if kind != FLAG:
        raise _bad(f"is a {kind}, not true or false", text, hint="Compare it with something.")
    return Expression(text=text.strip(), names=frozenset(compiler.used), run=step)


class _Compiler:
    """Turns nodes into (type, closure); remembers the names used and how many nodes there were."""

    def __init__(self, text: str, names: Mapping[str, str]) -> None:
        self.text, self.names = text, names
        self.used: set[str] = set()
        self.nodes = 0

    def build(self, node: ast.expr, depth: int) -> tuple[str, Step]:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise self.bad(f"has more than {MOST_NODES} parts")
        if depth > MOST_DEPTH:
            raise self.bad(f"is nested more than {MOST_DEPTH} deep")
        deeper = depth + 1
        match node:
            case ast.Constant(value=value):
                return self.constant(value)
            case ast.Name(id=name):
                return self.name(name)
            case ast.BoolOp(op=op, values=values):
                steps = [self.need(FLAG, one, deeper) for one in values]
                return FLAG, _every(steps) if isinstance(op, ast.And) else _some(steps)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return FLAG, _negated(self.need(FLAG, operand, deeper))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return NUMBER, _applied((self.need(NUMBER, operand, deeper),), operator.neg)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _SUMS:
                sides = (self.need(NUMBER, left, deeper), self.need(NUMBER, right, deeper))
                return NUMBER, _applied(sides, _SUMS[type(op)])
            case ast.Compare():
                return FLAG, self.comparison(node, deeper)
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args, deeper)
        raise self.bad(
            f"holds {ast.unparse(node)[:60]!r}, which rules do not know",
            hint="Rules know and, or, not, comparisons, + - * /, in (…), missing(), coalesce(), "
            + ", ".join(f"{name}()" for name in FUNCTIONS)
            + ".",
        )

    def need(self, kind: str, node: ast.expr, depth: int) -> Step:
        found, step = self.build(node, depth)
        if found != kind:
            raise self.bad(f"needs a {kind} at {ast.unparse(node)[:60]!r}, which is a {found}")
        return step

    def constant(self, value: Any) -> tuple[str, Step]:
        if isinstance(value, bool):
            return FLAG, lambda row: value
        if isinstance(value, int | float) and abs(value) <= LARGEST:
            number = float(value)
            return NUMBER, lambda row: number
        if isinstance(value, str):
            return TEXT, lambda row: value
        raise self.bad(f"holds the constant {shorten(repr(value), 40)}")

    def name(self, name: str) -> tuple[str, Step]:
        kind = self.names.get(name)
        if kind is None:
            near = [one for one in sorted(self.names) if one[:3] == name[:3]][:6]
            raise self.bad(
                f"names '{name[:60]}', which is no feature",
                hint=f"Near it: {', '.join(near)}." if near else "The rules page lists the names.",
            )
        self.used.add(name)
        if kind == NUMBER:
            # float and bool, because numpy's own comparisons do not give Python's True.
            return NUMBER, lambda row: None if (v := row.get(name)) is None or v != v else float(v)
        if kind == FLAG:
            return FLAG, lambda row: None if (v := row.get(name)) is None or v != v else bool(v)
        return TEXT, lambda row: row.get(name) or None

    def comparison(self, node: ast.Compare, depth: int) -> Step:
        steps = []
        left = node.left
        for op, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(op, ast.In | ast.NotIn):
                steps.append(self.membership(left, op, right, depth))
            else:
                steps.append(self.compared(left, op, right, depth))
            left = right
        return steps[0] if len(steps) == 1 else _every(steps)

    def compared(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Step:
        kind, first = self.build(left, depth)
        other, second = self.build(right, depth)
        if kind != other:
            raise self.bad(
                f"compares a {kind} with a {other}: {ast.unparse(left)[:40]!r} and "
                f"{ast.unparse(right)[:40]!r}"
            )
        if type(op) in _ORDER and kind == NUMBER:
            return _applied((first, second), _ORDER[type(op)])
        if type(op) in _SAME:
            return _applied((first, second), _SAME[type(op)])
        raise self.bad(f"puts a {kind} in order; only numbers have one")

    def membership(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Step:
        kind, step = self.build(left, depth)
        if not isinstance(right, ast.Tuple | ast.List) or not 0 < len(right.elts) <= MOST_LISTED:
            raise self.bad(f"needs up to {MOST_LISTED} constants in brackets after in")
        values = set()
        for one in right.elts:
            if not isinstance(one, ast.Constant):
                raise self.bad(f"lists {ast.unparse(one)[:40]!r}, which is no constant")
            found, constant = self.constant(one.value)
            if found != kind:
                raise self.bad(f"looks for a {kind} among values of which one is a {found}")
            values.add(constant({}))
        among = frozenset(values)
        if isinstance(op, ast.In):
            return _applied((step,), lambda value: value in among)
        return _applied((step,), lambda value: value not in among)

    def call(self, name: str, args: list[ast.expr], depth: int) -> tuple[str, Step]:
        if name == "missing" and len(args) == 1:
            _, step = self.build(args[0], depth)
            return FLAG, lambda row: step(row) is None
        if name == "coalesce" and len(args) == 2:
            kind, first = self.build(args[0], depth)
            second = self.need(kind, args[1], depth)
            return kind, lambda row: second(row) if (v := first(row)) is None else v
        if name not in FUNCTIONS:
            raise self.bad(f"calls {name[:40]}(), which rules do not know")
        kinds, value, work = FUNCTIONS[name]
        if len(args) != len(kinds):
            raise self.bad(f"gives {name}() {len(args)} values instead of {len(kinds)}")
        steps = tuple(self.need(k, one, depth) for k, one in zip(kinds, args, strict=True))
        return value, _applied(steps, work)

    def bad(self, fact: str, hint: str = "") -> BadInput:
        return _bad(fact, self.text, hint=hint)


def _applied(steps: tuple[Step, ...], work: Callable[..., Any]) -> Step:
    """Return a step that is missing where a value is, or where its result is no number."""
    if len(steps) == 1:
        only = steps[0]
        return lambda row: None if (v := only(row)) is None else work(v)
    first, second = steps

    def step(row: Row) -> Any:
        a, b = first(row), second(row)
        if a is None or b is None:
            return None
        try:
            value = work(a, b)
        except ZeroDivisionError:
            return None
        return None if isinstance(value, float) and not math.isfinite(value) else value

    return step


def _negated(step: Step) -> Step:
    return lambda row: None if (v := step(row)) is None else not v


def _every(steps: list[Step]) -> Step:
    def step(row: Row) -> bool | None:
        known = True
        for one in steps:
            value = one(row)
            if value is False:
                return False
            known = known and value is not None
        return True if known else None

    return step


def _some(steps: list[Step]) -> Step:
    def step(row: Row) -> bool | None:
        known = True
        for one in steps:
            value = one(row)
            if value is True:
                return True
            known = known and value is not None
        return False if known else None

    return step


def _bad(fact: str, text: Any, *, hint: str = "") -> BadInput:
    return BadInput(
        f"The rule {fact}.",
        hint=hint or "docs/how-to/write-fraud-rules.md describes the language.",
        field="expression",
        value=text,
    )
