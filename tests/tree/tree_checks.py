"""What the tree promises, as functions that give the violations: each is tried on the tree and on a lie."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "spondyl"
STAGES = PACKAGE / "stages"

UNITS = (
    "_mm", "_mm2", "_mm3", "_ml", "_hu", "_deg", "_rad", "_s", "_ratio", "_fraction", "_probability",
    "_per_mm", "_px", "_per_level",
)  # fmt: skip
FREE_NUMBERS = {0, 1, 2, 0.5, -1}
HINTS = {"function": 60, "class": 400, "file": 800, "front door": 120}  # twice the house style's hints


def parse(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def python_files(*folders: Path) -> Iterator[Path]:
    """Every Python file under the folders."""
    for folder in folders:
        yield from sorted(folder.rglob("*.py"))


def stage_names() -> list[str]:
    """The stages that there are."""
    return sorted(path.parent.name for path in STAGES.glob("*/__init__.py"))


# ------------------------------------------------------------------------------------ the data's way
def order_in_pipeline(source: str) -> list[str]:
    """The stages in the order in which pipeline.py's functions call them, the study's function last.

    A call is ``stage.function(...)`` where the stage was imported from spondyl.stages; the functions are
    read as they are called: read_study enters _read_series after ingest.
    """
    tree = ast.parse(source)
    names = {
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "spondyl.stages"
        for alias in node.names
    }
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    order: list[str] = []
    for entry in ("read_study", "write_study"):
        _follow(functions[entry], functions, names, order)
    return order


def _follow(
    function: ast.FunctionDef, functions: dict[str, ast.FunctionDef], stages: set[str], order: list[str]
) -> None:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        target = call.func
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in stages
        ):
            if target.value.id not in order and target.attr != "refused":
                order.append(target.value.id)
        elif isinstance(target, ast.Name) and target.id in functions and target.id != function.name:
            _follow(functions[target.id], functions, stages, order)


def order_in_arrows(text: str) -> list[str]:
    """The stages in the line of arrows of stages/__init__.py."""
    for line in text.splitlines():
        if line.count("→") > 3:
            return [word.strip() for word in line.split("→")]
    return []


def order_in_table(markdown: str) -> list[str]:
    """The first column of the README's table that begins with ``| stage |``."""
    rows, inside = [], False
    for line in markdown.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip().strip("|").split("|")]
        if cells[0] == "stage":
            inside = True
        elif inside and not line.startswith("|"):
            break
        elif inside and not set(cells[0]) <= set("-: "):
            rows.append(cells[0])
    return rows


# -------------------------------------------------------------------------------------- front doors
def front_door_faults(source: str, functions_allowed: int = 1) -> list[str]:
    """What a stage's __init__ lacks."""
    tree = ast.parse(source)
    faults = []
    docstring = ast.get_docstring(tree) or ""
    faults += [
        f"the docstring does not say {word}" for word in ("In:", "Out:", "Refuses:") if word not in docstring
    ]
    exported = _exported(tree)
    functions = [name for name in exported if name[0].islower()]
    if not 1 <= len(functions) <= functions_allowed:
        faults.append(f"{len(functions)} public functions ({', '.join(functions)})")
    if len(source.splitlines()) > HINTS["front door"]:
        faults.append(f"longer than {HINTS['front door']} lines")
    return faults


def _exported(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(x, ast.Name) and x.id == "__all__" for x in node.targets
        ):
            return list(ast.literal_eval(node.value))
    return []


# -------------------------------------------------------------------------------------------- units
def unitless_floats(tree: ast.Module, dimensionless: Iterable[str]) -> list[str]:
    """Public float fields of classes, and public functions returning a float, whose name tells no unit."""
    known = set(dimensionless)
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = [x for x in node.body if isinstance(x, ast.AnnAssign) and isinstance(x.target, ast.Name)]
            found += [x.target.id for x in fields if _is_float(x.annotation)]  # type: ignore[union-attr]
        elif isinstance(node, ast.FunctionDef) and node.returns is not None and _is_float(node.returns):
            found.append(node.name)
    return [
        name for name in found if not name.startswith("_") and not name.endswith(UNITS) and name not in known
    ]


def _is_float(annotation: ast.expr) -> bool:
    return ast.unparse(annotation) in {"float", "float | None"}


def bare_numbers(tree: ast.Module) -> list[str]:
    """Comparisons with a number that no name explains."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = (node.left, *node.comparators)
            if any(_is_bare(part.operand if isinstance(part, ast.UnaryOp) else part) for part in parts):
                found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def _is_bare(part: ast.expr) -> bool:
    if not isinstance(part, ast.Constant) or isinstance(part.value, bool):
        return False
    return isinstance(part.value, int | float) and part.value not in FREE_NUMBERS


# -------------------------------------------------------------------------------------------- codes
def undocumented(codes: Iterable[str], markdown: str) -> list[str]:
    """Codes that do not stand in the document as `CODE`."""
    return [code for code in codes if f"`{code}`" not in markdown]


def unexercised(codes: Iterable[str], tests: Iterable[str]) -> list[str]:
    """Codes that no test names."""
    text = "\n".join(tests)
    return [code for code in codes if not re.search(rf"\b{code}\b", text)]


# -------------------------------------------------------------------------------------------- tests
def skips_without_reason(tree: ast.Module) -> list[str]:
    """Skips that say nothing."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            given = {keyword.arg for keyword in node.keywords}
            silent = {
                "pytest.skip": not node.args and "reason" not in given,
                "pytest.mark.skip": "reason" not in given,
                "pytest.mark.skipif": "reason" not in given,
                "pytest.importorskip": "reason" not in given,
            }
            if silent.get(name, False):
                found.append(f"line {node.lineno}: {name}")
    return found


# -------------------------------------------------------------------------------------------- sizes
def sizes(path: Path) -> list[tuple[str, int, str]]:
    """(kind, lines, name) of the file, its classes and its functions (body without docstring)."""
    source = path.read_text(encoding="utf-8")
    place = str(path.relative_to(ROOT))
    found = [("file", len(source.splitlines()), place)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            kind = "class" if isinstance(node, ast.ClassDef) else "function"
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            lines = (node.end_lineno or 0) - body[0].lineno + 1
            found.append((kind, lines, f"{place}:{node.name}"))
    return found
