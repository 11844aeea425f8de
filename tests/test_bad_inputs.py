"""Bad inputs: what is passed, which error, which words. None is accepted, none is an internal error.

Every message says who, what was expected and what was got; after the error the model is as before, and usable.
"""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

import minidl
from minidl import (
    ArgumentError,
    DataError,
    Dense,
    Dropout,
    Input,
    Layer,
    LayerError,
    MinidlError,
    ModelFileError,
    ReLU,
    Sequential,
    ShapeError,
    Sigmoid,
    Softmax,
    StateError,
    callbacks,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from minidl.optimizers import schedules

nan, inf = float("nan"), float("inf")
X = np.random.default_rng(0).standard_normal((20, 3))
ONE = np.linspace(0, 1, 20)  # targets of a regression with one output
TRUE = (X[:, 0] > 0).astype(int)  # of a yes-no question
LABELS = np.arange(20) % 4  # of four classes
HOT = np.eye(4)[LABELS]


def regression(outputs=1):
    model = Sequential([Input((3,)), Dense(outputs)], seed=0)
    model.compile("adam", "mse")
    return model


def binary():
    model = Sequential([Input((3,)), Dense(1, activation="sigmoid")], seed=0)
    model.compile("adam", "binary_crossentropy", ["accuracy"])
    return model


def sparse():
    model = Sequential([Input((3,)), Dense(4, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    return model


def popped():
    model = Sequential([Input((3,)), Dense(4), Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.pop()
    return model


def categorical():
    model = Sequential([Input((3,)), Dense(4, activation="softmax")], seed=0)
    model.compile("adam", "categorical_crossentropy", ["accuracy"])
    return model


def changed(array, place, value):
    array = np.array(array, float if isinstance(value, float) else None)
    array[place] = value
    return array


class Unreadable:
    """Like a tensor that is part of a graph."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("call detach() first")


class Endless:
    """Like a data set whose items are numbered, and which has one for every number."""

    def __len__(self):
        return 20

    def __getitem__(self, index):
        return [1.0, 2.0, 3.0]


def with_weight(weight):
    return {"sample_weight": weight}


# Data: model, x, y, further arguments, error, words. Each row is tried with fit, evaluate, train_on_batch and test_on_batch.

DATA = [
    # 1: not finite
    (regression, changed(X, (4, 1), nan), ONE, {}, DataError, r"x: expected finite numbers, got nan at row 4, column 1 \(1 of 60"),
    (regression, changed(X, (7, 2), inf), ONE, {}, DataError, "x: expected finite numbers, got inf at row 7, column 2"),
    (regression, changed(X, (0, 0), -inf), ONE, {}, DataError, "x: expected finite numbers, got -inf at row 0, column 0"),
    (regression, np.full((20, 3), nan), ONE, {}, DataError, r"got nan at row 0, column 0 \(60 of 60 values are not finite\)"),
    (regression, X, changed(ONE, 3, nan), {}, DataError, "y: expected finite numbers, got nan at row 3"),
    (binary, X, changed(TRUE, 3, inf), {}, DataError, "y: expected finite numbers, got inf at row 3"),
    (sparse, X, changed(LABELS, 5, nan), {}, DataError, "y: expected finite numbers, got nan at row 5"),
    (regression, X, ONE, with_weight(changed(ONE, 9, nan)), DataError, "sample_weight: expected finite numbers, got nan at row 9"),
    (regression, changed(X, (2, 0), 1e39), ONE, {}, DataError, r"x: expected values that fit float32, got 1e\+39 at row 2, column 0"),
    (regression, X, changed(ONE, 2, -1e300), {}, DataError, r"y: expected values that fit float32, got -1e\+300 at row 2"),
    # 2: shapes of y
    (regression, X, np.ones((20, 3)), {}, ShapeError, r"y: expected shape \(20, 1\).*got \(20, 3\)"),
    (lambda: regression(3), X, np.ones((20, 1)), {}, ShapeError, r"y: expected shape \(20, 3\).*got \(20, 1\)"),
    (lambda: regression(3), X, ONE, {}, ShapeError, r"y: expected shape \(20, 3\).*got \(20,\)"),
    (regression, X, ONE[None], {}, ShapeError, r"x has 20 rows, y has 1\. Its shape is \(1, 20\): use y\.T"),
    (regression, X, ONE[:, None, None], {}, ShapeError, r"y: expected shape \(20, 1\).*got \(20, 1, 1\)"),
    (regression, X, np.float64(3.0), {}, DataError, "y: expected an array with a row for each example, got"),
    # 3: different lengths
    (regression, X, ONE[:-1], {}, ShapeError, "x has 20 rows, y has 19"),
    (sparse, X[:-1], LABELS, {}, ShapeError, "x has 19 rows, y has 20"),
    (regression, X, ONE, with_weight(ONE[:-1]), ShapeError, r"sample_weight: expected shape \(20,\).*got \(19,\)"),
    (regression, X, ONE, with_weight(np.ones((20, 2))), ShapeError, r"sample_weight: expected shape \(20,\).*got \(20, 2\)"),
    (regression, X, ONE, with_weight(-ONE), DataError, "sample_weight: expected weights of at least 0, got"),
    (regression, X, ONE, with_weight(["a"] * 20), DataError, "sample_weight: expected real numbers"),
    # 4: nothing
    (regression, X[:0], ONE[:0], {}, DataError, "x: expected at least one row, got"),
    (regression, [], [], {}, MinidlError, "x"),
    (regression, X[:, :0], ONE, {}, ShapeError, r"Dense 'dense' \(layer 0\): expected input of shape \(batch, 3\), got \(20, 0\)"),
    # 5: shapes of x
    (regression, X[0], ONE[:3], {}, ShapeError, r"got \(3,\).*x\[np\.newaxis\]"),
    (regression, X[:, :2], ONE, {}, ShapeError, r"Dense 'dense' \(layer 0\): expected input of shape \(batch, 3\), got \(20, 2\)"),
    (regression, X[:, None], ONE, {}, ShapeError, r"got \(20, 1, 3\)\. Add Flatten\(\) before it"),
    (regression, X[:, :, None], ONE, {}, ShapeError, r"got \(20, 3, 1\)\. Add Flatten\(\) before it"),
    (regression, X.T, ONE[:3], {}, ShapeError, r"expected input of shape \(batch, 3\), got \(3, 20\)"),
    (regression, np.float64(1.0), ONE, {}, DataError, "x: expected an array with a row for each example"),
    (regression, 3, ONE, {}, DataError, "x: expected an array with a row for each example, got int '3'"),
    (regression, None, ONE, {}, DataError, "x: expected an array"),
    # 6: labels
    (sparse, X, changed(LABELS, 4, 7), {}, DataError, r"y: label 7 at row 4 is outside \[0, 4\)|y: expected labels in \[0, 4\)"),
    (sparse, X, changed(LABELS, 6, 4), {}, DataError, "label 4|got 4 at row 6"),
    (sparse, X, changed(LABELS, 2, -1), {}, DataError, "-1 at row 2"),
    (sparse, X, changed(LABELS, 2, 1.5), {}, DataError, r"1\.5 at row 2"),
    (sparse, X, LABELS.astype(str), {}, DataError, "y: expected real numbers, got an array of <U"),
    (sparse, X, ["cat", "dog"] * 10, {}, DataError, "y: expected real numbers"),
    (sparse, X, HOT, {}, ShapeError, r'y: expected labels of shape \(20,\), got \(20, 4\).*categorical_crossentropy'),
    (categorical, X, LABELS, {}, ShapeError, r'y: expected shape \(20, 4\).*got \(20,\).*sparse_categorical_crossentropy'),
    (categorical, X, 2 * HOT, {}, DataError, "y: .*row 0"),
    (categorical, X, HOT - 0.5, {}, DataError, "y: .*row 0"),
    (categorical, X, np.zeros((20, 4)), {}, DataError, "y: .*row 0"),
    # 7: targets of a yes-no question
    (binary, X, 2 * TRUE - 1, {}, DataError, r"-1.*use \{0, 1\}|Use \{0, 1\}"),
    (binary, X, TRUE + 1, {}, DataError, r"y: .*2"),
    (binary, X, changed(TRUE, 3, 1.001), {}, DataError, r"1\.001 at row 3"),
    (binary, X, ["yes", "no"] * 10, {}, DataError, "y: expected real numbers"),
    # 8: ragged
    (regression, [[1, 2, 3], [4, 5]], [1, 2], {}, DataError, "x: expected an array, got something ragged"),
    (regression, X, [[1], [2, 3]] * 10, {}, DataError, "y: expected an array, got something ragged"),
    # 9: no numbers
    (regression, np.array([["a", "b", "c"]] * 20, object), ONE, {}, DataError, "x: expected real numbers, got 'a' at row 0, column 0"),
    (regression, changed(X.astype(object), (3, 1), None), ONE, {}, DataError, "x: expected real numbers, got None at row 3, column 1"),
    (regression, X, np.array([None] * 20), {}, DataError, "y: expected real numbers, got None at row 0"),
    (regression, X.astype("datetime64[s]"), ONE, {}, DataError, r"x: expected real numbers, got an array of datetime64\[s\]"),
    (regression, X.astype(complex), ONE, {}, DataError, "x: expected real numbers, got an array of complex128"),
    (regression, X, ONE.astype(complex), {}, DataError, "y: expected real numbers, got an array of complex128"),
    (regression, np.zeros(20, [("a", float), ("b", float)]), ONE, {}, DataError, "x: expected real numbers"),
    (regression, np.full((20, 3), b"x"), ONE, {}, DataError, r"x: expected real numbers, got an array of \|S1"),
    (regression, pd.DataFrame({"a": ["u"] * 20, "b": ONE, "c": ONE}), ONE, {}, DataError, "x: expected real numbers, got 'u'"),
    (regression, X, pd.Series(["u"] * 20), {}, DataError, "y: expected real numbers"),
    (regression, [[10**400, 1, 2]] * 20, ONE, {}, DataError, "x: expected numbers that fit float64"),
    (regression, changed(X.astype(object), (3, 1), np.complex64(1)), ONE, {}, DataError, "x: expected real numbers, got np.complex64.* at row 3, column 1"),
    (regression, changed(X.astype(object), (3, 1), np.timedelta64(1, "s")), ONE, {}, DataError, "x: expected real numbers, got np.timedelta64"),
    (regression, changed(X.astype(object), (3, 1), np.longdouble("1e4000")), ONE, {}, DataError, "x: expected finite numbers, got inf at row 3, column 1"),
    (regression, changed(X.astype(object), (3, 1), Decimal("1.5")), ONE, {}, DataError, r"got Decimal\('1\.5'\) at row 3, column 1\. Convert"),
    (regression, pd.DataFrame({"a": pd.array([1, None] * 10, "Int64"), "b": ONE, "c": ONE}), ONE, {}, DataError, "x: expected real numbers, got <NA> at row 1, column 0|got nan at row 1"),
    (regression, pd.DataFrame({"a": pd.date_range("2020", periods=20, tz="UTC"), "b": ONE, "c": ONE}), ONE, {}, DataError, "x: expected real numbers, got Timestamp"),
    (sparse, X, pd.Series(pd.Categorical(["u", "v"] * 10)), {}, DataError, "y: expected real numbers, got 'u' at row 0"),
    (regression, Unreadable(), ONE, {}, DataError, r"x: expected an array, got something ragged or unreadable: call detach\(\) first"),
    (regression, Endless(), ONE, {}, DataError, "x: expected an array, got Endless, which has no __iter__"),
    (regression, {"a": X}, ONE, {}, DataError, "x: expected an array with a row for each example, got dict"),
    # 12: masked, sparse
    (regression, np.ma.masked_less(X, 0), ONE, {}, DataError, "x: expected numbers everywhere, got a masked array"),
    (regression, X, np.ma.masked_less(ONE, 0.5), {}, DataError, "y: expected numbers everywhere, got a masked array"),
    (regression, scipy.sparse.csr_array(X), ONE, {}, DataError, r"x: expected a dense array, got a sparse one.*Call \.toarray\(\)"),
    (regression, X, scipy.sparse.csr_array(ONE[:, None]), {}, DataError, r"y: expected a dense array.*Call \.toarray\(\)"),
]  # fmt: skip


CALLS = {
    "fit": lambda model, x, y, **more: model.fit(x, y, verbose=0, **more),
    "evaluate": lambda model, x, y, **more: model.evaluate(x, y, verbose=0, **more),
    "train_on_batch": lambda model, x, y, **more: model.train_on_batch(x, y, **more),
    "test_on_batch": lambda model, x, y, **more: model.test_on_batch(x, y, **more),
}


def check(error, kind, words):
    """The error is of its kind, and its message has its words and its form."""
    assert isinstance(error, kind)
    text = str(error)
    assert re.search(words, text, re.DOTALL), text
    if isinstance(error, MinidlError):
        assert re.match(r"[\w/.'() -]+: ", text), f"who: {text}"
        assert "expected" in text or "outside" in text or " has " in text or " already " in text or " needs " in text, (
            text
        )


def state(model):
    return (
        [array.tobytes() for array in model.get_weights()],
        {name: np.asarray(value).tobytes() for name, value in model.optimizer.get_state().items()},
        model.epoch,
        model.randomness.get_state(),
    )


def title(value):
    return value if isinstance(value, str) else None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("make", "x", "y", "more", "kind", "words"), DATA, ids=[row[-1][:60] for row in DATA])
def test_bad_data(call, make, x, y, more, kind, words):
    model = make()
    before = state(model)
    with pytest.raises(MinidlError) as caught:
        CALLS[call](model, x, y, **more)
    check(caught.value, kind, words)
    assert state(model) == before
    good = {regression: ONE, binary: TRUE, sparse: LABELS, categorical: HOT}.get(make, np.ones((20, 3)))
    assert np.isfinite(CALLS["train_on_batch"](model, X, good)).all()


@pytest.mark.parametrize(
    ("make", "x", "kind", "words"),
    [(make, x, kind, words) for make, x, y, more, kind, words in DATA if re.match(r"x: |.*\(layer 0\)", words)],
)
def test_bad_data_for_predict(make, x, kind, words):
    if isinstance(x, (np.ndarray, list)) and len(x) == 0:
        pytest.skip("predict of no rows is no rows: see test_unusual_inputs")
    model = make()
    for call in (model,) if isinstance(x, Endless) else (model.predict, model):  # predict takes batches by number
        with pytest.raises(kind) as caught:
            call(x)
        check(caught.value, kind, words)


# Arguments: what is called, which error, which words.


class Broken(Layer):
    """A layer that breaks its contract where ``fault`` says."""

    def __init__(self, fault):
        self.fault = fault

    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "ones")
        return self.fault.get("build", input_shape) if isinstance(self.fault, dict) else input_shape

    def forward(self, x, training=False):
        if self.fault == "forward changes x":
            x += 1
        self._x = x
        y = self.gamma * x
        return {
            "forward returns None": None,
            "forward of a wrong shape": y[:, :1],
            "forward to float64": y.astype("f8"),
        }.get(self.fault, y)

    def backward(self, dy):
        if self.fault == "backward changes dy":
            dy *= 2
        if self.fault == "dgamma of a wrong shape":
            self.dgamma = dy.sum()
        elif self.fault == "dgamma complex":
            self.dgamma = 1j * dy.sum(axis=0)
        elif self.fault != "no dgamma":
            self.dgamma = (dy * self._x).sum(axis=0)
        dx = dy * self.gamma
        return {
            "backward returns None": None,
            "backward of a wrong shape": dx[:1],
            "backward to float64": dx.astype("f8"),
        }.get(self.fault, dx)


class Declaring(Layer):
    """A layer that declares W, and then something else."""

    def __init__(self, what, shape=(3,), initializer="ones"):
        self.what, self.shape, self.initializer = what, shape, initializer

    def build(self, input_shape):
        self.add_parameter("W", input_shape, "ones")
        self.add_parameter(self.what, self.shape, self.initializer)
        return input_shape

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


def train_broken(fault):
    model = Sequential([Input((3,)), Dense(3), Broken(fault), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, ONE, verbose=0)


class Faulty(losses.MeanSquaredError):
    """A loss whose forward and backward end in the given functions."""

    def __init__(self, forward=lambda loss: loss, backward=lambda dy: dy, write=None):
        self.ends, self.write = (forward, backward), write

    def forward(self, y_pred, y_true, sample_weight=None):
        if self.write is not None:
            (y_pred, y_true)[self.write][...] = 0
        return self.ends[0](super().forward(y_pred, y_true, sample_weight))

    def backward(self):
        return self.ends[1](super().backward())


def with_loss(*ends, call="fit", **more):
    model = regression()
    model.compile("sgd", Faulty(*ends, **more))
    (model.fit if call == "fit" else model.evaluate)(X, ONE, verbose=0)


class Odd(metrics.Metric):
    """A metric whose result is ``value``."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def update(self, y_true, y_pred, sample_weight=None):
        pass

    def result(self):
        return self.value


def with_metric(value):
    model = regression()
    model.compile("sgd", "mse", [Odd(value)])
    model.evaluate(X, ONE, verbose=0)


def use_broken(fault, call):
    model = Sequential([Input((3,)), Broken(fault), Dense(3), Dense(1)])
    model.compile("sgd", "mse")
    model.predict(X) if call == "predict" else model.evaluate(X, ONE, verbose=0)


def unbuilt():
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    return model


def generator(count):
    return ((X, ONE) for _ in range(count))


def fit(**arguments):
    return regression().fit(**({"x": X, "y": ONE, "verbose": 0} | arguments))


def compiled(*arguments, layers=(), **keywords):
    Sequential([Input((3,)), *(layers or [Dense(1, activation="sigmoid")])]).compile(*arguments, **keywords)


def assign_rate(value):
    regression().optimizer.learning_rate = value


def scheduled(rate):
    model = regression()
    model.compile(optimizers.SGD(rate), "mse")
    model.fit(X, ONE, verbose=0)


class NotALayer:
    pass


TWICE = Dense(2)
USED = regression()
SAME = callbacks.EarlyStopping()

ARGUMENTS = [
    # Dense and the other layers
    (lambda: Dense(0), ArgumentError, "Dense: units: expected an integer of at least 1, got 0"),
    (lambda: Dense(-1), ArgumentError, "Dense: units: expected an integer of at least 1, got -1"),
    (lambda: Dense(2.5), ArgumentError, r"Dense: units: expected an integer of at least 1, got 2\.5"),
    (lambda: Dense(True), ArgumentError, "Dense: units: expected an integer of at least 1, got True"),
    (lambda: Dense("8"), ArgumentError, "Dense: units: expected an integer of at least 1, got '8'"),
    (lambda: Dense(None), ArgumentError, "Dense: units: expected an integer of at least 1, got None"),
    (lambda: Dense(8)(Input((3,))), ArgumentError, r"Dense.*: expected an array, got Input\(\(3,\)\)\. Stack the two: Sequential"),
    (lambda: Softmax(axis=1), ArgumentError, "Softmax: axis: expected -1, the last axis, got 1"),
    (lambda: Dense(8, use_bais=False), ArgumentError, "Dense has no argument 'use_bais': expected one of units, .*Did you mean 'use_bias'"),
    (lambda: Dense(8, traniable=False), ArgumentError, "Dense has no argument 'traniable': .*Did you mean 'trainable'"),
    (lambda: layers.Flatten(2), TypeError, r"Flatten\(\) takes no arguments but name= and trainable=, got \[2\]"),
    (lambda: Dense(8, activation="rleu"), ArgumentError, "Dense: activation: .*rleu.*Did you mean 'relu'"),
    (lambda: Dense(8, activation=ReLU), ArgumentError, r"Dense: activation: expected an instance, got the class ReLU\. Write ReLU\(\)"),
    (lambda: Dense(8, activation=3), ArgumentError, "Dense: activation: expected"),
    (lambda: Dense(8, use_bias="yes"), ArgumentError, "Dense: use_bias: expected True or False, got 'yes'"),
    (lambda: Dense(8, kernel_initializer="glorot"), ArgumentError, "Dense: kernel_initializer: .*Did you mean 'glorot_"),
    (lambda: Dense(8, kernel_initializer=initializers.Zeros), ArgumentError, "expected an instance, got the class Zeros"),
    (lambda: Dense(8, kernel_initializer=3), ArgumentError, "Dense: kernel_initializer: expected"),
    (lambda: Dense(8, kernel_regularizer="l3"), ArgumentError, "Dense: kernel_regularizer: expected .*got 'l3'"),
    (lambda: Dense(8, kernel_regularizer=0.1), ArgumentError, r"Dense: kernel_regularizer: expected .*got 0\.1"),
    (lambda: Dense(8, name=3), ArgumentError, "Dense: name: expected a string, got 3"),
    (lambda: Dense(8, trainable="no"), ArgumentError, "Dense: trainable: expected True or False, got 'no'"),
    (lambda: Dropout(1), ArgumentError, "Dropout: rate: expected a finite number .*< 1, got 1"),
    (lambda: Dropout(-0.1), ArgumentError, r"Dropout: rate: expected .*got -0\.1"),
    (lambda: Dropout("half"), ArgumentError, "Dropout: rate: expected .*got 'half'"),
    (lambda: Dropout(nan), ArgumentError, "Dropout: rate: expected a finite number .*got nan"),
    (lambda: layers.LeakyReLU(nan), ArgumentError, "LeakyReLU: negative_slope: expected a finite number"),
    (lambda: layers.ELU("1"), ArgumentError, "ELU: alpha: expected a finite number"),
    (lambda: layers.Reshape((0, 3)), ArgumentError, "Reshape: target_shape: expected lengths of at least 1"),
    (lambda: layers.Reshape([1] * 64), ArgumentError, "Reshape: target_shape: expected lengths of at least 1"),
    (lambda: layers.Reshape((2.0, -1)), ArgumentError, "Reshape: target_shape: expected lengths of at least 1"),
    (lambda: layers.Reshape(6), ArgumentError, "Reshape: target_shape: expected lengths of at least 1"),
    (lambda: Sequential([Input((4,)), layers.Reshape((3, 2))]), ShapeError, "Reshape.*: expected"),
    (lambda: Input(()), ArgumentError, r"Input: shape: expected a tuple of integers, such as \(784,\), got \(\)"),
    (lambda: Input(3), ArgumentError, r"Input: shape: expected a tuple of integers, such as \(784,\), got 3"),
    (lambda: Input((0,)), ArgumentError, "Input: shape: expected an integer of at least 1, got 0"),
    (lambda: Input((None, 3)), ArgumentError, "Input: shape: expected an integer of at least 1, got None"),
    # Sequential
    (lambda: Sequential(Dense(3)), ArgumentError, "Sequential: layers: expected a list of layers, got Dense"),
    (lambda: Sequential("relu"), ArgumentError, "Sequential: layers: expected a list of layers, got 'relu'"),
    (lambda: Sequential([Dense]), ArgumentError, r"expected a layer, got the class Dense\. Write Dense\(\.\.\.\)"),
    (lambda: Sequential([Input]), ArgumentError, "expected a layer, got the class Input"),
    (lambda: Sequential(["relu"]), ArgumentError, "Sequential: expected a layer, got 'relu'"),
    (lambda: Sequential([NotALayer()]), ArgumentError, "Sequential: expected a layer, got"),
    (lambda: Sequential([TWICE, TWICE]), ArgumentError, "this layer already belongs to a model"),
    (lambda: Sequential([None]), ArgumentError, "Sequential: expected a layer, got None"),
    (lambda: Sequential([USED[0]]), ArgumentError, r"Dense 'dense' \(layer 0\): this layer already belongs to a model"),
    (lambda: Sequential([Dense(2, name="a"), Dense(2, name="a")]), ArgumentError, "name: expected one without '/' that no other layer has, got 'a'"),
    (lambda: Sequential([Dense(2, name="a/b")]), ArgumentError, "name: expected one without '/'"),
    (lambda: Sequential([Dense(2), Input((3,))]), ArgumentError, "expected Input only as the first item"),
    (lambda: Sequential([Input((3,)), Input((3,))]), ArgumentError, "expected Input only as the first item"),
    (lambda: Sequential(seed=-1), ArgumentError, "Sequential: seed: expected an integer of at least 0, got -1"),
    (lambda: Sequential(seed=1.5), ArgumentError, r"Sequential: seed: expected an integer of at least 0, got 1\.5"),
    (lambda: Sequential(dtype="float16"), ArgumentError, "Sequential: dtype: expected one of 'float32', 'float64'"),
    (lambda: Sequential(dtype="int"), ArgumentError, "Sequential: dtype: expected one of 'float32', 'float64'"),
    (lambda: Sequential(dtype=None), ArgumentError, "Sequential: dtype: expected one of .*got 'None'"),
    (lambda: Sequential(dtype="flaot32"), ArgumentError, "Did you mean 'float32'"),
    (lambda: Sequential([Input((3, 2)), Dense(2)]), ShapeError, r"expected inputs of shape \(batch, features\), got \('?batch'?, 3, 2\)"),
    (lambda: Sequential().pop(), StateError, "pop: expected at least one layer, got an empty model"),
    (lambda: Sequential().build((3,)), StateError, "build: expected at least one layer, got an empty model"),
    *[(lambda shape=shape: Sequential([layers.Flatten(), Dense(2)]).build(shape), ShapeError, r"build: input_shape: expected None for the batch axis.*Write \(None, ") for shape in ((16, 28, 28), (28, 28), [16, 3])],
    *[(lambda shape=shape: Sequential([Dense(2)]).build(shape), ArgumentError, "build: input_shape: expected an integer of at least 1, got None") for shape in ((None,), (None, None), (None, 3, None))],
    (lambda: Sequential([Dense(2)]).build(3), ArgumentError, "build: input_shape: expected a tuple of integers"),
    (lambda: regression().build((4,)), ShapeError, r"build: expected \(3,\), as it was built before, got \(4,\)"),
    (lambda: regression()["dens"], ArgumentError, "expected one of the layers dense; got 'dens'. Did you mean 'dense'"),
    (lambda: regression().set_weights([]), ShapeError, "set_weights: expected 2 arrays, got 0"),
    (lambda: regression().set_weights([np.ones((1, 3)), np.ones(1)]), ShapeError, r"set_weights: .*W: expected shape \(3, 1\), got \(1, 3\)"),
    (lambda: regression().set_weights({"W": np.ones((3, 1)), "b": np.ones(1)}), ArgumentError, r"set_weights: expected a list of arrays, got \{'W'"),
    (lambda: regression().set_weights(None), ArgumentError, "set_weights: expected a list of arrays, got None"),
    (lambda: regression().set_weights([np.full((3, 1), nan), np.ones(1)]), ArgumentError, "set_weights: .*W: expected finite numbers, got nan"),
    (lambda: regression().set_weights([np.full((3, 1), "a"), np.ones(1)]), ArgumentError, "set_weights: .*W: expected finite numbers"),
    (lambda: regression().set_weights([np.full((3, 1), 1e300), np.ones(1)]), ArgumentError, r"set_weights: .*W: expected finite numbers, got 1e\+300 for float32"),
    (lambda: regression().set_weights([[1, [2]], 3]), ArgumentError, "set_weights: expected arrays, got something ragged"),
    (lambda: setattr(regression()[0], "W", np.full((3, 1), 1j)), ArgumentError, r"Dense 'dense' \(layer 0\): W: expected real numbers, got an array of complex128"),
    (lambda: setattr(regression()[0], "W", np.ones(3)), ShapeError, r"Dense 'dense' \(layer 0\): W: expected shape \(3, 1\), got \(3,\)"),
    (lambda: popped().fit(X, LABELS, verbose=0), ArgumentError, "compile: loss: expected a model that ends in Softmax.*ends in Dense"),
    # too early
    (lambda: Sequential([Input((3,)), Dense(1)]).fit(X, ONE), StateError, r"fit: expected a compiled model.*Call compile\("),
    (lambda: Sequential([Input((3,)), Dense(1)]).evaluate(X, ONE), StateError, "evaluate: expected a compiled model"),
    (lambda: Sequential([Input((3,)), Dense(1)]).train_on_batch(X, ONE), StateError, "train_on_batch: expected a compiled model"),
    (lambda: Sequential([Input((3,)), Dense(1)]).test_on_batch(X, ONE), StateError, "expected a compiled model"),
    (lambda: compiled_without_loss().fit(X, ONE), StateError, "fit: expected a compiled model with a loss"),
    (lambda: compiled_without_loss().evaluate(X, ONE), StateError, "evaluate: expected a compiled model with a loss"),
    (lambda: Sequential([Dense(1)]).parameters, StateError, "parameters: expected a built model"),
    (lambda: Sequential([Dense(1)]).get_weights(), StateError, "expected a built"),
    (lambda: Sequential([Input((3,)), Dense(1)]).backward(np.ones((1, 1))), StateError, "expected a forward pass before this call"),
    (lambda: Dense(1).forward(X), StateError, "Dense: W: expected a built layer"),
    # compile
    (lambda: compiled("adm", "mse"), ArgumentError, r"compile: optimizer: .*got 'adm'\. Did you mean 'adam'"),
    (lambda: compiled("adam", "mes"), ArgumentError, "compile: loss: .*got 'mes'"),
    (lambda: compiled("adam", "binary_crosentropy"), ArgumentError, "Did you mean 'binary_crossentropy'"),
    (lambda: compiled(optimizers.Adam, "mse"), ArgumentError, r"compile: optimizer: expected an instance, got the class Adam\. Write Adam\(\)"),
    (lambda: compiled("adam", losses.MeanSquaredError), ArgumentError, "compile: loss: expected an instance, got the class"),
    (lambda: compiled("adam", lambda y_true, y_pred: 0.0), ArgumentError, "compile: loss: expected"),
    (lambda: compiled("adam", ["mse"]), ArgumentError, "compile: loss: expected"),
    (lambda: compiled(3, "mse"), ArgumentError, "compile: optimizer: expected .*got 3"),
    (lambda: compiled(None, "mse"), ArgumentError, "compile: optimizer: expected .*got None"),
    (lambda: compiled("adam", "mse", ["acuracy"]), ArgumentError, "metrics.*'acuracy'.*Did you mean 'accuracy'"),
    (lambda: compiled("adam", "mse", "accuracy"), ArgumentError, "metrics: expected a list"),
    (lambda: compiled("adam", "mse", [metrics.AUC]), ArgumentError, "metrics.*expected an instance, got the class AUC"),
    (lambda: compiled("adam", "mse", [3]), ArgumentError, "metrics.*got 3"),
    (lambda: compiled("adam", "mse", weighted_metrics=["x"]), ArgumentError, "metrics.*'x'"),
    (lambda: compiled("adam", "mse", check_gradients="always"), ArgumentError, "compile: check_gradients: expected one of 'first_batch'"),
    (lambda: compiled("adam", "categorical_crossentropy"), ArgumentError, "expected a model that ends in Softmax .*got one that ends in Sigmoid"),
    (lambda: compiled("adam", "binary_crossentropy", layers=[Dense(1), Softmax()]), ArgumentError, "expected"),
    (lambda: compiled("adam", "categorical_crossentropy", layers=[Dense(1), Softmax()]), ArgumentError, "Softmax"),
    (lambda: compiled("adam", "binary_crossentropy", layers=[Dense(1)]), ArgumentError, "expected a model that ends in Sigmoid"),
    (lambda: compiled("adam", losses.BinaryCrossentropy(from_logits=True)), ArgumentError, "expected a model that ends in logits"),
    (lambda: compiled("adam", losses.SparseCategoricalCrossentropy(from_logits=True), layers=[Dense(4), Softmax()]), ArgumentError,
     "expected a model that ends in logits"),
    (lambda: compiled("adam", losses.SparseCategoricalCrossentropy(from_logits=True), layers=[Dense(1)]), ArgumentError,
     "at least 2 outputs for sparse_categorical_crossentropy, got 1"),
    (lambda: compiled("adam", "sparse_categorical_crossentropy", layers=[Dense(4), ReLU()]), ArgumentError, "got one that ends in ReLU"),
    (lambda: regression().get_layer(), ArgumentError, "get_layer: expected a name or an index"),
    # optimizers and schedules
    (lambda: optimizers.SGD(clipnorm=0), ArgumentError, "SGD: clipnorm: expected a finite number > 0, got 0"),
    *[(lambda rate=rate: optimizers.SGD(rate), ArgumentError, "SGD: learning_rate: expected") for rate in (-1, 0 - 1e-9, nan, inf, "x", None, True)],
    *[(lambda rate=rate: assign_rate(rate), ArgumentError, "Adam: learning_rate: expected") for rate in (-1, nan, "x")],
    (lambda: optimizers.SGD(10**400), ArgumentError, "SGD: learning_rate: expected a finite number"),
    (lambda: optimizers.SGD(momentum=1), ArgumentError, "SGD: momentum: expected a finite number .*< 1, got 1"),
    (lambda: optimizers.SGD(momentum=-0.1), ArgumentError, r"SGD: momentum: expected .*got -0\.1"),
    (lambda: optimizers.SGD(nesterov="yes"), ArgumentError, "SGD: nesterov: expected True or False"),
    (lambda: optimizers.Adam(beta_1=1), ArgumentError, "Adam: beta_1: expected .*< 1, got 1"),
    (lambda: optimizers.Adam(beta_2=-1), ArgumentError, "Adam: beta_2: expected"),
    (lambda: optimizers.Adam(epsilon=0), ArgumentError, "Adam: epsilon: expected a finite number > 0, got 0"),
    (lambda: optimizers.Adam(clipnorm=0), ArgumentError, "Adam: clipnorm: expected"),
    (lambda: optimizers.Adam(clipvalue=-1), ArgumentError, "Adam: clipvalue: expected"),
    (lambda: optimizers.Adam(weight_decay="a"), ArgumentError, "Adam: weight_decay: expected"),
    (lambda: optimizers.Adam(clipnorm=1, clipvalue=1), ArgumentError, "Adam: expected at most one of clipnorm"),
    (lambda: optimizers.RMSprop(rho=1.5), ArgumentError, "RMSprop: rho: expected"),
    (lambda: optimizers.LBFGS(history_size=0), ArgumentError, "LBFGS: history_size: expected an integer of at least 1, got 0"),
    (lambda: optimizers.SGD(schedules.ExponentialDecay), ArgumentError, "SGD: learning_rate: expected .*class ExponentialDecay"),
    (lambda: schedules.ExponentialDecay(0.1, 0, 0.9), ArgumentError, "ExponentialDecay: decay_steps: expected"),
    (lambda: schedules.ExponentialDecay(-0.1, 10, 0.9), ArgumentError, "ExponentialDecay: initial_learning_rate: expected"),
    (lambda: scheduled(lambda step: -1.0), ArgumentError, "SGD: learning_rate of step 0: expected"),
    (lambda: scheduled(lambda step: "fast"), ArgumentError, "SGD: learning_rate of step 0: expected"),
    # initializers, regularizers, losses, metrics
    (lambda: initializers.RandomNormal(stddev=-1), ArgumentError, "RandomNormal: stddev: expected"),
    (lambda: initializers.RandomUniform(1, 0), ArgumentError, "RandomUniform: maxval: expected"),
    (lambda: initializers.Constant("a"), ArgumentError, "Constant: value: expected"),
    (lambda: Sequential([Input((3,)), Dense(2, bias_initializer=initializers.Orthogonal())]), ShapeError, "Orthogonal: expected a shape"),
    (lambda: Sequential([Input((3,)), Dense(2, kernel_initializer=lambda rng, shape, dtype: np.ones(4))]), ShapeError, r"initializer: expected shape \(3, 2\)"),
    (lambda: regularizers.L2(-1), ArgumentError, "L2: l2: expected"),
    (lambda: regularizers.L1("a"), ArgumentError, "L1: l1: expected"),
    (lambda: losses.BinaryCrossentropy(from_logits="yes"), ArgumentError, "BinaryCrossentropy: from_logits: expected True or False"),
    (lambda: losses.Huber(0), ArgumentError, "Huber: delta: expected"),
    (lambda: losses.CategoricalCrossentropy(label_smoothing=2), ArgumentError, "CategoricalCrossentropy: label_smoothing: expected"),
    (lambda: losses.MeanSquaredError().forward(np.ones((2, 3)), np.ones((2, 1))), ShapeError, "expected y_pred and y_true of one shape"),
    (lambda: losses.MeanSquaredError()([0, 1], [0.2, 0.7]), ShapeError, r"got \(2,\) and \(2,\). Reshape both: .reshape\(-1, 1\)"),
    (lambda: losses.MeanSquaredError().backward(), StateError, "MeanSquaredError: .*expected .*forward"),
    # fit
    *[(lambda size=size: fit(batch_size=size), ArgumentError, "fit: batch_size: expected an integer of at least 1") for size in (0, -1, 2.5, True, "32")],
    *[(lambda epochs=epochs: fit(epochs=epochs), ArgumentError, "fit: epochs: expected an integer") for epochs in (-1, 2.5, "3", None, True)],
    *[(lambda part=part: fit(validation_split=part), ArgumentError, "fit: validation_split: expected") for part in (-0.1, 1, 1.5, nan, "half", True)],
    (lambda: fit(x=X[:2], y=ONE[:2], validation_split=0.9), DataError, r"validation_split: expected rows left for training, got 0\.9 of 2 rows"),
    (lambda: fit(validation_split=0.2, validation_data=(X, ONE)), ArgumentError, "validation_data: expected None with validation_split"),
    (lambda: fit(validation_data=(X, ONE[:-1])), ShapeError, "validation_data: .*x has 20 rows, y has 19"),
    (lambda: fit(validation_data=(X[:, :2], ONE)), ShapeError, r"expected input of shape \(batch, 3\), got \(20, 2\)"),
    (lambda: fit(validation_data=(X, changed(ONE, 2, nan))), DataError, "validation_data: y: expected finite numbers, got nan at row 2"),
    (lambda: fit(validation_data=(X[0], ONE)), ShapeError, r"validation_data: Dense.*got \(3,\)\..* use x\[np\.newaxis\]"),
    (lambda: fit(validation_data=3), MinidlError, "validation_data"),
    (lambda: fit(validation_data=(X[:0], ONE[:0])), DataError, "validation_data: x: expected at least one row"),
    (lambda: fit(split="random", validation_split=0.2), ArgumentError, "fit: split: expected one of 'shuffle', 'stratify', 'last'"),
    (lambda: fit(split="stratify", validation_split=0.2), ArgumentError, "fit: split: expected classes to stratify by"),
    (lambda: fit(shuffle="batch"), ArgumentError, "fit: shuffle: expected True or False, got 'batch'"),
    (lambda: fit(initial_epoch=-1), ArgumentError, "fit: initial_epoch: expected an integer of at least 0, got -1"),
    (lambda: fit(steps_per_epoch=3), ArgumentError, "fit: steps_per_epoch: expected at most 1, .*got 3"),
    (lambda: regression().evaluate(X, ONE, steps=0), ArgumentError, "evaluate: steps: expected an integer of at least 1, got 0"),
    (lambda: fit(sample_weight=0 * ONE), DataError, "sample_weight: expected a positive weight, got 0 for all"),
    (lambda: fit(validation_data=(X, ONE, 0 * ONE)), DataError, "validation_data: sample_weight: expected a positive weight"),
    (lambda: sparse().fit(X, LABELS, validation_data=(X, LABELS + 9), verbose=0), DataError, "validation_data: y: label 9 at row 0"),
    (lambda: fit(steps_per_epoch=0), ArgumentError, "fit: steps_per_epoch: expected an integer of at least 1, got 0"),
    (lambda: fit(verbose=5), ArgumentError, "verbose: expected"),
    (lambda: fit(verbose="loud"), ArgumentError, "verbose: expected"),
    (lambda: fit(callbacks=[callbacks.EarlyStopping]), ArgumentError, "callbacks: expected an instance at 0, got the class EarlyStopping"),
    (lambda: fit(callbacks="early_stopping"), ArgumentError, "callbacks: expected a list of callbacks, got 'early_stopping'"),
    (lambda: fit(callbacks=[SAME, 3]), ArgumentError, "callbacks: expected a Callback at 1, got 3"),
    (lambda: fit(callbacks=[SAME, SAME]), ArgumentError, "callbacks: expected each callback once"),
    (lambda: fit(callbacks=callbacks.EarlyStopping("val_loss")), ArgumentError, "EarlyStopping: monitor: .*got 'val_loss'.*validation_data or validation_split"),
    (lambda: fit(callbacks=callbacks.EarlyStopping("los")), ArgumentError, "EarlyStopping: mo"),
    (lambda: fit(verbose=np.ones(2)), ArgumentError, "verbose: expected"),
    (lambda: fit(validation_data={"x": X, "y": ONE}), ArgumentError, "fit: validation_data: expected .* got dict"),
    (lambda: sparse().fit(X, LABELS, class_weight=np.ones(4), verbose=0), ArgumentError, "class_weight: expected \"balanced\" or a dict"),
    (lambda: compiled("adam", "mse", [metrics.AUC(name=3)]), ArgumentError, "AUC: name: expected a string, got 3"),
    (lambda: metrics.Precision(thresholds=np.ones(2)), ArgumentError, "Precision: thresholds: expected a finite number"),
    (lambda: fit(class_weight=[1, 2]), ArgumentError, "class_weight: expected"),
    (lambda: sparse().fit(X, LABELS, class_weight={9: 2.0}, verbose=0), ArgumentError, r"class_weight: expected classes in \[0, 4\), got 9"),
    (lambda: sparse().fit(X, LABELS, class_weight={"a": 2.0}, verbose=0), ArgumentError, "class_weight: class: expected an integer"),
    (lambda: sparse().fit(X, LABELS, class_weight={1: -2.0}, verbose=0), ArgumentError, "class_weight: weight of class 1: expected"),
    (lambda: sparse().fit(X, LABELS, class_weight={1: 1e39}, verbose=0), DataError, r"class_weight: expected values that fit float32, got 1e\+39 at row 1"),
    (lambda: sparse().fit(X, LABELS, class_weight={1: nan}, verbose=0), ArgumentError, "class_weight: weight of class 1: expected"),
    (lambda: fit(x=generator(0), y=None), DataError, "fit: x: expected batches, got an iterable that yields nothing"),
    (lambda: fit(x=generator(2), y=None, epochs=2), DataError, "used up. Pass an iterable that can be iterated again"),
    (lambda: fit(x=generator(2), y=None, steps_per_epoch=3), DataError, "fit: x: expected 3 batches in epoch 1, got 2"),
    (lambda: fit(x=generator(2), y=None, batch_size=4), ArgumentError, "fit: batch_size: expected None for an iterable"),
    (lambda: fit(x=generator(2), y=None, validation_split=0.2), ArgumentError, "fit: validation_split: expected 0 for an iterable"),
    (lambda: fit(x=generator(2), y=None, sample_weight=ONE), ArgumentError, "sample_weight: expected None for an iterable"),
    (lambda: fit(x=(X for _ in range(2)), y=None), DataError, r"fit: x: batch 0: expected a tuple \(x, y\)"),
    (lambda: fit(x=((X, ONE[:-1]) for _ in range(2)), y=None), ShapeError, "fit: x: batch 0: .*x has 20 rows, y has 19"),
    (lambda: fit(y=None), MinidlError, "y: expected"),
    (lambda: fit(resume=3), ArgumentError, "fit: resume: expected the path of a file, got 3"),
    # evaluate, predict, on_batch
    (lambda: regression().evaluate(X, ONE, batch_size=0, verbose=0), ArgumentError, "evaluate: batch_size: expected an integer of at least 1, got 0"),
    (lambda: regression().evaluate(X, ONE, steps=0, verbose=0), ArgumentError, "steps: expected an integer of at least 1, got 0"),
    (lambda: regression().predict(X, batch_size=0), ArgumentError, "predict: batch_size: expected an integer of at least 1, got 0"),
    (lambda: regression().predict(X, batch_size=2.5), ArgumentError, "predict: batch_size: expected"),
    (lambda: regression().predict(), TypeError, "x"),
    (lambda: regression().loss_and_gradients(X, ONE[:-1]), ShapeError, "x has 20 rows, y has 19"),
    (lambda: lbfgs().train_on_batch(X, ONE), StateError, "train_on_batch: LBFGS needs all samples at once"),
    (lambda: lbfgs().fit(X, ONE, batch_size=4, verbose=0), ArgumentError, "fit: batch_size: expected None or at least 20, all rows, for LBFGS, got 4"),
    # callbacks
    (lambda: callbacks.EarlyStopping(patience=-1), ArgumentError, "EarlyStopping: patience: expected an integer of at least 0, got -1"),
    (lambda: callbacks.EarlyStopping(min_delta=-1), ArgumentError, "EarlyStopping: min_delta: expected"),
    (lambda: callbacks.EarlyStopping(mode="best"), ArgumentError, "EarlyStopping: mode: expected one of 'auto', 'min', 'max'"),
    (lambda: callbacks.EarlyStopping("score of mine", restore_best_weights=3), ArgumentError, "EarlyStopping: "),
    (lambda: callbacks.EarlyStopping(3), ArgumentError, "EarlyStopping: monitor: expected"),
    (lambda: callbacks.ReduceLROnPlateau(factor=1.0), ArgumentError, "ReduceLROnPlateau: factor: expected"),
    (lambda: callbacks.LearningRateScheduler(3), ArgumentError, "LearningRateScheduler: schedule: expected"),
    (lambda: callbacks.TimeLimit(0), ArgumentError, "TimeLimit: seconds: expected"),
    *[(lambda path=path: callbacks.CSVLogger(path), ArgumentError, "CSVLogger: filename: expected the path of a file, got") for path in (3, None, "")],
    (lambda: callbacks.CSVLogger("x", separator=";;"), ArgumentError, "CSVLogger: separator: expected one character"),
    (lambda: callbacks.ModelCheckpoint("x", save_freq=0), ArgumentError, "ModelCheckpoint: save_freq"),
    # layers that break their contract
    *[(lambda shape=shape: Sequential([Input((3,)), Broken({"build": shape})]), LayerError, "Broken.*: build: expected it to return the output shape, a tuple") for shape in ([3], None, 3, (None, 3), (0,), (2.5,))],
    *[(lambda name=name: Sequential([Input((3,)), Declaring(name)]), ArgumentError, "Declaring.*: (expected a name|build has already declared)") for name in ("", 3, "a b", "_W", "forward", "name", "dW", "shape")],
    *[(lambda shape=shape: Sequential([Input((3,)), Declaring("b", shape)]), ShapeError, "Declaring.*: b: expected a shape of positive lengths, got") for shape in (3, None, "3", (0,), (2.5,))],
    (lambda: Sequential([Input((3,)), Declaring("b", (3,), lambda rng, shape, dtype: 1j * np.ones(shape))]), ArgumentError, "Declaring.*: b: initializer: expected real numbers, got an array of complex128"),
    (lambda: regression()[0].add_parameter("c", (3,)), StateError, r"Dense 'dense' \(layer 0\): c: expected to be declared in build"),
    (lambda: train_broken("dgamma complex"), ArgumentError, r"Broken 'broken' \(layer 1\): dgamma: expected real numbers, got an array of complex"),
    (lambda: train_broken("forward returns None"), LayerError, r"Broken 'broken' \(layer 1\): forward: expected it to return an array, got NoneType"),
    (lambda: train_broken("forward of a wrong shape"), LayerError, r"forward: expected it to return shape \(20, 3\), got \(20, 1\)"),
    (lambda: train_broken("forward to float64"), LayerError, "forward: expected it to return float32, as it was given, got float64"),
    (lambda: train_broken("forward changes x"), LayerError, "forward: expected its argument to stay unchanged"),
    (lambda: train_broken("backward returns None"), LayerError, r"Broken 'broken' \(layer 1\): backward: expected it to return an array, got NoneType"),
    (lambda: train_broken("backward of a wrong shape"), LayerError, r"backward: expected it to return shape \(20, 3\), got \(1, 3\)"),
    (lambda: train_broken("backward to float64"), LayerError, "backward: expected it to return float32"),
    (lambda: train_broken("backward changes dy"), LayerError, "backward: expected its argument to stay unchanged"),
    (lambda: train_broken("no dgamma"), LayerError, r"Broken 'broken' \(layer 1\): backward: expected it to set self\.dgamma, got nothing"),
    (lambda: train_broken("dgamma of a wrong shape"), ShapeError, r"Broken 'broken' \(layer 1\): dgamma: expected shape \(3,\), got \(\)"),
    *[(lambda call=call: use_broken("forward returns None", call), LayerError, r"Broken 'broken' \(layer 0\): forward: expected it to return an array, got None") for call in ("predict", "evaluate")],
    *[(lambda call=call: use_broken("forward of a wrong shape", call), LayerError, r"Broken 'broken' \(layer 0\): forward: expected it to return shape \(20, 3\)") for call in ("predict", "evaluate")],
    *[(lambda call=call: use_broken("forward to float64", call), LayerError, r"Broken 'broken' \(layer 0\): forward: expected it to return float32") for call in ("predict", "evaluate")],
    *[(lambda call=call: use_broken("forward changes x", call), LayerError, r"Broken 'broken' \(layer 0\): forward: expected its argument to stay unchanged") for call in ("predict", "evaluate")],
    # losses and metrics that break theirs
    *[(lambda end=end, call=call: with_loss(lambda loss: end, call=call), LayerError, "Faulty: forward: expected it to return a number, got") for end in ("a", None, [1.0], 1j, np.ones(1), np.ones((20, 1))) for call in ("fit", "evaluate")],
    *[(lambda call=call, one=one: with_loss(write=one, call=call), LayerError, "Faulty: forward: expected its argument to stay unchanged") for one in (0, 1) for call in ("fit", "evaluate")],
    (lambda: with_loss(lambda loss: loss, lambda dy: None), LayerError, "Faulty: backward: expected it to return an array, got NoneType"),
    (lambda: with_loss(lambda loss: loss, lambda dy: dy[:, 0]), LayerError, r"Faulty: backward: expected it to return shape \(20, 1\), got \(20,\)"),
    (lambda: with_loss(lambda loss: loss, lambda dy: dy.astype("f8")), LayerError, "Faulty: backward: expected it to return float32, as it was given, got float64"),
    *[(lambda value=value: with_metric(value), ArgumentError, "metric 'odd': expected result to return numbers, got") for value in (None, "a", 1j)],
    # files and data sets
    (lambda: minidl.load_model(3), ArgumentError, "load: path: expected the path of a file, got 3"),
    (lambda: minidl.load_model("no such file"), FileNotFoundError, "no such file"),
    (lambda: minidl.load_model("/dev/null"), ModelFileError, "/dev/null: expected a regular file"),
    (lambda: regression().save(None), ArgumentError, "save: path: expected the path of a file, got None"),
    (lambda: minidl.register(NotALayer), ArgumentError, "register: expected a class derived from one of minidl's base classes"),
    (lambda: minidl.register(3), ArgumentError, "register: expected a class"),
    (lambda: minidl.register(type("Dense", (Dense,), {"__module__": "mine"})), ArgumentError, "register: expected a name of its own, got Dense: a built-in class"),
    (lambda: datasets.moons(0), ArgumentError, "moons: n"),
    (lambda: datasets.moons(10, noise=-1), ArgumentError, "moons: noise: expected"),
]  # fmt: skip


def compiled_without_loss():
    model = Sequential([Input((3,)), Dense(1)])
    model.compile("adam")
    return model


def lbfgs():
    model = regression()
    model.compile("lbfgs", "mse")
    return model


@pytest.mark.parametrize(
    ("call", "kind", "words"), ARGUMENTS, ids=[f"{i}-{row[-1][:50]}" for i, row in enumerate(ARGUMENTS)]
)
def test_bad_arguments(call, kind, words):
    with pytest.raises(kind) as caught:
        call()
    check(caught.value, kind, words)


# Calls on a trained model that fail: it continues as if nothing had happened.

FAILURES = [
    lambda model: model.add(layers.Reshape((7,))),
    lambda model: model.add(Declaring("")),
    lambda model: model.add(Declaring("b", (3,), lambda rng, shape, dtype: None)),
    lambda model: model.add(Dense(2, bias_initializer=lambda rng, shape, dtype: np.ones(7))),
    lambda model: model.build((5,)),
    lambda model: model.set_weights([np.full((3, 1), 1e300), np.ones(1)]),
    lambda model: model.set_weights([np.ones((3, 1)), np.ones(2)]),
    lambda model: model.optimizer.step(np.ones(3), np.ones(3)),
    lambda model: model.optimizer.step(np.ones(4), np.ones(4)),
    lambda model: model.optimizer.set_state({"iterations": 3}),
    lambda model: model.compile("sgd", "categorical_crossentropy"),
    lambda model: model[0].add_parameter("c", (3,)),
    lambda model: setattr(model[0], "W", np.full((3, 1), 1j)),
]


@pytest.mark.parametrize("call", FAILURES)
def test_a_failed_call_leaves_a_trained_model_as_it_was(call):
    model, other = regression(), regression()
    for one in (model, other):
        one.train_on_batch(X, ONE)
    with pytest.raises(MinidlError):
        call(model)
    for _ in range(2):
        assert model.train_on_batch(X, ONE) == other.train_on_batch(X, ONE)
    assert state(model) == state(other)


def test_a_shape_that_does_not_fit_is_forgotten():
    model = Sequential([Dense(2), Dense(1)], seed=0)
    with pytest.raises(ShapeError):
        model.build((3, 3))
    assert model.input_shape is None
    model.add(Dense(1))
    assert model.build((3,)) == (1,)


def test_the_table_is_long_enough():
    assert len(DATA) + len(ARGUMENTS) >= 150


def test_a_sigmoid_with_several_classes_is_refused_with_the_fix():
    with pytest.raises(ArgumentError, match=r"Add Softmax\(\) or use another loss"):
        compiled("adam", "sparse_categorical_crossentropy", layers=[Dense(4), Sigmoid()])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("wrong", [{"y": ONE[:-1]}, {"x": X.astype(str)}, {"sample_weight": -ONE}])
def test_a_model_that_is_not_built_stays_so_after_bad_data(call, wrong):
    check_that_it_stays_unbuilt(lambda model: CALLS[call](model, **({"x": X, "y": ONE} | wrong)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"validation_data": (X, ONE[:-1])}, {"validation_data": 3}, {"callbacks": [3]}, {"verbose": 7},
        {"steps_per_epoch": 0}, {"steps_per_epoch": 9}, {"validation_split": 0.99}, {"sample_weight": 0 * ONE},
        {"validation_split": 0.2, "split": "stratify"}, {"epochs": -1}, {"resume": 3},
    ],
)  # fmt: skip
def test_a_model_that_is_not_built_stays_so_after_bad_arguments(wrong):
    check_that_it_stays_unbuilt(lambda model: model.fit(X, ONE, **({"verbose": 0} | wrong)))


def check_that_it_stays_unbuilt(call):
    model = Sequential([Dense(2), Dense(1)], seed=0)
    model.compile("adam", "mse")
    before = model.randomness.get_state()
    with pytest.raises(MinidlError):
        call(model)
    assert model.input_shape is None
    assert model.randomness.get_state() == before
    model.fit(X[:, :2], ONE, verbose=0)
    assert model.input_shape == (2,)
