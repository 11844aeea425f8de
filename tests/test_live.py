"""The rooms of the live page, run here as Python; tests/live/test_browser.py runs them in a browser."""

import inspect
import json
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "live"
sys.path.append(str(PAGE / "rooms"))

import certification  # noqa: E402 - of the page's rooms
import chapters  # noqa: E402
import playground  # noqa: E402
import points  # noqa: E402
from answer import answer  # noqa: E402

SETTINGS = {
    "data": "spirals", "noise": 0.02, "hidden": [16, 16], "activation": "tanh", "optimizer": "adam", "rate": 0.03,
    "regularizer": "none", "strength": 0.001, "dropout": 0, "batch": 32, "seed": 0,
}  # fmt: skip
MARKED = {  # what is on the line of each wrong example that is marked
    "forgotten_factor": "return dy",
    "in_place": "x[x > 1] = 1",
    "mean_over_batch": "self.db = dy.mean(axis=0)",
    "not_transposed": "return dy @ self.W",
    "softmax": "return dy * self._a * (1 - self._a)",
    "swish": "return dy * self._x * self._s * (1 - self._s)",
}


def code_of(example):
    return (PAGE / "examples" / f"{example}.py").read_text()


@pytest.mark.parametrize("example", MARKED)
def test_the_wrong_line_of_an_example_is_marked(example):
    found = certification.check(code_of(example), "standard")
    assert found["outcome"] == "FAIL"
    assert [code_of(example).splitlines()[mark["line"] - 1].strip() for mark in found["marks"]] == [MARKED[example]]


@pytest.mark.parametrize("example", ["scale", "squared_error"])
def test_a_correct_example_passes(example):
    found = certification.check(code_of(example), "standard")
    assert (found["outcome"], found["marks"]) == ("PASS", [])


def test_the_page_offers_every_example():
    offered = re.findall(r"^  (\w+): \"", (PAGE / "examples.js").read_text(), re.MULTILINE)
    assert sorted(offered) == sorted(path.stem for path in (PAGE / "examples").glob("*.py"))
    assert {"scale", "squared_error", *MARKED} == set(offered)


def test_an_error_shows_the_frames_of_the_users_code_alone():
    found = certification.check("def f():\n    return 1 / 0\n\nf()\n", "quick")
    assert found["outcome"] == "ERROR"
    assert re.findall(r'File "(.*)", line (\d+)', found["report"]) == [("layer.py", "4"), ("layer.py", "2")]
    assert found["report"].rstrip().endswith("ZeroDivisionError: division by zero")
    assert found["marks"] == [{"line": 2, "text": "ZeroDivisionError: division by zero"}]


def test_a_syntax_error_marks_its_line():
    found = certification.check("x = 1\ny = (\n", "quick")
    assert found["marks"] == [{"line": 2, "text": "SyntaxError: '(' was never closed"}]


def test_code_that_exits_is_an_error_in_its_line():
    found = certification.check("import sys\n\nsys.exit(2)\n", "quick")
    assert found["outcome"] == "ERROR"
    assert found["marks"] == [{"line": 3, "text": "SystemExit: 2"}]


def test_the_outcome_of_every_check_is_given():
    found = certification.check(code_of("softmax"), "standard")
    outcomes = {name: outcome for name, outcome, _ in found["checks"]}
    assert (outcomes["contract"], outcomes["numeric"], outcomes["square"]) == ("PASS", "FAIL", "SKIPPED")


def test_code_without_a_layer_is_told_so():
    found = certification.check("print('hello')", "quick")
    assert found["report"].startswith("There is no layer in this code.")
    assert found["printed"] == "hello\n"


def test_the_playground_learns_the_spirals():
    playground.start(**SETTINGS)
    assert playground.tick(600)["scores"]["test"]["accuracy"] >= 0.95


def test_equal_settings_give_equal_frames():
    frames = []
    for _ in range(2):
        playground.start(**SETTINGS)
        frames.append(playground.tick(10))
    assert frames[0] == frames[1]


@pytest.mark.parametrize("data", points.GENERATORS)
def test_points_lie_in_the_square_of_the_map(data):
    started = playground.start(**{**SETTINGS, "data": data})
    assert max(abs(value) for point in started["points"] for value in point) <= started["edge"]


def test_a_unit_has_a_map_that_is_written_in_bytes():
    frame = playground.start(**{**SETTINGS, "hidden": [3, 5]})
    sizes = [len(playground.base64.b64decode(text)) for text in (frame["output"], *frame["units"])]
    assert sizes == [frame["side"] ** 2, 3 * frame["unit_side"] ** 2, 5 * frame["unit_side"] ** 2]


def test_a_model_whose_outputs_overflow_is_drawn():
    playground.start(**{**SETTINGS, "data": "waves"})
    playground.playground.model.layers[-1].W[:] = 3e38
    frame = playground.playground.frame()
    assert max(playground.base64.b64decode(frame["output"])) == 255


def test_a_probe_explains_the_nearest_sample():
    started = playground.start(**{**SETTINGS, "hidden": [2]})
    found = playground.probe(*started["points"][7])
    assert (found["point"], found["target"]) == (started["points"][7], started["targets"][7])
    assert "Backward: Dense" in found["text"]


def test_the_page_offers_every_data_set():
    form = (PAGE / "index.html").read_text()
    offered = re.search(r'<select name="data">(.*?)</select>', form, re.DOTALL)[1]
    assert re.findall('value="(.*?)"', offered) == list(points.GENERATORS)


def test_each_figure_has_its_sliders_and_its_chapter():
    text = (PAGE / "figures.js").read_text()
    figures = re.findall(r"^  (\w+): \{\n(.*?)^  \},", text, re.MULTILINE | re.DOTALL)
    assert len(figures) >= 4
    for name, body in figures:
        assert re.findall(r'\{ name: "(\w+)"', body) == list(inspect.signature(getattr(chapters, name)).parameters)
        chapter = re.search('page: "(.*)"', body)[1]
        assert (ROOT / "examples" / "course" / f"{chapter}.py").exists()


def test_the_figure_of_chapter_2_ends_in_the_minimum():
    ends = [(line["x"][-1], line["y"][-1]) for line in chapters.one_minimum(0, 200, 1.0)["lines"]]
    assert max(abs(a - b) for end in ends for a, b in zip(end, ends[0], strict=True)) < 0.1


def test_the_figure_of_chapter_13_doubles_its_pieces():
    assert [chapters.depth(layers, 0)["text"].split(": ")[1] for layers in (1, 4)] == [
        "2 linear pieces.", "16 linear pieces.",
    ]  # fmt: skip


def test_an_answer_is_json_and_an_error_is_in_it(capsys):
    answer("playground", "start", json.dumps({**SETTINGS, "rate": -1}))
    assert "learning_rate" in json.loads(capsys.readouterr().out)["error"]
    answer("playground", "no_such_function", "{}")
    assert "AttributeError" in json.loads(capsys.readouterr().out)["error"]


def test_numbers_that_json_lacks_are_null(capsys, monkeypatch):
    monkeypatch.setattr(playground, "tick", lambda: {"loss": [float("nan"), float("inf"), 1.5], "report": "NaN"})
    answer("playground", "tick", "{}")
    assert json.loads(capsys.readouterr().out) == {"value": {"loss": [None, None, 1.5], "report": "NaN"}}
