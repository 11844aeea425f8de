"""The README's table, the logo and the verdict on speed are what the benchmarks and the drawings give."""

import ast
import builtins
import codeop
import re
import runpy
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_readmes_table_is_the_one_of_the_benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    table = runpy.run_path(str(ROOT / "benchmarks" / "front_page.py"))["front_page"]()
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert table in readme, "run: python benchmarks/front_page.py"


def test_the_logo_is_the_one_that_is_drawn(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    drawn = runpy.run_path(str(ROOT / "docs" / "figures.py"))["LOGOS"]
    stored = {name: (ROOT / "docs" / "_static" / f"{name}.svg").read_text(encoding="utf-8") for name in drawn}
    assert stored == drawn, "run: python docs/figures.py"


def test_the_verdict_on_speed_says_what_the_tables_say(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "docs")
    (tmp_path / "train_step.txt").write_text(
        "**minidl's time divided by the peer's**\n\n"
        "| network | by hand | products | torch's best | JAX jit | JAX scan | Keras fit | sklearn fit |\n"
        "|---|---|---|---|---|---|---|---|\n"
        "| small | 1.30 | 4 | 0.25 | 2.00 | 1.50 | 0.50 | 0.20 |\n"
        "| large | 1.02 | 1 | 0.80 | 0.90 | - | 1.25 | 0.40 |\n"
    )
    (tmp_path / "cold_start.txt").write_text(
        "**digits, 20 epochs**\n\n| stack | time |\n|---|---|\n"
        "| minidl | 154 ms |\n| torch | 1.20 s |\n| JAX | 900 ms |\n"
    )
    page = runpy.run_path(str(ROOT / "docs" / "speed.py"))
    page["verdict"].__globals__["NUMBERS"] = tmp_path
    text = page["verdict"]()
    assert "takes 25% to 80% of the time that PyTorch needs at its best, 50% to 125% of Keras' time" in text
    assert "20% to 40% of scikit-learn's and 102% to 130% of the same step written by hand in NumPy, depending" in text
    assert "up to 2.0 times as fast as minidl; minidl is the faster one on 1 of 2 networks" in text
    assert "154 ms with minidl and 900 ms to 1.20 s with the others" in text
    assert page["chart"]().count("<circle") == 1 + 2  # one in the legend, one for each network


def test_the_quickstart_can_be_pasted_into_pythons_prompt():
    page = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
    blocks = re.findall(r"(?ms)^```python\n(.*?)^```$", page)
    assert len(blocks) > 5
    for block in blocks:
        statement = ""
        for line in block.split("\n"):  # the last one is empty, as when Enter is pressed
            statement += f"{line}\n"
            if codeop.compile_command(statement, symbol="single") is not None:
                statement = ""
        assert not statement.strip(), statement


def test_each_of_the_readmes_two_programs_imports_what_it_uses():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    first, second, wrong = re.findall(r"(?ms)^```python\n(.*?)^```$", text)
    for program in (first, second + wrong):
        tree = ast.parse(program)
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
        made = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        made |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
        made |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        imported = {alias.asname or alias.name for node in ast.walk(tree) for alias in getattr(node, "names", [])}
        assert used - made - set(dir(builtins)) == imported
