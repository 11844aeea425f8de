"""Normalisation, embeddings, noise: the values of Keras, numbers far from zero, ids on their way to the layer."""

import json
from pathlib import Path

import numpy as np
import pytest

from minidl import Sequential, layers, load_model
from minidl.errors import ArgumentError, DataError, ShapeError, StateError
from minidl.layers import (
    Activation,
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
    Input,
    LayerNormalization,
    Normalization,
    PReLU,
    Rescaling,
    Reshape,
)
from minidl.layers.allocation import allocate

STORED = json.loads((Path(__file__).parent / "layer_values.json").read_text(encoding="utf-8"))["cases"]
RNG = np.random.default_rng(5)


def case_name(case):
    return f"{case['layer']}-{case['arguments']}"


def built(layer, shape, dtype="float64"):
    layer.declare(shape)
    allocate({"layer": layer}, np.random.default_rng(0), dtype)
    return layer


def of_keras(case):
    """Return the layer of a stored case with Keras' parameters, and its input."""
    x = np.array(case["x"])
    layer = getattr(layers, case["layer"])(**case["arguments"])
    if case["layer"] == "Normalization" and "mean" not in case["arguments"]:
        layer.adapt(x)
    built(layer, x.shape[1:])
    for name, value in zip(layer.parameter_names, case["trained"], strict=True):
        setattr(layer, name, value)
    return layer, x


@pytest.mark.parametrize("mode", ["training", "inference"])
@pytest.mark.parametrize("case", STORED, ids=case_name)
def test_a_layer_gives_the_numbers_of_keras(case, mode):
    if mode not in case:
        pytest.skip("random in training")
    layer, x = of_keras(case)
    expected = case[mode]
    y = layer.forward(x, mode == "training")
    found = {"y": y, "dx": layer.backward(np.array(expected["dy"]))}
    found["gradients"] = [getattr(layer, f"d{name}") for name in layer.parameter_names]
    found["state"] = [getattr(layer, name) for name in ("moving_mean", "moving_variance") if hasattr(layer, name)]
    single = case["layer"] in ("BatchNormalization", "LayerNormalization")  # Keras computes them in float32
    close = {"rtol": 1e-5, "atol": 2e-6} if single else {"rtol": 1e-12, "atol": 1e-13}
    for name in found.keys() & expected.keys():
        for ours, keras in zip(np.atleast_1d(found[name]), expected[name], strict=True):
            np.testing.assert_allclose(ours, keras, **close)


# BatchNormalization


def test_the_moving_averages_move_in_training_only():
    layer = built(BatchNormalization(momentum=0.75), (2,))
    x = np.array([[0.0, 10.0], [4.0, 30.0]])
    layer.forward(x, training=False)
    np.testing.assert_array_equal(layer.moving_mean, [0, 0])
    layer.forward(x, training=True)
    np.testing.assert_allclose(layer.moving_mean, [0.5, 5])
    np.testing.assert_allclose(layer.moving_variance, [0.75 + 0.25 * 4, 0.75 + 0.25 * 100])


def test_one_sample_gives_beta_and_no_gradient_of_x():
    layer = built(BatchNormalization(), (3,))
    layer.beta = [1.0, 2.0, 3.0]
    np.testing.assert_array_equal(layer.forward(np.array([[5.0, -1e6, 1e-9]]), training=True), [[1, 2, 3]])
    np.testing.assert_array_equal(layer.backward(np.ones((1, 3))), np.zeros((1, 3)))


@pytest.mark.parametrize("offset", [1e4, -1e6])
@pytest.mark.parametrize("rows", [8, 1000, 9000])
def test_float32_loses_no_digits_of_a_batch_far_from_zero(offset, rows):
    x = (RNG.standard_normal((rows, 3)) * [10, 100, 1000] + offset).astype(np.float32)
    exact = x.astype(np.float64)
    expected = (exact - exact.mean(axis=0)) / np.sqrt(exact.var(axis=0) + 1e-3)
    layer = built(BatchNormalization(momentum=0.0), (3,), "float32")
    np.testing.assert_allclose(layer.forward(x, training=True), expected, atol=2e-5)
    np.testing.assert_allclose(layer.moving_mean, exact.mean(axis=0), rtol=2e-7)
    np.testing.assert_allclose(layer.moving_variance, exact.var(axis=0), rtol=2e-5)


def test_float32_loses_no_digits_of_a_sample_far_from_zero():
    x = (RNG.standard_normal((5, 3000)) * 30 + 1e5).astype(np.float32)
    exact = x.astype(np.float64)
    deviations = exact - exact.mean(axis=1, keepdims=True)
    expected = deviations / np.sqrt(exact.var(axis=1, keepdims=True) + 1e-3)
    np.testing.assert_allclose(built(LayerNormalization(), (3000,), "float32").forward(x), expected, atol=1e-5)


def test_a_variance_beyond_float32_leaves_the_state_finite():
    layer = built(BatchNormalization(), (2,), "float32")
    with np.errstate(over="ignore"):
        y = layer.forward(np.array([[1e30, 1.0], [-1e30, 2.0]], np.float32), training=True)
    assert np.isfinite(y).all()
    assert np.isfinite(layer.moving_variance).all()


def test_a_frozen_layer_uses_and_keeps_its_moving_averages():
    x = RNG.normal(3.0, 2.0, (64, 4))
    model = Sequential([Input((4,)), BatchNormalization(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    model[0].trainable = False
    before = model[0].get_weights()
    model.fit(x, x[:, :1], epochs=2, verbose=0)
    for a, b in zip(before, model[0].get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.network.forward(x.astype(np.float32), True), model.predict(x))


def test_a_run_with_batch_normalisation_resumes_bit_for_bit(tmp_path):
    x, y = RNG.standard_normal((50, 3)), RNG.standard_normal((50, 1))

    def fresh():
        model = Sequential(
            [Input((3,)), GaussianNoise(0.1), Dense(4), BatchNormalization(), PReLU(), AlphaDropout(0.2), Dense(1)],
            seed=3,
        )
        model.compile("adam", "mse")
        return model

    whole, first = fresh(), fresh()
    whole.fit(x, y, epochs=4, verbose=0)
    first.fit(x, y, epochs=2, verbose=0)
    first.save(tmp_path / "half.safetensors")
    second = load_model(tmp_path / "half.safetensors")
    second.fit(x, y, epochs=2, verbose=0)
    for a, b in zip(whole.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNormalization(0.9), "BatchNormalization: axis: expected an integer"),
        (
            lambda: BatchNormalization(momentum=1.5),
            "BatchNormalization: momentum: expected a finite number >= 0 and <= 1",
        ),
        (lambda: BatchNormalization(epsilon=0), "BatchNormalization: epsilon: expected a finite number > 0"),
        (lambda: LayerNormalization(axis="last"), "LayerNormalization: axis: expected an integer"),
        (lambda: Normalization(mean=1.0), "expected both mean and variance or neither"),
        (lambda: Normalization(mean=1.0, variance=-1.0), "variance: expected numbers of at least 0, got -1.0"),
        (lambda: Normalization(mean=np.nan, variance=1.0), "mean: expected finite numbers, got nan"),
        (lambda: Embedding(0, 2), "Embedding: input_dim: expected an integer of at least 1, got 0"),
        (lambda: Embedding(3, 2.5), "Embedding: output_dim: expected an integer of at least 1, got 2.5"),
        (lambda: PReLU(shared_axes=1), r"PReLU: shared_axes: expected a list of axes, such as \[1\], got 1"),
        (lambda: GaussianNoise(-0.1), "GaussianNoise: stddev: expected a finite number >= 0, got -0.1"),
        (lambda: AlphaDropout(1.0), "AlphaDropout: rate: expected a finite number >= 0 and < 1, got 1.0"),
        (lambda: Rescaling("1"), "Rescaling: scale: expected a finite number, got '1'"),
    ],
)
def test_a_wrong_argument_is_refused(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (BatchNormalization(axis=1), (2, 3), r"axis: expected -1, the last axis of \(batch, 2, 3\), got 1"),
        (LayerNormalization(axis=1), (2, 3), r"axis: expected -1 or the last few axes of \(batch, 2, 3\), got 1"),
        (
            LayerNormalization(axis=(0, 1)),
            (2,),
            r"axis: expected -1 or the last few axes of \(batch, 2\), got \(0, 1\)",
        ),
        (Normalization(axis=2), (2,), r"axis: expected axes of \(batch, 2\), the batch is 0; got 2"),
        (Normalization(mean=[1.0, 2.0], variance=[1.0, 1.0]), (3,), r"expected mean and variance of shape \(3,\)"),
        (PReLU(shared_axes=[3]), (2, 3), r"shared_axes: expected axes of \(batch, 2, 3\), the batch is 0; got 3"),
    ],
)
def test_an_axis_that_is_not_there_is_refused(layer, shape, message):
    with pytest.raises(ShapeError, match=message):
        Sequential([Input(shape), layer])


@pytest.mark.parametrize("kind", [BatchNormalization, LayerNormalization, PReLU])
def test_an_input_of_another_shape_is_not_broadcast(kind):
    with pytest.raises(ShapeError, match=r"expected input of shape \(batch, 3\), got \(2, 1\)"):
        built(kind(), (3,)).forward(np.ones((2, 1)))


# Normalization


def test_adapt_gives_the_mean_and_variance_of_many_rows_far_from_zero():
    data = RNG.normal([0, 1e8], [1, 3], (10_000, 2))
    layer = Normalization().adapt(data)
    np.testing.assert_allclose(layer.adapt_mean, data.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(layer.adapt_variance, data.var(axis=0), rtol=1e-9)
    assert layer.count == 10_000


def test_adapt_again_forgets_the_earlier_data():
    layer = Normalization().adapt([[0.0], [100.0]]).adapt([[1.0], [3.0]])
    np.testing.assert_array_equal(layer.adapt_mean, [2.0])
    np.testing.assert_array_equal(layer.adapt_variance, [1.0])


def test_a_normalisation_adapts_before_or_after_it_joins_a_model():
    data = RNG.normal(5.0, 3.0, (200, 2))
    before, after = Normalization().adapt(data), Normalization()
    models = [Sequential([Input((2,)), layer]) for layer in (before, after)]
    after.adapt(data)
    y = [model.predict(data) for model in models]
    np.testing.assert_array_equal(*y)
    np.testing.assert_allclose(y[0].std(axis=0), 1, rtol=1e-5)


def test_what_adapt_found_is_saved_and_copied(tmp_path):
    model = Sequential([Input((1,)), Normalization(), Dense(1)], seed=0)
    model[0].adapt([[1.0], [5.0]])
    model.save(tmp_path / "model.safetensors")
    x = [[3.0], [4.0]]
    np.testing.assert_array_equal(load_model(tmp_path / "model.safetensors").predict(x), model.predict(x))
    np.testing.assert_array_equal(model[0].copy().adapt_mean, [3.0])


def test_normalisation_before_adapt_is_refused():
    with pytest.raises(StateError, match=r"expected adapt\(data\) before this call"):
        Sequential([Input((2,)), Normalization()]).predict(np.ones((1, 2)))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([[1.0, np.nan]], DataError, "adapt: data: expected finite numbers, got nan at row 0, column 1"),
        (np.ones((0, 2)), DataError, "adapt: data: expected at least one sample"),
        ([["a", "b"]], DataError, "adapt: data: expected real numbers"),
        (np.ones((3, 5)), ShapeError, r"adapt: data: expected shape \(batch, 2\), got \(3, 5\)"),
        ([[1e200, 0.0], [0.0, 1.0]], DataError, "adapt: data: expected a variance that fits float64, got infinity"),
    ],
)
def test_data_that_do_not_fit_are_refused_by_adapt(data, error, message):
    layer = Normalization().adapt([[1.0, 2.0], [2.0, 5.0]])
    with pytest.raises(error, match=message):
        layer.adapt(data)
    np.testing.assert_array_equal(layer.adapt_mean, [1.5, 3.5])


def test_a_variance_beyond_float32_is_refused_before_and_after_the_layer_joins_a_model():
    data = [[1e25], [-1e25]]
    with pytest.raises(ArgumentError, match="adapt_variance: expected finite numbers for float32, got inf"):
        Sequential([Input((1,)), Normalization().adapt(data)])
    model = Sequential([Input((1,)), Normalization()])
    with pytest.raises(DataError, match="adapt: data: expected a variance that fits float32, got infinity"):
        model[0].adapt(data)


def test_given_statistics_are_not_adapted():
    with pytest.raises(StateError, match="given its mean and variance"):
        Normalization(mean=0.0, variance=1.0).adapt([[1.0]])


# Embedding


def test_repeated_ids_add_up_their_gradients_in_order():
    layer = built(Embedding(4, 2), (3,))
    layer.forward(np.array([[0, 2, 2], [2, 0, 3]]))
    layer.backward(np.arange(12.0).reshape(2, 3, 2))
    np.testing.assert_array_equal(layer.dW, [[8, 10], [0, 0], [2 + 4 + 6, 3 + 5 + 7], [10, 11]])


LARGE = 2**24 + 9  # float32 takes 2**24 + 1 for 2**24


class Ids(Embedding):
    """An embedding without the memory of one: y is the id itself, in pieces that float32 holds."""

    def build(self, input_shape):
        return (*input_shape, 2)

    def forward(self, x, training=False):
        self.check_input(x, "x")
        self._shape = x.shape
        return np.stack([x // 2**12, x % 2**12], axis=-1).astype(np.float32)

    def backward(self, dy):
        return np.zeros(self._shape, dy.dtype)


@pytest.mark.parametrize("dtype", [np.int64, np.uint32, np.int32, np.float64])
@pytest.mark.parametrize(
    "head",
    [
        [],
        [Reshape((2, 1))],
        [Flatten()],
        [Identity(), Columns(0, 1)],
        [Sequential([Identity()])],
        [Identity(), Identity()],
    ],
    ids=repr,
)
def test_ids_beyond_2_to_the_24_reach_the_layer_unchanged(head, dtype):
    ids = np.array([[2**24 + 1, 2**24 + 3], [0, LARGE - 1]])
    model = Sequential([Input((2,)), *[layer.copy() for layer in head], Ids(LARGE, 2), Flatten()])
    found = model.predict(ids.astype(dtype)).reshape(2, 2, 2)
    np.testing.assert_array_equal(found[..., 0] * 2**12 + found[..., 1].astype(np.float64), ids)
    found = model.forward(ids.astype(dtype)).reshape(2, 2, 2)
    np.testing.assert_array_equal(found[..., 0].astype(np.int64) * 2**12 + found[..., 1].astype(np.int64), ids)


@pytest.mark.parametrize("branches", [[[Columns(0)], [Columns(1)]], [[], [Columns(1)]]])
def test_ids_reach_every_branch_unchanged(branches):
    rows = [[*row, Ids(LARGE, 2), Flatten()] for row in branches]
    model = Sequential([Input((2,)), Concatenate(*rows), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    ids = np.array([[2**24 + 1, 2**24 + 3]])
    found = model.layers[0].forward(ids)[0, -2:].astype(np.int64)
    assert found[0] * 2**12 + found[1] == 2**24 + 3
    assert model.network.input_dtype == np.int64
    model.fit(ids, [[0.0]], verbose=0)


def test_ids_next_to_numbers_come_in_the_type_of_the_model_and_are_refused_where_it_rounds_them():
    def model(dtype):
        rows = [[Columns(0), Ids(LARGE, 2), Flatten()], [Columns(1), Dense(2)]]
        return Sequential([Input((2,)), Concatenate(*rows)], dtype=dtype, seed=0)

    with pytest.raises(DataError, match=r"ids above 2\*\*24 are rounded in float32"):
        model("float32").predict([[1.0, 0.5]])


def mixed():
    rows = [[Columns(0), Embedding(3, 2), Flatten()], [Columns(1, 2), BatchNormalization()]]
    model = Sequential([Input((3,)), Concatenate(*rows), Dense(1)], seed=0)
    model.compile("adam", "mse")
    return model


def test_ids_next_to_numbers_train():
    x = np.column_stack([RNG.integers(0, 3, 300), RNG.standard_normal((300, 2))])
    y = np.array([-2.0, 0.0, 3.0])[x[:, 0].astype(int)] + x[:, 1]
    model = mixed()
    model.optimizer.learning_rate = 0.05
    history = model.fit(x, y, epochs=30, batch_size=30, verbose=0)
    assert history.history["loss"][-1] < 0.1


@pytest.mark.parametrize(
    ("wrong", "shown"), [(3, "3"), (-1, "-1"), (0.5, "0.5")], ids=["above", "negative", "not whole"]
)
def test_a_wrong_id_is_refused_before_anything_changes(wrong, shown):
    message = rf"expected ids in \[0, 3\), its input_dim, got {shown}(\.0)? at row 70, column 0 of its input"
    x = np.zeros((100, 3))
    x[70, 0] = wrong
    model = mixed()
    before = model.parameters.values.copy()
    calls = [
        lambda: model.fit(x, np.zeros(100), verbose=0, shuffle=False),
        lambda: model.evaluate(x, np.zeros(100), verbose=0),
        lambda: model.train_on_batch(x, np.zeros(100)),
        lambda: model.predict(x),
        lambda: model.forward(x),
    ]
    for call in calls:
        with pytest.raises(DataError, match=message):
            call()
    np.testing.assert_array_equal(model.parameters.values, before)


def test_a_wrong_id_of_a_first_embedding_names_row_and_column():
    model = Sequential([Input((2,)), Embedding(5, 3), Flatten(), Dense(1)])
    with pytest.raises(
        DataError, match=r"x: Embedding 'embedding' \(layer 0\): .* got 9 at row 1, column 0 of its input"
    ):
        model.predict(np.array([[0, 1], [9, 2]]))


def test_wrong_ids_are_refused_when_the_layer_is_called_alone():
    layer = built(Embedding(5, 3), (2,))
    for wrong in (-1, 5, 2**40):
        with pytest.raises(DataError, match=rf"got {wrong} at row 0, column 1"):
            layer.forward(np.array([[0, wrong]]))


def test_an_embedding_trains_like_a_dense_layer_on_one_hot_rows():
    ids, y = RNG.integers(0, 6, (90, 1)), RNG.standard_normal((90, 2))
    embedded = Sequential([Input((1,)), Embedding(6, 2), Flatten()], dtype="float64", seed=0)
    dense = Sequential([Input((6,)), Dense(2, use_bias=False)], dtype="float64", seed=0)
    dense[0].W = embedded[0].W
    for model, x in ((embedded, ids), (dense, np.eye(6)[ids[:, 0]])):
        model.compile("adam", "mse")
        model.fit(x, y, epochs=3, verbose=0, shuffle=False)
    np.testing.assert_allclose(embedded[0].W, dense[0].W, rtol=1e-12)


def test_an_embedding_is_saved_and_resumes(tmp_path):
    ids = RNG.integers(0, 6, (40, 3))
    model = Sequential([Input((3,)), Embedding(6, 2), Dropout(0.2), Flatten(), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.fit(ids, ids.sum(axis=1), verbose=0)
    model.save(tmp_path / "ids.safetensors")
    again = load_model(tmp_path / "ids.safetensors")
    np.testing.assert_array_equal(again.predict(ids), model.predict(ids))
    for one in (model, again):
        one.fit(ids, ids.sum(axis=1), verbose=0)
    np.testing.assert_array_equal(again[0].W, model[0].W)


# The others


def test_selu_is_known_by_name():
    assert repr(Activation("selu")) == "SELU()"


@pytest.mark.parametrize("layer", [GaussianNoise(0.5), AlphaDropout(0.3)], ids=repr)
def test_what_a_layer_draws_follows_from_the_seed_and_the_pass(layer):
    x = np.zeros((20, 4))

    def passes(seed):
        model = Sequential([Input((4,)), layer.copy()], seed=seed)
        return [model.forward(x, training=True) for _ in range(2)]

    first, again, other = passes(1), passes(1), passes(2)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first[0], other[0])


def test_alpha_dropout_keeps_mean_and_variance():
    model = Sequential([Input((1000,)), AlphaDropout(0.3)], seed=0)
    y = model.forward(RNG.standard_normal((300, 1000)), training=True)
    assert abs(y.mean()) < 0.02
    assert abs(y.var() - 1) < 0.02


def test_gaussian_noise_has_the_deviation_asked_for():
    model = Sequential([Input((1000,)), GaussianNoise(0.25)], seed=0)
    y = model.forward(np.zeros((300, 1000)), training=True)
    assert abs(y.mean()) < 0.005
    assert abs(y.std() - 0.25) < 0.002
