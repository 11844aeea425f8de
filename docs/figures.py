"""Draws the figures of the pages that are not part of the course: the rows of modules, a model, and the README's.

``python docs/figures.py`` draws the README's anew.
"""

import ast
from pathlib import Path

import minidl
import minidl.datasets
import minidl.optimizers
from minidl.plotting import plot_decision_boundary, plot_model

PACKAGE = Path(minidl.__file__).parent
# The rows of the house, from the ground up, without the package's own __init__ and __main__; tests/test_house.py
# holds the finer rule against every import.
ROWS = [
    ("ground", ["typing", "errors", "checks", "files", "signals", "numeric", "config", "schedules"]),
    ("parts", ["initializers", "regularizers", "parameters", "losses", "metrics", "optimizers", "data"]),
    ("layers", ["layers"]),
    ("model", ["sequential"]),
    ("use", ["training", "callbacks", "saving", "plotting", "explain", "testing", "datasets"]),
    ("as in Keras", ["models", "utils"]),
]
WIDTH, HEIGHT, GAP = 92, 30, 34  # pixels


def imports_of(name: str) -> set[str]:
    """Return the modules of minidl that ``name`` imports at the top."""
    path = PACKAGE / name
    files = sorted(path.rglob("*.py")) if path.is_dir() else [PACKAGE / f"{name}.py"]
    found = set()
    for file in files:
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "minidl":
                inner = node.module.split(".")[1:]
                found.update(inner[:1] or [alias.name for alias in node.names])
    return found - {name}


def check_rows() -> None:
    """Stop if a module stands in no row, or a row names one that is gone."""
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    drawn = {name for _, names in ROWS for name in names}
    if drawn != {name for name in modules if not name.startswith("_")}:
        raise ValueError(f"docs/figures.py: ROWS differs from the modules of minidl in {sorted(drawn ^ modules)}")


def architecture() -> str:
    """Return the rows of modules as SVG, with a line from each module down to what it imports."""
    check_rows()
    place, boxes, lines = {}, [], []
    width = 90 + max(len(names) for _, names in ROWS) * (WIDTH + 8)
    height = len(ROWS) * (HEIGHT + GAP)
    for number, (title, names) in enumerate(ROWS):
        top = height - (number + 1) * (HEIGHT + GAP) + GAP / 2
        boxes.append(f'<text x="4" y="{top + 19}" font-size="12" fill="#555">{title}</text>')
        left = 90 + (width - 90 - len(names) * (WIDTH + 8)) / 2
        for column, name in enumerate(names):
            x = left + column * (WIDTH + 8)
            place[name] = (x + WIDTH / 2, top)
            boxes.append(
                f'<rect x="{x}" y="{top}" width="{WIDTH}" height="{HEIGHT}" rx="5" fill="#f2f2f2" stroke="black"/>'
                f'<text x="{x + WIDTH / 2}" y="{top + 19}" text-anchor="middle" font-size="12">{name}</text>'
            )
    for name, (x, top) in place.items():
        for other in sorted(imports_of(name) & set(place)):
            down, below = place[other]
            if below > top:
                lines.append(
                    f'<line x1="{x}" y1="{top + HEIGHT}" x2="{down}" y2="{below}" stroke="#888" stroke-width="0.6"/>'
                )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">'
        f'<rect width="{width}" height="{height}" fill="white"/>{"".join(lines)}{"".join(boxes)}</svg>'
    )


def model() -> str:
    """Return the diagram of a small model as SVG."""
    layers = [minidl.Input((64,)), minidl.Dense(32, activation="relu"), minidl.Dense(10, activation="softmax")]
    return plot_model(minidl.Sequential(layers, seed=0))


def front(path: Path) -> None:
    """Train three networks on two spirals, and write their decision boundaries to ``path``."""
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
        ax.set_title(f"{f'{words} ReLU units' if hidden else 'no hidden layer'}: {accuracy:.0%} right", fontsize=11)
    figure.savefig(path, dpi=110)


def draw_all(folder: Path) -> None:
    """Write every figure into ``folder``."""
    folder.mkdir(exist_ok=True)
    (folder / "architecture.svg").write_text(architecture(), encoding="utf-8")
    (folder / "model.svg").write_text(model(), encoding="utf-8")


if __name__ == "__main__":
    front(Path(__file__).parent / "_static" / "front.png")
