"""Type checkers know the constructors: they accept what users write, and reject what is wrong.

``make lint`` runs them on tests/typing/user_code.py; here they must find the mistakes of tests/typing/mistakes.py.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MISTAKES = ROOT / "tests" / "typing" / "mistakes.py"


def output(*command: str) -> str:
    command = (sys.executable, "-m", *command)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def lines_with(*marks: str) -> set[int]:
    lines = enumerate(MISTAKES.read_text(encoding="utf-8").splitlines(), start=1)
    return {number for number, line in lines if any(f"# {mark}" in line for mark in marks)}


def test_the_program_of_a_user_runs(tmp_path):
    runpy.run_path(str(ROOT / "tests" / "typing" / "user_code.py"))["main"](tmp_path)
    assert (tmp_path / "model.safetensors").exists()


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
