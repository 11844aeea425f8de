"""One hypothesis test of all gradients for each public layer, loss and regularizer, and for some small networks."""

import inspect
import re
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from minidl import Sequential, layers, losses, regularizers
from minidl.layers import (
    ELU,
    GELU,
    SELU,
    AlphaDropout,
    BatchNormalization,
    Columns,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    Identity,
    Layer,
    LayerNormalization,
    LeakyReLU,
    Normalization,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    Residual,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minidl.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    Loss,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from minidl.regularizers import L1, L1L2, L2, Regularizer
from minidl.testing import check_gradients, gradient_properties, gradient_property, numerical_gradient, strategies
from minidl.testing.example import WrongGradient
from tests.planted import mutants

# Every public layer, loss and regularizer at least once.
SUBJECTS = [
    Columns(-1),
    Concatenate(Dense(2), [Sigmoid(), Dense(1)], []),
    AlphaDropout(0.3),
    BatchNormalization(),
    Dense(2),
    Dense(2, use_bias=False),
    Dense(2, activation="tanh"),
    Dropout(0.4),
    ELU(0.7),
    Embedding(4, 2),
    Flatten(),
    GELU(),
    GaussianNoise(0.3),
    Identity(),
    LayerNormalization(),
    LeakyReLU(0.2),
    Normalization(axis=None, mean=0.5, variance=4.0),
    PReLU(),
    ReLU(),
    Rescaling(0.3, offset=-1.0),
    Reshape((2, -1)),
    Residual(Tanh()),
    Residual(Dense(2), projection=Dense(2, use_bias=False)),
    SELU(),
    SiLU(),
    Sigmoid(),
    Softmax(),
    Softplus(),
    Tanh(),
    BinaryCrossentropy(),
    BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
    CategoricalCrossentropy(),
    CategoricalCrossentropy(from_logits=True, label_smoothing=0.1),
    Hinge(),
    Huber(0.8),
    KLDivergence(),
    LogCosh(),
    MeanAbsoluteError(),
    MeanSquaredError(),
    Poisson(),
    BinaryFocalCrossentropy(),
    BinaryFocalCrossentropy(True, 0.3, 1.5, from_logits=True, label_smoothing=0.1),
    CategoricalFocalCrossentropy(),
    CategoricalFocalCrossentropy(gamma=1.5, from_logits=True, label_smoothing=0.1),
    CategoricalHinge(),
    CosineSimilarity(),
    MeanAbsolutePercentageError(),
    MeanSquaredLogarithmicError(),
    SquaredHinge(),
    Quantile(0.3),
    SparseCategoricalCrossentropy(),
    SparseCategoricalCrossentropy(label_smoothing=0.2),
    SparseCategoricalCrossentropy(from_logits=True),
    L1(0.3),
    L2(0.2),
    L1L2(0.1, 0.2),
]
NETWORKS = [
    Sequential([Dense(2, activation="tanh"), Dense(1), Sigmoid()], seed=0),
    Sequential([Dense(2), LeakyReLU(0.1), Dropout(0.3), Dense(2), Softmax()], seed=0),
    Sequential([Flatten(), Sequential([Dense(2), ELU()]), Dense(1)], seed=0),
]
# What shows only at predictions of exactly 0 or 1, only beyond 1e100, or only as a warning.
OUT_OF_REACH = {
    "Tanh.backward: np.errstate(over='ignore') -> np.errstate()",
    "BinaryCrossentropy.backward: np.maximum(1 - p, tiny) -> np.minimum(1 - p, tiny)",
    "BinaryCrossentropy.backward: np.maximum(p, tiny) -> np.minimum(p, tiny)",
    "BinaryCrossentropy.backward: 1 - p -> p - 1",
    "BinaryCrossentropy.backward: 1 -> 0 (3)",
    "BinaryCrossentropy.backward: 1 -> -1 (3)",
    "CategoricalCrossentropy.backward: np.maximum(self._p, np.finfo(self._p.dtype).tiny) -> "
    "np.minimum(self._p, np.finfo(self._p.dtype).tiny)",
    "Poisson.backward: np.maximum(self._p, np.finfo(self._p.dtype).tiny) -> "
    "np.minimum(self._p, np.finfo(self._p.dtype).tiny)",
    "SparseCategoricalCrossentropy.backward: np.maximum(self._p, np.finfo(self._p.dtype).tiny) -> "
    "np.minimum(self._p, np.finfo(self._p.dtype).tiny)",
}
MUTANTS = [
    mutant
    for kind in mutants.shipped()
    for mutant in mutants.mutants_of(kind)
    if mutant.key not in mutants.EQUIVALENT and mutant.key not in OUT_OF_REACH
    if ".backward_parameters:" not in mutant.key  # the property asks for backward; certify compares the two
]
SOME_MUTANTS = [mutant for mutant in MUTANTS if zlib.crc32(mutant.key.encode()) % 12 == 0]

test_gradients = gradient_properties([*SUBJECTS, *NETWORKS])


@pytest.mark.parametrize(("module", "base"), [(layers, Layer), (losses, Loss), (regularizers, Regularizer)])
def test_every_public_one_is_in_the_table(module, base):
    kinds = {value for value in vars(module).values() if inspect.isclass(value) and issubclass(value, base)}
    assert {kind for kind in kinds if not inspect.isabstract(kind)} <= {type(subject) for subject in SUBJECTS}


def fails(subject, monkeypatch):
    """Return whether the property of a subject finds something; no diagnosis is made."""
    monkeypatch.setattr(WrongGradient, "__str__", lambda self: "wrong")
    try:
        gradient_property(subject, phases=[Phase.generate], report_multiple_bugs=False)()
    except AssertionError:
        return True
    except Exception as error:  # a mutant that raises
        return bool(error.__notes__)
    return False


def off_by_a_thousandth(subject, monkeypatch):
    """Return the same with its gradient times 1.001."""
    kind = type(subject)
    if kind is Sequential:  # a subclass may not define backward
        right = Sequential.backward
        monkeypatch.setattr(Sequential, "backward", lambda self, dy: 1.001 * right(self, dy))
        return subject
    name = "gradient" if isinstance(subject, Regularizer) else "backward"

    def gradient(self, *arguments):
        return 1.001 * getattr(kind, name)(self, *arguments)

    wrong = type(kind.__name__, (kind,), {name: gradient, "__module__": "wrong"})
    return wrong.from_config(subject.get_config())


@pytest.mark.parametrize("subject", [*SUBJECTS, *NETWORKS], ids=repr)
def test_a_gradient_that_is_off_by_a_thousandth_is_found(subject, monkeypatch):
    if isinstance(subject, Dense) and len(subject.expand()) > 1:
        pytest.skip("the model runs its two parts, which have their own cases")
    if isinstance(subject, Embedding):
        pytest.skip("dx is 0; the gradient of W has mutants of its own")
    assert fails(off_by_a_thousandth(subject, monkeypatch), monkeypatch)


class Tripled(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db *= 1.001
        return dx


def test_a_gradient_of_a_parameter_that_is_off_by_a_thousandth_is_found(monkeypatch):
    assert fails(Tripled(2), monkeypatch)


def survives(mutant, monkeypatch):
    kinds = [mutant.kind.from_config(given_) for given_ in mutants.examples(mutant.kind)]
    return not any(fails(subject, monkeypatch) for subject in kinds)


@pytest.mark.parametrize("mutant", SOME_MUTANTS, ids=[mutant.key for mutant in SOME_MUTANTS])
def test_a_mutant_is_found(mutant, monkeypatch):
    assert not survives(mutant, monkeypatch)


def test_what_is_out_of_reach_exists():
    keys = {mutant.key for kind in mutants.shipped() for mutant in mutants.mutants_of(kind)}
    assert keys >= OUT_OF_REACH


@pytest.mark.slow
@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.key for mutant in MUTANTS])
def test_every_mutant_is_found(mutant, monkeypatch):
    assert not survives(mutant, monkeypatch)


class Averaged(Dense):
    def backward(self, dy):
        dx = super().backward(dy)
        self.db = dy.mean(axis=0)
        return dx


class Diagonal(Softmax):
    def backward(self, dy):
        return dy * self._y * (1 - self._y)


class Halved(MeanSquaredError):
    def backward(self):
        return super().backward() / 2


@pytest.mark.parametrize(
    ("subject", "cause"),
    [(Averaged(1), "divided by m once too often"), (Diagonal(), "diagonal"), (Halved(), "a factor 2 is missing")],
    ids=["Averaged", "Diagonal", "Halved"],
)
def test_a_failure_shows_few_numbers_the_call_and_the_diagnosis(subject, cause):
    with pytest.raises(WrongGradient) as caught:
        gradient_property(subject)()
    assert cause in str(caught.value)
    call = re.search("again   (check_gradients.*)", str(caught.value))[1]
    values = eval(call, {"check_gradients": dict, type(subject).__name__: lambda *given_, **named: ()})
    numbers = np.concatenate([np.ravel(value) for name, value in values.items() if name != "parameters"])
    numbers = [*numbers, *np.concatenate([[0.0], *map(np.ravel, values.get("parameters", {}).values())])]
    assert np.count_nonzero(numbers) <= 5
    with pytest.raises(WrongGradient):
        check_gradients(subject, **values)


def test_check_gradients_accepts_any_slope_at_a_kink():
    check_gradients(ReLU(), x=[[0.0, 1.0]], dy=[[1.0, 2.0]])
    check_gradients(MeanAbsoluteError(), x=[[0.5]], y_true=[[0.5]])


def test_an_error_in_backward_is_told_with_the_call():
    class Broken(Tanh):
        def backward(self, dy):
            raise KeyError("y")

    with pytest.raises(Exception, match="KeyError") as caught:
        check_gradients(Broken(), x=[[0.5]], dy=[[1]])
    assert caught.value.__notes__ == ["in check_gradients(Broken(), x=[[0.5]], dy=[[1.0]])"]


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(0.1)], ids=repr)
def test_a_property_of_a_user_passes_for_right_layers_with_a_kink_at_0(layer):
    @settings(max_examples=50, deadline=None)
    @given(st.data())
    def agrees(data):
        x = data.draw(strategies.inputs((3,), min_rows=1, max_rows=4))
        dy = data.draw(strategies.upstream(x.shape))
        layer.forward(x)
        analytic = layer.backward(dy)
        numeric, error = numerical_gradient(layer.forward, x, dy)
        assert np.all(np.abs(analytic - numeric) <= 30 * error + 1e-10 * np.abs(dy).max())

    agrees()


def test_networks_spread_evenly_over_kinds_and_sizes():
    seen = {name: Counter() for name in ("kind", "depth", "features", "rows")}

    @settings(max_examples=200, deadline=None, phases=[Phase.generate])
    @given(strategies.networks())
    def count(network):
        model, x, _ = network
        seen["kind"][type(model.loss).__name__] += 1
        seen["depth"][sum(isinstance(layer, Dense) for layer in model.layers)] += 1
        seen["features"][x.shape[1]] += 1
        seen["rows"][x.shape[0]] += 1

    count()
    for name, values in {"kind": 3, "depth": 4, "features": 6, "rows": 8}.items():
        assert len(seen[name]) == values
        assert max(seen[name].values()) <= 0.55 * 200
        assert min(seen[name].values()) >= 200 / values / 5


def test_a_gradient_that_is_always_zero_is_found(monkeypatch):
    class Idle(Layer):
        def build(self, input_shape):
            self.add_parameter("gamma", input_shape, "ones")
            return input_shape

        def forward(self, x, training=False):
            return x * self.gamma

        def backward(self, dy):
            self.dgamma = np.zeros_like(self.gamma)
            return dy * self.gamma

    assert fails(Idle(), monkeypatch)
