"""A program as users write it, with every kind of class of their own: type checkers accept each line, and it runs.

`make lint` checks it with mypy and pyright, both strict; tests/test_typing.py runs it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack, assert_type

import numpy as np

import minidl
from minidl import callbacks, initializers, layers, losses, metrics, optimizers, regularizers
from minidl.optimizers import schedules
from minidl.optimizers.base import Blocks
from minidl.testing import certify
from minidl.typing import Array, LayerOptions, Shape


class FeatureScale(minidl.Layer):
    """A layer with its own argument, and the options of all layers."""

    gamma: Array
    dgamma: Array

    def __init__(self, start: float = 1.0, **options: Unpack[LayerOptions]) -> None:
        self.start = start

    def build(self, input_shape: Shape) -> Shape:
        self.add_parameter("gamma", input_shape, initializers.Constant(self.start))
        return input_shape

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return self.gamma * x

    def backward(self, dy: Array) -> Array:
        self.dgamma = (dy * self._x).sum(axis=0)
        return dy * self.gamma


class Cube(minidl.Layer):
    """A layer without a constructor."""

    def forward(self, x: Array, training: bool = False) -> Array:
        self._x = x
        return x**3

    def backward(self, dy: Array) -> Array:
        return 3 * self._x**2 * dy


class Quartic(minidl.Loss):
    """A loss."""

    def forward(self, y_pred: Array, y_true: Array, sample_weight: Array | None = None) -> float:
        self._error = y_pred - y_true
        return float(np.mean(self._error**4))

    def backward(self) -> Array:
        return 4 * self._error**3 / self._error.size


class LargestError(minidl.Metric):
    """A metric."""

    def reset(self) -> None:
        self._largest = 0.0

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        self._largest = max(self._largest, float(np.abs(y_true - y_pred).max()))

    def result(self) -> float:
        return self._largest


class SignDescent(minidl.Optimizer):
    """An optimizer."""

    def __init__(self, learning_rate: float = 0.01) -> None:
        super().__init__(learning_rate)

    def update(self, blocks: Blocks, rate: float) -> None:
        for values, gradients, *_ in blocks:
            values -= rate * np.sign(gradients)


class StopAt(callbacks.Callback):
    """A callback."""

    def __init__(self, loss: float) -> None:
        self.loss = loss

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        if logs is not None and logs["loss"] < self.loss:
            self.model.stop_training = True


LAYERS = [
    layers.Dense(8, "relu", use_bias=False, kernel_regularizer=regularizers.L2(0.1), name="a", trainable=False),
    layers.Dense(8, input_shape=(4,)),
    layers.Columns(0, slice(1, 3), name="o", trainable=True),
    layers.Concatenate(layers.Dense(2), [layers.Dense(3)], name="p", trainable=True),
    layers.Residual(layers.Dense(8), projection=layers.Dense(8), name="q", trainable=True),
    layers.AlphaDropout(0.1, name="o", trainable=True),
    layers.BatchNormalization(-1, 0.9, center=False, name="p", trainable=False),
    layers.Dropout(0.5, name="b", trainable=True),
    layers.Embedding(10, 4, "normal", name="w", trainable=False),
    layers.Normalization(axis=None, mean=0.5, variance=2.0, name="x"),
    layers.GaussianNoise(0.1, name="q", trainable=True),
    layers.Identity(name="r", trainable=True),
    layers.LayerNormalization(axis=(1, 2), epsilon=1e-5, name="s", trainable=False),
    layers.PReLU(shared_axes=[1], name="t", trainable=False),
    layers.Rescaling(1 / 255, offset=-0.5, name="u", trainable=True),
    layers.SELU(name="v", trainable=True),
    layers.Flatten(name="c", trainable=True),
    layers.Reshape((2, 4), name="d", trainable=True),
    layers.ELU(1.0, name="e", trainable=True),
    layers.GELU(name="f", trainable=True),
    layers.LeakyReLU(0.1, name="g", trainable=True),
    layers.ReLU(0, name="h", trainable=True),
    layers.Sigmoid(name="i", trainable=True),
    layers.SiLU(name="j", trainable=True),
    layers.Softmax(name="k", trainable=True),
    layers.Softplus(name="l", trainable=True),
    layers.Tanh(name="m", trainable=True),
    layers.Activation("relu"),
    FeatureScale(2.0, name="n", trainable=False),
]
LOSSES = [
    losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1), losses.CategoricalCrossentropy(),
    losses.SparseCategoricalCrossentropy(), losses.Hinge(), losses.Huber(delta=1.0), losses.KLDivergence(),
    losses.LogCosh(), losses.MeanAbsoluteError(), losses.MeanSquaredError(), losses.Poisson(), losses.Quantile(0.9),
    losses.BinaryFocalCrossentropy(gamma=1.0), losses.CategoricalFocalCrossentropy(alpha=0.5),
    losses.CategoricalHinge(), losses.CosineSimilarity(), losses.MeanAbsolutePercentageError(),
    losses.MeanSquaredLogarithmicError(), losses.SquaredHinge(), losses.LossFunction(losses.Huber)(1.0, 2.0),
]  # fmt: skip
METRICS = [
    metrics.AUC(name="a"), metrics.BinaryAccuracy(0.5, name="b"), metrics.CategoricalAccuracy(name="c"),
    metrics.F1Score(average="macro", name="d"), metrics.MeanAbsoluteError(name="e"), metrics.MeanSquaredError(name="f"),
    metrics.Precision(name="g"), metrics.R2Score(name="h"), metrics.Recall(name="i"),
    metrics.SparseCategoricalAccuracy(name="j"), metrics.SparseTopKCategoricalAccuracy(k=3, name="k"),
    metrics.TopKCategoricalAccuracy(k=3, name="l"), metrics.FunctionMetric(lambda y, p: abs(y - p).max(), name="m"),
    metrics.Accuracy(), metrics.BinaryCrossentropy("n", from_logits=True), metrics.CategoricalCrossentropy(),
    metrics.CategoricalHinge(), metrics.CosineSimilarity(name="o"), metrics.FBetaScore("macro", 2.0),
    metrics.FalseNegatives(0.5), metrics.FalsePositives([0.2, 0.5]), metrics.Hinge(), metrics.KLDivergence(),
    metrics.LogCoshError(), metrics.Mean(name="p"), metrics.MeanAbsolutePercentageError(), metrics.Poisson(),
    metrics.MeanSquaredLogarithmicError(), metrics.RootMeanSquaredError(), metrics.SparseCategoricalCrossentropy(),
    metrics.SquaredHinge(), metrics.Sum(), metrics.TrueNegatives(), metrics.TruePositives(),
]  # fmt: skip
OPTIMIZERS = [
    optimizers.Adamax(), optimizers.Adam(amsgrad=True),
    optimizers.Adam(0.01, clipnorm=1.0), optimizers.AdamW(weight_decay=0.1), optimizers.Adagrad(), optimizers.LBFGS(),
    optimizers.Lion(), optimizers.Nadam(), optimizers.RMSprop(momentum=0.9), optimizers.SGD(0.1, momentum=0.9),
    optimizers.SGD(schedules.CosineDecay(0.1, decay_steps=10)), optimizers.Adam(lambda step: 0.1 / (1 + step)),
]  # fmt: skip


def main(folder: Path) -> None:
    """Build, train, evaluate, save, load and certify a model."""
    x = np.random.default_rng(0).normal(size=(64, 4))
    y = x.sum(axis=1)
    hidden = minidl.Dense(3, activation="tanh", name="hidden", kernel_initializer="he_normal")
    model = minidl.Sequential([minidl.Input((4,)), hidden, FeatureScale(name="scale"), Cube()], seed=0, dtype="float64")
    model.add(minidl.Dense(1, bias_initializer=initializers.Zeros()))
    assert_type(model.build((4,)), Shape)
    model.summary()
    hidden.trainable = False

    model.compile(SignDescent(0.01), Quartic(), metrics=[LargestError(), "mae"])
    history = model.fit(
        x, y, batch_size=16, epochs=2, verbose=0, validation_split=0.25,
        callbacks=[StopAt(0.0), callbacks.EarlyStopping(patience=3), callbacks.CSVLogger(folder / "log.csv")],
    )  # fmt: skip
    assert_type(history, callbacks.History)
    assert_type(history.history, dict[str, list[Any]])
    model.evaluate(x, y, verbose=0, return_dict=True)
    assert_type(model.predict(x), Array)
    model.train_on_batch(x, y)
    loss, gradients = model.loss_and_gradients(x, y)
    assert_type(loss, float)
    model.optimizer.step(model.parameters.values, gradients)

    model.save(folder / "model.safetensors")
    own = {kind.__name__: kind for kind in (FeatureScale, Cube, Quartic, LargestError, SignDescent)}
    loaded = minidl.load_model(folder / "model.safetensors", custom_objects=own)
    assert_type(loaded, minidl.Sequential)
    loaded.set_weights(model.get_weights())
    assert_type(hidden.copy(name="copy"), minidl.Dense)
    assert_type(certify(FeatureScale()).outcome, str)
