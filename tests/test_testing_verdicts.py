"""Right layers of kinds that were once blamed, and wrong layers of kinds that were once missed."""

import numpy as np
import pytest

from minidl.layers import Layer, Tanh
from minidl.losses import MeanSquaredError
from minidl.testing import certify, certify_loss, comparison, examination


class PowerOf(Layer):
    """Right for positive numbers, and at an exponent of 1, as initialised, for all."""

    def build(self, input_shape):
        self.add_parameter("p", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return x**self.p

    def backward(self, dy):
        self.dp = (dy * np.log(self._x) * self._x**self.p).sum(axis=0)
        return dy * self.p * self._x ** (self.p - 1)


class TruncatingEmbedding(Layer):
    """Right: floating-point ids are cut off to whole ones."""

    def __init__(self, count=7):
        self.count = count

    def build(self, input_shape):
        self.add_parameter("W", (self.count, 3))
        return (*input_shape, 3)

    def forward(self, x, training=False):
        self._ids = x.astype(int)
        return self.W[self._ids]

    def backward(self, dy):
        self.dW = np.zeros_like(self.W)
        np.add.at(self.dW, self._ids, dy)


class Gaussian(Layer):
    """Right, and of a sign that overflows: exp(-b x**2)."""

    def build(self, input_shape):
        self.add_parameter("b", (), "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x, self._y = x, np.exp(-self.b * x**2)
        return self._y

    def backward(self, dy):
        self.db = -(dy * self._y * self._x**2).sum()
        return -2 * self.b * dy * self._y * self._x


class BothSides(Layer):
    """Right: two outputs with a kink at 0, each of which takes the side of its own mask."""

    def build(self, input_shape):
        return (*input_shape, 2)

    def forward(self, x, training=False):
        self._x = x
        return np.stack([np.maximum(x, 0), np.maximum(-x, 0)], axis=-1)

    def backward(self, dy):
        return dy[..., 0] * (self._x >= 0) - dy[..., 1] * (self._x <= 0)


class CentredSoftmaxBias(Layer):
    """Right, with a gradient that is 0 up to rounding: softmax does not see a common shift."""

    def build(self, input_shape):
        self.add_parameter("shift", (), "ones")
        return input_shape

    def forward(self, x, training=False):
        z = x + self.shift
        e = np.exp(z - z.max(axis=-1, keepdims=True))
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y

    def backward(self, dy):
        dx = self._y * (dy - (dy * self._y).sum(axis=-1, keepdims=True))
        self.dshift = dx.sum()
        return dx


class Clip(Layer):
    """Right as long as low is below high, which it does not check."""

    def __init__(self, low=-0.5, high=0.6):
        self.low, self.high = low, high

    def forward(self, x, training=False):
        self._x = x
        return np.minimum(np.maximum(x, self.low), self.high)

    def backward(self, dy):
        return dy * (self._x > self.low) * (self._x < self.high)


class Normalised(Layer):
    """Right for an epsilon above 0."""

    def __init__(self, epsilon=1e-6):
        self.epsilon = epsilon

    def forward(self, x, training=False):
        self._x, self._n = x, np.sqrt((x**2).sum(axis=-1, keepdims=True) + self.epsilon)
        return x / self._n

    def backward(self, dy):
        return dy / self._n - self._x * (dy * self._x).sum(axis=-1, keepdims=True) / self._n**3


class Reshapes(Layer):
    """Right, but for no rows, where a length of -1 cannot be worked out."""

    def build(self, input_shape):
        return (int(np.prod(input_shape)),)

    def forward(self, x, training=False):
        self._shape = x.shape
        return x.reshape(len(x), -1) * 2

    def backward(self, dy):
        return 2 * dy.reshape(self._shape)


class Exponential(Layer):
    """Right, and beyond every number at 1e4."""

    def forward(self, x, training=False):
        self._x = x
        return np.exp(x**2 / 10) - np.exp(x)

    def backward(self, dy):
        return dy * (self._x / 5 * np.exp(self._x**2 / 10) - np.exp(self._x))


class Jumps(Layer):
    """Right wherever there is a derivative: a slope of 2 and a jump at each whole number."""

    def build(self, input_shape):
        self.add_parameter("a", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return 2 * x * self.a + np.floor(x + self.a)

    def backward(self, dy):
        self.da = (2 * dy * self._x).sum(axis=0)
        return 2 * dy * self.a


class Constant(Layer):
    """Right: an output that depends on nothing."""

    def forward(self, x, training=False):
        return np.full(x.shape, 3, x.dtype)

    def backward(self, dy):
        return np.zeros_like(dy)


class AbsorbsSmall(Layer):
    """Right, with a term that cancels in backward, so that tiny upstream gradients are rounded."""

    def forward(self, x, training=False):
        self._x = x
        return x**2

    def backward(self, dy):
        c = np.exp(self._x)
        return ((2 * self._x * dy + c) - c).astype(dy.dtype)


class OneShape(Layer):
    """Right for rows of four, as declared: the weights of the sum repeat after four."""

    certify_other_shapes = False
    certify_input_shape = (4,)

    def forward(self, x, training=False):
        self._w = np.arange(1, 5, dtype=x.dtype)
        return x * self._w if x.shape[-1] == 4 else x * 2

    def backward(self, dy):
        return dy * self._w[: dy.shape[-1]] if dy.shape[-1] <= 4 else dy


RIGHT = [PowerOf(), TruncatingEmbedding(), Gaussian(), BothSides(), CentredSoftmaxBias(), Clip(), Normalised()]
RIGHT += [Reshapes(), Exponential(), Jumps(), Constant(), OneShape()]


@pytest.mark.parametrize("layer", RIGHT, ids=lambda layer: type(layer).__name__)
@pytest.mark.parametrize("seed", range(2))
def test_a_right_layer_is_not_blamed(layer, seed):
    certificate = certify(layer, seed=seed, on_fail="return")
    assert certificate.outcome == "PASS", str(certificate)


def test_rounding_of_a_term_that_cancels_is_allowed():
    assert "linear-in-u" not in certify(AbsorbsSmall(), on_fail="return").names("FAIL")


class RaisesForSingles(Layer):
    def forward(self, x, training=False):
        self._x = x
        return x**2

    def backward(self, dy):
        if dy.shape[-1] == 1:
            raise ValueError("no column to compare with")
        return 2 * dy * self._x


class RaisesForFactor(Layer):
    def __init__(self, factor=2.0):
        self.factor = factor

    def forward(self, x, training=False):
        return self.factor * x

    def backward(self, dy):
        return {2.0: 2.0 * dy}[self.factor]


class RowsOfRows(Layer):
    """Forward takes further axes as further rows; backward sums over the first axis behind the batch."""

    def forward(self, x, training=False):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self._y = e / e.sum(axis=-1, keepdims=True)
        return self._y

    def backward(self, dy):
        return self._y * (dy - (dy * self._y).sum(axis=1, keepdims=True))


class CannotBePickled(Layer):
    def build(self, input_shape):
        self.function = lambda x: 2 * x
        return input_shape

    def forward(self, x, training=False):
        return self.function(x)

    def backward(self, dy):
        return 2 * dy


class WrongForNoRowsInTraining(Layer):
    """Rows are coupled; without rows the gradient of gamma is one."""

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return input_shape

    def forward(self, x, training=False):
        self._training = training
        mean = x.mean(axis=0) if training and len(x) else 0
        self._x = x - mean
        return self._x * self.gamma

    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0) if len(dy) or not self._training else np.ones_like(self.gamma)
        g = dy * self.gamma
        return g - g.mean(axis=0) if self._training and len(dy) else g


class LargestTwo(Layer):
    """The sum of the two largest entries; at a tie at the cut, every tied entry gets the gradient."""

    def build(self, input_shape):
        if len(input_shape) != 1 or input_shape[0] < 2:
            raise ValueError("expected rows of two numbers or more")
        return ()

    def forward(self, x, training=False):
        ordered = np.sort(x, axis=-1)
        self._mask = (x >= ordered[:, -2:-1]).astype(x.dtype)
        return ordered[:, -2:].sum(axis=-1)

    def backward(self, dy):
        return dy[:, None] * self._mask


class TripleTie(Layer):
    """The largest entry; a tie of two shares, a tie of three does not."""

    def build(self, input_shape):
        return ()

    def forward(self, x, training=False):
        mask = x == x.max(axis=-1, keepdims=True)
        count = mask.sum(axis=-1, keepdims=True)
        self._mask = (mask / np.where(count == 2, 2, 1)).astype(x.dtype)
        return x.max(axis=-1)

    def backward(self, dy):
        return dy[:, None] * self._mask


class WrongWithoutPadding(Layer):
    def __init__(self, padding=1):
        self.padding = padding

    def forward(self, x, training=False):
        return x * 2

    def backward(self, dy):
        return dy * (2 if self.padding else 3)


class DecaysToZero(Layer):
    """The running mean only decays, so that inference never centres."""

    def build(self, input_shape):
        self.add_state("mean", input_shape)
        return input_shape

    def forward(self, x, training=False):
        self._training = training
        if not training:
            return x - self.mean
        self.mean = (0.8 * self.mean).astype(self.mean.dtype)
        return x - x.mean(axis=0)

    def backward(self, dy):
        return dy - dy.mean(axis=0) if self._training else dy


class DeclaresMore(Layer):
    """The declared values of one argument are right; a number of the other is hard-coded."""

    certify_arguments = {"mode": ["b"]}

    def __init__(self, mode="a", factor=2.0):
        self.mode, self.factor = mode, factor

    def forward(self, x, training=False):
        return self.factor * x if self.mode == "a" else x

    def backward(self, dy):
        return 2.0 * dy if self.mode == "a" else dy


class PaddingRow(TruncatingEmbedding):
    """A row of ids of 0 loses its gradient among others."""

    input_domain = ("integer", 7)

    def backward(self, dy):
        words = self._ids.any(axis=-1)
        super().backward(dy * (words | ~words.any())[:, None, None])


MISSED = [
    (RaisesForSingles(), "shapes"),
    (RaisesForFactor(), "arguments"),
    (RowsOfRows(), "shapes"),
    (CannotBePickled(), "copies"),
    (WrongForNoRowsInTraining(), "empty-batch"),
    (LargestTwo(), "subgradient"),
    (TripleTie(), "subgradient"),
    (WrongWithoutPadding(), "arguments"),
    (DecaysToZero(), "running"),
    (DeclaresMore(), "arguments"),
]


@pytest.mark.parametrize(("layer", "check"), MISSED, ids=lambda value: type(value).__name__)
def test_a_wrong_layer_is_found(layer, check):
    certificate = certify(layer, on_fail="return")
    assert certificate.findings[0].check == check, str(certificate)


class Single(Layer):
    """Right, and in float32 whatever arrives."""

    def forward(self, x, training=False):
        self._x = x.astype(np.float32)
        return self._x**3

    def backward(self, dy):
        return (3 * dy.astype(np.float32) * self._x**2).astype(np.float32)


class SingleWithASign(Single):
    def backward(self, dy):
        return -super().backward(dy)


def test_a_row_of_padding_is_met():
    certificate = certify(PaddingRow(), checks=["special"], on_fail="return")
    assert "a row of ids of 0" in certificate.findings[0].detail


def test_float32_by_design_is_one_finding_about_precision():
    certificate = certify(Single(), on_fail="return")
    assert [finding.check for finding in certificate.findings] == ["dtype"]
    assert "float64 layer returns y in float32" in certificate.findings[0].message
    assert certificate.verdicts["numeric"].outcome == "PASS"


def test_a_wrong_sign_in_float32_is_found_by_numbers():
    certificate = certify(SingleWithASign(), on_fail="return")
    assert certificate.findings[0].check == "numeric"


class IdsWithoutDx(TruncatingEmbedding):
    """Ids by a function of the author, with a backward that returns None."""

    input_domain = staticmethod(lambda rng, shape: rng.integers(0, 7, shape))


def test_integers_without_dx_do_not_stop_the_kit():
    assert certify(IdsWithoutDx()).outcome == "PASS"


class Costly(Layer):
    """Right, and takes in more numbers than a check may cost."""

    def forward(self, x, training=False):
        self._x = x
        return x**2

    def backward(self, dy):
        return 2 * dy * self._x


def test_the_coverage_tells_where_a_check_stopped(monkeypatch):
    monkeypatch.setattr("minidl.testing.certification.BUDGET", {"quick": 1e9, "standard": 20_000, "thorough": 1e9})
    certificate = certify(Costly())
    assert any(text.startswith("shapes") for text in certificate.coverage["stopped"])


class Centres(Layer):
    """Right, and rows are coupled."""

    def forward(self, x, training=False):
        return x - x.mean(axis=0)

    def backward(self, dy):
        return dy - dy.mean(axis=0)


@pytest.mark.parametrize(("layer", "shape", "most"), [(Costly(), (50, 40, 10), 50), (Centres(), (4,), 130)])
def test_batches_are_bounded_by_the_numbers_in_them(layer, shape, most):
    batches = certify(layer, input_shape=shape, checks=["batch"], on_fail="return").coverage["batches"]
    sizes = [int(text.split()[-1]) for text in batches]
    assert 9 <= max(sizes) <= most


def test_a_certificate_does_not_depend_on_the_clock(monkeypatch):
    first = certify(RowsOfRows(), on_fail="return").to_dict()
    monkeypatch.setattr("time.perf_counter", iter(range(0, 10**9, 1000)).__next__)
    second = certify(RowsOfRows(), on_fail="return").to_dict()
    assert {**first, "seconds": 0} == {**second, "seconds": 0}


class Waves(Layer):
    """``y = sin(2**k x)`` for each k below ``bands``: so steep for large k that differences resolve nothing."""

    def __init__(self, bands=3):
        self.bands = bands

    def build(self, input_shape):
        return (*input_shape, self.bands)

    def forward(self, x, training=False):
        self._factors = (2.0 ** np.arange(self.bands)).astype(x.dtype)
        self._angles = x[..., None] * self._factors
        return np.sin(self._angles)

    def backward(self, dy):
        return (dy * np.cos(self._angles) * self._factors).sum(axis=-1)


def test_points_like_one_that_could_not_be_decided_are_left_out(monkeypatch):
    compared = []

    def counted(subject, point, *arguments, **options):
        compared.append(point.arguments)
        return comparison.compare(subject, point, *arguments, **options)

    monkeypatch.setattr(examination, "compare", counted)
    certificate = certify(Waves(), checks=["arguments"])
    assert "bands=23" in certificate.coverage["arguments"]
    assert compared.count({"bands": 23}) == 1


def test_a_loss_is_tried_in_one_mode():
    certificate = certify_loss(MeanSquaredError())
    assert certificate.verdicts["mode"].outcome == "SKIPPED"
    assert not any("inference" in told for told in certificate.coverage["regimes"])


def test_a_layer_is_tried_in_both_modes():
    assert any("inference" in told for told in certify(Tanh()).coverage["regimes"])
