"""The house rules as functions over source text, so that tests can also try broken twins."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SRC = Path(__file__).parents[2] / "src" / "shopkeeper"

CAPABILITIES = ("recommend", "inventory", "fraud", "support", "supply")
# Each room may import the rooms on lower floors, and itself.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("base",),
    ("data",),
    ("simulate", "learn", "language"),
    CAPABILITIES,
    ("operate",),
    ("api", "cli", "console"),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The entrances open each other's doors: `serve` starts the API, and the API mounts the console.
ENTRANCE_DOORS = {("cli", "api"), ("api", "console")}
WEB = {"fastapi", "starlette", "uvicorn", "jinja2"}
CAPABILITY_ORDER = ("schema", "features", "models|policy", "evaluate", "capability")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60


def files() -> Iterator[Path]:
    """Yield every source file of the package."""
    yield from sorted(SRC.rglob("*.py"))


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of everything imported, anywhere in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer_faults(path: Path, tree: ast.AST) -> list[str]:
    """Return the imports of a file that run upward, sideways or into a forbidden library."""
    parts = path.relative_to(SRC).with_suffix("").parts
    room = parts[0]
    faults = []
    for name in imports(tree):
        top, *rest = name.split(".")
        if top in WEB and room not in ("api", "console", "cli"):
            faults.append(f"{path.name}: {name}: web frameworks live in api/ and console/")
        if top == "torch" and room != "learn" and "models" not in parts:
            faults.append(f"{path.name}: {name}: torch lives in models/ and learn/")
        if top != "shopkeeper" or not rest or rest[0] not in FLOOR_OF or room not in FLOOR_OF:
            continue
        target = rest[0]
        if target == room or (room, target) in ENTRANCE_DOORS:
            faults += _inside_faults(path, parts, rest)
        elif FLOOR_OF[target] >= FLOOR_OF[room]:
            faults.append(f"{path.relative_to(SRC)}: imports {name}, which is not below {room}")
    return faults


def _inside_faults(path: Path, parts: tuple[str, ...], rest: list[str]) -> list[str]:
    """Inside a capability: capability → evaluate → {policy | models} → features → schema."""
    if parts[0] not in CAPABILITIES or len(rest) < 2 or len(parts) < 2:
        return []
    rank = {"schema": 0, "features": 1, "models": 2, "policy": 2, "evaluate": 3, "capability": 4}
    mine, theirs = rank.get(parts[1]), rank.get(rest[1])
    if mine is None or theirs is None or parts[1] == rest[1]:
        return []
    if theirs >= mine:
        return [f"{path.relative_to(SRC)}: {parts[1]} may not import {rest[1]}"]
    return []


def text_faults(path: Path, tree: ast.AST) -> list[str]:
    """Return uses that the house forbids: the bare clock, global randomness, broad excepts."""
    faults = []
    where = path.relative_to(SRC)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            dotted = f"{node.value.id}.{node.attr}"
            if dotted in ("datetime.now", "datetime.utcnow", "date.today", "time.time"):
                faults.append(f"{where}:{node.lineno}: {dotted}; ask base.clock")
        if isinstance(node, ast.Attribute) and ast.unparse(node) in (
            "np.random.seed",
            "np.random.rand",
            "np.random.randn",
            "np.random.randint",
            "np.random.choice",
            "np.random.shuffle",
            "np.random.permutation",
        ):
            faults.append(f"{where}:{node.lineno}: global randomness; take a Generator")
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or ast.unparse(node.type) in ("Exception", "BaseException")
            if broad and not any(isinstance(n, ast.Raise) for n in ast.walk(node)):
                faults.append(f"{where}:{node.lineno}: a broad except that does not raise again")
    if path.parts[-3:-1] != ("shopkeeper", "base") and path.name == "utils.py":
        faults.append(f"{where}: utils.py has no job")
    return [f for f in faults if not f.startswith("base/clock.py")]


def sql_faults(path: Path, tree: ast.AST) -> list[str]:
    """Return string literals outside data/ that read like SQL."""
    if path.relative_to(SRC).parts[0] == "data":
        return []
    faults = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.upper().split()
            starts = words[:1] in (["SELECT"], ["WITH"], ["INSERT"], ["DELETE"], ["UPDATE"])
            if starts and ("FROM" in words or "INTO" in words or "SET" in words):
                faults.append(f"{path.relative_to(SRC)}:{node.lineno}: SQL outside data/")
    return faults


def size_faults(path: Path, source: str, tree: ast.AST) -> list[str]:
    """Return files above 400 lines and functions above 60 (docstring not counted)."""
    where = path.relative_to(SRC)
    # A migration is a record of what was done, in one piece.
    if "versions" in where.parts:
        return []
    faults = []
    lines = source.count("\n")
    if lines > MAX_FILE_LINES:
        faults.append(f"{where}: {lines} lines, the ceiling is {MAX_FILE_LINES}")
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            first = body[0]
            is_doc = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
            doc_lines = (first.end_lineno or 0) - first.lineno + 1 if is_doc else 0
            length = (node.end_lineno or 0) - node.lineno + 1 - doc_lines
            if length > MAX_FUNCTION_LINES:
                faults.append(f"{where}:{node.lineno}: {node.name} has {length} lines")
    return faults


def docstring_faults(path: Path, tree: ast.Module) -> list[str]:
    """Return modules and public top-level functions and classes that say nothing."""
    where = path.relative_to(SRC)
    faults = []
    if tree.body and not ast.get_docstring(tree):
        faults.append(f"{where}: no module docstring")
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if public and not node.name.startswith("_") and not ast.get_docstring(node):
            faults.append(f"{where}:{node.lineno}: {node.name} has no docstring")
    return faults
