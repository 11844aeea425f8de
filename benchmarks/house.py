"""Code metrics: what a reader opens to follow a training step, and the dependencies between the files.

Run ``python benchmarks/house.py``; ``-v`` lists the locations behind each figure. tests/test_house.py keeps the figures
from rising. Docstrings, comments and blank lines do not count.
"""

import ast
import gc
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from package import Package, largest_circle, private_places, room, upward, way

PACKAGE = Path(__file__).resolve().parent.parent / "minidl"
# Code lines are counted by part: the longest matching name decides; modules that match none belong to the core.
PARTS = {
    "kit": "testing",
    "side": "plotting explain datasets __main__",
    "integrations": "sklearn tensorboard onnx keras torch distributed",
    "new layers": "layers.batch_normalization layers.branches layers.columns layers.embedding "
    "layers.gaussian_noise layers.input_normalization layers.integer_inputs layers.layer_normalization "
    "layers.prelu layers.rescaling layers.residual layers.row_blocks layers.selu",
}
# Pairs (importer, imported) of parts that must not depend on each other, directly or indirectly.
NEVER = [
    ("layers", "losses"),
    ("layers", "optimizers solvers"),
    ("losses", "layers"),
    ("optimizers solvers", "layers"),
    ("layers losses optimizers solvers", "network training sequential"),
]
FACE = "sequential"  # its public methods have Keras' parameters
PARAMETERS = 7
LINES_OF_A_FUNCTION = 40


class Meter(NamedTuple):
    """A figure, and the locations that it counts."""

    figure: int
    places: list[str] = []


class Trace(NamedTuple):
    """The functions and lines of a package that a call executes, each with its file."""

    functions: set[tuple[str, int, str]]
    lines: set[tuple[str, int]]

    @property
    def files(self) -> set[str]:
        return {file for file, _ in self.lines}


def trace(call: Callable[[], Any], folder: Path) -> Trace:
    """Run ``call`` and return the functions and lines in ``folder`` that it executes."""
    home = f"{folder}{os.sep}"
    found = Trace(set(), set())

    def enter(frame: Any, event: str, argument: Any) -> Any:
        code = frame.f_code
        if not code.co_filename.startswith(home):
            return None
        if event == "call":
            found.functions.add((code.co_filename, code.co_firstlineno, code.co_name))
        elif event == "line":
            found.lines.add((code.co_filename, frame.f_lineno))
        return enter

    before = sys.gettrace()
    gc.disable()  # finalizers would be counted
    sys.settrace(enter)
    try:
        call()
    finally:
        sys.settrace(before)
        gc.enable()
    return found


def traces() -> dict[str, Trace]:
    """Return the traces of a warm training step and of a model's first fit, with and without accuracy."""
    import numpy as np

    from minidl import Dense, Input, Sequential

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 20)), rng.integers(0, 2, 64)
    found = {}
    for metrics, what in ((None, ""), (["accuracy"], " with accuracy")):
        for again in (False, True):  # the first round triggers the lazy imports
            layers = [Input((20,)), Dense(64, activation="relu"), Dense(2, activation="softmax")]
            model = Sequential(layers, seed=0)
            model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=metrics)
            fit = trace(lambda model=model: model.fit(x, y, epochs=1, batch_size=32, verbose=0), PACKAGE)
            step = trace(lambda model=model: model.train_on_batch(x, y), PACKAGE)
            if again:
                found |= {f"a step{what}": step, f"a fit{what}": fit}
    return found


def measured_steps(package: Package) -> dict[str, Meter]:
    """Return the metrics of a training step, and of a fit with one epoch of two batches."""
    meters = {}
    code_lines = {str(module.path): module.code_lines for module in package.modules.values()}
    for name, found in traces().items():
        functions = [f"{file}, line {line}: {function}" for file, line, function in sorted(found.functions)]
        meters[f"{name}: functions"] = Meter(len(functions), functions)
        meters[f"{name}: files"] = Meter(len(found.files), sorted(found.files))
        meters[f"{name}: lines executed"] = Meter(len(found.lines))
        meters[f"{name}: code lines of its files"] = Meter(sum(code_lines[file] for file in found.files))
    return meters


def measured_files(package: Package) -> dict[str, Meter]:
    """Return the metrics that are computed from the files."""
    names = list(package.modules)
    kit = {name for name in names if part(name) == "kit"}
    core = set(names) - kit
    meters = {}
    for kind in ("core", *PARTS):
        lines = {name: module.code_lines for name, module in package.modules.items() if part(name) == kind}
        meters[f"code lines: {kind}"] = Meter(sum(lines.values()), [f"{name}: {n}" for name, n in lines.items()])
    privates, ignores, rising = private_places(package), ignored_types(package), upward(package)
    wide, long = wide_functions(package), long_functions(package)
    for kind, members in (("core", core), ("kit", kit)):
        meters[f"private attributes of other modules: {kind}"] = counted(privates, members)
        meters[f"lazy imports upward: {kind}"] = counted([one for one in rising if one.kind == "lazy"], members)
        meters[f"imports upward for types: {kind}"] = counted([one for one in rising if one.kind == "types"], members)
        meters[f"type: ignore: {kind}"] = counted(ignores, members)
        meters[f"functions of more than {PARAMETERS} parameters: {kind}"] = counted(wide, members)
        meters[f"functions of more than {LINES_OF_A_FUNCTION} lines: {kind}"] = counted(long, members)
    circle = largest_circle(package.graph())
    meters["modules in the largest circle of imports"] = Meter(len(circle), circle)
    for limit in (280, 300):
        files = [f"{name}: {module.lines}" for name, module in package.modules.items() if module.lines > limit]
        meters[f"files of more than {limit} lines"] = Meter(len(files), files)
    never = forbidden(package)
    meters["imports that must never be"] = Meter(len(never), never)
    return meters


def counted(places: list[Any], members: set[str]) -> Meter:
    """Return the number of locations, each starting with its module, that are in ``members``."""
    found = [str(place) for place in places if str(place).partition(",")[0] in members]
    return Meter(len(found), found)


def part(name: str) -> str:
    """Return the part of the package to which a module belongs."""
    while name:
        for known, names in PARTS.items():
            if name in names.split():
                return known
        name = name.rpartition(".")[0]
    return "core"


def forbidden(package: Package) -> list[str]:
    """Return the shortest import path for each pair in `NEVER`, and outside imports of the kit or an integration."""
    graph = package.graph()
    found = []
    for who, whom in NEVER:
        goals = {name for name in package.modules if room(name) in whom.split()}
        ways = [way(graph, name, goals) for name in package.modules if room(name) in who.split()]
        if any(ways):
            found.append(" > ".join(min(filter(None, ways), key=len)))
    for one in package.imports:
        if part(one.target) in ("kit", "integrations") and part(one.source) != part(one.target):
            found.append(str(one))
    return found


def ignored_types(package: Package) -> list[str]:
    return [
        f"{name}, line {number}: {line.strip()}"
        for name, module in package.modules.items()
        for number, line in enumerate(module.text.splitlines(), start=1)
        if re.search(r"#\s*(type|pyright|mypy):\s*ignore", line)
    ]


def wide_functions(package: Package) -> list[str]:
    """Return the functions with too many parameters; constructors and Keras' signatures do not count."""
    found = []
    for name, module in package.modules.items():
        for function, is_method in module.functions():
            keras = is_method and room(name) == FACE and function.name[0] != "_"
            a = function.args
            parameters = [*a.posonlyargs, *a.args, *a.kwonlyargs, *filter(None, (a.vararg, a.kwarg))]
            bound = is_method and "staticmethod" not in map(ast.unparse, function.decorator_list)
            if len(parameters) - bound > PARAMETERS and not keras and function.name not in ("__init__", "__new__"):
                found.append(f"{name}, line {function.lineno}: {function.name} takes {len(parameters) - bound}")
    return found


def long_functions(package: Package) -> list[str]:
    """Return the functions with too many lines, not counting docstrings."""
    found = []
    for name, module in package.modules.items():
        for function, _ in module.functions():
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if ast.get_docstring(function) is not None:
                lines -= (function.body[0].end_lineno or 0) - function.body[0].lineno + 1
            if lines > LINES_OF_A_FUNCTION:
                found.append(f"{name}, line {function.lineno}: {function.name} has {lines}")
    return found


def report(meters: dict[str, Meter], places: bool) -> None:
    for name, meter in meters.items():
        print(f"{meter.figure:6,}  {name}")
        for place in meter.places if places else ():
            print(f"          {place}")


if __name__ == "__main__":
    sys.path.insert(0, str(PACKAGE.parent))
    package = Package(PACKAGE)
    report({**measured_steps(package), **measured_files(package)}, places="-v" in sys.argv)
