"""Every benchmark can be imported: the names that it takes from minidl exist."""

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "benchmarks"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_benchmark_finds_its_names(path, monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    try:
        runpy.run_path(str(path), run_name="imported")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("minidl"):
            raise
        pytest.skip(f"needs {error.name}")
