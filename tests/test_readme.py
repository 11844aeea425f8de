"""The README's table beside the peers says what the benchmarks wrote into docs/numbers."""

import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_readmes_table_is_the_one_of_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    table = runpy.run_path(str(ROOT / "benchmarks" / "front_page.py"))["front_page"]()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table in readme, "run: python benchmarks/front_page.py"
