"""Prints the lines of each module, docstrings included, against the budget of the core.

The core is everything but the certification kit and the integrations. Run: ``python benchmarks/size.py``; with
``--strict`` it fails beyond the budget.
"""

import argparse
import ast
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

BUDGET = 4000
OUTSIDE_THE_CORE = ("testing", "sklearn", "onnx", "mpi")
PACKAGE = Path(__file__).parent.parent / "minidl"


class Size(NamedTuple):
    """Lines of a module: all of them, and those that hold code (no docstring, comment or empty line)."""

    lines: int
    code: int


def measure(path: Path) -> Size:
    text = path.read_text(encoding="utf-8")
    docstrings = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            docstrings.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = text.splitlines()
    code = [
        number
        for number, line in enumerate(lines, start=1)
        if line.strip() and not line.strip().startswith("#") and number not in docstrings
    ]
    return Size(len(lines), len(code))


def total(sizes: Iterable[Size]) -> Size:
    sizes = list(sizes)
    return Size(sum(size.lines for size in sizes), sum(size.code for size in sizes))


def in_core(module: str) -> bool:
    return module.split("/")[0].removesuffix(".py") not in OUTSIDE_THE_CORE


def main(flags: list[str], budget: int = BUDGET) -> int:
    """Print the table; return 1 where the core is above its budget and ``--strict`` is given."""
    parser = argparse.ArgumentParser(description="Lines of each module against the budget of the core.")
    parser.add_argument("--strict", action="store_true", help="fail beyond the budget")
    strict = parser.parse_args(flags).strict
    modules = {path.relative_to(PACKAGE).as_posix(): measure(path) for path in sorted(PACKAGE.rglob("*.py"))}
    print(" lines    code")
    for core in (True, False):
        chosen = {module: size for module, size in modules.items() if in_core(module) is core}
        for module, size in chosen.items():
            print(f"{size.lines:6,}  {size.code:6,}  {module}")
        lines, code = total(chosen.values())
        print(f"{lines:6,}  {code:6,}  in all {'in the core' if core else 'outside it: testing and integrations'}\n")
    lines = total(size for module, size in modules.items() if in_core(module)).lines
    print(f"The core has {lines:,} lines, {'above' if lines > budget else 'within'} the budget of {budget:,}.")
    return int(strict and lines > budget)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
