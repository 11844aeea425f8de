"""The scripts of examples/ run as a reader would run them; `make docs` runs the pages,
`make notebooks` the notebooks."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
RUN_ELSEWHERE = {
    "course_results": "needs the course's pictures; tests/test_course.py runs it where they are",
}
# script -> arguments, and what it must print
RUN_HERE = {
    "custom_layer": ([], r"certify: PASS\n.* (9\d\.\d|100\.0)% of 600 .*\n.* the predictions are the same"),
    "custom_loop": ([], r"test accuracy 9\d\.\d%"),
    "digits": (["--folder", "."], r"test accuracy: (98|99|100)\.\d\d% of 360 digits"),  # as the README says
    "distributed_digits": (["--threads", "2"], r"2 ranks: test accuracy 9\d\.\d%"),
    "export_onnx": ([], r"onnxruntime: 9\d\.\d%\nlargest difference of a probability: \de-0[789]"),
    "keras_files": ([], r"after 5 epochs: 9\d\.\d%\nafter 10 more from the file: 9\d\.\d%"),
    "memory_mapped": (["--rows", "20000"], r"8 MB on the disk\nvalidation accuracy: 9\d\.\d%"),
    "quantiles": (["--picture", "quantiles.png"], r"between the outer two: (7[5-9]|8[0-5])\.\d%, target 80%"),
    "scikit_learn": ([], r"layers \[Dense.*\nlearning rate 0\.01\nunseen wines: (9[2-9]|100)\.\d%"),
    "torch_weights": ([], r"probabilities of one sample: \[\[0\.\d* "),
    "tabular": ([], r"None +\S+ +\S+ +[1-4]\d\.\d%\nbalanced +\S+ +\S+ +([7-9]\d|100)\.\d%"),
}
NEEDS = {"export_onnx": "onnxruntime", "scikit_learn": "sklearn"}  # packages that may be missing


def test_every_example_is_run_somewhere():
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(RUN_HERE) | set(RUN_ELSEWHERE)


def test_the_index_of_examples_names_every_one():
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^- \[(.*?)\]\(\./\1\): ", index, re.M))
    assert named == {path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".ipynb"}}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_stores_the_outputs_of_one_run_from_top_to_bottom(path):
    cells = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell["outputs"]) for cell in cells) >= len(cells) - 1  # one defines a class
    assert path.stat().st_size < 200_000


@pytest.mark.parametrize("name", RUN_HERE)
def test_an_example_runs_and_prints_what_it_promises(name, tmp_path):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    arguments, expected = RUN_HERE[name]
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py", *arguments],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
        env={**os.environ, "PYTHONPATH": str(EXAMPLES.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(expected, done.stdout), done.stdout
