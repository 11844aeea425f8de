"""The exercises of the course: solutions pass, and each typical mistake fails with a hint that names it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "examples" / "exercises"))
from exercise import Computation, Differentiation
from grading import EXERCISES, grade

sys.path.pop(0)
COMMAND = Path(__file__).parents[1] / "examples" / "exercises"

COMPUTED = {number: exercise for number, exercise in EXERCISES.items() if isinstance(exercise, Computation)}
DIFFERENTIATED = {number: exercise for number, exercise in EXERCISES.items() if isinstance(exercise, Differentiation)}

LAYER = """
class {name}(Layer):
    def forward(self, x, training=False):
        self._x = x
        self._y = {forward}
        return self._y

    def backward(self, dy):
        return {backward}
"""
RESIDUAL = EXERCISES["13.2"].stub.replace("raise NotImplementedError", "{}")
SQUARED = EXERCISES["10.2"].stub.replace("raise NotImplementedError", "return {}")


def sigmoid_with(backward):
    return LAYER.format(name="MySigmoid", forward="1 / (1 + np.exp(-x))", backward=backward)


def tanh_with(backward):
    return LAYER.format(name="MyTanh", forward="np.tanh(x)", backward=backward)


def leaky_with(backward, forward="np.maximum(0.01 * x, x)"):
    return LAYER.format(name="MyLeakyReLU", forward=forward, backward=backward)


def residual_with(*lines):
    return RESIDUAL.format("\n        ".join(["dh = dy * (self._h > 0)", *lines]))


def function(name, first, second, *lines):
    return f"def {name}({first}, {second}):\n    " + "\n    ".join(lines) + "\n"


def dense_with(dx="dy @ W.T", dW="x.T @ dy", db="dy.sum(axis=0)"):
    return function("dense_backward", "cache", "dy", "x, W = cache", f"return {dx}, {dW}, {db}")


def relu_with(dZ="dA * (Z > 0)", dA="dZ @ W.T", dW="A.T @ dZ", db="dZ.sum(axis=0)"):
    lines = "A, W, Z = cache", f"dZ = {dZ}", f"return {dA}, {dW}, {db}"
    return function("linear_activation_backward", "cache", "dA", *lines)


def cross_entropy_with(*lines):
    start = "p = np.exp(z - z.max(axis=1, keepdims=True))", "p /= p.sum(axis=1, keepdims=True)", "m = len(z)"
    return function("cross_entropy_gradient", "z", "labels", *start, "rows = np.arange(m)", *lines)


SOLUTIONS = {
    "6.1": dense_with(),
    "8.1": sigmoid_with("dy * self._y * (1 - self._y)"),
    "8.2": tanh_with("dy * (1 - self._y**2)"),
    "9.1": leaky_with("dy * np.where(self._x >= 0, 1, 0.01).astype(dy.dtype)"),
    "10.2": SQUARED.format("self.share(2 * self._d)"),
    "11.1": relu_with(),
    "13.2": residual_with("self.dW = self._x.T @ dh", "return dy + dh @ self.W.T"),
    "14.2": cross_entropy_with("p[rows, labels] -= 1", "return p / m"),
}
# number -> mistake -> what the hint must say, as a regular expression
MISTAKES = {
    "6.1": {
        dense_with(dW="x.T @ dy / len(x)"): "divided by m once too often",
        dense_with(db="dy.mean(axis=0)"): "divided by m once too often",
        dense_with(dx="dy @ W.T * 2"): "counted twice",
        dense_with(dW="-x.T @ dy"): "wrong sign",
        dense_with(db="dy.sum()"): r"shape \(\), expected \(2,\)",
    },
    "8.1": {
        sigmoid_with("dy * self._y"): r"reads `return dy \* self\._y \* \(1 - self\._y\)`",
        sigmoid_with("self._y * (1 - self._y)"): "does not depend on dy",
        sigmoid_with("-dy * self._y * (1 - self._y)"): "wrong sign",
        sigmoid_with("dy * (1 - self._y**2)"): r"reads `return dy \* self\._y \* \(1 - self\._y\)`",
        sigmoid_with("dy * self._x * (1 - self._x)"): "y instead of x",
    },
    "8.2": {
        tanh_with("dy * (1 - self._y)"): r"reads `return dy \* \(1 - self\._y \*\* 2\)`",
        tanh_with("dy * (1 - self._x**2)"): "y instead of x",
        tanh_with("dy * (1 + self._y**2)"): r"reads `return dy \* \(1 - self\._y \*\* 2\)`",
        tanh_with("1 - self._y**2"): "does not depend on dy",
        tanh_with("dy * self._y * (1 - self._y)"): r"reads `return dy \* \(1 - self\._y \*\* 2\)`",
    },
    "9.1": {
        leaky_with("dy * (self._x >= 0)"): r"through `0\.01 \* x` in .+ is missing",
        leaky_with("np.where(self._x >= 0, dy, 0.1 * dy)"): r"through `0\.01 \* x` in .+ is multiplied by 10",
        leaky_with("np.where(self._x >= 0, dy, -0.01 * dy)"): "wrong exactly where x < 0",
        leaky_with("np.where(dy >= 0, dy, 0.01 * dy)"): "depends on the sign of dy",
        leaky_with("np.where(self._x >= 0, dy, 0.01)"): "something is added to the gradient",
        leaky_with("np.where(self._x >= 0, dy, 0.1 * dy)", "np.maximum(0.1 * x, x)"): r"forward of .+ expected .+, got",
    },
    "10.2": {
        SQUARED.format("self.share(self._d)"): "a factor 2 is missing",
        SQUARED.format("2 * self._d"): r"reads `return 2 \* self._d \* self._share`",
        SQUARED.format("self.share(-2 * self._d)"): "wrong sign",
        SQUARED.format("self.share(2 * self._d**2)"): r"reads `return self\.share\(2 \* self\._d\)`",
        SQUARED.format("self.share(2 * np.abs(self._d))"): r"reads `return self\.share\(2 \* self\._d\)`",
    },
    "11.1": {
        relu_with(dZ="dA"): r"reads `dZ = dA \* \(Z > 0\)`",
        relu_with(dZ="dA * Z"): r"reads `dZ = dA \* \(Z > 0\)`",
        relu_with(dW="A.T @ dZ / len(A)"): "divided by m once too often",
        relu_with(dA="dA @ W.T"): r"reads `return \(dZ @ W.T",
        relu_with(dZ="dA * (A @ W > 0)"): "Z is computed and never used: a factor or a term with it is missing",
        relu_with(db="dZ.mean(axis=0)"): "divided by m once too often",
    },
    "13.2": {
        residual_with("self.dW = self._x.T @ dh", "return dh @ self.W.T"): r"through `x` in .+ is missing",
        residual_with("self.dW = self._x.T @ dy", "return dy + dh @ self.W.T"): r"reads `self.dW = self._x.T @ dh`",
        residual_with("self.dW = self._x.T @ dh", "return dy + dy @ self.W.T"): r"reads `return dy \+ dh @ self.W.T`",
        residual_with("self.dW = self._x.T @ dh", "return dy + dh @ self.W"): r"reads `return dy \+ dh @ self.W.T`",
        residual_with("return dy + dh @ self.W.T"): "dW is never set",
    },
    "14.2": {
        cross_entropy_with("p[rows, labels] -= 1", "return p"): "a division is missing",
        cross_entropy_with("return p / m"): "cross_entropy_gradient",
        cross_entropy_with("p[rows, labels] += 1", "return p / m"): "cross_entropy_gradient",
        cross_entropy_with("p[rows, labels] -= 1", "return -p / m"): "wrong sign",
        cross_entropy_with("p[rows, labels] -= 1", "return p / p.size"): "divided once too often",
    },
}


def graded(number, code, tmp_path, seed=0):
    file = tmp_path / "answer.py"
    file.write_text(f"import numpy as np\nfrom minidl import Layer, Loss\n\n{code}", encoding="utf-8")
    return grade(int(number.partition(".")[0]), file, seed)[number]


def test_each_chapter_has_two_exercises():
    assert list(EXERCISES) == [f"{chapter}.{which}" for chapter in range(1, 15) for which in (1, 2)]


@pytest.mark.parametrize("number", COMPUTED)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_right_function_passes(number, seed):
    exercise = COMPUTED[number]
    assert exercise.grade({exercise.name: exercise.truth}, seed).passed


@pytest.mark.parametrize(("number", "cause"), [(number, cause) for number, e in COMPUTED.items() for cause in e.slips])
def test_a_typical_mistake_in_a_function_is_named(number, cause):
    exercise = COMPUTED[number]
    answer = exercise.grade({exercise.name: exercise.slips[cause]}, 0)
    assert (answer.passed, answer.cause) == (False, cause)
    assert re.search(r"expected .+, got .+", answer.place)


@pytest.mark.parametrize("number", EXERCISES)
def test_there_are_five_typical_mistakes(number):
    assert len(MISTAKES[number] if number in DIFFERENTIATED else COMPUTED[number].slips) >= 5


@pytest.mark.parametrize("number", DIFFERENTIATED)
def test_a_right_gradient_passes(number, tmp_path):
    answer = graded(number, SOLUTIONS[number], tmp_path)
    assert answer.passed, answer


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        pytest.param(n, code, said, id=f"{n}-{i}")
        for n, all_ in MISTAKES.items()
        for i, (code, said) in enumerate(all_.items())
    ],
)
def test_a_typical_mistake_in_a_gradient_is_named(number, code, said, tmp_path):
    answer = graded(number, code, tmp_path)
    assert not answer.passed
    assert re.search(said, answer.cause), answer


@pytest.mark.parametrize("number", EXERCISES)
def test_a_stub_is_not_written_yet(number, tmp_path):
    answer = graded(number, EXERCISES[number].stub, tmp_path)
    assert not answer.passed
    assert "not written yet" in answer.place


def test_another_seed_draws_other_numbers(tmp_path):
    code = "def cost(a, y):\n    return -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a)) * 1.5\n"
    assert graded("1.1", code, tmp_path, 0).place != graded("1.1", code, tmp_path, 1).place


def run(*arguments, folder):
    """Run the command in a folder as a learner does."""
    environment = {**os.environ, "PYTHONPATH": str(COMMAND.parents[1])}
    return subprocess.run(
        [sys.executable, COMMAND, *arguments],
        cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_the_command_starts_a_chapter_and_grades_it_in_three_grades(tmp_path):
    assert run("start", "1", folder=tmp_path).returncode == 0
    code = (tmp_path / "exercise01.py").read_text()
    wrong = "return np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))"
    (tmp_path / "exercise01.py").write_text(code.replace("raise NotImplementedError", wrong, 1))
    done = [run("check", "1", "--hint", hint, folder=tmp_path) for hint in "123"]
    printed = [one.stdout.partition("1.2")[0] for one in done]
    assert [one.returncode for one in done] == [1, 1, 1]
    assert ["where:" in text for text in printed] == [False, True, True]
    assert ["why: the minus before the sum is missing" in text for text in printed] == [False, False, True]


def test_the_answers_come_as_json_for_teachers(tmp_path):
    run("start", "3", "mine.py", folder=tmp_path)
    told = json.loads(run("check", "3", "mine.py", "--json", "--seed", "7", folder=tmp_path).stdout)
    assert told["seed"] == 7
    assert told["3.1"]["passed"] is False


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["check", "15"], "from 1 to 14"), (["check", "2"], "start 2"), (["check", "2", "--hint", "4"], "invalid choice")],
)
def test_a_bad_call_is_told(arguments, said, tmp_path):
    done = run(*arguments, folder=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_file_is_not_overwritten(tmp_path):
    (tmp_path / "exercise04.py").write_text("precious")
    done = run("start", "4", folder=tmp_path)
    assert (tmp_path / "exercise04.py").read_text() == "precious"
    assert "exists already" in done.stderr


def test_arguments_that_an_answer_changes_do_not_mislead(tmp_path):
    code = "def standardize(x):\n    x -= x.mean(axis=0)\n    x /= x.std(axis=0)\n    return x\n"
    assert graded("5.2", code, tmp_path).passed
