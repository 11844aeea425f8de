"""Write the tables of docs/keras.md from minidl/names.txt; tests/test_keras_names.py fails if the page is outdated.

Run ``python benchmarks/keras_page.py``.
"""

import re
from pathlib import Path

from minidl.names import Entry, table

PAGE = Path(__file__).parent.parent / "docs" / "keras.md"
BEGIN, END = "<!-- from names.txt: begin -->\n", "<!-- from names.txt: end -->"
BASES = ("Sequential", "Layer", "Loss", "Metric", "Optimizer", "Regularizer", "LearningRateSchedule", "Callback")


def title(section: str) -> str:
    if section in BASES:
        return f"Methods and attributes of `{section}`"
    return f"`keras.{section}`" if section else "`keras`"


def row(entry: Entry) -> str:
    names = ", ".join(f"`{name}`" for name in entry.names)
    said = {"missing": entry.text, "renamed": f"`{entry.text}`", "differs": f"differs: {entry.text}"}[entry.kind]
    return f"| {names} | {said} |"


def tables() -> str:
    """Return one table per section, with the base classes last."""
    sections = sorted(table().items(), key=lambda item: item[0] in BASES)
    parts = []
    for section, entries in sections:
        if entries:
            rows = "\n".join(row(entry) for entry in entries)
            parts.append(f"### {title(section)}\n\n| Keras | here |\n|---|---|\n{rows}\n")
    return "\n".join(parts)


def renewed(page: str) -> str:
    """Return the page with updated tables."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{tables()}\n{END}", page, flags=re.S)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
