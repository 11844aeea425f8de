"""Layers that hold layers: where they may be, what they are called, and what they share with the layer around them."""

import copy
import inspect
import pickle
import re

import numpy as np
import pytest

from minidl import (
    ArgumentError,
    Columns,
    Concatenate,
    Dense,
    Flatten,
    Input,
    Layer,
    LayerError,
    Residual,
    Sequential,
    ShapeError,
    StateError,
    load_model,
)
from minidl.callbacks import Callback, ModelCheckpoint
from minidl.explain.summary import rows, totals
from minidl.plotting import plot_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4))


class Chain(Layer):
    """Runs the layers in ``blocks`` one after another, whatever holds them."""

    def __init__(self, blocks):
        self.blocks = blocks

    @property
    def row(self):
        return list(self.sublayers().values())

    def build(self, input_shape):
        for layer in self.row:
            input_shape = layer.declare(input_shape)
        return input_shape

    def forward(self, x, training=False):
        for layer in self.row:
            x = layer.forward(x, training)
        return x

    def backward(self, dy):
        for layer in reversed(self.row):
            dy = layer.backward(dy)
        return dy


CONTAINERS = {
    "a dict": (lambda: {"low": Dense(3), "high": Dense(2)}, ["blocks_low", "blocks_high"]),
    "a list of tuples": (lambda: [(Dense(3),), (), (Dense(2),)], ["blocks_0_0", "blocks_2_0"]),
    "a dict of lists": (lambda: {1: [Dense(3, name="a")], 2: Dense(2)}, ["a", "blocks_2"]),
    "a list that begins with something else": (lambda: [None, Dense(3), "x", Dense(2)], ["blocks_1", "blocks_3"]),
}


@pytest.mark.parametrize(("make", "names"), CONTAINERS.values(), ids=CONTAINERS)
def test_inner_layers_are_found_in(make, names, tmp_path):
    model = Sequential([Input((4,)), Chain(make())], seed=0)
    assert list(model.parameters) == [f"chain/{name}/{array}" for name in names for array in "Wb"]
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model", custom_objects={"Chain": Chain})
    for twin in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(twin.predict(X), model.predict(X))
        assert not np.shares_memory(twin.parameters.values, model.parameters.values)


def test_prediction_leaves_the_caches_of_layers_in_a_dict_alone():
    model = Sequential([Input((4,)), Chain({"a": Dense(2)})], seed=0)
    model.forward(X)
    inner = model.layers[0].blocks["a"]
    before = inner._x
    model.predict(X[:5])
    assert inner._x is before


def test_a_second_attribute_may_refer_to_an_inner_layer():
    class Twice(Chain):
        def __init__(self, blocks):
            self.blocks, self.first = blocks, blocks[0]

    model = Sequential([Input((4,)), Twice([Dense(3), Dense(2)])], seed=0)
    assert list(model.parameters) == [f"twice/blocks_{index}/{array}" for index in range(2) for array in "Wb"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Chain([Dense(4, name="a"), Dense(4, name="a")]),
        lambda: Chain({"a": Dense(4, name="a/b")}),
        lambda: Chain([Dense(4)] * 2),
        lambda: Residual(*[Dense(4)] * 2),
    ],
)
def test_inner_layers_need_different_names_and_no_slash(make):
    with pytest.raises(ArgumentError, match="expected different layers, their names different and without '/'"):
        Sequential([Input((4,)), make()])


class Hidden(Chain):
    def __init__(self, hide):
        self.hide = hide

    def build(self, input_shape):
        inner = Dense(2)
        self.hide(self, inner)
        return inner.declare(input_shape)


HIDDEN = {
    "_inner": lambda layer, inner: setattr(layer, "_inner", inner),
    "_parts": lambda layer, inner: setattr(layer, "_parts", {"a": [inner]}),
    "parts": lambda layer, inner: setattr(layer, "parts", {inner}),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_inner_layers_that_cannot_be_found_are_refused(name):
    words = rf"Hidden 'hidden' \(layer 0\): expected inner layers in attributes .* got some in self.{name}\. Rename"
    with pytest.raises(LayerError, match=words):
        Sequential([Input((4,)), Hidden(HIDDEN[name])])


# Constructors


class Passing(Dense):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


class PassingMore(Passing):
    def __init__(self, gain, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = gain


class Block(Residual):
    def __init__(self, units, **kwargs):
        super().__init__(Dense(units, activation="relu"), Dense(units), **kwargs)
        self.units = units


class Rectified(Dense):
    def __init__(self, units, **kwargs):
        super().__init__(units, activation="relu", **kwargs)


class Twofold(Dense):
    def __init__(self, half, **kwargs):
        super().__init__(2 * half, **kwargs)
        self.half = half


@pytest.mark.parametrize("make", [lambda: Rectified(3, use_bias=False), lambda: Twofold(2, activation="tanh")])
def test_a_constructor_may_pass_on_its_own_arguments(make, tmp_path):
    model = Sequential([Input((4,)), make()], seed=0)
    model.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model", custom_objects={"Rectified": Rectified, "Twofold": Twofold})
    assert repr(loaded) == repr(model)
    assert np.array_equal(loaded.predict(X), model.predict(X))


CONSTRUCTED = [
    (lambda: Passing(3, "relu", use_bias=False), "Passing(3, activation=ReLU(), use_bias=False)"),
    (lambda: PassingMore(0.5, 3, "tanh"), "PassingMore(0.5, 3, activation=Tanh())"),
    (lambda: Block(4), "Block(4)"),
    (lambda: Block(4, projection=Dense(4)), "Block(4, projection=Dense(4))"),
    (lambda: Residual(Dense(4), projection=Dense(4)), "Residual(Dense(4), projection=Dense(4))"),
    (lambda: Concatenate([Dense(1), Dense(2)], []), "Concatenate([Dense(1), Dense(2)], [])"),
    (lambda: Columns(-1, slice(0, 2)), "Columns(-1, slice(0, 2, None))"),
]


@pytest.mark.parametrize(("make", "shown"), CONSTRUCTED, ids=[shown for _, shown in CONSTRUCTED])
def test_arguments_that_a_constructor_passes_on_are_in_repr_and_file(make, shown, tmp_path):
    model = Sequential([Input((4,)), make()], seed=0)
    assert repr(model.layers[0]) == shown
    model.save(tmp_path / "model")
    classes = {kind.__name__: kind for kind in (Passing, PassingMore, Block)}
    loaded = load_model(tmp_path / "model", custom_objects=classes)
    assert repr(loaded) == repr(model)
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_arguments_are_passed_by_place_only_as_far_as_each_class_takes_them():
    class PassingRectified(Rectified):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)

    by_place, *others = inspect.signature(PassingRectified).parameters.values()
    assert (by_place.name, by_place.kind) == ("units", by_place.POSITIONAL_OR_KEYWORD)
    assert {one.kind for one in others} == {by_place.KEYWORD_ONLY}


# Residual, Concatenate, Columns


def test_residual_adds_its_input():
    inner = Dense(4, activation="tanh")
    model = Sequential([Input((4,)), Residual(inner)], seed=0, dtype="float64")
    expected = np.tanh(X @ inner.W + inner.b) + X
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-14)


def test_residual_projects_its_input():
    inner, around = Dense(2), Dense(2, use_bias=False)
    model = Sequential([Input((4,)), Residual(inner, projection=around)], seed=0, dtype="float64")
    np.testing.assert_allclose(model.predict(X), X @ inner.W + inner.b + X @ around.W, rtol=1e-13)


def test_concatenate_puts_the_branches_side_by_side():
    inner = Dense(2)
    model = Sequential([Input((4,)), Concatenate(Columns(-1, 0), [inner], [])], seed=0, dtype="float64")
    expected = np.concatenate([X[:, [3, 0]], X @ inner.W + inner.b, X], axis=1)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-14)


def test_columns_take_the_last_axis():
    model = Sequential([Input((2, 4)), Columns(slice(None, None, 2))])
    x = np.arange(16.0).reshape(2, 2, 4)
    assert model.predict(x).tolist() == x[..., ::2].tolist()


def test_the_lowest_block_in_training_sets_the_same_gradients():
    def network(*first):
        block = Concatenate([Residual(Dense(4, activation="tanh"), Dense(4))], [Dense(3), Dense(2)], [])
        return Sequential([Input((4,)), *first, block, Dense(1)], seed=0, dtype="float64")

    lowest, second = network(), network(Dense(4))
    second.layers[0].W, second.layers[0].b = np.eye(4), np.zeros(4)
    for (_, value), name in zip(list(vars(second.parameters)["shapes"].items())[2:], lowest.parameters, strict=True):
        assert value == lowest.parameters.shapes[name]
    second.parameters.values[20:] = lowest.parameters.values
    gradients = []
    for model in (lowest, second):
        model.compile("sgd", "mse")
        gradients.append(model.loss_and_gradients(X, X[:, :1])[1])
    np.testing.assert_allclose(gradients[0], gradients[1][20:], rtol=1e-12)


WRONG = [
    (lambda: Residual(), ArgumentError, "Residual: layers: expected at least one layer, got none."),
    (lambda: Residual([Dense(2)]), ArgumentError, "Residual: layers: expected layers, got [Dense(2)]."),
    (lambda: Residual(Dense), ArgumentError, "Residual: layers: expected layers, got the class Dense. Make one."),
    (lambda: Residual(Dense(2), projection=True), ArgumentError, "Residual: projection: expected layers, got True."),
    (lambda: Residual(Dense(3)), ShapeError, "(4,) that they are added to, got (3,). Pass projection=Dense(...)."),
    (lambda: Concatenate(), ArgumentError, "Concatenate: branches: expected at least one branch, got none."),
    (lambda: Concatenate("relu"), ArgumentError, "Concatenate: branches: expected layers, got 'relu'."),
    (lambda: Columns(), ArgumentError, "Columns: columns: expected at least one column, got none."),
    (lambda: Columns([1, 2]), ArgumentError, "got [1, 2]. Write Columns(*columns)."),
    (lambda: Columns(True), ArgumentError, "Columns: columns: expected numbers, slices and names, got True."),
    (lambda: Columns(4), ShapeError, "expected columns of 4 features, got column 4."),
    (lambda: Columns(3, -1), ShapeError, "expected different columns of 4 features, got [3, 3]."),
    (lambda: Columns(slice(4, None)), ShapeError, "expected different columns of 4 features, got none."),
]


@pytest.mark.parametrize(("make", "kind", "words"), WRONG, ids=[words for _, _, words in WRONG])
def test_a_wrong_argument_is_refused_in_words(make, kind, words):
    with pytest.raises(kind) as caught:
        Sequential([Input((4,)), make()])
    assert words in str(caught.value)


def test_branches_must_agree_in_the_other_axes():
    with pytest.raises(ShapeError, match="differ in the last axis only"):
        Sequential([Input((2, 3)), Concatenate([], Flatten())])


# Dense with an activation


@pytest.mark.parametrize("activation", ["relu", "softmax", Sequential([Dense(3), Dense(2)])], ids=str)
def test_a_layer_runs_its_own_backward_after_the_forward_of_its_model(activation):
    model = Sequential([Input((4,)), Dense(3, activation=activation), Dense(2, "tanh")], seed=0, dtype="float64")
    model.forward(X)
    dy = RNG.normal(size=(64, 2))
    dx = model.backward(dy)
    gradients = model.parameters.gradients.copy()
    model.parameters.gradients[...] = np.nan
    first, second = model.layers
    np.testing.assert_array_equal(first.backward(second.backward(dy)), dx)
    np.testing.assert_array_equal(model.parameters.gradients, gradients)


def test_a_model_runs_its_backward_after_the_forwards_of_its_layers():
    model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2)], seed=0, dtype="float64")
    model.forward(X)
    dy = RNG.normal(size=(64, 2))
    dx = model.backward(dy)
    model.forward(X[:3])
    model.layers[1].forward(model.layers[0].forward(X))
    model._outputs = dy.shape
    np.testing.assert_array_equal(model.backward(dy), dx)


class Doubled(Dense):
    def forward(self, x, training=False):
        return 2 * super().forward(x, training)

    def backward(self, dy):
        return super().backward(2 * dy)


def test_a_dense_layer_with_another_forward_computes_its_activation_once():
    model = Sequential([Input((4,)), Doubled(3, activation="sigmoid")], seed=0, dtype="float64")
    layer = model.layers[0]
    assert model.network.names == ("doubled",)
    np.testing.assert_allclose(model.predict(X), 2 / (1 + np.exp(-(X @ layer.W + layer.b))), rtol=1e-14)


class Named(Dense):
    pass


def test_a_step_is_called_as_its_layer_and_trained_on_logits():
    model = Sequential([Input((4,)), Named(1, activation="sigmoid")], seed=0)
    assert model.network.layers[0].label == "Named 'named' (layer 0)"
    assert repr(model.network.layers[0]) == "Named(1, activation=Sigmoid())"
    model.compile("sgd", "binary_crossentropy")
    assert model.trainer.objective.activation is model.layers[0].activation


# State and freezing


class Centred(Layer):
    """y = x - mean: of the batch in training, the running one otherwise."""

    def build(self, input_shape):
        self.add_state("mean", input_shape)
        return input_shape

    def forward(self, x, training=False):
        if training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
            return x - x.mean(axis=0)
        return x - self.mean

    def backward(self, dy):
        return dy


class CentredInPlace(Centred):
    def forward(self, x, training=False):
        if training:
            self.mean *= 0.9
            self.mean += 0.1 * x.mean(axis=0)
        return x - self.mean


def compiled(*layers):
    model = Sequential([Input((4,)), *layers, Dense(1)], seed=0)
    model.compile("sgd", "mse")
    return model


FROZEN = {
    "a layer": (lambda: Centred(), lambda layer: layer),
    "a layer in a list": (lambda: Chain([Dense(4), Centred()]), lambda layer: layer.blocks[1]),
    "a layer in a dict": (lambda: Chain({"a": CentredInPlace()}), lambda layer: layer.blocks["a"]),
    "a layer that holds it": (lambda: Residual(Chain([Centred()]), Dense(4)), lambda layer: layer.layers[0]),
    "a model in a layer": (lambda: Residual(Sequential([Dense(4), Centred()])), lambda layer: layer.layers[0]),
    "a layer of a model in a layer": (lambda: Residual(Sequential([Centred()])), lambda layer: layer.layers[0][0]),
    "the outermost": (lambda: Concatenate([], [Chain([Centred()])]), lambda layer: layer),
}
PASSES = {
    "fit": lambda model: model.fit(X, X[:, 0], verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, X[:, 0]),
    "loss_and_gradients": lambda model: model.loss_and_gradients(X, X[:, 0]),
    "forward": lambda model: model.forward(X, training=True),
    "the layer's own forward": lambda model: model.layers[0].forward(X.astype("float32"), True),
}


@pytest.mark.parametrize("run", PASSES.values(), ids=PASSES)
@pytest.mark.parametrize(("make", "frozen"), FROZEN.values(), ids=FROZEN)
def test_the_state_of_a_frozen_layer_stays(make, frozen, run):
    model = compiled(make())
    state = model.network.states[0]
    run(model)
    moved = state.copy()
    assert moved.any()
    frozen(model.layers[0]).trainable = False
    run(model)
    np.testing.assert_array_equal(state, moved)
    frozen(model.layers[0]).trainable = True
    run(model)
    assert (state != moved).any()


def test_a_frozen_inner_layer_computes_as_in_inference():
    model = compiled(Chain([Centred()]))
    model.layers[0].blocks[0].trainable = False
    np.testing.assert_array_equal(model.forward(X, training=True), model.forward(X))


def test_copies_and_files_keep_an_inner_layer_frozen(tmp_path):
    model = compiled(Residual(Centred(), Dense(4)))
    model.layers[0].layers[0].trainable = False
    model.save(tmp_path / "model")
    for twin in (model.copy(), load_model(tmp_path / "model", custom_objects={"Centred": Centred})):
        twin.fit(X, X[:, 0], verbose=0)
        assert not twin.layers[0].layers[0].mean.any()


# Values from outside


class Scaled(Layer):
    """y = (x - mean) * factor, the mean of data shown before or during build."""

    def adapt(self, x):
        self.mean = x.mean(axis=0)
        return self

    def build(self, input_shape):
        self.add_state("mean", input_shape)
        self.add_parameter("factor", input_shape, "ones")
        self.factor = np.full(input_shape, 2.0)
        return input_shape

    def forward(self, x, training=False):
        return (x - self.mean) * self.factor

    def backward(self, dy):
        self.dfactor = np.zeros_like(self.factor)
        return dy * self.factor


@pytest.mark.parametrize("wrap", [lambda layer: layer, lambda layer: Chain({"a": layer}), Residual])
def test_a_value_set_before_or_in_build_is_the_start(wrap):
    layer = Scaled().adapt(X)
    model = Sequential([Input((4,)), wrap(layer)], dtype="float64")
    np.testing.assert_array_equal(layer.mean, X.mean(axis=0))
    np.testing.assert_array_equal(layer.factor, [2.0] * 4)
    assert model.parameters.values.tolist() == [2.0] * 4
    layer.factor = np.ones(4)
    assert model.parameters.values.tolist() == [1.0] * 4


def test_a_value_of_another_shape_is_refused_by_build():
    with pytest.raises(ShapeError, match=r"Scaled 'scaled' \(layer 0\): mean: expected shape \(3,\), got \(4,\)"):
        Sequential([Input((3,)), Scaled().adapt(X)])


# What errors say


class Strict(Layer):
    """y = x; raises for 7 rows, and backward for 5."""

    def forward(self, x, training=False):
        if len(x) == 7:
            raise KeyError("seven")
        self._rows = len(x)
        return x

    def backward(self, dy):
        if self._rows == 5:
            raise ValueError("five")
        return dy


class MadeInBuild(Layer):
    """Makes its inner layers in build."""

    def build(self, input_shape):
        self.parts = {"first": Strict(), "second": Strict()}
        return [part.declare(input_shape) for part in self.parts.values()][-1]

    def forward(self, x, training=False):
        return self.parts["second"].forward(x, training)

    def backward(self, dy):
        return self.parts["second"].backward(dy)


WHERE = {
    "alone": (Strict, "Strict 'strict' (layer 0)"),
    "in a list": (lambda: Residual(Strict(), Dense(4)), "Strict (layers_0 in Residual 'residual', layer 0)"),
    "as the only one": (lambda: Residual(Strict()), "Strict (in Residual 'residual', layer 0)"),
    "by its name": (lambda: Chain([Strict(name="s"), Dense(4)]), "Strict 's' (in Chain 'chain', layer 0)"),
    "deep": (
        lambda: Chain({"a": Residual(Dense(4), Strict())}),
        "Strict (blocks_a/layers_1 in Chain 'chain', layer 0)",
    ),
    "in a model": (lambda: Sequential([Strict()]), "Strict 'strict' (layer 0 in Sequential 'sequential', layer 0)"),
    "in a model in a layer": (
        lambda: Residual(Sequential([Strict()])),
        "Strict 'strict' (layer 0 in Sequential, in Residual 'residual', layer 0)",
    ),
    "made in build": (MadeInBuild, "Strict (parts_second in MadeInBuild 'made_in_build', layer 0)"),
}


@pytest.mark.parametrize(("make", "label"), WHERE.values(), ids=WHERE)
@pytest.mark.parametrize("watched", [True, False])
def test_an_exception_names_the_layer_and_its_input(make, label, watched):
    model = Sequential([Input((4,)), make(), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    if not watched:
        model.train_on_batch(X, X[:, 0])
    calls = [lambda x: model.train_on_batch(x, x[:, 0]), lambda x: model.loss_and_gradients(x, x[:, 0])]
    for call in [*calls, model.forward, model.predict]:
        with pytest.raises(KeyError) as caught:
            call(X[:7])
        assert caught.value.__notes__ == [f"In the forward of {label}, where x is float32 of shape (7, 4)."]
    model.forward(X[:5])
    with pytest.raises(ValueError, match="five") as caught:
        model.backward(np.ones((5, 1)))
    assert caught.value.__notes__ == [f"In the backward of {label}, where dy is float32 of shape (5, 4)."]


def test_an_exception_in_build_names_the_layer():
    class Picky(Layer):
        def build(self, input_shape):
            raise OSError("no file")

        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy

    with pytest.raises(OSError, match="no file") as caught:
        Sequential([Input((4,)), Residual(Dense(4), Picky())])
    label = "Picky (layers_1 in Residual 'residual', layer 0)"
    assert caught.value.__notes__ == [f"In the build of {label}, where input_shape is (4,)."]


def test_an_error_that_names_its_layer_has_no_note():
    model = Sequential([Input((4,)), Residual(Dense(4)), Dense(1)], seed=0)
    with pytest.raises(ShapeError, match="in Residual") as caught:
        model.layers[0].forward(np.ones((2, 3)))
    assert not hasattr(caught.value, "__notes__")


class FreezeLate(Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 0:
            self.model.layers[0].layers[1].trainable = False


def test_a_run_resumes_with_the_inner_layers_that_were_frozen(tmp_path):
    def fit(model, epochs, folder, **more):
        hooks = [FreezeLate(), ModelCheckpoint(folder / "run_{epoch}")]
        model.fit(X, X[:, 0], epochs=epochs, callbacks=hooks, verbose=0, **more)
        return model

    def model():
        return compiled(Residual(Dense(4), Dense(4)))

    whole = fit(model(), 4, tmp_path / "whole")
    fit(model(), 2, tmp_path / "parts")
    resumed = fit(model(), 4, tmp_path / "parts", resume=tmp_path / "parts")
    assert [layer.trainable for layer in resumed.layers[0].layers] == [True, False]
    assert np.array_equal(whole.parameters.values, resumed.parameters.values)


# Looking inside


def looked_into():
    inner = Sequential([Dense(4), Centred()])
    model = Sequential([Input((4,)), Residual(Dense(4, activation="tanh", name="wide"), inner), Dense(1)], seed=0)
    model.layers[0].layers[0].trainable = False
    model.compile("sgd", "mse")
    return model


def test_a_summary_has_a_line_for_each_inner_layer():
    lines = rows(looked_into())
    assert [(name, shape, count) for name, shape, count, _ in lines] == [
        ("residual (Residual)", "(batch, 4)", "40"),
        ("  wide (Dense) frozen", "(batch, 4)", "20"),
        ("  layers_1 (Sequential)", "(batch, 4)", "20"),
        ("    dense (Dense)", "(batch, 4)", "20"),
        ("    centred (Centred)", "(batch, 4)", "0"),
        ("dense (Dense)", "(batch, 1)", "5"),
    ]
    assert [int(line[3]) for line in lines] == [48, 32, 16, 16, 0, 16]  # float32; x is counted once
    assert totals(looked_into()).startswith("45 parameters (25 trainable, 20 frozen)")


def test_a_diagram_has_a_line_for_each_inner_layer():
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", plot_model(looked_into()))
    first = texts.index("Residual")
    assert texts[first : first + 6] == [
        "Residual",
        "residual, 40 parameters",
        "wide: Dense(4, activation=Tanh()) frozen",
        "layers_1: Sequential",
        "\u2003dense: Dense(4)",
        "\u2003centred: Centred()",
    ]


def test_a_diagram_drawn_by_matplotlib_has_the_same_lines():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    figure, ax = pyplot.subplots()
    plot_model(looked_into(), ax=ax)
    pyplot.close(figure)
    assert "layers_1: Sequential\n\u2003dense: Dense(4)" in "".join(text.get_text() for text in ax.texts)


def test_a_trace_has_the_steps_of_inner_layers():
    model = looked_into()
    steps = model.trace(X, X[:, 0]).steps
    assert list(steps) == [
        "residual",
        "residual/wide",
        "residual/wide/activation",
        "residual/layers_1",
        "residual/layers_1/dense",
        "residual/layers_1/centred",
        "dense",
    ]
    wide, activation, last = steps["residual/wide"], steps["residual/wide/activation"], steps["residual/layers_1/dense"]
    np.testing.assert_array_equal(wide.x, X.astype("float32"))
    np.testing.assert_array_equal(wide.y, np.tanh(activation.x))
    np.testing.assert_array_equal(steps["residual"].y, steps["residual/layers_1"].y + wide.x)
    np.testing.assert_allclose(last.y, last.x @ last.values["W"] + last.values["b"], rtol=1e-5)
    np.testing.assert_allclose(last.gradients["W"], last.x.T @ last.dy, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(activation.dx, activation.dy * (1 - activation.y**2), rtol=1e-4, atol=1e-7)
    np.testing.assert_array_equal(steps["residual"].dx, wide.dx + steps["residual"].dy)
    assert "forward" not in vars(model.layers[0].layers[0])


def test_an_explanation_writes_the_steps_of_inner_layers_out():
    text = looked_into().explain(X[:2], X[:2, 0], digits=2)
    titles = [line for line in text.splitlines() if line.startswith(("Forward", "Backward"))]
    inside = [
        "Dense 'wide' (in Residual 'residual', layer 0)",
        "Tanh (wide/activation in Residual 'residual', layer 0)",
        "Sequential (layers_1 in Residual 'residual', layer 0)",
        "Dense 'dense' (layer 0 in Sequential, layers_1 in Residual 'residual', layer 0)",
        "Centred 'centred' (layer 1 in Sequential, layers_1 in Residual 'residual', layer 0)",
    ]
    whole = [*inside, "Residual 'residual' (layer 0)", "Dense 'dense' (layer 1)"]
    assert titles == [f"Forward: {one}" for one in whole] + [f"Backward: {one}" for one in reversed(whole)]
    assert "  dx = dy @ W.T    (2, 4) = (2, 4) @ (4, 4)" in text
    assert "  y = Dense(x)    (2, 4)" in text


def test_a_twin_shares_containers_that_hold_no_layers():
    layer = Chain([Dense(2)])
    layer.table = {}
    model = Sequential([Input((4,)), layer])
    model.predict(X)
    layer.table["filled later"] = np.ones(1)
    twin = layer.inference_twin()
    assert twin.table is layer.table
    assert twin.blocks is not layer.blocks


@pytest.mark.parametrize("hold", [lambda inner: inner, lambda inner: [[inner]], lambda inner: {"a": inner}])
def test_an_inner_layer_that_build_does_not_declare_is_told_how(hold):
    class Outer(Layer):
        def __init__(self):
            self.inner = Dense(4)
            self.parts = hold(self.inner)

        def forward(self, x, training=False):
            return self.inner.forward(x, training)

        def backward(self, dy):
            return self.inner.backward(dy)

    model = Sequential([Input((4,)), Outer()], seed=0)
    with pytest.raises(StateError, match=r"in Outer .*\): W: expected a built layer\. .* or call declare in build"):
        model.predict(np.ones((2, 4)))
