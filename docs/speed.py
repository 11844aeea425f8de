"""The chart and the summary on the performance page, generated from the tables in docs/numbers."""

import math
import re
import sys
from pathlib import Path

from drawing import document, marker, text

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))
from front_page import NUMBERS, UNITS, cells

# first word of a column -> the library, its marker and its colour
PEERS = {
    "torch": ("PyTorch", "circle", "#12355b"),
    "JAX": ("JAX", "square", "#c8553d"),
    "Keras": ("Keras on JAX", "triangle", "#2a7f62"),
    "sklearn": ("scikit-learn", "diamond", "#8a5a9e"),
}
LEFT, RIGHT, ROW, TOP = 20, 500, 46, 76  # pixels


def table(benchmark: str, title: str) -> dict[str, dict[str, str]]:
    """Return the table under ``title`` in the file of a benchmark."""
    found = cells((NUMBERS / f"{benchmark}.txt").read_text(encoding="utf-8"), title)
    if found is None:
        raise ValueError(
            f"docs/speed.py: docs/numbers/{benchmark}.txt has no table {title!r}. Run the benchmark again."
        )
    return found


def ratios(columns: dict[str, str]) -> dict[str, dict[str, float]]:
    """Return, for each network, minidl's step time divided by that of each library's fastest variant.

    ``columns`` maps the first word of a column to the library.
    """
    found: dict[str, dict[str, float]] = {}
    for network, row in table("train_step", "minidl's time divided by the peer's").items():
        found[network] = {}
        for word, library in columns.items():
            cells_of = [cell for name, cell in row.items() if name.startswith(word)]
            values = [float(cell) for cell in cells_of if re.fullmatch(r"[\d.]+", cell) and float(cell) > 0]
            found[network].update({library: max(values)} if values else {})
    return found


def chart() -> str:
    """Return a log-scale SVG chart of each library's step time divided by minidl's, for each network."""
    rows = ratios({word: name for word, (name, _, _) in PEERS.items()})
    reach = math.ceil(max(abs(math.log2(value)) for row in rows.values() for value in row.values()))
    bottom = TOP + ROW * len(rows)

    def place(time: float) -> float:
        return LEFT + (RIGHT - LEFT) * (math.log2(time) / reach + 1) / 2

    parts = []
    for number, (name, shape, color) in enumerate(PEERS.values()):
        x = LEFT + 8 + 125 * number
        parts += [marker(shape, x, 18, color), text(x + 12, 23, name, 14, anchor="start")]
    parts += [text(place(0.5), 52, "faster than minidl", 14), text(place(2), 52, "slower than minidl", 14)]
    for power in range(-reach, reach + 1):
        x, label = place(2.0**power), f"{2**power}" if power >= 0 else f"1/{2**-power}"
        style = 'stroke="#444" stroke-width="2"' if power == 0 else 'stroke="#ddd"'
        parts.append(f'<path d="M{x:.1f} {TOP - 12} V{bottom}" {style}/>')
        parts.append(text(x, bottom + 18, label, 14))
    parts.append(text((LEFT + RIGHT) / 2, bottom + 42, "time of a training step, minidl = 1", 14))
    for number, (network, row) in enumerate(rows.items()):
        y = TOP + ROW * number + 10
        parts.append(text(LEFT, y - 2, network, 13, anchor="start"))
        for name, shape, color in PEERS.values():
            if name in row:
                parts.append(marker(shape, place(1 / row[name]), y + 14, color))
    return document(RIGHT + 20, bottom + 54, parts)


def verdict() -> str:
    """Return a summary of minidl's speed according to the tables, in a few sentences of Markdown."""
    libraries = {word: name for word, (name, _, _) in PEERS.items()} | {"by hand": "by hand"}
    rows = ratios(libraries)
    ranges = {name: [row[name] for row in rows.values() if name in row] for name in libraries.values()}
    ranges = {name: values for name, values in ranges.items() if values}
    spans = {name: f"{min(values):.0%} to {max(values):.0%}" for name, values in ranges.items()}
    slower = sum(value < 1 for value in ranges["JAX"])
    own, *others = [row["time"] for row in table("cold_start", "digits, 20 epochs").values()]
    others.sort(key=lambda time: float(time.split()[0]) * UNITS[time.split()[1]])
    parts = [
        f"{spans['PyTorch']} of the time that PyTorch needs at its best",
        f"{spans['Keras on JAX']} of Keras' time",
        f"{spans['scikit-learn']} of scikit-learn's",
        *([f"{spans['by hand']} of the same step written by hand in NumPy"] if "by hand" in spans else []),
    ]
    return (
        f"A training step of minidl takes {', '.join(parts[:-1])} and {parts[-1]}, depending on the network. "
        f"JAX, which compiles a whole step or epoch, is up to {max(ranges['JAX']):.1f} times as fast as minidl; "
        f"minidl is the faster one on {slower} of {len(rows)} networks. A new process that imports the library and "
        f"trains on the digits for 20 epochs takes {own} with minidl and {others[0]} to {others[-1]} with the others.\n"
    )
