"""Prints the lines of each module, docstrings included, against the budget of the core.

The core is everything but the certification kit and the integrations. Run: ``python benchmarks/size.py``.
"""

import sys
from pathlib import Path

BUDGET = 4000
OUTSIDE_THE_CORE = ("testing", "sklearn", "onnx", "mpi")
PACKAGE = Path(__file__).parent.parent / "minidl"


def lines_by_module() -> dict[str, int]:
    """Return the number of lines of each file of the package, by its path inside it."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in paths}


def in_core(module: str) -> bool:
    return module.split("/")[0].removesuffix(".py") not in OUTSIDE_THE_CORE


def core_lines() -> int:
    return sum(lines for module, lines in lines_by_module().items() if in_core(module))


def main(budget: int = BUDGET) -> int:
    """Print the table; return 1 where the core is above its budget."""
    modules = lines_by_module()
    for core in (True, False):
        chosen = {module: lines for module, lines in modules.items() if in_core(module) is core}
        print("core" if core else "\noutside the core: testing and integrations")
        for module, lines in chosen.items():
            print(f"{lines:6,}  {module}")
        print(f"{sum(chosen.values()):6,}  in all")
    total = core_lines()
    verdict = "within" if total <= budget else "above"
    print(f"\nThe core has {total:,} lines, {verdict} the budget of {budget:,}.")
    return int(total > budget)


if __name__ == "__main__":
    sys.exit(main())
