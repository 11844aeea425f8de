"""Each check of the certification kit objects to a layer that is wrong in just that way, and to no right one."""

import numpy as np
import pytest

from minidl.layers import Dense, Layer
from minidl.testing import CertificationError, Finding, Skipped, Unverified, certify, register_check
from minidl.testing.registry import CHECKS


class Scale(Layer):
    """Right: ``y = gain * x * gamma + beta``."""

    def __init__(self, gain=2.0):
        self.gain = gain

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        self.add_parameter("beta", input_shape, "zeros")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.gain * x * self.gamma + self.beta

    def backward(self, dy):
        self.dgamma = self.gain * (dy * self._x).sum(axis=0)
        self.dbeta = dy.sum(axis=0)
        return self.gain * dy * self.gamma


class Cube(Layer):
    """Right, and of no parameters: ``y = x**3 / 3``."""

    def forward(self, x, training=False):
        self._x = x
        return x**3 / 3

    def backward(self, dy):
        return dy * self._x**2


class Centre(Layer):
    """Right, with state and coupled rows: ``y = x - mean`` in training, else ``x - running mean``."""

    def build(self, input_shape):
        self.add_state("mean", input_shape)
        return input_shape

    def forward(self, x, training=False):
        self._training = training
        if not training:
            return x - self.mean
        mean = x.mean(axis=0)
        self.mean = 0.9 * self.mean + 0.1 * mean
        return x - mean

    def backward(self, dy):
        return dy - dy.mean(axis=0) if self._training else dy


class MaxOverTime(Layer):
    """Right, with ties: the largest value along the first axis of a row."""

    def build(self, input_shape):
        return input_shape[1:]

    def forward(self, x, training=False):
        self._hot = np.arange(x.shape[1])[:, None] == x.argmax(axis=1)[:, None]
        return x.max(axis=1)

    def backward(self, dy):
        return self._hot * dy[:, None]


class Noise(Layer):
    """Right and stochastic: ``y = x * r`` with r drawn in training."""

    def forward(self, x, training=False):
        self._r = self.rng.uniform(0.5, 1.5, x.shape).astype(x.dtype) if training else None
        return x * self._r if training else x.copy()

    def backward(self, dy):
        return dy if self._r is None else dy * self._r


class Reciprocal(Layer):
    """Right, with a pole."""

    def forward(self, x, training=False):
        self._x = x
        return 1 / x

    def backward(self, dy):
        return -dy / self._x**2


class Root(Layer):
    """Right, with an infinite slope at 0."""

    def forward(self, x, training=False):
        self._x = x
        return np.sqrt(np.abs(x))

    def backward(self, dy):
        return dy * np.sign(self._x) / np.sqrt(np.abs(self._x)) / 2


class Threshold(Layer):
    """Right, with a jump."""

    def __init__(self, threshold=0.7):
        self.threshold = threshold

    def forward(self, x, training=False):
        self._x = x
        return x * (x > self.threshold)

    def backward(self, dy):
        return dy * (self._x > self.threshold)


class Staircase(Layer):
    """Right, and nothing but jumps."""

    def forward(self, x, training=False):
        return np.round(x)

    def backward(self, dy):
        return np.zeros_like(dy)


class StraightThrough(Staircase):
    """Right by declaration."""

    surrogate_gradient = True

    def backward(self, dy):
        return dy.copy()


class UnbiasedVariance(Layer):
    """Right, and undefined for a batch of one."""

    def forward(self, x, training=False):
        self._d = x - x.mean(axis=0)
        return x * 0 + x.var(axis=0, ddof=1)

    def backward(self, dy):
        return 2 * self._d * dy.sum(axis=0) / (len(dy) - 1)


class OneSidedMaximum(Layer):
    """Right for slopes up to 1 only, which it does not check."""

    def __init__(self, slope=0.4):
        self.slope = slope

    def forward(self, x, training=False):
        self._x = x
        return np.maximum(x, self.slope * x)

    def backward(self, dy):
        return np.where(self._x > 0, dy, self.slope * dy)


RIGHT = [Scale(), Cube(), Centre(), MaxOverTime(), Noise(), Dense(5), Reciprocal(), Root(), Threshold(), Staircase()]
RIGHT += [StraightThrough(), UnbiasedVariance(), OneSidedMaximum()]


@pytest.mark.parametrize("layer", RIGHT, ids=repr)
@pytest.mark.parametrize("seed", range(2))
def test_no_check_objects_to_a_right_layer(layer, seed):
    shape = (5, 2) if isinstance(layer, MaxOverTime) else (4,)
    certificate = certify(layer, input_shape=shape, seed=seed)
    assert certificate.outcome == "PASS"
    assert max(certificate.sensitivity.values(), default=0) <= 1e-8


class WritesIntoX(Cube):
    def forward(self, x, training=False):
        x *= 1
        return super().forward(x)


class ForgetsBeta(Scale):
    def backward(self, dy):
        self.dgamma = self.gain * (dy * self._x).sum(axis=0)
        return self.gain * dy * self.gamma


class SetsHalf(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dbeta[:2] = np.nan
        return dx


class Accumulates(Scale):
    def backward(self, dy):
        self.dbeta = self.dbeta + dy.sum(axis=0)
        self.dgamma = self.gain * (dy * self._x).sum(axis=0)
        return self.gain * dy * self.gamma


class AlwaysTheSameBuffer(Cube):
    def forward(self, x, training=False):
        self._x = x
        buffer = self.__dict__.setdefault("_y", np.empty(x.shape, x.dtype))
        if buffer.shape != x.shape or buffer.dtype != x.dtype:
            buffer = self._y = np.empty(x.shape, x.dtype)
        np.divide(x**3, 3, out=buffer)
        return buffer


class SpoilsItsOutput(Cube):
    def forward(self, x, training=False):
        self._y = super().forward(x)
        return self._y

    def backward(self, dy):
        self._y *= 2
        return super().backward(dy)


class OnTheClass(Cube):
    shared: dict = {}

    def forward(self, x, training=False):
        self.shared["x"] = x
        return x**3 / 3

    def backward(self, dy):
        return dy * self.shared["x"] ** 2


class GlobalNoise(Cube):
    def backward(self, dy):
        return super().backward(dy) * (1 + 0 * np.random.rand())  # noqa: NPY002


class WrongShape(Cube):
    def backward(self, dy):
        return super().backward(dy).T


class NoArray(Cube):
    def backward(self, dy):
        return None


class TooEarly(Cube):
    def backward(self, dy):
        return dy * self.__dict__.get("_x", np.zeros(1)) ** 2


class ParametersOnlyForgets(Scale):
    def backward_parameters(self, dy):
        self.dgamma = self.gain * (dy * self._x).sum(axis=0)
        self.dbeta = 0 * self.beta


class Trains(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.gamma = self.gamma - 1e-3 * self.dgamma
        return dx


class SecondBackwardKept(Cube):
    def forward(self, x, training=False):
        self._dx = None
        return super().forward(x, training)

    def backward(self, dy):
        self._dx = super().backward(dy) if self._dx is None else self._dx
        return self._dx


CONTRACT = [
    (WritesIntoX, "forward writes into its input"),
    (ForgetsBeta, "dbeta is never set"),
    (SetsHalf, "2 of 4 entries of dbeta are never set"),
    (Accumulates, "dbeta is added to instead of set"),
    (AlwaysTheSameBuffer, "the output y of the first call changed during the second"),
    (SecondBackwardKept, "a second backward with another dy gives a wrong dx"),
    (SpoilsItsOutput, "backward changed the output that forward had returned"),
    (OnTheClass, "two instances influence each other"),
    (GlobalNoise, "the global random state was used"),
    (WrongShape, r"dx has shape \(4, 3\), expected \(3, 4\)"),
    (NoArray, "backward returns NoneType"),
    (TooEarly, "backward before any forward"),
    (ParametersOnlyForgets, "backward_parameters sets another dbeta"),
    (Trains, "backward changed the parameter gamma"),
]


@pytest.mark.parametrize(("layer", "message"), CONTRACT, ids=lambda value: getattr(value, "__name__", ""))
def test_contract_objects_to(layer, message):
    with pytest.raises(CertificationError, match=message) as error:
        certify(layer(), input_shape=(4,))
    assert [finding.check for finding in error.value.certificate.findings] == ["contract"]


class Clipped(Cube):
    def backward(self, dy):
        return super().backward(np.clip(dy, -1, 1))


class Adds(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dgamma = self.dgamma + 1e-6 * self.gamma
        return dx


class Guided(Cube):
    def backward(self, dy):
        return super().backward(dy) * (dy > 0)


class Off(Cube):
    def backward(self, dy):
        return (1 + 3e-9) * super().backward(dy)


class NoGain(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx / self.gain


class HardCoded(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        return 2.0 * dx / self.gain


class SquareMix(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        return dy @ self.W if self.W.shape[0] == self.W.shape[1] else dx


class WrongForOneFeature(Cube):
    def backward(self, dy):
        return super().backward(dy) * (1 if dy.shape[-1] > 1 else 2)


class Tail(Cube):
    def backward(self, dy):
        dx = super().backward(dy)
        dx[8 * (len(dx) // 8) :] *= 1 if len(dx) < 8 else 0
        return dx


class OneRow(Cube):
    def backward(self, dy):
        return super().backward(dy) * (1 if len(dy) > 1 else 3)


class Stale(Cube):
    def forward(self, x, training=False):
        if self.__dict__.get("_shape") != x.shape:
            self._kept, self._shape = x.copy(), x.shape
        return x**3 / 3

    def backward(self, dy):
        return dy * self._kept**2


class ByIdentity(Cube):
    def forward(self, x, training=False):
        if self.__dict__.get("_seen") is not x:
            self._seen, self._kept = x, x.copy()
        return x**3 / 3

    def backward(self, dy):
        return dy * self._kept**2


class StaleGamma(Scale):
    def backward(self, dy):
        if "_old" not in self.__dict__:
            self._old = self.gamma.copy()
        super().backward(dy)
        return self.gain * dy * self._old


class UpdatesAtInference(Centre):
    def forward(self, x, training=False):
        y = super().forward(x, training)
        if not training:
            self.mean = self.mean * 0.99
        return y


class UpdatesLittle(Centre):
    """The running mean is moved towards zero, never towards the mean."""

    def forward(self, x, training=False):
        mean = self.mean
        y = super().forward(x, training)
        if training:
            self.mean = 0.9 * mean
        return y


class WrongForEqualRows(Cube):
    def backward(self, dy):
        return super().backward(dy) * (1.5 if len(self._x) > 1 and (self._x == self._x[0]).all() else 1.0)


class DrawsAtInference(Noise):
    def forward(self, x, training=False):
        return super().forward(x, True)


class ForgetsTheMode(Centre):
    def backward(self, dy):
        return dy - dy.mean(axis=0)


class SameMaskEachTime(Layer):
    stochastic = True

    def forward(self, x, training=False):
        rng = np.random.default_rng(0)
        self._mask = (rng.random(x.shape) < 0.5).astype(x.dtype) if training else np.ones_like(x)
        return x * self._mask

    def backward(self, dy):
        return dy * self._mask


class WrongForZeroBias(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        return dx if self.beta.any() else 2 * dx


class TwoZeros(Cube):
    def backward(self, dy):
        return super().backward(dy) + dy * (self._x == 0) * ((self._x == 0).sum() > 1)


class TwoAtZero(Layer):
    def forward(self, x, training=False):
        self._x = x
        return np.maximum(x, 0)

    def backward(self, dy):
        return dy * np.where(self._x == 0, 2, self._x > 0).astype(dy.dtype)


class EveryTie(MaxOverTime):
    def forward(self, x, training=False):
        y = super().forward(x)
        self._hot = x == y[:, None]
        return y


class NarrowlyWrong(Cube):
    def backward(self, dy):
        return super().backward(dy) * np.where(np.abs(self._x - 6.3) < 0.03, 1.5, 1).astype(dy.dtype)


class KeepsMemoryOrder(Cube):
    def backward(self, dy):
        return (dy.ravel("K") * (self._x**2).ravel()).reshape(dy.shape)


class ToFloat64(Cube):
    def forward(self, x, training=False):
        return super().forward(x) * np.float64(1)


class TruncatesIntegers(Cube):
    def forward(self, x, training=False):
        self._x = x
        y = np.empty_like(x)
        y[...] = x**3 / 3
        return y


class FailsOnNoRows(Cube):
    def backward(self, dy):
        return super().backward(dy) + 0 * dy.max()


class MeanOfNoRows(Scale):
    def backward(self, dy):
        dx = super().backward(dy)
        self.dbeta = dy.mean(axis=0) * len(dy)
        return dx


class Overflows(Layer):
    def forward(self, x, training=False):
        self._x = x
        return np.log(1 + np.exp(x))

    def backward(self, dy):
        return dy / (1 + np.exp(-self._x))


class Private(Scale):
    def __init__(self, gain=2.0):
        self.gain = 2 * gain


OTHERS = [
    ("linear-in-u", Clipped, "clip"),
    ("linear-in-u", Adds, "something is added"),
    ("linear-in-u", Guided, "sign of dy"),
    ("numeric", Off, "numeric"),
    ("numeric", NoGain, "numeric"),
    ("arguments", HardCoded, "right at the arguments given only"),
    ("square", SquareMix, "another shape"),
    ("shapes", WrongForOneFeature, r"input \(3, 1\)"),
    ("batch", Tail, "right for batch <= 8, wrong for 9"),
    ("batch", OneRow, "batch of 1"),
    ("state", Stale, "right on a fresh layer"),
    ("state", ByIdentity, "fills the same array"),
    ("parameters-live", StaleGamma, "stale copy"),
    ("mode", UpdatesAtInference, "forward changed the state mean in inference"),
    ("mode", DrawsAtInference, "inference is not deterministic"),
    ("mode", ForgetsTheMode, "inference"),
    ("running", UpdatesLittle, "once the running statistics have settled"),
    ("special", WrongForEqualRows, "equal rows"),
    ("random", SameMaskEachTime, "all training batches are given the same random numbers"),
    ("numeric", WrongForZeroBias, "initial parameters"),
    ("subgradient", TwoZeros, "inputs with zeros"),
    ("subgradient", TwoAtZero, r"at x\[\d,\d\] == 0 the gradient is no convex combination of its neighbours: "),
    ("subgradient", EveryTie, "outside the hull at the tie"),
    ("path-integral", NarrowlyWrong, "does not add up"),
    ("layout", KeepsMemoryOrder, "Fortran order"),
    ("dtype", ToFloat64, "a float32 layer returns y in float64"),
    ("dtype", TruncatesIntegers, "integers are truncated"),
    ("empty-batch", FailsOnNoRows, "zero-size array"),
    ("empty-batch", MeanOfNoRows, "no rows: dbeta is nan, expected zeros"),
    ("extreme", Overflows, "y is not finite for inputs of size 800"),
    ("copies", Private, "the argument gain changes"),
]


@pytest.mark.parametrize(("check", "layer", "message"), OTHERS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_check_objects_to_what_only_it_can_see(check, layer, message):
    example = layer(5) if issubclass(layer, Dense) else layer()
    shape = (5, 2) if issubclass(layer, MaxOverTime) else (4,)
    with pytest.raises(CertificationError, match=message) as error:
        certify(example, input_shape=shape)
    assert [finding.check for finding in error.value.certificate.findings] == [check]


def test_every_check_is_shown_to_object():
    shown = {"contract", *(check for check, _, _ in OTHERS)}
    assert shown == {check.name for check in CHECKS.values() if check.level != "never"}


def test_a_check_does_not_run_after_one_that_it_waits_for_has_failed():
    certificate = certify(NoGain(), input_shape=(4,), on_fail="return")
    assert certificate.verdicts["state"].outcome == "SKIPPED"
    assert certificate.verdicts["state"].reason == "numeric failed"
    assert certificate.verdicts["dtype"].outcome == "PASS"


def test_the_positive_control_makes_a_run_that_sees_nothing_unverified(monkeypatch):
    from minidl.testing.array_comparison import ArrayComparison

    monkeypatch.setattr(ArrayComparison, "wrong", lambda self, claimed: np.zeros(len(self.which), bool))
    with pytest.raises(CertificationError, match="positive control failed"):
        certify(Cube(), input_shape=(4,), checks=["numeric"])


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr("minidl.testing.registry.CHECKS", CHECKS)
    before = dict(CHECKS)
    yield
    CHECKS.clear()
    CHECKS.update(before)


@pytest.mark.usefixtures("registry")
def test_a_registered_check_runs_and_its_finding_is_reported():
    @register_check("bounded", after=("numeric",))
    def bounded(examination):
        y, _ = examination.run(examination.point)
        if np.abs(y).max() > 1e-3:
            yield Finding("bounded", "the output is above 1e-3", "y")

    with pytest.raises(CertificationError, match="x bounded   the output is above 1e-3"):
        certify(Cube(), input_shape=(4,), checks=["contract", "bounded"])


@pytest.mark.usefixtures("registry")
def test_a_registered_check_may_skip_or_leave_open():
    @register_check("skips")
    def skips(examination):
        raise Skipped("not for this layer")

    @register_check("open")
    def leaves_open(examination):
        raise Unverified("no idea")

    certificate = certify(Cube(), input_shape=(4,), checks=["skips", "open"], on_fail="return")
    assert (certificate.verdicts["skips"].outcome, certificate.verdicts["skips"].reason) == (
        "SKIPPED",
        "not for this layer",
    )
    assert certificate.outcome == "UNVERIFIED"
    assert "? open   unverified: no idea" in str(certificate)


class WrongWhereTwoMeet(Layer):
    """y = scale * x, backwards in time where ``reverse``; wrong only where both arguments are others."""

    certify_input_shape = (3, 2)

    def __init__(self, scale=1.0, centre=False, reverse=False):
        self.scale, self.centre, self.reverse = scale, centre, reverse

    def forward(self, x, training=False):
        x = x - x.mean(axis=1, keepdims=True) if self.centre else x
        return self.scale * (x[:, ::-1] if self.reverse else x)

    def backward(self, dy):
        dx = self.scale * (dy[:, ::-1] if self.reverse and not self.centre else dy)
        return dx - dx.mean(axis=1, keepdims=True) if self.centre else dx


def test_arguments_are_varied_two_at_a_time():
    finding = certify(WrongWhereTwoMeet(), on_fail="return").findings[0]
    assert finding.check == "arguments"
    assert "wrong for centre=True, reverse=True" in finding.why
