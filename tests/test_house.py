"""The house keeps its order: imports run one way, nothing heavy loads, modules stay short, public names are explained.

Every guard is shown to catch a file that breaks its rule.
"""

import ast
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minidl"

# A module imports only from the rows above its own, or from its own package (without going round in circles).
# The longest name that fits a module decides, so a folder stands for all its files.
ROWS = [
    "errors typing",
    "checks files numeric signals",
    "config",
    "schedules",
    "initializers regularizers parameters losses metrics optimizers",
    "data layers.layer_type",
    "layers.base",
    "layers",
    "sequential",
    "callbacks datasets explain",
    "training saving plotting testing",
    "models utils",
    "__init__",
    "__main__",
]
# A convenience of a lower row that hands over to a higher one, by an import inside the function.
HANDOVERS = {
    ("sequential", "explain"),
    ("sequential", "plotting"),
    ("sequential", "saving"),
    ("sequential", "testing"),
    ("sequential", "training"),
    ("callbacks", "plotting"),
    ("callbacks", "saving"),
    ("training", "saving"),
    ("training", "testing"),
}
HEAVY = (
    "scipy matplotlib tqdm safetensors pandas sklearn hypothesis pytest numpy.testing multiprocessing "
    "json dataclasses inspect difflib tempfile gzip"
)
MODULE_LINES = 300
FUNCTION_LINES = 40  # without the docstring


def sources(package: Path) -> dict[str, ast.Module]:
    """Return the syntax tree of every module by its name inside the package: "layers.dense", "__init__"."""
    trees = {}
    for path in sorted(package.rglob("*.py")):
        parts = list(path.relative_to(package).with_suffix("").parts)
        if len(parts) > 1 and parts[-1] == "__init__":
            parts.pop()
        trees[".".join(parts)] = ast.parse(path.read_text(encoding="utf-8"))
    return trees


def imports(tree: ast.Module, package: str, modules: set[str]) -> Iterator[tuple[str, int, bool]]:
    """Yield (module of the package, line, whether imported at top level) for all imports but those for types."""
    inside_functions = set()
    only_for_types = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            inside_functions.update(ast.walk(node))
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            only_for_types.update(ast.walk(node))
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import; write the whole name"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.split(".")[0] == package and name != f"{package}.__version__" and node not in only_for_types:
                inner = name.removeprefix(package).removeprefix(".")
                while inner and inner not in modules:
                    inner = inner.rpartition(".")[0]
                yield inner or "__init__", node.lineno, node not in inside_functions


def place(module: str) -> tuple[int, str]:
    """Return the row of a module and the name that put it there."""
    name = module
    while name:
        for row, names in enumerate(ROWS):
            if name in names.split():
                return row, name
        name = name.rpartition(".")[0]
    raise AssertionError(f"{module} stands in no row: add it to ROWS in tests/test_house.py")


def imports_against_the_rows(package: Path) -> list[str]:
    trees = sources(package)
    wrong = []
    for module, tree in trees.items():
        row, unit = place(module)
        for target, line, at_top in imports(tree, package.name, set(trees)):
            target_row, target_unit = place(target)
            handed_over = not at_top and (unit, target_unit) in HANDOVERS
            if target_row >= row and target_unit != unit and not handed_over:
                wrong.append(f"{module}, line {line}: imports {target}, which does not stand above it")
    return wrong


def circles(package: Path) -> list[str]:
    """Return the circles of imports at the top level of modules."""
    trees = sources(package)
    above = {
        module: {target for target, _, at_top in imports(tree, package.name, set(trees)) if at_top}
        for module, tree in trees.items()
    }
    while free := [module for module, targets in above.items() if not targets & above.keys()]:
        for module in free:
            del above[module]
    return [f"{module} imports {sorted(targets & above.keys())}" for module, targets in above.items()]


def long_modules(package: Path) -> list[str]:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sorted(package.rglob("*.py"))}
    return [f"{path.relative_to(package)}: {n} lines" for path, n in lengths.items() if n > MODULE_LINES]


def long_functions(package: Path) -> list[str]:
    found = []
    for module, tree in sources(package).items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                lines = node.end_lineno - node.lineno + 1
                if ast.get_docstring(node) is not None:
                    lines -= node.body[0].end_lineno - node.body[0].lineno + 1
                if lines > FUNCTION_LINES:
                    found.append(f"{module}.{node.name}: {lines} lines")
    return found


def public_names_without_docstring(package: Path) -> list[str]:
    """Return what has no docstring; a method may leave it to the class that it implements."""
    trees = sources(package)
    classes = {node.name: node for tree in trees.values() for node in tree.body if isinstance(node, ast.ClassDef)}
    missing = [module for module, tree in trees.items() if ast.get_docstring(tree) is None]
    for module, tree in trees.items():
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
    """Return the modules that a statement loads beyond what NumPy loads itself, in a process of its own."""
    code = f"import sys, numpy; before = set(sys.modules); {statement}; print(*(set(sys.modules) - before))"
    command = [sys.executable, "-W", "error", "-c", code]
    return set(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout.split())


def heavy(modules: set[str]) -> list[str]:
    return sorted(name for name in modules if any(f"{name}.".startswith(f"{part}.") for part in HEAVY.split()))


def test_imports_run_one_way():
    found = imports_against_the_rows(PACKAGE)
    assert not found, "\n".join(found)


def test_imports_make_no_circle():
    found = circles(PACKAGE)
    assert not found, "\n".join(found)


def test_importing_minidl_loads_nothing_heavy():
    found = heavy(loaded_by("import minidl", ROOT))
    assert not found, "\n".join(found)


# What does not keep the rules yet, to be mended: nothing new may join, and what is mended must leave the list.
DEBTS = {
    "testing.machine.layer_machine",
}


def without_debts(found):
    return [line for line in found if line.split(":")[0] not in DEBTS]


def test_no_module_is_longer_than_300_lines():
    found = without_debts(long_modules(PACKAGE))
    assert not found, "\n".join(found)


def test_no_function_is_longer_than_40_lines():
    found = without_debts(long_functions(PACKAGE))
    assert not found, "\n".join(found)


def test_no_debt_is_listed_that_is_paid():
    found = {line.split(":")[0] for line in [*long_modules(PACKAGE), *long_functions(PACKAGE)]}
    assert not DEBTS - found


def test_every_public_name_has_a_docstring():
    found = public_names_without_docstring(PACKAGE)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(("budget", "status", "verdict"), [(10, 1, "above"), (10**6, 0, "within")])
def test_the_size_meter_tells_whether_the_core_keeps_to_its_budget(capsys, budget, status, verdict):
    size = runpy.run_path(str(ROOT / "benchmarks" / "size.py"))
    assert size["main"](["--strict"], budget) == status
    assert f"{verdict} the budget of {budget:,}" in capsys.readouterr().out


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
    with pytest.raises(AssertionError, match="helpers stands in no row"):
        imports_against_the_rows(package)


def test_a_circle_of_imports_is_caught(package):
    (package / "layers" / "dense.py").write_text("from minidl.layers.relu import ReLU\n")
    (package / "layers" / "relu.py").write_text("from minidl.layers.dense import Dense\n")
    assert len(circles(package)) == 2


def test_a_heavy_import_is_caught(package):
    (package / "__init__.py").write_text("import json.decoder\n")
    assert "json.decoder" in heavy(loaded_by("import minidl", package.parent))


def test_a_module_of_301_lines_is_caught(package):
    (package / "errors.py").write_text("\n" * 300)
    assert long_modules(package) == []
    (package / "errors.py").write_text("\n" * 301)
    assert long_modules(package) == ["errors.py: 301 lines"]


def test_a_function_of_41_lines_is_caught_and_its_docstring_is_not_counted(package):
    (package / "errors.py").write_text('def f():\n    """One.\n\n    Two.\n    """\n' + "    pass\n" * 39)
    assert long_functions(package) == []
    (package / "errors.py").write_text("def f():\n" + "    pass\n" * 40)
    assert long_functions(package) == ["errors.f: 41 lines"]


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
