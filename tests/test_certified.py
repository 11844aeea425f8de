"""Every layer and loss is certified: on each run at the standard level, in the slow part thoroughly."""

import inspect

import pytest

from minidl import Sequential, layers, losses
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
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    Quantile,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from minidl.testing import certify, certify_loss

# A layer and the shape of a row; every public layer is here at least once.
LAYERS = [
    (Columns(2, slice(0, 2)), (4,)),
    (Concatenate(Columns(0, -1), [Dense(3, activation="tanh"), Dense(2)], []), (4,)),
    (AlphaDropout(0.3), (4,)),
    (BatchNormalization(), (4,)),
    (BatchNormalization(momentum=0.8, epsilon=0.1, center=False, scale=False), (3, 2)),
    (Dense(5), (4,)),
    (Dense(3, use_bias=False), (4,)),
    (Dense(3, activation="gelu"), (4,)),
    (Dropout(0.4), (4,)),
    (ELU(0.7), (4,)),
    (Embedding(7, 3), (2,)),
    (Flatten(), (3, 2)),
    (GELU(), (4,)),
    (GaussianNoise(0.3), (4,)),
    (Identity(), (4,)),
    (LayerNormalization(), (4,)),
    (LayerNormalization(axis=(1, 2), epsilon=0.1, center=False), (3, 2)),
    (LayerNormalization(scale=False), (4,)),
    (LeakyReLU(0.2), (4,)),
    (Normalization(mean=[1.0, 2.0, 3.0], variance=[4.0, 0.2, 1.0]), (3,)),
    (Normalization(axis=(1, 2), mean=0.5, variance=4.0, invert=True), (3, 2)),
    (PReLU(), (4,)),
    (PReLU(shared_axes=[1]), (3, 2)),
    (ReLU(), (4,)),
    (Rescaling(0.3, offset=-1.0), (4,)),
    (Reshape((2, -1)), (6,)),
    (Residual(Dense(5, activation="tanh"), Dense(4)), (4,)),
    (Residual(Dense(3), projection=Dense(3, use_bias=False)), (4,)),
    (SELU(), (4,)),
    (Sequential([Dense(5, activation="relu"), Dropout(0.3), Dense(3), Softmax()], seed=0), (4,)),
    (SiLU(), (4,)),
    (Sigmoid(), (4,)),
    (Softmax(), (4,)),
    (Softplus(), (4,)),
    (Tanh(), (2, 3)),
]
LOSSES = [
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
    Quantile(0.3),
    SquaredHinge(),
    SparseCategoricalCrossentropy(label_smoothing=0.2),
    SparseCategoricalCrossentropy(),
    SparseCategoricalCrossentropy(from_logits=True),
]
SENSITIVITY = 1e-8  # the smallest relative error of a gradient that has to be seen


def public(module, base):
    found = [getattr(module, name) for name in module.__all__]
    return {
        value for value in found if inspect.isclass(value) and issubclass(value, base) and not inspect.isabstract(value)
    }


def test_every_public_layer_is_in_the_table():
    assert public(layers, layers.Layer) | {Sequential} == {type(layer) for layer, _ in LAYERS}


def test_every_public_loss_is_in_the_table():
    assert public(losses, losses.Loss) == {type(loss) for loss in LOSSES}


@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=repr)
def test_a_layer_is_certified(layer, shape):
    certificate = certify(layer, input_shape=shape)
    assert certificate.outcome == "PASS"
    assert max(certificate.sensitivity.values()) <= SENSITIVITY


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_loss_is_certified(loss):
    certificate = certify_loss(loss)
    assert certificate.outcome == "PASS"
    assert max(certificate.sensitivity.values()) <= SENSITIVITY


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=repr)
def test_a_layer_is_certified_thoroughly(layer, shape, seed):
    assert certify(layer, input_shape=shape, level="thorough", seed=seed).outcome == "PASS"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_a_loss_is_certified_thoroughly(loss, seed):
    assert certify_loss(loss, level="thorough", seed=seed).outcome == "PASS"
