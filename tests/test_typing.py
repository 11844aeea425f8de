"""Type checkers know the constructors: they accept what users write, and reject what is wrong.

``make lint`` runs them on tests/typing/user_code.py; here they must find the mistakes of tests/typing/mistakes.py.
"""

import inspect
import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Unpack

import pytest

from minidl import layers, losses, metrics, optimizers
from minidl.typing import LayerOptions

ROOT = Path(__file__).parent.parent
MISTAKES = ROOT / "tests" / "typing" / "mistakes.py"
USER_CODE = ROOT / "tests" / "typing" / "user_code.py"


def classes(module: object) -> dict[str, type]:
    """Return the public classes of a module that can be made."""
    found = {name: getattr(module, name) for name in module.__all__}
    return {name: cls for name, cls in found.items() if isinstance(cls, type) and not inspect.isabstract(cls)}


def output(*command: str) -> str:
    command = (sys.executable, "-m", *command)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def lines_with(*marks: str) -> set[int]:
    lines = enumerate(MISTAKES.read_text(encoding="utf-8").splitlines(), start=1)
    return {number for number, line in lines if any(f"# {mark}" in line for mark in marks)}


def test_the_program_of_a_user_runs(tmp_path):
    runpy.run_path(str(USER_CODE))["main"](tmp_path)
    assert (tmp_path / "model.safetensors").exists()


@pytest.mark.parametrize("name", sorted(classes(layers).keys() - {"Input"}))
def test_the_constructor_of_a_layer_ends_in_the_options(name):
    last = list(inspect.signature(getattr(layers, name).__init__).parameters.values())[-1]
    assert (last.kind, last.annotation) == (last.VAR_KEYWORD, Unpack[LayerOptions])


@pytest.mark.parametrize("module", [layers, losses, metrics, optimizers], ids=lambda module: module.__name__)
def test_the_program_of_a_user_makes_an_object_of_every_public_class(module):
    text = USER_CODE.read_text(encoding="utf-8")
    assert not [name for name in classes(module) if not re.search(rf"\b{name}\(", text)]


def test_mypy_rejects_every_mistake_and_nothing_else():
    pytest.importorskip("mypy", reason="mypy belongs to `make lint`")
    found = output("mypy", "--strict", "--follow-imports=silent", "--hide-error-context", str(MISTAKES)).splitlines()
    rejected = {int(line.split(":")[1]) for line in found if ": error:" in line}
    assert rejected == lines_with("wrong", "missing"), "\n".join(found)


def test_pyright_rejects_every_mistake_and_nothing_else():
    pytest.importorskip("pyright", reason="pyright belongs to `make lint`")
    found = json.loads(output("pyright", "--pythonpath", sys.executable, "--outputjson", str(MISTAKES)))
    rejected = {one["range"]["start"]["line"] + 1 for one in found["generalDiagnostics"] if one["severity"] == "error"}
    assert rejected == lines_with("wrong", "missing"), found["generalDiagnostics"]
