"""Diagnoses: for each kind of mistake the cause that the report names, on layers that nothing else is wrong with."""

import re

import numpy as np
import pytest

from minidl.layers import Dense, Layer, ReLU
from minidl.losses import Loss
from minidl.testing import certify, certify_loss, diagnose, explanation
from minidl.testing.diagnosis import evidence


class Gate(Layer):
    """``y = s * tanh(x @ W) + (1 - s) * x`` with ``s = sigmoid(x @ V)``, and what a learner may get wrong in it."""

    wrong = ""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], input_shape[0]))
        self.add_parameter("V", (input_shape[0], input_shape[0]))
        return input_shape

    def forward(self, x, training=False):
        self._x, self._t, self._s = x, np.tanh(x @ self.W), 1 / (1 + np.exp(-(x @ self.V)))
        return self._s * self._t + (1 - self._s) * x

    def backward(self, dy):
        x, t, s = self._x, self._t, self._s
        dt = dy * s * (1 - (0 if self.wrong == "tanh" else t**2))
        ds = dy * (t if self.wrong == "carry" else t - x) * s * (1 - s)
        self.dW, self.dV = x.T @ dt, x.T @ ds
        direct = s if self.wrong == "complement" else 0 if self.wrong == "direct" else 1 - s
        return dt @ self.W.T + ds @ self.V.T + dy * direct


class Recurrent(Layer):
    """``h_t = tanh(x_t @ W + h_{t-1} @ U)``."""

    certify_input_shape = (4, 2)

    wrong = ""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[1], 3))
        self.add_parameter("U", (3, 3))
        return (input_shape[0], 3)

    def forward(self, x, training=False):
        self._x, h = x, np.zeros((len(x), 3), np.result_type(x, self.W))
        self._h = [h]
        for step in range(x.shape[1]):
            h = np.tanh(x[:, step] @ self.W + h @ self.U)
            self._h.append(h)
        return np.stack(self._h[1:], axis=1)

    def backward(self, dy):
        dx, dh = np.empty(self._x.shape, dy.dtype), np.zeros_like(dy[:, 0])
        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)
        for step in reversed(range(dy.shape[1])):
            dz = (dy[:, step] + dh) * (1 - self._h[step + 1] ** 2)
            dW += self._x[:, step].T @ dz
            dU += self._h[step + 1 if self.wrong == "state" else step].T @ dz
            dx[:, step] = dz @ self.W.T
            dh = 0 * dz if self.wrong == "carry" else dz @ self.U.T
        self.dW, self.dU = dW, dU
        return dx


class Windows(Layer):
    """``y[t] = x[t] * w[0] + x[t + 1] * w[1]``."""

    certify_input_shape = (5, 2)

    wrong = ""

    def build(self, input_shape):
        self.add_parameter("w", (2,))
        return (input_shape[0] - 1, input_shape[1])

    def forward(self, x, training=False):
        self._x = x
        return x[:, :-1] * self.w[0] + x[:, 1:] * self.w[1]

    def backward(self, dy):
        x = self._x
        self.dw = np.array([(dy * x[:, :-1]).sum(), (dy * x[:, 1:]).sum()], dy.dtype)
        dx = np.zeros(x.shape, dy.dtype)
        dx[:, :-1] = dy * self.w[0]
        if self.wrong == "overwritten":
            dx[:, 1:] = dy * self.w[1]
        else:
            dx[:, 1:] += dy * self.w[1]
        if self.wrong == "border":
            dx[:, -1] *= 2
        return dx


class Norm(Layer):
    """``y = gamma * x / sqrt(mean(x**2) + epsilon)`` in each row."""

    wrong = ""

    def __init__(self, epsilon=1e-3):
        self.epsilon = epsilon

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._r = np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.epsilon)
        self._n = x / self._r
        return self.gamma * self._n

    def backward(self, dy):
        n, g = self._n, dy * self.gamma
        self.dgamma = (dy * n).sum(axis=0)
        if self.wrong == "gamma outside":
            return self.gamma * (dy - n * (dy * n).mean(axis=-1, keepdims=True)) / self._r
        if self.wrong == "detached":
            return g / self._r
        return (g - n * (g * n).mean(axis=-1, keepdims=True)) / (1 if self.wrong == "root" else self._r)


class Halves(Layer):
    """``y = a * b`` where x = [a, b]."""

    wrong = ""

    def build(self, input_shape):
        return (input_shape[0] // 2,)

    def forward(self, x, training=False):
        self._a, self._b = np.split(x, 2, axis=1)
        return np.tanh(self._a) * self._b

    def backward(self, dy):
        t = np.tanh(self._a)
        da = dy * self._b * (1 if self.wrong == "tanh" else 1 - t**2)
        return np.concatenate([da, dy * t], axis=1)


class Ranked(Layer):
    """The values of a row in falling order."""

    wrong = ""

    def forward(self, x, training=False):
        self._order = np.argsort(-x, axis=1)
        return np.take_along_axis(x, self._order, axis=1)

    def backward(self, dy):
        if self.wrong == "order":
            return np.take_along_axis(dy, self._order, axis=1)
        dx = np.empty_like(dy)
        np.put_along_axis(dx, self._order, dy, axis=1)
        return dx


class Capped(Layer):
    """``y = x * min(a, 1.5)``: the parameter counts up to a limit only."""

    def build(self, input_shape):
        self.add_parameter("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return x * np.minimum(self.a, 1.5)

    def backward(self, dy):
        self.da = (dy * self._x).sum(axis=0)
        return dy * np.minimum(self.a, 1.5)


class Flushed(Layer):
    """``y = 2 * x``, whose backward clips."""

    def forward(self, x, training=False):
        return 2 * x

    def backward(self, dy):
        return 2 * np.clip(dy, -100, 100)


class Smoothed(Loss):
    """Mean of ``log(cosh((y_pred - y_true) / width))``."""

    wrong = ""

    def __init__(self, width=1.0):
        self.width = width

    def forward(self, y_pred, y_true, sample_weight=None):
        self._e = (y_pred - self.match(y_pred, y_true)) / self.width
        return self.mean(np.logaddexp(self._e, -self._e), sample_weight)

    def backward(self):
        e = self._e * self.width if self.wrong == "argument" else self._e
        g = self.share(np.tanh(e) / (1 if self.wrong == "inner" else self.width))
        return g * e.shape[1] if self.wrong == "mean" else g


class Softplus(Layer):
    """log(1 + exp(x)), differentiated by differences, or in float32."""

    wrong = ""

    def forward(self, x, training=False):
        self._x = x
        return np.logaddexp(0, x)

    def backward(self, dy):
        if self.wrong == "differences":
            return dy * (np.logaddexp(0, self._x + 1e-3) - np.logaddexp(0, self._x - 1e-3)) / 2e-3
        x = self._x.astype(np.float32) if self.wrong == "float32" else self._x
        dx = dy * (1 / (1 + np.exp(-x))).astype(dy.dtype)
        return np.where(x > 1.5, 0, dx) if self.wrong == "cut" else dx


class Inside(Layer):
    """y = x + down(relu(up(x)))."""

    def build(self, input_shape):
        self.up, self.relu, self.down = Dense(5), ReLU(), Dense(input_shape[0])
        return self.down.declare(self.relu.declare(self.up.declare(input_shape)))

    def forward(self, x, training=False):
        return x + self.down.forward(self.relu.forward(self.up.forward(x, training), training), training)

    def backward(self, dy):
        return dy + self.up.backward(self.relu.backward(self.down.backward(dy)))


class WithoutReLU(Inside):
    """The same, and a layer that backward forgets."""

    def backward(self, dy):
        return dy + self.up.backward(self.down.backward(dy))


class Pooled(Layer):
    """Weights the steps of x by themselves: y = sum over t of softmax(x)[t] x[t]."""

    certify_input_shape = (4, 3)

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self._x, self._p = x, e / e.sum(axis=1, keepdims=True)
        self._y = (self._p * x).sum(axis=1)
        return self._y

    def backward(self, dy):
        gap = self._x - self._y[:, None]
        return dy[:, None] * self._p * (1 + gap)


class ConstantWeights(Pooled):
    """The same, with a value that backward forgets."""

    def backward(self, dy):
        gap = self._x - self._y[:, None]  # noqa: F841
        return dy[:, None] * self._p


class Turned(Layer):
    """Averages and half differences of neighbouring steps, whose halves backward takes for pairs."""

    certify_input_shape = (6, 2)
    certify_other_shapes = False

    def forward(self, x, training=False):
        even, odd = x[:, 0::2], x[:, 1::2]
        return np.concatenate([(even + odd) / 2, (even - odd) / 2], axis=1)

    def backward(self, dy):
        mean, gap = dy[:, 0::2], dy[:, 1::2]
        dx = np.empty_like(dy)
        dx[:, 0::2], dx[:, 1::2] = (mean + gap) / 2, (mean - gap) / 2
        return dx


class Largest(Layer):
    """The largest of three pieces x @ W[:, :, k]."""

    wrong = ""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], 2, 3))
        return (2,)

    def forward(self, x, training=False):
        z = np.tensordot(x, self.W, axes=1)
        self._x, self._chosen = x, z.argmax(axis=2)[:, :, None] == np.arange(3)
        return z.max(axis=2)

    def backward(self, dy):
        dz = dy[:, :, None] * self._chosen
        self.dW = np.tensordot(self._x, dz, axes=(0, 0))
        if self.wrong == "all":
            return dy @ self.W.sum(axis=2).T
        return np.tensordot(dz, self.W, axes=((1, 2), (1, 2)))


class Delayed(Layer):
    """y[t] = x[t] + 3 x[t - 1] + x[t - 2]."""

    certify_input_shape = (6, 2)

    wrong = ""

    def forward(self, x, training=False):
        padded = np.pad(x, ((0, 0), (2, 0), (0, 0)))
        return padded[:, 2:] + 3 * padded[:, 1:-1] + padded[:, :-2]

    def backward(self, dy):
        dx = np.pad(dy, ((0, 0), (2, 0), (0, 0)))
        dx[:, 1:-1] += 3 * dy
        dx[:, :-2] += dy
        return dx[:, : dy.shape[1]] if self.wrong == "crop" else dx[:, 2:]


class Cube(Layer):
    """x**3 + x with the derivative of x**4/4 + x: the error fades away near 0 without an end."""

    def forward(self, x, training=False):
        self._x = x
        return x**3 + x

    def backward(self, dy):
        return dy * (1 + 3 * self._x**2 * np.cosh(self._x / 40))


def wrong(kind, mistake, *arguments):
    """Return a layer or a loss with one mistake."""
    return type(kind.__name__, (kind,), {"wrong": mistake, "__module__": __name__})(*arguments)


CAUSES = [
    (wrong(Gate, "tanh"), r"through `np\.tanh\(x @ self\.W\)` .* is taken for 1"),
    (wrong(Gate, "carry"), r"through `1 - self\._s` .* is missing"),
    (wrong(Gate, "direct"), r"through `x` in .* is missing"),
    (wrong(Recurrent, "carry"), r"through `h @ self\.U` .* is missing"),
    (wrong(Windows, "overwritten"), r"only one of them counts"),
    (wrong(Windows, "border"), r"wrong only in positions along axis 1 4 .*2"),
    (wrong(Norm, "gamma outside"), r"a factor is applied to dx.* that belongs to dy"),
    (wrong(Norm, "detached"), r"through `self\._r = .* is missing"),
    (wrong(Norm, "root"), r"ratio .* self\._r"),
    (wrong(Halves, "tanh"), r"through `np\.tanh\(self\._a\)` .* is taken for 1"),
    (wrong(Ranked, "order"), r"permut|other order"),
    (Capped(), r"through `np\.minimum\(self\.a, 1\.5\)` .* is taken for 1"),
    (wrong(Softplus, "differences"), r"changes smoothly with x.*finite difference"),
    (wrong(Softplus, "float32"), r"float32"),
    (wrong(Softplus, "cut"), r"wrong exactly where x > 1\.\d+: it is zero there"),
    (wrong(Largest, "all"), r"W summed along axis 2: all slices count, though forward selects one"),
    (wrong(Delayed, "crop"), r"every value stands 2 positions too late along axis 1"),
    (ConstantWeights(), r"through `e = np\.exp.* is missing"),
    (Turned(), r"dy is read in another order"),
    (WithoutReLU(), r"self\.relu takes part in forward, and its backward is not called"),
    (Flushed(), r"look for clipping.*16 to 256"),
]


@pytest.mark.parametrize(
    ("layer", "cause"), CAUSES, ids=[f"{type(layer).__name__} {getattr(layer, 'wrong', '')}" for layer, _ in CAUSES]
)
def test_the_first_line_names_the_cause(layer, cause):
    shape = (6,) if isinstance(layer, Halves) else None
    certificate = certify(layer, input_shape=shape, on_fail="return")
    assert certificate.outcome == "FAIL"
    assert_matches(cause, from_the_numbers(certificate))


@pytest.mark.parametrize(
    ("loss", "cause"),
    [
        (wrong(Smoothed, "inner", 0.7), r"constant 0\.7 = width \(width=0\.7\)"),
        (wrong(Smoothed, "argument", 0.7), r"tanh\(y_pred - y_true\)|width"),
        (wrong(Smoothed, "mean", 0.7), r"constant 3 = length of axis 1 of x \(3\)"),
    ],
)
def test_the_cause_in_a_loss_is_told_by_its_own_names(loss, cause):
    assert_matches(cause, from_the_numbers(certify_loss(loss, on_fail="return")))


@pytest.mark.parametrize("kind", [Gate, Recurrent, Windows, Norm, Ranked, Softplus, Inside, Pooled, Largest, Delayed])
def test_the_layers_are_right_without_the_mistake(kind):
    assert certify(kind()).outcome == "PASS"


class Rounded(Layer):
    """x in steps of a quarter, with the gradient of x."""

    def forward(self, x, training=False):
        return np.round(4 * x) / 4

    def backward(self, dy):
        return dy


class SingleOnly(Layer):
    """Products in float32 by design, with a sign that is wrong."""

    def build(self, input_shape):
        self.add_parameter("W", (input_shape[0], 3))
        return (3,)

    def forward(self, x, training=False):
        self._x, self._w = x.astype("float32"), self.W.astype("float32")
        return self._x @ self._w

    def backward(self, dy):
        self.dW = self._x.T @ dy.astype("float32")
        return -dy.astype("float32") @ self._w.T


class Doubled(Layer):
    """y = factor * x + 1, whose factor may be a NumPy number."""

    def __init__(self, factor=2.0):
        self.factor = factor

    def forward(self, x, training=False):
        scaled = x * self.factor
        return scaled + 1

    def backward(self, dy):
        return dy * float(self.factor)


class Lowest(Layer):
    """y = x + b, averaged over the batch where it is the lowest layer of a model."""

    def build(self, input_shape):
        self.add_parameter("b", input_shape)
        return input_shape

    def forward(self, x, training=False):
        return x + self.b

    def backward(self, dy):
        self.db = dy.sum(axis=0)
        return dy.copy()

    def backward_parameters(self, dy):
        self.db = dy.mean(axis=0)


def test_a_jump_of_forward_is_told_and_how_to_declare_a_surrogate():
    told = certify(Rounded(), on_fail="return", checks=["numeric"]).findings[0].why
    assert told.startswith("forward jumps, by 0.25 where x passes")
    assert "surrogate_gradient = True" in told


def test_a_wrong_sign_in_a_float32_layer_is_told():
    finding = certify(SingleOnly(), on_fail="return").findings[0]
    assert finding.why.startswith("analytic/numeric is constant -1: wrong sign")


def test_an_upcast_names_its_argument_and_its_line():
    finding = certify(Doubled(np.float64(2.0)), on_fail="return", checks=["dtype"]).findings[0]
    assert finding.why.startswith("self.factor is a float64 NumPy number")
    assert finding.source == "scaled = x * self.factor"


def test_backward_parameters_has_its_own_diagnosis():
    finding = certify(Lowest(), on_fail="return").findings[0]
    assert finding.message == "backward_parameters sets another db than backward in training with 3 rows"
    assert finding.why.startswith("in backward_parameters, analytic/numeric is constant 0.3333 = 1/batch size (3)")


def test_the_place_is_the_line_that_an_edit_makes_right():
    finding = certify(wrong(Gate, "direct"), on_fail="return").findings[0]
    assert finding.where.partition(", ")[2] in finding.why


def test_a_shorter_description_has_the_higher_score():
    found = diagnose(np.array([-1.0, 2.0, -4.0]), np.array([1.0, -2.0, 4.0]))
    assert [cause.score for cause in found] == sorted((cause.score for cause in found), reverse=True)
    assert found[0].score > 0.9


def test_an_error_that_fades_away_has_no_region():
    assert "wrong exactly where" not in certify(Cube(), on_fail="return").findings[0].why


def test_two_arrays_alone_are_compared():
    assert diagnose(np.array([2.0, 4.0]), np.array([1.0, 2.0]))[0].text.startswith("analytic/numeric is constant 2")


def test_nothing_is_guessed_where_nothing_fits():
    rng = np.random.default_rng(3)
    assert diagnose(rng.standard_normal(9), rng.standard_normal(9))[-1].text.startswith("no hypothesis fits")


def test_a_diagnosis_that_has_cost_its_limit_tries_nothing_more(monkeypatch):
    monkeypatch.setattr(evidence, "DIAGNOSIS", 0)
    finding = certify(wrong(Recurrent, "carry"), on_fail="return").findings[0]
    assert re.fullmatch(r"no hypothesis fits: \d+ of \d+ entries wrong", finding.why)


@pytest.mark.parametrize(("enough", "explained"), [(0, ["dx"]), (1e9, ["dx", "dW", "dU"])])
def test_a_further_wrong_gradient_is_explained_if_the_first_was_cheap(monkeypatch, enough, explained):
    told, explain = [], explanation.explain
    monkeypatch.setattr(explanation, "CONVINCING", 2)
    monkeypatch.setattr(explanation, "ENOUGH", enough)
    monkeypatch.setattr(explanation, "explain", lambda e: told.append(e.target) or explain(e))
    certify(wrong(Recurrent, "carry"), on_fail="return")
    assert told == explained


def from_the_numbers(certificate):
    """Return the best cause that is told from the numbers alone: the switch in the source is seen by the repairs."""
    finding = certificate.findings[0]
    told = [finding.why, *(text for text, _ in finding.hypotheses)]
    return next(text for text in told if "becomes right when `" not in text)


def assert_matches(pattern, text):

    assert re.search(pattern, text), text
