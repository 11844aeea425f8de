"""The meters of benchmarks/house.py count what they say: a small package with a fault, and one without."""

import ast
import runpy
from pathlib import Path

import pytest
from house import Meter, measured_files, report, trace
from package import Package

CLASS = "class A:\n    def __init__(self):\n        self._a = 1\n\n"
# For each meter a file that it counts once.
FAULTS = [
    ("code lines: core", "data", "x = 1"),
    ("code lines: kit", "testing/checks", "x = 1"),
    ("code lines: side", "explain", "x = 1"),
    ("code lines: integrations", "onnx", "x = 1"),
    ("private attributes of other modules: core", "data", "def f(base):\n    return base.x._a"),
    ("private attributes of other modules: core", "data", "def f(self):\n    self.base._a = 2"),
    ("private attributes of other modules: core", "data", "def f(base):\n    return getattr(base, '_a', None)"),
    ("private attributes of other modules: core", "data", "def f(base):\n    return vars(base)['_a']"),
    ("private attributes of other modules: core", "data", "def f(base):\n    return base.__dict__.get('_a')"),
    ("private attributes of other modules: core", "data", "from minidl.layers.base import _a"),
    ("private attributes of other modules: core", "data", "def f(base):\n    return base._planted"),
    ("private attributes of other modules: kit", "testing/checks", "def f(base):\n    return base._a"),
    ("lazy imports upward: core", "layers/base", "def f():\n    from minidl.layers.dense import Dense"),
    ("lazy imports upward: core", "data", "def f():\n    from minidl.sequential import Sequential, fit"),
    ("lazy imports upward: kit", "testing/checks", "def f():\n    from minidl.testing.report import R"),
    ("imports upward for types: core", "layers/base", "if TYPE_CHECKING:\n    from minidl.layers.dense import D"),
    ("imports upward for types: kit", "testing/checks", "if TYPE_CHECKING:\n    import minidl.testing.report"),
    ("type: ignore: core", "data", "x = f()  # type: ignore[misc]"),
    ("type: ignore: core", "data", "x = f()  # pyright: ignore"),
    ("type: ignore: kit", "testing/checks", "x = f()  # type: ignore"),
    ("functions of more than 7 parameters: core", "data", "def f(a, b, c, d, e, f, *g, **h): pass"),
    ("functions of more than 7 parameters: core", "data", "class A:\n    def f(self, a, b, c, d, e, f, g, h): pass"),
    ("functions of more than 7 parameters: core", "sequential", "def fit(a, b, c, d, e, f, g, h): pass"),
    ("functions of more than 7 parameters: kit", "testing/checks", "def f(a, b, c, d, e, f, g, *, h): pass"),
    ("functions of more than 40 lines: core", "data", "def f():\n" + "    pass\n" * 40),
    ("functions of more than 40 lines: kit", "testing/checks", "def f():\n" + "    pass\n" * 40),
    ("files of more than 280 lines", "data", "\n" * 280),
    ("files of more than 300 lines", "data", "\n" * 300),
    ("imports that must never be", "layers/base", "from minidl.losses import Loss"),
    ("imports that must never be", "layers/base", "def f():\n    from minidl.optimizers import Adam"),
    ("imports that must never be", "losses", "import minidl.layers.base"),
    ("imports that must never be", "optimizers", "if TYPE_CHECKING:\n    import minidl.layers.base"),
    ("imports that must never be", "optimizers", "from minidl.sequential import Sequential"),
    ("imports that must never be", "data", "def f():\n    import minidl.testing"),
    ("imports that must never be", "data", "import minidl.sklearn"),
]
# And for each rule a file that keeps it.
KEPT = [
    (
        "code lines: core",
        "data",
        '"""A module.\n\nx = 1\n"""\n\n# y = 1\n',
    ),
    ("private attributes of other modules: core", "data", CLASS + "    def f(self, other):\n        return other._a"),
    ("private attributes of other modules: core", "data", "def f(x):\n    x._own = 1\n    return x._own"),
    ("private attributes of other modules: core", "data", "def f(x):\n    return sys._getframe() or x.__class__"),
    ("lazy imports upward: core", "sequential", "def f():\n    from minidl.data import Data"),
    ("lazy imports upward: kit", "testing/__init__", "def f():\n    from minidl.testing.checks import Check"),
    (
        "functions of more than 7 parameters: core",
        "data",
        "class A:\n    def __init__(self, a, b, c, d, e, f, g, h): pass",
    ),
    ("functions of more than 7 parameters: core", "data", "class A:\n    def f(self, a, b, c, d, e, f, g): pass"),
    (
        "functions of more than 7 parameters: core",
        "sequential",
        "class S:\n    def fit(self, a, b, c, d, e, f, g, h): pass",
    ),
    (
        "functions of more than 40 lines: core",
        "data",
        'def f():\n    """One.\n\n    Two.\n    """\n' + "    pass\n" * 39,
    ),
    ("files of more than 280 lines", "data", "\n" * 279),
    ("files of more than 300 lines", "data", "\n" * 299),
    ("imports that must never be", "testing/checks", "import minidl.layers.base"),
]


@pytest.fixture
def package(tmp_path):
    """A package named minidl in an empty folder, in order so far."""
    folder = tmp_path / "minidl"
    modules = {
        "layers/base": CLASS,
        "layers/dense": "import minidl.layers.base",
        "optimizers": "def step(base):\n    base._planted = 1",
        "sequential": "import minidl.data",
        "testing/report": "import minidl.testing.checks",
    }
    for name in ("__init__", "data", "losses", "sklearn", "layers/__init__", "testing/__init__", "testing/checks"):
        modules[name] = ""
    for name, text in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.py").write_text(text)
    return folder


def figure(package: Path, name: str) -> int:
    return measured_files(Package(package))[name].figure


@pytest.mark.parametrize(("name", "file", "text"), FAULTS)
def test_a_meter_counts_a_fault(package, name, file, text):
    before = figure(package, name)
    (package / f"{file}.py").write_text(text + "\n")
    assert figure(package, name) == before + 1


@pytest.mark.parametrize(("name", "file", "text"), KEPT)
def test_a_meter_leaves_out_what_keeps_the_rule(package, name, file, text):
    before = figure(package, name)
    (package / f"{file}.py").write_text(text + "\n")
    assert figure(package, name) == before


def test_an_attribute_that_two_modules_set_on_other_objects_counts_in_both(package):
    (package / "data.py").write_text("def f(base):\n    base._planted = 2\n")
    assert figure(package, "private attributes of other modules: core") == 2


def test_every_meter_of_the_files_is_shown_to_count(package):
    shown = {name for name, _, _ in FAULTS} | {"modules in the largest circle of imports", "code lines: new layers"}
    assert shown == measured_files(Package(package)).keys()


@pytest.mark.parametrize("line", ["import {}", "def f():\n    import {}", "if TYPE_CHECKING:\n    import {}"])
def test_the_modules_of_a_circle_are_counted(package, line):
    (package / "data.py").write_text(line.format("minidl.losses") + "\n")
    (package / "losses.py").write_text(line.format("minidl.errors") + "\n")
    assert figure(package, "modules in the largest circle of imports") == 0
    (package / "errors.py").write_text(line.format("minidl.data") + "\n")
    assert figure(package, "modules in the largest circle of imports") == 3


def test_a_module_that_a_string_names_is_imported(package):
    (package / "testing" / "__init__.py").write_text('NAMES = ["checks"]\nimport_module(f"{__name__}.{NAMES[0]}")\n')
    (package / "testing" / "checks.py").write_text("import minidl.testing\n")
    assert figure(package, "modules in the largest circle of imports") == 2


def test_a_trace_counts_the_functions_files_and_lines_that_a_call_enters(package):
    (package / "data.py").write_text("def inner():\n    return len([])\n\n\ndef unused():\n    return 1\n")
    (package / "losses.py").write_text(
        "def outer(inner):\n    x = inner()\n    if x:\n        x = 2\n    return inner()\n"
    )
    inner = runpy.run_path(str(package / "data.py"))["inner"]
    outer = runpy.run_path(str(package / "losses.py"))["outer"]
    found = trace(lambda: outer(inner), package)
    assert [name for _, _, name in sorted(found.functions)] == ["inner", "outer"]
    assert found.files == {str(package / "data.py"), str(package / "losses.py")}
    assert sorted(line for _, line in found.lines) == [2, 2, 3, 5]


def test_a_trace_leaves_out_what_is_not_of_the_package(package):
    found = trace(lambda: ast.parse("x"), package)
    assert not found.functions
    assert not found.lines


def test_the_command_prints_each_meter_and_its_places(capsys):
    report({"apples": Meter(1234, ["data, line 3"])}, places=False)
    assert capsys.readouterr().out == " 1,234  apples\n"
    report({"apples": Meter(1234, ["data, line 3"])}, places=True)
    assert capsys.readouterr().out == " 1,234  apples\n          data, line 3\n"
