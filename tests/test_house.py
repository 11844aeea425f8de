"""The house keeps its order: meters do not rise, imports run one way, nothing heavy loads, public names are explained.

Every guard is shown to catch a file that breaks its rule.
"""

import ast
import functools
import subprocess
import sys
from pathlib import Path

import pytest
from house import Meter, measured_files, measured_steps
from package import Package, largest_circle

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minidl"

# The meters of benchmarks/house.py: a figure may fall, then its limit follows; it rises only in a commit that
# says what the lines buy. None: shown only.
LIMITS = {
    "a step: functions": 39,
    "a step: files": 13,
    "a step: lines executed": 174,
    "a step: code lines of its files": 1_394,
    "a fit: functions": 102,
    "a fit: files": 22,
    "a fit: lines executed": 419,
    "a fit: code lines of its files": 2_160,
    "a step with accuracy: functions": 49,
    "a step with accuracy: files": 15,
    "a step with accuracy: lines executed": 206,
    "a step with accuracy: code lines of its files": 1_479,
    "a fit with accuracy: functions": 110,
    "a fit with accuracy: files": 24,
    "a fit with accuracy: lines executed": 443,
    "a fit with accuracy: code lines of its files": 2_245,
    "code lines: core": 7_605,
    "code lines: kit": 6_766,
    "code lines: side": 788,
    "code lines: integrations": None,
    "code lines: new layers": None,
    "private attributes of other modules: core": 0,
    "lazy imports upward: core": 2,
    "imports upward for types: core": 0,
    "type: ignore: core": 3,
    "functions of more than 7 parameters: core": 0,
    "functions of more than 40 lines: core": 0,
    "private attributes of other modules: kit": 0,
    "lazy imports upward: kit": 0,
    "imports upward for types: kit": 0,
    "type: ignore: kit": 2,
    "functions of more than 7 parameters: kit": 0,
    "functions of more than 40 lines: kit": 1,
    "modules in the largest circle of imports": 4,
    "files of more than 280 lines": 0,
    "files of more than 300 lines": 0,
    "imports that must never be": 1,
}

# A module imports only from the rows above its own, or from its own package (without going round in circles).
# The longest name that fits a module decides, so a folder covers all its files.
ROWS = [
    "errors typing",
    "checks normal ownership packages permutation signals",
    "files",
    "randomness",
    "names",
    "attribute_names",
    "constructor",
    "settings",
    "config numeric",
    "schedules solvers data",
    "restarts",
    "constraints initializers regularizers parameters losses optimizers",
    "metrics",
    "layers.layer_type layers.freezing",
    "layers.tree",
    "layers.attributes",
    "layers.base",
    "layers",
    "contract",
    "network",
    "callbacks datasets",
    "training",
    "explain",
    "plotting saving",
    "sequential",
    "testing",
    "models utils",
    "aliases",
    "distributed keras onnx sklearn tensorboard torch",
    "__init__",
    "__main__",
]
# A convenience of a lower row that hands over to a higher one, by an import inside the function.
HANDOVERS = {
    ("callbacks", "plotting"),
    ("sequential", "testing"),
}
HEAVY = (
    "scipy matplotlib tqdm safetensors pandas sklearn hypothesis pytest numpy.testing multiprocessing "
    "json dataclasses inspect difflib tempfile gzip"
)


def place(module: str) -> tuple[int, str]:
    """Return the row of a module and the name that put it there."""
    name = module
    while name:
        for row, names in enumerate(ROWS):
            if name in names.split():
                return row, name
        name = name.rpartition(".")[0]
    raise AssertionError(f"{module} is in no row: add it to ROWS in tests/test_house.py")


def imports_against_the_rows(package: Path) -> list[str]:
    read = Package(package)
    for module in read.modules:
        place(module)
    wrong = []
    for one in read.imports:
        (row, unit), (target_row, target_unit) = place(one.source), place(one.target)
        handed_over = one.kind == "lazy" and (unit, target_unit) in HANDOVERS
        if target_row >= row and target_unit != unit and one.kind != "types" and not handed_over:
            wrong.append(f"{one}, which is not above it")
    return wrong


def public_names_without_docstring(package: Path) -> list[str]:
    """Return what has no docstring; a method may leave it to the class that it implements."""
    trees = {name: module.tree for name, module in Package(package).modules.items()}
    everywhere = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    missing = [module for module, tree in trees.items() if ast.get_docstring(tree) is None]
    for module, tree in trees.items():  # a name that two modules give to a class means the one of the same module
        classes = everywhere | {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
                continue
            if ast.get_docstring(node) is None:
                missing.append(f"{module}.{node.name}")
            if isinstance(node, ast.ClassDef):
                missing += [f"{module}.{node.name}.{name}" for name in unexplained_methods(node, classes)]
    return missing


def unexplained_methods(cls: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> list[str]:
    methods = [node for node in cls.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    setters = [node for node in methods if any(ast.unparse(line).endswith("setter") for line in node.decorator_list)]
    inherited = explained_methods([ast.unparse(base) for base in cls.bases], classes)
    return [m.name for m in methods if m not in setters and not ast.get_docstring(m) and m.name not in inherited]


def explained_methods(bases: list[str], classes: dict[str, ast.ClassDef]) -> set[str]:
    names = set()
    for base in bases:
        if (cls := classes.get(base.rpartition(".")[2].partition("[")[0])) is not None:
            names |= {node.name for node in cls.body if isinstance(node, ast.FunctionDef) and ast.get_docstring(node)}
            names |= explained_methods([ast.unparse(outer) for outer in cls.bases], classes)
    return names


def loaded_by(statement: str, folder: Path) -> set[str]:
    """Return the modules that a statement loads beyond what NumPy itself loads, in a separate process."""
    code = f"import sys, numpy; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-W", "error", "-c", code]
    return set(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split())


def heavy(modules: set[str]) -> list[str]:
    return sorted(name for name in modules if any(f"{name}.".startswith(f"{part}.") for part in HEAVY.split()))


@functools.cache
def measured() -> dict[str, Meter]:
    package = Package(PACKAGE)
    return {**measured_steps(package), **measured_files(package)}


def verdict(figure: int, limit: int) -> str:
    """Return what is wrong with a limit: the figure is above it, or by more than a tenth below it."""
    if figure > limit:
        return f"rose to {figure}, above its limit of {limit}"
    return f"fell to {figure}: lower its limit of {limit} in LIMITS" if limit - figure > figure / 10 else ""


@pytest.mark.parametrize("name", [name for name, limit in LIMITS.items() if limit is not None])
def test_a_meter_does_not_rise_and_its_limit_follows(name):
    meter = measured()[name]
    wrong = verdict(meter.figure, LIMITS[name])
    assert not wrong, "\n".join([f"{name}: {wrong}", *meter.places])


def test_every_meter_has_a_limit():
    assert measured().keys() == LIMITS.keys()


@pytest.mark.parametrize(
    ("figure", "limit", "wrong"),
    [
        (100, 100, ""),
        (91, 100, ""),
        (0, 0, ""),
        (101, 100, "rose to 101"),
        (90, 100, "fell to 90"),
        (0, 1, "fell to 0"),
    ],
)
def test_a_limit_is_too_low_or_too_high(figure, limit, wrong):
    assert verdict(figure, limit).startswith(wrong)
    assert bool(verdict(figure, limit)) is bool(wrong)


def test_imports_run_one_way():
    found = imports_against_the_rows(PACKAGE)
    assert not found, "\n".join(found)


def test_imports_make_no_circle():
    found = largest_circle(Package(PACKAGE).graph("top"))
    assert not found, "\n".join(found)


def test_importing_minidl_loads_nothing_heavy():
    found = heavy(loaded_by("import minidl", ROOT))
    assert not found, "\n".join(found)


def test_every_public_name_has_a_docstring():
    found = public_names_without_docstring(PACKAGE)
    assert not found, "\n".join(found)


@pytest.fixture
def package(tmp_path):
    """A package named minidl in an empty folder, good so far."""
    folder = tmp_path / "minidl"
    (folder / "layers").mkdir(parents=True)
    for name in ("__init__", "errors", "losses", "layers/__init__", "layers/base", "layers/dense"):
        (folder / f"{name}.py").write_text('"""A module."""\n')
    return folder


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("losses", "from minidl.layers import Dense"),
        ("losses", "import minidl.layers.dense"),
        ("losses", "from minidl import layers"),
        ("losses", "import minidl"),
        ("errors", "def f():\n    from minidl.losses import Loss"),
        ("layers/base", "from minidl.layers.dense import Dense"),
        ("layers/base", "from minidl.layers import Dense"),
    ],
)
def test_an_import_from_a_lower_row_is_caught(package, name, line):
    assert imports_against_the_rows(package) == []
    (package / f"{name}.py").write_text(f"{line}\n")
    assert len(imports_against_the_rows(package)) == 1


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("losses", "from minidl.errors import ShapeError"),
        ("losses", "from minidl import __version__"),
        ("losses", "if TYPE_CHECKING:\n    from minidl.layers import Dense"),
        ("layers/dense", "from minidl.layers.base import Layer"),
        ("__init__", "from minidl.layers import Dense"),
    ],
)
def test_an_import_from_a_higher_row_passes(package, name, line):
    (package / f"{name}.py").write_text(f"{line}\n")
    assert imports_against_the_rows(package) == []


def test_a_relative_import_is_caught(package):
    (package / "losses.py").write_text("from .errors import ShapeError\n")
    with pytest.raises(AssertionError, match="relative import"):
        imports_against_the_rows(package)


def test_a_module_without_a_row_is_caught(package):
    (package / "helpers.py").write_text("")
    with pytest.raises(AssertionError, match="helpers is in no row"):
        imports_against_the_rows(package)


def test_a_circle_of_imports_is_caught(package):
    (package / "layers" / "dense.py").write_text("from minidl.layers.relu import ReLU\n")
    (package / "layers" / "relu.py").write_text("from minidl.layers.dense import Dense\n")
    assert largest_circle(Package(package).graph("top")) == ["layers.dense", "layers.relu"]


def test_a_heavy_import_is_caught(package):
    (package / "__init__.py").write_text("import json.decoder\n")
    assert "json.decoder" in heavy(loaded_by("import minidl", package.parent))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "errors"),
        ('"""M."""\ndef f(): pass', "errors.f"),
        ('"""M."""\nclass A: pass', "errors.A"),
        ('"""M."""\nclass A:\n    """A."""\n    def m(self): pass', "errors.A.m"),
        ('"""M."""\nclass A(B):\n    """A."""\n    def m(self): pass\nclass B:\n    """B."""', "errors.A.m"),
    ],
)
def test_a_public_name_without_docstring_is_caught(package, text, missing):
    (package / "errors.py").write_text(text)
    assert public_names_without_docstring(package) == [missing]


def test_a_method_that_implements_its_base_class_needs_no_docstring(package):
    base = 'class B:\n    """B."""\n    def m(self):\n        """M."""\n'
    (package / "errors.py").write_text(f'"""M."""\n{base}class A(B):\n    """A."""\n    def m(self): pass\n')
    assert public_names_without_docstring(package) == []
