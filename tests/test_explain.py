import numpy as np
import pytest

from minidl import Dense, Dropout, Input, Layer, Sequential, datasets
from minidl.errors import ArgumentError, StateError
from minidl.regularizers import L2


def network(loss="binary_crossentropy", last="sigmoid", units=1, **options):
    layers = [Input((2,)), Dense(3, activation="tanh", **options), Dense(units, activation=last)]
    model = Sequential(layers, seed=0, dtype="float64")
    model.compile("sgd", loss)
    return model


X, Y = np.array([[0.0, 1.0], [2.0, 1.0], [-1.0, 0.5]]), np.array([[0.0], [1.0], [1.0]])


def test_a_trace_holds_the_output_of_every_layer():
    model = network()
    steps = model.trace(X, Y).steps
    assert list(steps) == ["dense", "dense/activation", "dense_1", "dense_1/activation"]
    a = X
    for name, layer in zip(model.network.names, model.network.layers, strict=True):
        assert np.array_equal(steps[name].x, a)
        a = layer.forward(a)
        assert np.array_equal(steps[name].y, a)
    assert np.array_equal(a, model.predict(X))


@pytest.mark.parametrize(
    ("loss", "last"),
    [("binary_crossentropy", "sigmoid"), ("mean_squared_error", None), ("mean_squared_error", "sigmoid")],
)
def test_a_trace_holds_the_gradients_that_training_uses(loss, last):
    model = network(loss, last, kernel_regularizer=L2(0.1))
    traced = model.trace(X, Y)
    value, gradients = model.loss_and_gradients(X, Y)
    assert traced.loss == pytest.approx(value, rel=1e-12)
    found = [gradient.ravel() for step in traced.steps.values() for gradient in step.gradients.values()]
    np.testing.assert_allclose(np.concatenate(found), gradients, rtol=1e-12)


def test_a_trace_holds_the_gradient_of_each_output():
    model = network()
    steps = model.trace(X, Y).steps
    last = list(steps.values())[-1]
    a = last.y
    np.testing.assert_allclose(last.dy, (-Y / a + (1 - Y) / (1 - a)) / 3, rtol=1e-12)
    np.testing.assert_allclose(last.dx, (a - Y) / 3, rtol=1e-12)
    for lower, upper in zip(list(steps.values())[:-1], list(steps.values())[1:], strict=True):
        assert np.array_equal(lower.dy, upper.dx)


def test_a_trace_leaves_the_model_as_it_is():
    model = network()
    model.loss_and_gradients(X, Y)
    before, caches = model.parameters.gradients.copy(), [dict(vars(layer)) for layer in model.layers]
    model.trace(X[:1], Y[:1])
    assert np.array_equal(model.parameters.gradients, before)
    for layer, cache in zip(model.layers, caches, strict=True):
        assert all(vars(layer)[name] is value for name, value in cache.items())


def test_a_trace_runs_without_dropout():
    model = Sequential([Input((2,)), Dropout(0.9), Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    assert np.array_equal(model.trace(X, Y).steps["dropout"].y, X)


def test_an_explanation_names_every_matrix_with_its_shapes_and_numbers():
    text = network().explain(X, Y)
    for formula in (
        "Z[1] = A[0] @ W[1] + b[1]    (3, 3) = (3, 2) @ (2, 3) + (3,)",
        "A[1] = Tanh(Z[1])",
        "A[2] = Sigmoid(Z[2])",
        "dZ[2] = (A[2] - Y) / m, the loss and Sigmoid together",
        "dW[2] = A[1].T @ dZ[2]    (3, 1) = (3, 3) @ (3, 1)",
        "db[1] = column sums of dZ[1]",
        "dA[1] = dZ[2] @ W[2].T    (3, 3) = (3, 1) @ (1, 3)",
        "dZ[1] = dA[1] * Tanh'(Z[1])",
    ):
        assert f"  {formula}\n" in text or f"  {formula}    (" in text
    assert "  A[0] = x, m = 3    (3, 2)\n" in text
    assert "  Y = y    (3, 1)\n    0.0000\n    1.0000\n    1.0000\n" in text
    step = network().trace(X, Y).steps["dense"]
    assert "  ".join(f"{value:7.4f}" for value in step.gradients["W"][0]) in text


def test_an_explanation_says_equation_0_only_where_it_holds():
    sparse = network("sparse_categorical_crossentropy", "softmax", 3).explain(X, [0, 2, 1])
    assert "dZ[2] = (A[2] - Y) / m, the loss and Softmax together" in sparse
    from minidl.losses import CategoricalCrossentropy

    smoothed = network(CategoricalCrossentropy(label_smoothing=0.1), "softmax", 3).explain(X, np.eye(3))
    assert "dZ[2] = dL/dZ[2], the loss and Softmax together" in smoothed
    assert "dA[2] = gradient of L" in network("mean_squared_error").explain(X, Y)


def test_an_explanation_names_the_penalties_that_are_in_its_numbers():
    text = network(kernel_regularizer=L2(0.5)).explain(X, Y)
    assert "dW[1] = A[0].T @ dZ[1] + L2(l2=0.5).gradient(W[1])    (2, 3)" in text
    assert "L = BinaryCrossentropy() of A[2] + the penalties of the parameters    ()\n" in text
    assert "dW[2] = A[1].T @ dZ[2]    (3, 1)" in text
    assert "gradient(" not in network().explain(X, Y)


def test_an_explanation_shows_the_parameters_of_a_model_in_the_model():
    inner = Sequential([Input((2,)), Dense(2, activation="relu")], name="inner")
    model = Sequential([inner, Dense(1)], seed=0, dtype="float64")
    model.compile("sgd", "mean_squared_error")
    text = model.explain(X, Y)
    for name in ("W[1]", "b[1]"):
        assert f"  {name}    (" in text
    assert "-0.0000" not in text


def test_an_explanation_takes_layers_that_it_does_not_know():
    class Scale(Layer):
        def build(self, input_shape):
            self.add_parameter("gamma", input_shape, "ones")
            return input_shape

        def forward(self, x, training=False):
            self._x = x
            return self.gamma * x

        def backward(self, dy):
            self.dgamma = (dy * self._x).sum(axis=0)
            return dy * self.gamma

    model = Sequential([Input((2,)), Scale(), Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error")
    text = model.explain(X, Y)
    assert "Z[1] = Scale(A[0])" in text
    assert "  gamma[1]    (2,)\n    1.0000  1.0000\n  Z[1] = Scale(A[0])" in text
    assert "dgamma[1]" in text
    assert "Z[2] = Z[1] @ W[2] + b[2]" in text


@pytest.mark.parametrize(
    ("format", "fragment"),
    [
        ("markdown", "`dZ[1] = dA[1] * Tanh'(Z[1])`"),
        ("html", "<code>dW[2] = A[1].T @ dZ[2]</code> (3, 1) = (3, 3) @ (3, 1)"),
    ],
)
def test_an_explanation_comes_as_markdown_and_html(format, fragment):
    assert fragment in network().explain(X, Y, format=format)


def test_an_explanation_shows_the_ends_of_long_axes():
    x, y = np.arange(22.0).reshape(11, 2), np.ones((11, 1))
    lines = network().explain(x, y, digits=0).splitlines()
    assert lines[1] == "  A[0] = x, m = 11    (11, 2)"
    assert [line.split() for line in lines[2:9]] == [
        ["0", "1"], ["2", "3"], ["4", "5"], ["...", "..."], ["16", "17"], ["18", "19"], ["20", "21"],
    ]  # fmt: skip


def test_an_explanation_of_the_quickstarts_model_can_be_read():
    (x, y), _ = datasets.digits()
    model = Sequential([Input((64,)), Dense(64, activation="relu"), Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    lines = model.explain(x[:3], y[:3]).splitlines()
    assert len(lines) < 100
    assert max(map(len, lines)) < 100


def test_an_explanation_shows_class_numbers_as_the_columns_that_equation_0_subtracts():
    text = network("sparse_categorical_crossentropy", "softmax", 3).explain(X, [0, 2, 1], digits=0)
    assert "  Y = y    (3, 3)\n    1  0  0\n    0  0  1\n    0  1  0\n" in text


def test_a_format_or_model_that_does_not_fit_is_refused():
    with pytest.raises(ArgumentError, match="explain: format: expected one of 'text', 'markdown', 'html', got 'pdf'"):
        network().explain(X, Y, format="pdf")
    with pytest.raises(StateError, match="trace: expected a compiled model"):
        Sequential([Input((2,)), Dense(1)]).trace(X, Y)
