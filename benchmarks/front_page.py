"""The README's table of minidl beside its peers, made from the tables in docs/numbers.

``python benchmarks/front_page.py`` writes it into README.md; a test holds the two together.
"""

import re
from pathlib import Path

import common

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PEERS = ["minidl", "torch", "JAX", "Keras on JAX", "scikit-learn"]
# what is compared -> the command, its table, the table's column, and the row of each of PEERS in it
ROWS = {
    "import": ("cold_start", "import alone", "time", PEERS),
    "start, train on 1,437 digits, end": ("cold_start", "digits, 20 epochs", "time", PEERS),
    "a step of 20-64-64-2, batch 32": (
        "train_step", "20-64-64-2, batch 32", "a step",
        ["minidl", "torch, fused Adam", "JAX jit", "Keras train_on_batch", "sklearn partial_fit"],
    ),
    "a step of 784-128-10, batch 128": (
        "train_step", "784-128-10, batch 128", "a step",
        ["minidl", "torch, fused Adam", "JAX jit", "Keras train_on_batch", "sklearn partial_fit"],
    ),
    "wrong gradients found, of 342": ("gradcheck_vs_torch", "bugs that are found", "all", ["certify", "gradcheck x20"]),
}  # fmt: skip


def cells(command: str, title: str) -> list[list[str]]:
    """Return the cells of one table in docs/numbers, the header first."""
    text = (ROOT / "docs" / "numbers" / f"{command}.txt").read_text(encoding="utf-8")
    found = re.search(rf"\*\*{re.escape(title)}\*\*\n\n((?:\|.*\n)+)", text)
    if found is None:
        raise SystemExit(f"docs/numbers/{command}.txt: expected a table {title!r}, got none")
    lines = found[1].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in [lines[0], *lines[2:]]]


def figures(command: str, title: str, column: str, names: list[str]) -> list[str]:
    """Return what the table says of ``column`` for each of ``names``, whichever of the two stands at the side."""
    table = cells(command, title)
    by_name = {row[0]: dict(zip(table[0], row, strict=True)) for row in table[1:]}
    if column in by_name:
        return [by_name[column][name].split(" of ")[0] for name in names]
    return [by_name[name][column] for name in names]


def front_page() -> str:
    """Return the table as Markdown."""
    lines = []
    for label, (command, title, column, names) in ROWS.items():
        found = figures(command, title, column, names)
        lines.append([label, *found, *["-"] * (len(PEERS) - len(found)), f"`python benchmarks/{command}.py`"])
    return common.table(["", *PEERS, "command"], lines)


def main() -> None:
    text = README.read_text(encoding="utf-8")
    before, rest = text.split("<!-- benchmarks/front_page.py -->\n", 1)
    after = rest.split("<!-- end -->", 1)[1]
    marked = f"<!-- benchmarks/front_page.py -->\n{front_page()}\n<!-- end -->"
    README.write_text(before + marked + after, encoding="utf-8")


if __name__ == "__main__":
    main()
