"""certify: what it takes, what it leaves alone, what it reports."""

import json
import re

import numpy as np
import pytest

from minidl import Input, Sequential
from minidl.errors import ArgumentError
from minidl.layers import Dense, Dropout, Flatten, Layer, ReLU, Softmax, Tanh
from minidl.testing import Certificate, CertificationError, certify, certify_function


class BatchNorm(Layer):
    """Wrong: the through-the-mean term is missing."""

    def __init__(self, epsilon=1e-5):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._std = np.sqrt(x.var(axis=0) + self.epsilon)
        self._xhat = (x - x.mean(axis=0)) / self._std
        return self.gamma * self._xhat + self.beta

    def backward(self, dy):
        self.dgamma = (dy * self._xhat).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        g = dy * self.gamma
        return (g - self._xhat * (g * self._xhat).mean(axis=0)) / self._std


class Log(Layer):
    def forward(self, x, training=False):
        self._x = x
        return np.log(x)

    def backward(self, dy):
        return dy / self._x


class LookUp(Layer):
    def __init__(self, count, units):
        self.count = count
        self.units = units

    def build(self, input_shape):
        self.add_parameter("W", (self.count, self.units))
        return (*input_shape, self.units)

    def forward(self, x, training=False):
        self._x = x
        return self.W[x]

    def backward(self, dy):
        dW = np.zeros_like(self.W)
        np.add.at(dW, self._x, dy)
        self.dW = dW


class SumOfColumns(Layer):
    """Takes rows of (length, channels) only."""

    def build(self, input_shape):
        length, _ = input_shape
        return (length,)

    def forward(self, x, training=False):
        self._shape = x.shape
        return x.sum(axis=2)

    def backward(self, dy):
        return np.broadcast_to(dy[:, :, None], self._shape).copy()


class Residual(Layer):
    """A wrapper: y = x + inner(x)."""

    def __init__(self, inner):
        self.inner = inner

    def build(self, input_shape):
        return self.inner.declare(input_shape)

    def forward(self, x, training=False):
        return x + self.inner.forward(x, training)

    def backward(self, dy):
        return dy + self.inner.backward(dy)


class Broken(Layer):
    def forward(self, x, training=False):
        raise RuntimeError("no way")

    def backward(self, dy):
        return dy


class Needs(Layer):
    def __init__(self, units, rate, *, shape):
        if not (isinstance(units, int) and 0 < rate < 1 and len(shape) == 2):
            raise ArgumentError("no")

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def test_a_pass_is_one_line():
    text = str(certify(Tanh()))
    assert re.fullmatch(
        r"certify\(Tanh\(\)\)   PASS   18 checks passed, sensitivity dx \de-\d\d, \d+\.\d\d s, seed 0", text
    )


def test_the_report_of_a_failure_says_what_why_and_where():
    with pytest.raises(CertificationError) as error:
        certify(BatchNorm())
    lines = str(error.value).split("\n")
    number = r"-?\d+\.?\d*(e[-+]\d+)?"
    expected = [
        r"certify\(BatchNorm\(\)\)   FAIL   1 finding, \d+ checks passed, 0 unverified, \d+\.\d\d s, seed 0",
        rf" x numeric   dx\[\d,\d\]   analytic {number}   numeric {number} \+- \d+e-\d+   12/12 entries wrong, "
        r"input \(3, 4\), epsilon=1e-05",
        r"   why     the derivative through `x\.mean\(axis=0\)` in `self\._xhat = .*` \(forward, .*\) is missing; .*"
        r"`g = dy \* self\.gamma - \(dy \* self\.gamma\)\.mean\(axis=0, keepdims=True\)`.*",
        r"   taylor  remainder slope 1\.\d\d \(a right gradient gives 2\.00\)",
        r"   where   BatchNorm\.backward, test_testing_certify\.py:\d+   g = dy \* self\.gamma",
        r'   again   certify\(BatchNorm\(\), seed=0, checks=\["numeric"\]\)',
        r" not run because numeric failed: .*square.*",
        r" sensitivity  dx \de-\d\d, dgamma \de-\d\d, dbeta \de-\d\d: a larger relative error would have been reported",
    ]
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line


def test_an_exception_in_the_layer_becomes_a_finding_with_its_line():
    with pytest.raises(CertificationError, match="forward raised RuntimeError: no way") as error:
        certify(Broken())
    finding = error.value.certificate.findings[0]
    assert finding.where.startswith("Broken.forward, test_testing_certify.py:")
    assert finding.source == 'raise RuntimeError("no way")'
    assert "tried rows of (4,), (6, 3)" in finding.detail


class Unset(Layer):
    def forward(self, x, training=False):
        return x * self.factor

    def backward(self, dy):
        return dy


class Halved(Layer):
    @np.errstate(divide="ignore")
    def forward(self, x, training=False):
        return 0.5 * x

    @np.errstate(divide="ignore")
    def backward(self, dy):
        return 2 * dy


@pytest.mark.parametrize(
    ("layer", "place", "line"),
    [(Unset(), "Unset.forward", "return x * self.factor"), (Halved(), "Halved.backward", "return 2 * dy")],
    ids=["a missing attribute", "a method that NumPy wraps"],
)
def test_a_finding_points_at_the_line_of_the_layer(layer, place, line):
    finding = certify(layer, on_fail="return").findings[0]
    assert finding.where.startswith(f"{place}, test_testing_certify.py:")
    assert finding.source == line


def test_a_certificate_can_be_returned_instead():
    certificate = certify(BatchNorm(), on_fail="return")
    assert isinstance(certificate, Certificate)
    assert (certificate.outcome, bool(certificate)) == ("FAIL", False)
    assert bool(certify(Tanh(), level="quick"))


def test_the_json_holds_verdicts_findings_sensitivity_and_coverage():
    data = json.loads(certify(BatchNorm(), on_fail="return").to_json())
    assert data["outcome"] == "FAIL"
    assert data["verdicts"]["numeric"]["outcome"] == "FAIL"
    assert data["findings"][0]["target"] == "dx"
    assert data["sensitivity"]["dgamma"] < 1e-8
    assert data["coverage"]["inputs"] == ["input (3, 4)"]


def test_the_coverage_lists_shapes_batches_layouts_and_arguments():
    coverage = certify(Dense(5)).coverage
    assert "(3, 7)" in coverage["shapes"]
    assert {"1", "9", "130"} <= set(coverage["batches"])
    assert "x is Fortran order" in coverage["layouts"]
    assert {"units=6", "use_bias=False"} <= set(coverage["arguments"])
    assert "x[" in " ".join(certify(ReLU()).coverage["kinks"])


def test_large_parameters_are_sampled_and_the_coverage_says_so():
    assert "dW: 60 of 9000 entries" in certify(Dense(90), input_shape=(100,)).coverage["sampled"]


def test_the_layer_given_stays_unchanged():
    model = Sequential([Input((4,)), Dense(5)], seed=0)
    layer = model[0]
    x = np.ones((2, 4), np.float32)
    y = layer.forward(x)
    before = dict(vars(layer))
    certify(layer)
    assert vars(layer).keys() == before.keys()
    assert all(vars(layer)[name] is before[name] for name in before)
    assert np.array_equal(layer.forward(x), y)


@pytest.mark.parametrize("given", [Dense(5), lambda: Dense(5), Dense], ids=["instance", "factory", "class"])
def test_an_instance_a_factory_and_a_class_can_be_certified(given):
    assert certify(given, level="quick").subject == "Dense(5)"


def test_a_class_whose_arguments_cannot_be_guessed_is_refused():
    with pytest.raises(ArgumentError, match=r"Needs to accept guessed values for units, rate, shape.*certify_with"):
        certify(Needs)


@pytest.mark.parametrize("given", [3, None, lambda: 3, np.ones(2)])
def test_anything_else_is_refused(given):
    with pytest.raises(ArgumentError, match="certify: expected a layer"):
        certify(given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "fast"}, "level: expected one of 'quick', 'standard', 'thorough', got 'fast'"),
        ({"seed": -1}, "seed"),
        ({"on_fail": "ignore"}, "on_fail"),
        ({"checks": ["numric"]}, "Did you mean 'numeric'"),
        ({"exclude": ["numric"]}, "Did you mean 'numeric'"),
        ({"expected_failures": {"numric": "why"}}, "Did you mean 'numeric'"),
    ],
)
def test_a_bad_argument_is_refused(options, message):
    with pytest.raises(ArgumentError, match=message):
        certify(Tanh(), **options)


def test_only_the_named_checks_run():
    assert list(certify(Tanh(), checks=["numeric"]).verdicts) == ["numeric"]
    assert "layout" not in certify(Tanh(), level="quick", exclude=["layout"]).verdicts


def test_an_expected_failure_does_not_raise():
    certificate = certify(BatchNorm(), expected_failures={"numeric": "being repaired"})
    assert certificate.outcome == "XFAIL"
    assert "~ numeric   expected to fail: being repaired" in str(certificate)


def test_an_expected_failure_that_passes_is_a_finding():
    with pytest.raises(CertificationError, match=r"expected to fail \(was broken\), but it passes"):
        certify(Tanh(), checks=["numeric"], expected_failures={"numeric": "was broken"})


def test_the_same_seed_gives_the_same_findings():
    first, second = (certify(BatchNorm(), seed=3, on_fail="return").findings[0] for _ in range(2))
    assert (first.index, first.analytic, first.numeric) == (second.index, second.analytic, second.numeric)
    assert certify(BatchNorm(), seed=4, on_fail="return").findings[0].analytic != first.analytic


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (SumOfColumns(), "input (3, 6, 3)"),
        (LookUp(7, 3), "input (3, 4), integer ids below 7 inputs found by trial"),
        (Log(), "input (3, 4), positive inputs found by trial"),
        (Dense(4), "input (3, 5)"),
    ],
    ids=["two axes", "integers", "positive", "not square"],
)
def test_inputs_that_the_layer_takes_are_found(layer, inputs):
    assert certify(layer).coverage["inputs"][0] == inputs


def test_the_input_domain_can_be_declared():
    class Root(Layer):
        input_domain = (1.0, 4.0)

        def forward(self, x, training=False):
            assert ((x >= 0.98) & (x <= 4.02)).all() or x.dtype.kind != "f"
            self._y = np.sqrt(x)
            return self._y

        def backward(self, dy):
            return dy / (2 * self._y)

    assert certify(Root()).outcome == "PASS"


@pytest.mark.parametrize(
    "layer",
    [
        Residual(Dense(4)),
        Residual(Sequential([Dense(6), Tanh(), Dense(4)], seed=0)),
        Dense(5, activation="tanh"),
        Sequential([Dense(5, activation="relu"), Dropout(0.3), Dense(3), Softmax()], seed=0),
        Sequential([Input((3, 2)), Flatten(), Dense(3)], seed=0),
    ],
    ids=["wrapper", "wrapper of a model", "with activation", "model", "built model"],
)
def test_layers_made_of_layers_are_certified_whole(layer):
    shape = (4,) if isinstance(layer, Residual) else None
    assert certify(layer, input_shape=shape).outcome == "PASS"


def test_a_wrong_layer_inside_a_wrapper_is_found():
    with pytest.raises(CertificationError, match=r"x numeric   (dx|inner/d\w+)"):
        certify(Residual(BatchNorm()), input_shape=(4,))


def test_the_report_ends_in_a_call_that_repeats_the_finding():
    certificate = certify(BatchNorm(), input_shape=(4,), seed=2, level="quick", on_fail="return")
    call = re.search(r"again   (.*)", str(certificate))[1]
    assert 'input_shape=(4,), seed=2, level="quick", checks=["' in call
    with pytest.raises(CertificationError) as raised:
        eval(call, {"certify": certify, "BatchNorm": BatchNorm})
    assert raised.value.certificate.findings[0].check == certificate.findings[0].check


def test_levels_differ_in_what_they_cover():
    quick, standard = (certify(Dense(3), level=level) for level in ("quick", "standard"))
    assert len(quick.verdicts) < len(standard.verdicts)
    assert len(quick.coverage["batches"]) < len(standard.coverage["batches"])


@pytest.mark.slow
def test_the_thorough_level_covers_more():
    thorough = certify(Dense(3), level="thorough")
    assert "2049" in thorough.coverage["batches"]


def test_a_certificate_shows_its_report_at_the_prompt_and_in_a_notebook():
    certificate = certify(BatchNorm(), on_fail="return")
    assert repr(certificate) == str(certificate)
    assert certificate._repr_html_().startswith("<pre>certify(BatchNorm())   FAIL")


def test_the_attempts_are_told_to_the_last_shape():
    detail = certify(Broken(), on_fail="return").findings[0].detail
    assert re.fullmatch(r"tried rows of (\(\d+,( \d+,?)*\)(, )?)+", detail)


class Renames(Layer):
    """Wrong, and the constructor stores its argument under another name."""

    def __init__(self, factor):
        self.gain = factor

    def forward(self, x, training=False):
        return self.gain * x

    def backward(self, dy):
        return dy


def test_a_layer_without_a_repr_is_not_shown_as_a_call():
    text = str(certify(lambda: Renames(2.0), on_fail="return"))
    assert "again   certify(layer, seed=0, checks=" in text


@pytest.mark.parametrize(
    "call",
    [lambda: certify(BatchNorm()), lambda: certify_function(np.sin, lambda x, dy: dy * np.sin(x), np.ones((3, 2)))],
    ids=["layer", "function"],
)
def test_the_traceback_of_a_failure_hides_the_kit(call):
    with pytest.raises(CertificationError) as error:
        call()
    inside = [entry for entry in error.traceback if "testing" in entry.path.parts]
    assert inside
    assert all(entry.locals["__tracebackhide__"] for entry in inside)
