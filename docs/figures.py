"""Draw the figures outside the course: the objects, the modules, a model, and those of the README.

``python docs/figures.py`` redraws the README's picture and the logo.
"""

import ast
import contextlib
import io
import re
from pathlib import Path

import speed
from drawing import arrow, bent_arrow, box, document, favicon, logo, row_of, text, titled, vector

import minidl
import minidl.datasets
import minidl.optimizers
from minidl.plotting import plot_decision_boundary, plot_model

HERE = Path(__file__).parent
PACKAGE = Path(minidl.__file__).parent
# Modules that nearly all others import: drawn as one box, without lines.
GROUND = ["typing", "errors", "checks", "config", "numeric", "normal", "files", "signals", "ownership"]
WIDTH, HEIGHT, GAP = 104, 30, 10  # in pixels, for a module's box and the gap between two boxes
STEPS = ("dense", "dense/activation", "dense_1", "dense_1/activation")


def imports_of(name: str) -> set[str]:
    """Return the modules of minidl that ``name`` imports at module level."""
    path = PACKAGE / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [PACKAGE / f"{name}.py"]
    found = set()
    for file in files:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "minidl":
                inner = node.module.split(".")[1:]
                found.update(inner[:1] or [alias.name for alias in node.names])
    return found - {name}


def imports() -> dict[str, set[str]]:
    """Return the imports of each module that is drawn, except the package's own __init__ and __main__."""
    names = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    if not names.issuperset(GROUND):
        raise ValueError(f"docs/figures.py: GROUND names modules that are gone: {sorted(set(GROUND) - names)}")
    names = {name for name in names if not name.startswith("_") and name not in GROUND}
    return {name: imports_of(name) & names for name in sorted(names)}


def rows_of(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the modules in rows from top to bottom, each just below its importers or just above its imports."""
    place_of: dict[str, int] = {}
    left = dict(graph)
    while left:
        imported = set().union(*left.values())
        free = [name for name in left if name not in imported]
        if not free:
            raise ValueError(f"docs/figures.py: these modules import each other in a circle: {sorted(left)}")
        place_of.update(dict.fromkeys(free, max(place_of.values(), default=-1) + 1))
        left = {name: below for name, below in left.items() if name in imported}
    last = max(place_of.values())
    for name in set(graph).difference(*graph.values()):  # imported by none
        place_of[name] = min([place_of[one] - 1 for one in graph[name]], default=last)
    return [sorted(name for name in graph if place_of[name] == row) for row in range(min(place_of.values()), last + 1)]


def direct(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """Return the imports without those that other imports imply."""
    reached: dict[str, set[str]] = {}
    for name in (name for row in reversed(rows_of(graph)) for name in row):
        reached[name] = graph[name].union(*(reached[other] for other in graph[name]))
    return {
        name: {one for one in below if not any(one in reached[other] for other in below)}
        for name, below in graph.items()
    }


def modules() -> str:
    """Return an SVG of the modules in rows, with a line from each down to its imports."""
    graph = direct(imports())
    rows = arranged(rows_of(imports())[::-1], graph)
    width = max(map(len, rows)) * (WIDTH + GAP)
    bottom = len(rows) * 2 * HEIGHT
    place = {}
    for number, row in enumerate(rows):
        left = (width - len(row) * (WIDTH + GAP) + GAP) / 2
        for column, name in enumerate(row):
            place[name] = (left + column * (WIDTH + GAP), bottom - (2 * number + 1.5) * HEIGHT)
    boxes = [box(x, y, WIDTH, HEIGHT) + text(x + WIDTH / 2, y + 20, name, 14) for name, (x, y) in place.items()]
    lines = [line(place, name, other) for name, below in graph.items() for other in sorted(below)]
    under = box(5, bottom, width - 10, HEIGHT, "white") + text(width / 2, bottom + 20, "  ".join(GROUND), 14)
    return document(width, bottom + HEIGHT + 8, [*lines, *boxes, under])


def line(place: dict[str, tuple[float, float]], name: str, other: str) -> str:
    """Return a line from a module down to another that passes between the boxes of the rows in between."""
    (x, y), (end, low) = place[name], place[other]
    points = [(x + WIDTH / 2, y + HEIGHT)]
    while y + 2 * HEIGHT < low:
        y += 2 * HEIGHT
        straight = x + (end - x) * (y - place[name][1]) / (low - place[name][1]) + WIDTH / 2
        lefts = [left for left, top in place.values() if top == y]
        gaps = [side for left in lefts for side in (left - GAP / 2, left + WIDTH + GAP / 2)]
        hit = any(left < straight < left + WIDTH for left in lefts)
        across = min(gaps, key=lambda gap: abs(gap - straight)) if hit else straight
        points += [(across, y), (across, y + HEIGHT)]
    points.append((end + WIDTH / 2, low))
    path = " L".join(f"{x} {y}" for x, y in points)
    return f'<path d="M{path}" stroke="#777" fill="none"/>'


def arranged(rows: list[list[str]], below: dict[str, set[str]]) -> list[list[str]]:
    """Return the rows with each module placed near its imports, so that few lines cross."""
    place: dict[str, float] = {}
    for row in rows:
        wanted = {name: sum(place[one] for one in below[name]) / max(len(below[name]), 1) for name in row}
        row.sort(key=lambda name: (wanted[name], name))
        place.update({name: column - (len(row) - 1) / 2 for column, name in enumerate(row)})
    return rows


def objects() -> str:
    """Return an SVG of the objects involved in a training step, from the user's call down to the arrays."""
    left, middle, right = 10, 210, 640
    shapes = [
        titled(middle, 16, 390, 54, "Sequential", "the list of layers, with the names of Keras"),
        titled(middle, 106, 390, 54, "Trainer", "once compiled: an optimizer, a loss and metrics"),
        titled(right, 106, 170, 54, "Inputs", "checked samples"),
        titled(middle, 196, 390, 54, "Objective", "a network and the loss behind it"),
        titled(right, 196, 170, 54, "Loss", "the mean over a batch"),
        titled(middle, 286, 390, 110, "Network", "once built: the steps that run, in a row"),
        titled(left, 313, 160, 54, "Optimizer", "changes the values"),
        titled(middle, 430, 390, 108, "Parameters", "two flat vectors"),
        *[row_of(middle + 12, 342, 366, 44, STEPS)],
        *[vector(middle + 12, 480 + 27 * number, name) for number, name in enumerate(("values", "gradients"))],
    ]
    centre = middle + 195
    arrows = [
        arrow(centre, 70, centre, 106, "fit: x, y, epochs"),
        arrow(centre, 160, centre, 196, "a checked batch"),
        arrow(centre, 250, centre, 286, "x up the steps, dy down"),
        arrow(centre, 396, centre, 430, "W, b, dW, db are views"),
        arrow(middle + 390, 133, right, 133),
        arrow(middle + 390, 223, right, 223),
        bent_arrow(f"M{middle} 133 H{left + 80} V313"),
        bent_arrow(f"M{left + 80} 367 V484 H{middle}"),
        text(left + 88, 240, "step", 12, anchor="start"),
    ]
    return document(right + 180, 552, shapes + arrows)


def model() -> str:
    """Return the diagram of a small model as SVG."""
    layers = [minidl.Input((64,)), minidl.Dense(32, activation="relu"), minidl.Dense(10, activation="softmax")]
    return plot_model(minidl.Sequential(layers, seed=0))


def front(path: Path) -> None:
    """Train three networks on two spirals and draw their decision boundaries in the file ``path``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    x, y = minidl.datasets.spirals(400, turns=1.0, noise=0.03, seed=0)
    figure, row = pyplot.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
    for ax, hidden in zip(row, [[], [8], [32, 32]], strict=True):
        layers = [minidl.Dense(units, activation="relu") for units in hidden]
        network = minidl.Sequential([minidl.Input((2,)), *layers, minidl.Dense(1, activation="sigmoid")], seed=0)
        network.compile(minidl.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
        network.fit(x, y, epochs=300, verbose=0)
        plot_decision_boundary(network, x, y, ax=ax)
        ax.get_legend().remove()
        ax.set(xticks=[], yticks=[], xlabel="", ylabel="")
        words = " and ".join(str(units) for units in hidden)
        accuracy = network.evaluate(x, y, verbose=0)[1]
        ax.set_title(f"{f'{words} ReLU units' if hidden else 'no hidden layer'}: {accuracy:.0%}", fontsize=11)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def quickstart(folder: Path) -> None:
    """Run the code of the quickstart, which saves its pictures in ``folder``."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    page = (HERE / "quickstart.md").read_text(encoding="utf-8")
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
        exec("".join(re.findall(r"(?ms)^```python\n(.*?)^```$", page)), {})
    pyplot.close("all")


def misprint() -> str:
    """Return an SVG of the first erratum of the notes: the wrong formula crossed out, and the correct one."""
    formulas = text(200, 105, "J = -1/m Σ L", 44) + text(200, 200, "J = 1/m Σ L", 44, weight="bold")
    return document(400, 280, [formulas, '<path d="M70 112 L330 70" stroke="#c8553d" stroke-width="7"/>'])


LOGOS = {
    "logo-light": logo("#12355b", "#c8553d", "#ffffff"),
    "logo-dark": logo("#e8eef5", "#f08a6c", "#131416"),
    "favicon": favicon("#ffffff", "#f08a6c", "#12355b"),
}


def draw_all(folder: Path) -> None:
    """Write all figures to ``folder``."""
    folder.mkdir(exist_ok=True)
    for figure in (objects, modules, model, misprint, speed.chart):
        (folder / f"{figure.__name__}.svg").write_text(figure(), encoding="utf-8")
    (folder / "verdict.md").write_text(speed.verdict(), encoding="utf-8")
    quickstart(folder)


if __name__ == "__main__":
    front(HERE / "_static" / "front.png")
    for name, drawing in LOGOS.items():
        (HERE / "_static" / f"{name}.svg").write_text(drawing, encoding="utf-8")
