"""Run the notebooks of examples/ in Jupyter, and compare the text that they print with the stored text.

``python docs/notebooks.py`` exits with 1 and names the cells that differ; ``--write`` stores the new outputs.
"""

import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent.parent / "examples"


def texts(cell):
    """Return the printed and returned text of a code cell, without durations and estimates of rounding errors."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    text = "".join(part for part in parts if "<Figure size" not in part)
    return re.sub(r"\b[\d.]+ s\b|\b[\d.]+e-\d+", "...", text)


def run(path):
    """Return the notebook as stored, and as it is after a run, which changes only the outputs."""
    stored = nbformat.read(path, as_version=4)
    fresh = nbformat.read(path, as_version=4)
    NotebookClient(fresh, record_timing=False, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    fresh["metadata"] = stored["metadata"]
    for number, cell in enumerate(fresh["cells"]):
        cell["id"] = str(number)
    return stored, fresh


def main():
    differing = []
    for path in sorted(EXAMPLES.glob("*.ipynb")):
        stored, fresh = run(path)
        if "--write" in sys.argv[1:]:
            nbformat.write(fresh, path)
            continue
        for number, (old, new) in enumerate(zip(stored["cells"], fresh["cells"], strict=True)):
            if old["cell_type"] == "code" and texts(old) != texts(new):
                differing.append(f"{path.name}, cell {number}: stored\n{texts(old)}\ngot\n{texts(new)}")
    if differing:
        raise SystemExit("\n".join(differing))


if __name__ == "__main__":
    main()
