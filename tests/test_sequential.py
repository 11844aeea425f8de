"""Sequential: building, naming, nesting, copying, freezing, looking in."""

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

from minidl import Dense, Dropout, Flatten, Input, Layer, ReLU, Sequential, Sigmoid, Softmax, Tanh
from minidl.errors import ArgumentError, DataError, ShapeError, StateError
from minidl.explain.summary import rows as summary_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4))
Y = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)


def small(**options):
    model = Sequential([Input((4,)), Dense(5, activation="tanh"), Dense(3), Softmax()], seed=0, **options)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_layers_are_named_as_in_keras():
    model = Sequential([Input((4,)), Dense(2), Dense(2, name="hidden"), Dense(2), ReLU(), ReLU()])
    assert [layer.name for layer in model.layers] == ["dense", "hidden", "dense_1", "relu", "relu_1"]
    assert model["hidden"] is model[1] is model.layers[1]
    assert len(model) == 5
    assert [layer.place for layer in model] == [f"layer {index}" for index in range(5)]


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ArgumentError, match="Dense 'a': name: expected one without"):
        Sequential([Dense(1, name="a"), Dense(1, name="a")])


def test_add_and_pop_keep_the_values_that_stay():
    model = Sequential(seed=0)
    model.add(Input((4,)))
    model.add(Dense(3))
    W = model[0].W.copy()
    model.add(Dense(2, activation="relu"))
    assert isinstance(model.pop().activation, ReLU)
    assert model.output_shape == (3,)
    assert np.array_equal(model[0].W, W)
    listed = Sequential([Input((4,)), Dense(3)], seed=0)
    assert np.array_equal(model.parameters.values, listed.parameters.values)


def test_a_popped_layer_can_stand_in_another_model():
    model = small()
    layer = model.pop()
    other = Sequential([Input((3,)), layer])
    assert other.predict(np.zeros((1, 3))).tolist() == [[pytest.approx(1 / 3)] * 3]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (Dense, r"got the class Dense. Write Dense\(...\)"),
        ("relu", "expected a layer, got 'relu'"),
        (None, "expected a layer, got None"),
        (Input((3,)), "expected Input only as the first item"),
    ],
)
def test_what_is_no_layer_is_refused_and_nothing_is_added(item, words):
    model = Sequential([Input((4,)), Dense(2)])
    with pytest.raises(ArgumentError, match=words):
        model.add(item)
    assert len(model) == 1


def test_a_layer_object_can_be_in_one_place_only():
    layer = Dense(4)
    with pytest.raises(ArgumentError, match=r"Use layer.copy\(\)"):
        Sequential([layer, layer])
    model = Sequential([Input((4,)), layer])
    with pytest.raises(ArgumentError, match="already belongs to a model"):
        Sequential([layer])
    twin = Sequential([Input((4,)), layer.copy()])
    assert np.array_equal(twin[0].W, model[0].W)
    assert twin[0].W is not layer.W


def test_a_failed_list_leaves_its_layers_free():
    layer = Dense(2)
    with pytest.raises(ArgumentError):
        Sequential([layer, Dense])
    assert len(Sequential([layer])) == 1


def test_shapes_that_do_not_fit_name_the_layer():
    got = r"expected inputs of shape \(batch, features\), got \(batch, 28, 28\)\. Add Flatten\(\)"
    with pytest.raises(ShapeError, match=rf"Dense 'dense' \(layer 0\): {got}"):
        Sequential([Input((28, 28)), Dense(10)])
    with pytest.raises(ShapeError, match="as it was built before"):
        small().build((5,))


@pytest.mark.parametrize(
    "call",
    [
        lambda model, x: model.fit(x, Y, verbose=0),
        lambda model, x: model.fit([(x[:20], Y[:20]), (x[20:], Y[20:])], verbose=0),
        lambda model, x: model.fit(((x, Y) for _ in range(2)), verbose=0),
        lambda model, x: model.evaluate(x, Y, verbose=0),
        lambda model, x: model.evaluate(iter([(x, Y)]), verbose=0),
        lambda model, x: model.train_on_batch(x, Y),
        lambda model, x: model.test_on_batch(x, Y),
        lambda model, x: model.loss_and_gradients(x, Y),
        lambda model, x: model.predict(x),
        lambda model, x: model.predict(iter([x])),
        lambda model, x: model(x),
        lambda model, x: model.build((None, 2, 2)),
    ],
)
def test_a_model_without_input_is_built_by_the_first_call_with_samples(call):
    model = Sequential([Flatten(), Dense(3), Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    x = X.reshape(40, 2, 2)
    call(model, x)
    assert model.input_shape == (2, 2)
    assert model.predict(x).shape == (40, 3)


@pytest.mark.parametrize("call", ["predict", "evaluate", "__call__", "loss_and_gradients"])
def test_a_call_that_is_refused_leaves_a_model_unbuilt(call):
    model = Sequential([Dense(3), Softmax()], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(DataError, match="got nan"):
        getattr(model, call)(np.full((40, 2), np.nan), *([Y] if call in ("evaluate", "loss_and_gradients") else []))
    assert model.input_shape is None
    assert model.predict(X).shape == (40, 3)


def test_a_nested_model_takes_the_dtype_of_the_whole():
    inner = Sequential([Input((2,)), Dense(3)])
    model = Sequential([Input((2,)), inner, Dense(1)], dtype="float64", seed=0)
    model.compile("sgd", "mse")
    trace = model.trace(np.ones((4, 2)), np.ones((4, 1)))
    assert inner.dtype == "float64"
    assert trace.loss == pytest.approx(model.evaluate(np.ones((4, 2)), np.ones((4, 1)), verbose=0))


def test_a_nested_model_shares_the_flat_vector_and_keeps_its_training():
    inner = Sequential([Input((4,)), Dense(3), Tanh()], seed=1)
    W = inner[0].W.copy()
    outer = Sequential([Input((4,)), inner, Dense(1)], seed=0)
    assert np.array_equal(inner[0].W, W)
    assert inner.parameters.values.base is outer.parameters.values
    assert list(outer.parameters) == ["sequential/dense/W", "sequential/dense/b", "dense/W", "dense/b"]
    outer.compile("sgd", "mse")
    outer.fit(X, X[:, 0], verbose=0)
    assert (inner[0].W != W).any()
    assert np.array_equal(inner.predict(X[:2]), outer[0].predict(X[:2]))
    outer[0].trainable = False
    before = inner[0].W.copy()
    outer.fit(X, X[:, 0], verbose=0)
    assert np.array_equal(inner[0].W, before)
    with pytest.raises(StateError, match="before nesting it"):
        inner.add(Dense(2))
    with pytest.raises(StateError, match="before nesting it"):
        inner.pop()
    del outer
    inner.add(Dense(2))


def test_a_model_computes_like_its_layers():
    model = small(dtype="float64")
    x = X
    for layer in model.layers:
        x = layer.forward(x)
    assert np.array_equal(model.forward(X), x)
    assert np.array_equal(model(X), x)
    np.testing.assert_allclose(model.predict(X), x, rtol=1e-12)
    dx = model.backward(np.ones_like(x))
    assert dx.shape == X.shape


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_predicts_and_trains_on_alike_and_apart(duplicate):
    model = small()
    model.fit(X, Y, epochs=2, verbose=0)
    twin = duplicate(model)
    assert np.array_equal(twin.predict(X), model.predict(X))
    assert twin.fit(X, Y, epochs=2, verbose=0).history == model.fit(X, Y, epochs=2, verbose=0).history
    assert np.array_equal(twin.parameters.values, model.parameters.values)
    twin.parameters.values[:] = 0
    assert model.parameters.values.any()


def test_a_pickle_holds_no_cache():
    model = Sequential([Input((4,)), Dense(8), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(RNG.normal(size=(100_000, 4)), RNG.normal(size=100_000), batch_size=100_000, verbose=0)
    assert len(pickle.dumps(model)) <= model.parameters.values.nbytes + 65_536


def test_a_dropped_model_is_freed_without_the_garbage_collector():
    gc.collect()
    gc.disable()
    try:
        model = small()
        model.fit(X, Y, verbose=0, validation_split=0.25)
        model.predict(X)
        gone = weakref.ref(model)
        del model
        assert gone() is None
    finally:
        gc.enable()


def test_weights_are_set_all_or_none():
    model = small()
    weights = model.get_weights()
    bad = [np.zeros_like(w) for w in weights]
    bad[-1] = np.zeros(7)
    for wrong in (weights[:-1], bad):
        with pytest.raises(ShapeError, match=r"set_weights: .*expected"):
            model.set_weights(wrong)
        assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), weights, strict=True))
    model.set_weights([2 * w for w in weights])
    assert np.array_equal(model[0].W, 2 * weights[0])


def test_the_seed_is_recorded_and_repeats_the_model():
    free = Sequential([Input((4,)), Dense(3)])
    again = Sequential([Input((4,)), Dense(3)], seed=free.seed)
    assert np.array_equal(free[0].W, again[0].W)
    assert not np.array_equal(free[0].W, Sequential([Input((4,)), Dense(3)])[0].W)


def test_from_config_makes_the_same_model():
    model = small()
    twin = Sequential.from_config({**model.get_config(), "layers": [layer.copy() for layer in model.layers]})
    assert repr(twin) == repr(model)
    assert np.array_equal(twin.predict(X), model.predict(X))


def test_a_built_model_that_comes_first_builds_the_outer_one():
    inner = small()
    outer = Sequential([inner, Softmax()])
    assert outer.input_shape == (4,)
    np.testing.assert_allclose(outer.predict(X), Softmax().forward(inner.predict(X)), rtol=1e-6)


def test_a_first_layer_with_an_input_shape_replaces_an_input():
    model = Sequential(seed=0)
    model.add(Dense(5, activation="tanh", input_shape=(4,)))
    model.add(Dense(3, input_shape=(7,)))  # passed over, as in Keras
    assert repr(model) == "Sequential([Input((4,)), Dense(5, activation=Tanh()), Dense(3)])"
    assert np.array_equal(model[0].W, small()[0].W)
    with pytest.raises(ArgumentError, match=r"Dense 'dense' \(layer 0\): input_shape: expected a tuple"):
        Sequential([Dense(5, input_shape=4)])


def test_backward_takes_a_gradient_of_the_outputs_shape_only():
    model = Sequential([Input((4,)), Dense(3), ReLU()])
    model.forward(X)
    with pytest.raises(ShapeError, match=rf"backward: dy: expected shape \({len(X)}, 3\), as y, got \(1, 3\)"):
        model.backward(np.ones((1, 3)))


def test_from_config_makes_new_layers_of_those_that_stand_in_a_model():
    model = small()
    model[0].trainable = False
    twin = Sequential.from_config(model.get_config())
    assert repr(twin) == repr(model)
    assert twin[0] is not model[0]
    assert not twin[0].trainable


def test_a_layer_is_got_by_name_or_index():
    model = small()
    assert model.get_layer("dense_1") is model.get_layer(index=1) is model[1]


def test_weights_are_the_arrays_themselves_and_none_before_build():
    model = small()
    assert [W.shape for W in model.weights] == [(4, 5), (5,), (5, 3), (3,)]
    assert model[0].weights[0] is model[0].W
    assert Dense(3).weights == []


def test_summary_counts_the_frozen_parameters_of_inner_models(capsys):
    inner = Sequential([Dense(5), Dense(2)])
    inner[0].trainable = False
    Sequential([Input((4,)), inner, Dense(3)]).summary()
    assert "46 parameters (21 trainable, 25 frozen)" in capsys.readouterr().out


def test_summary_shows_shapes_parameters_and_cached_bytes(capsys):
    small().summary()
    text = capsys.readouterr().out
    assert "dense (Dense)      (batch, 5)            25                36" in text
    assert "softmax (Softmax)  (batch, 3)             0                12" in text
    assert "43 parameters (43 trainable, 0 frozen), 172 bytes in float32" in text
    assert "<td>dense_1 (Dense)</td><td>(batch, 3)</td><td>18</td>" in small()._repr_html_()


def test_summary_counts_caches_and_touches_nothing():
    model = Sequential([Input((64,)), Dense(10), ReLU(), Dropout(0.5), Dense(3)], seed=0)
    before = str(model.randomness.get_state())
    rows = {row[0].split()[0]: row[3] for row in summary_rows(model)}
    assert rows == {"dense": "256", "relu": "40", "dropout": "40", "dense_1": "40"}
    assert str(model.randomness.get_state()) == before


def test_repr_can_be_read_back():
    assert repr(small()) == "Sequential([Input((4,)), Dense(5, activation=Tanh()), Dense(3), Softmax()])"


@pytest.mark.parametrize(
    ("last", "loss", "words"),
    [
        (Sigmoid, "categorical_crossentropy", "ends in Softmax"),
        (Softmax, "binary_crossentropy", "ends in Sigmoid"),
        (None, "binary_crossentropy", "ends in Sigmoid"),
    ],
)
def test_compile_refuses_a_loss_that_does_not_fit_the_last_layer(last, loss, words):
    model = Sequential([Input((4,)), Dense(3), *([last()] if last else [])])
    with pytest.raises(ArgumentError, match=words):
        model.compile("adam", loss)


def test_float32_stays_float32_and_float64_stays_float64():
    for dtype in ("float32", "float64"):
        model = small(dtype=dtype)
        model.fit(X, Y, verbose=0)
        assert model.predict(X).dtype == model.parameters.values.dtype == dtype
        assert model.parameters.gradients.dtype == dtype


def test_a_summary_needs_no_copy_of_a_layer_without_state():
    class Holder(Layer):
        def __init__(self):
            self.module = copy  # cannot be copied

        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy

    model = Sequential([Input((3,)), Holder()])
    assert summary_rows(model) == [("holder (Holder)", "(batch, 3)", "0", "0")]
