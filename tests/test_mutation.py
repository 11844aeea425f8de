"""The mutation testing of `make mutants`: what it changes, and that it tells the noticed from the unnoticed."""

import os
import subprocess
import sys
from pathlib import Path

MUTATION = Path(__file__).parent / "mutation"
CODE = """
def larger(a, b):
    return a if a > b else b


def scaled(values, *, by=2):
    if not values:
        raise ValueError(f"expected {1 + 1} values")
    return [by * value for value in values]
"""
TESTS = """
from sample_of_code import larger, scaled


def test_larger():
    assert larger(3, 2) == 3
    assert larger(2, 3) == 3


def test_scaled():
    assert scaled([1, 2]) == [2, 4]
"""
SCRIPT = """
import sys
from pathlib import Path
from campaign import Campaign
here = Path(sys.argv[1])
tests = [here / "test_sample.py"]


def work(campaign):
    survivors = {mutant.label for mutant in campaign.survivors(campaign.mutants, tests, 2)}
    for mutant in campaign.mutants:
        print("mutant", mutant.label.partition(":")[2], "survived" if mutant.label in survivors else "caught")


Campaign([here / "sample_of_code.py"], tests, work)
"""


def test_mutants_are_caught_or_survive_as_the_tests_deserve(tmp_path):
    (tmp_path / "sample_of_code.py").write_text(CODE)
    (tmp_path / "test_sample.py").write_text(TESTS)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py", tmp_path],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(MUTATION), str(tmp_path)])},
    )  # fmt: skip
    found = [line.removeprefix("mutant ") for line in done.stdout.splitlines() if line.startswith("mutant ")]
    assert found == [
        "larger: returned: `return a if a > b else b` -> `return None` caught",
        "larger: compare: `a > b` -> `a >= b` survived",  # no test can notice it: both are equal then
        "scaled: condition: `if not values:` -> `if not not values:` caught",
        "scaled: unary: `not values` -> `not not values` caught",
        "scaled: returned: `return [by * value for value in values]` -> `return None` caught",
        "scaled: operator: `by * value` -> `by / value` caught",
    ]
