"""The README's comparison of minidl with other libraries, made from the tables in docs/numbers.

``python benchmarks/front_page.py`` writes it into README.md; a test checks that the README is up to date.
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import common

ROOT = Path(__file__).parent.parent
NUMBERS = ROOT / "docs" / "numbers"
README = ROOT / "README.md"
PEERS = ["minidl", "torch", "JAX", "Keras on JAX", "scikit-learn"]
CHECKERS = ["certify", "torch x20", "jax x20"]  # minidl's, torch's and JAX's
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}
Cells = dict[str, dict[str, str]]  # by row, then by column


def cells(text: str, title: str) -> Cells | None:
    """Return the cells of the table under ``title``; None if there is none."""
    found = re.search(rf"\*\*{re.escape(title)}\*\*\n\n((?:\|.*\n)+)", text)
    if found is None:
        return None
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]
    return {row[0]: dict(zip(header, row, strict=True)) for row in rows}


def column(table: Cells, name: str) -> list[str]:
    """Return a column of a table that has one row per library."""
    return [table[peer][name] for peer in PEERS]


def fastest(table: Cells) -> list[str]:
    """Return the time of the fastest contender of each peer; contenders' names begin with the peer's."""
    found = []
    for peer in ("minidl", "torch", "JAX", "Keras", "sklearn"):
        times = [row["a step"] for name, row in table.items() if re.split("[ ,]", name)[0] == peer]
        measured = [time for time in times if re.fullmatch(r"[\d.]+ (ns|us|ms|s)", time)]
        found.append(min(measured, key=lambda time: float(time.split()[0]) * UNITS[time.split()[1]], default="-"))
    return found


def bugs(table: Cells) -> list[str]:
    """Return how many of all bugs each checker finds; Keras and scikit-learn have no checker."""
    shares = [next(cell for name, cell in table["all"].items() if name.startswith(checker)) for checker in CHECKERS]
    return [re.sub(r" \(.*", "", share) for share in shares] + 2 * ["-"]


# row label -> the benchmark, the title of its table, and the function that reads the cells
ROWS: dict[str, tuple[str, str, Callable[[Cells], list[str]]]] = {
    "installed size": ("cold_start", "more than numpy alone, and on disk", partial(column, name="installed size")),
    "import": ("cold_start", "import alone", partial(column, name="time")),
    "start, 20 epochs of digits, end": ("cold_start", "digits, 20 epochs", partial(column, name="time")),
    "step of 20-64-64-2, batch 32": ("train_step", "20-64-64-2, batch 32", fastest),
    "step of 784-128-10, batch 128": ("train_step", "784-128-10, batch 128", fastest),
    "planted bugs found": ("checkers", "bugs that are found", bugs),
}


def front_page() -> str:
    """Return the table as Markdown; rows without measurements are left out."""
    lines = []
    for label, (benchmark, title, read) in ROWS.items():
        text = (NUMBERS / f"{benchmark}.txt").read_text(encoding="utf-8")
        table, command = cells(text, title), re.search(r"Measured by (`.*?`)", text)
        if table is not None and command is not None:
            lines.append([label, *read(table), command[1]])
    return common.table(["", *PEERS, "measured by"], lines)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split("<!-- benchmarks/front_page.py -->\n", 1)
    after = rest.split("<!-- end -->", 1)[1]
    marked = f"<!-- benchmarks/front_page.py -->\n{front_page()}\n<!-- end -->"
    README.write_text(before + marked + after, encoding="utf-8")


if __name__ == "__main__":
    main()
