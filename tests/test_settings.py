"""A setting is checked whenever it is set, and names that nothing looks at are refused."""

import copy
import pickle

import numpy as np
import pytest

import minidl
from minidl import (
    ArgumentError,
    Dense,
    Dropout,
    Input,
    Layer,
    LeakyReLU,
    Reshape,
    Sequential,
    ShapeError,
    StateError,
    callbacks,
    initializers,
    losses,
    metrics,
    optimizers,
    regularizers,
)
from minidl.optimizers import schedules

X = np.random.default_rng(0).standard_normal((8, 4))
Y = X[:, :2] * 2


def net(**options):
    model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(2)], seed=0, **options)
    model.compile("sgd", "mse")
    return model


# Settings


@pytest.mark.parametrize(
    ("thing", "name", "value"),
    [
        (Dropout(0.5), "rate", 1.5),
        (Dropout(0.5), "rate", "0.5"),
        (Dense(2), "units", 0),
        (Dense(2), "use_bias", "yes"),
        (Dense(2), "kernel_initializer", "glorot"),
        (Dense(2), "trainable", 1),
        (Dense(2), "name", "a/b"),
        (Dense(2), "name", 3),
        (LeakyReLU(), "negative_slope", -1),
        (optimizers.SGD(), "momentum", -1),
        (optimizers.SGD(), "clipnorm", 0),
        (optimizers.SGD(clipnorm=1.0), "clipvalue", 1.0),
        (optimizers.Adam(), "epsilon", 0),
        (optimizers.RMSprop(), "centered", 2),
        (optimizers.LBFGS(), "history_size", 0),
        (schedules.ExponentialDecay(0.1, 10, 0.5), "decay_steps", 0),
        (schedules.PiecewiseConstantDecay([1], [0.1, 0.2]), "values", [0.1]),
        (schedules.CosineDecay(0.1, 10), "warmup_steps", 3),
        (losses.BinaryCrossentropy(), "label_smoothing", 2),
        (losses.Huber(), "delta", "x"),
        (metrics.BinaryAccuracy(), "threshold", None),
        (metrics.Precision(), "average", "mean"),
        (metrics.AUC(), "name", 200),
        (initializers.RandomUniform(-1, 1), "minval", 2),
        (regularizers.L2(), "l2", "x"),
        (callbacks.EarlyStopping(), "patience", -1),
        (callbacks.TimeLimit(1), "seconds", 0),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "get_config") else repr(value),
)
def test_a_setting_is_checked_when_it_is_set(thing, name, value):
    before = repr(thing)
    with pytest.raises(ArgumentError, match=f"{type(thing).__name__}.*: |at most one"):
        setattr(thing, name, value)
    assert repr(thing) == before


@pytest.mark.parametrize(
    ("thing", "settings"),
    [
        (initializers.RandomUniform(), {"minval": 2.0, "maxval": 3.0}),
        (schedules.PiecewiseConstantDecay([1], [0.1, 0.2]), {"boundaries": [1, 2], "values": [0.1, 0.2, 0.3]}),
        (optimizers.SGD(clipnorm=1.0), {"clipvalue": 1.0, "clipnorm": None}),
    ],
    ids=repr,
)
def test_settings_that_depend_on_each_other_are_checked_together(thing, settings):
    thing.set_params(**settings)
    assert thing.get_config().items() >= settings.items()
    with pytest.raises(ArgumentError):
        thing.set_params(**dict.fromkeys(settings, "x"))
    assert thing.get_config().items() >= settings.items()


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda thing: pickle.loads(pickle.dumps(thing))])
def test_a_setting_of_a_copy_is_checked(twin):
    with pytest.raises(ArgumentError, match="SGD: momentum"):
        twin(optimizers.SGD()).momentum = 2
    with pytest.raises(ArgumentError, match="Dropout: rate"):
        twin(Dropout(0.5)).rate = 2


def test_a_setting_is_stored_as_the_constructor_stores_it():
    layer, schedule = Dense(2), schedules.PiecewiseConstantDecay([1], [0.1, 0.2])
    layer.activation = "relu"
    schedule.boundaries = (np.int16(5),)
    assert repr(layer) == "Dense(2, activation=ReLU())"
    assert schedule.boundaries == [5]
    assert type(schedule.boundaries[0]) is int


def test_a_layer_that_is_set_is_one_of_the_layers_inside():
    layer = Dense(2)
    assert layer.sublayers() == {}
    layer.activation = "relu"
    assert list(layer.sublayers()) == ["activation"]
    assert layer.set_params(activation="tanh", units=3).sublayers()["activation"] is layer.activation


def test_a_setting_of_a_built_layer_takes_effect():
    model = Sequential([Input((4,)), LeakyReLU(0.1), Dropout(0.0)])
    model[0].negative_slope = 0.5
    np.testing.assert_allclose(model.predict([[-1.0, -2.0, 0.0, 1.0]]), [[-0.5, -1.0, 0.0, 1.0]])
    model[1].rate = 0.75
    assert set(np.unique(model.forward(np.ones((50, 4), "float32"), training=True))) == {0.0, 4.0}


@pytest.mark.parametrize(
    ("name", "value"),
    [("units", 5), ("use_bias", False), ("kernel_initializer", "zeros"), ("activation", "tanh"), ("activation", None)],
)
def test_what_build_has_used_is_refused(name, value):
    model = net()
    before = repr(model[0])
    with pytest.raises(StateError, match=rf"Dense 'dense' \(layer 0\): {name}: expected to be set before"):
        setattr(model[0], name, value)
    assert repr(model[0]) == before


def test_the_shape_of_a_built_layer_is_refused():
    model = Sequential([Input((4,)), Reshape((2, 2))])
    with pytest.raises(StateError, match="target_shape: expected to be set before the layer is built"):
        model[0].target_shape = (4, 1)


def test_a_regularizer_of_a_built_layer_takes_effect():
    model = net()
    plain = model.evaluate(X, Y, verbose=0)
    model[1].kernel_regularizer = regularizers.L2(0.5)
    penalty = 0.5 * np.sum(np.square(model[1].W), dtype=np.float64)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain + penalty)
    model.loss_and_gradients(X, Y)
    with_penalty = model.parameters.gradient("dense_1/W").copy()
    model[1].kernel_regularizer.l2 = 0.0
    model.loss_and_gradients(X, Y)
    np.testing.assert_allclose(with_penalty - model.parameters.gradient("dense_1/W"), model[1].W, rtol=1e-5)
    model[1].kernel_regularizer.l2 = 0.5
    model[1].kernel_regularizer = None
    assert model.evaluate(X, Y, verbose=0) == plain


def test_a_regularizer_that_is_set_while_training_is_in_the_loss():
    class Regularize(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model[0].kernel_regularizer = regularizers.L1(1.0) if epoch else None

    model = net()
    model.optimizer.learning_rate = 0.0
    first, second = model.fit(X, Y, epochs=2, callbacks=[Regularize()], verbose=0).history["loss"]
    assert second == pytest.approx(first + np.abs(model[0].W).sum(), rel=1e-6)


def test_a_setting_of_an_optimizer_takes_effect_before_its_first_step():
    optimizer = optimizers.SGD(1.0)
    optimizer.momentum = 0.5
    w = np.zeros(1)
    for _ in range(2):
        optimizer.step(w, np.ones(1))
    assert w == -2.5


def test_a_setting_that_the_steps_have_left_traces_of_is_refused():
    optimizer, w = optimizers.Adam(0.1), np.zeros(1)
    optimizer.step(w, np.ones(1))
    with pytest.raises(StateError, match=r"Adam: beta_1: expected to be set before the first step\. Call reset\(\)"):
        optimizer.beta_1 = 0.5
    optimizer.weight_decay = 0.5
    optimizer.learning_rate = 0.2
    optimizer.reset()
    optimizer.beta_1 = 0.5
    assert optimizer.beta_1 == 0.5


def test_an_optimizer_of_ones_own_changes_its_settings_as_it_likes():
    class Growing(optimizers.Optimizer):
        def __init__(self, learning_rate=1.0, factor=1.0):
            super().__init__(learning_rate)
            self.factor = factor

        def update(self, blocks, rate):
            self.factor *= 2
            for values, gradients, *_ in blocks:
                values -= rate * self.factor * gradients

    optimizer, w = Growing(), np.zeros(1)
    for _ in range(3):
        optimizer.step(w, np.ones(1))
    assert w == -14


def test_a_constructor_of_ones_own_checks_again():
    class Scale(Layer):
        def __init__(self, factor):
            if factor < 0:
                raise ValueError("negative")
            self.factor = factor

        def forward(self, x, training=False):
            return x * self.factor

        def backward(self, dy):
            return dy * self.factor

    layer = Scale(1)
    with pytest.raises(ValueError, match="negative"):
        layer.factor = -1
    layer.factor = 3
    assert layer(np.ones(1)) == 3


# Names


@pytest.mark.parametrize(
    ("thing", "name", "fix"),
    [
        (Dropout(0.5), "rat", "Did you mean 'rate'"),
        (Dense(2), "unit", "Did you mean 'units'"),
        (Dense(2), "trainble", "Did you mean 'trainable'"),
        (Dense(2), "weights", "Did you mean '[gs]et_weights'"),
        (optimizers.SGD(), "momentom", "Did you mean 'momentum'"),
        (optimizers.Adam(), "decay", "Pass a schedule as learning_rate"),
        (losses.Huber(), "detla", "Did you mean 'delta'"),
        (metrics.BinaryAccuracy(), "treshold", "Did you mean 'threshold'"),
        (schedules.CosineDecay(0.1, 10), "decay_step", "Did you mean 'decay_steps'"),
        (regularizers.L2(), "l_2", "Did you mean 'l2'"),
        (initializers.Constant(1), "values", "Did you mean 'value'"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "get_config") else repr(value),
)
def test_a_name_that_a_built_in_class_does_not_have_is_refused(thing, name, fix):
    with pytest.raises(ArgumentError, match=f"{type(thing).__name__}: expected an attribute .* got '{name}'.* {fix}"):
        setattr(thing, name, 1)


@pytest.mark.parametrize(
    ("thing", "name"),
    [(optimizers.SGD(), "step"), (Dense(2), "forward"), (Sequential(), "fit"), (losses.Huber(), "mean")],
)
def test_a_method_is_not_replaced_by_a_value(thing, name):
    with pytest.raises(ArgumentError, match=f"{name}: expected no assignment, got 3. It belongs to the class"):
        setattr(thing, name, 3)


@pytest.mark.parametrize(
    ("thing", "name"), [(callbacks.EarlyStopping(), "patence"), (callbacks.ReduceLROnPlateau(), "coldown")]
)
def test_a_slip_in_a_setting_of_a_built_in_callback_is_refused(thing, name):
    with pytest.raises(ArgumentError, match="Did you mean"):
        setattr(thing, name, 3)
    thing.comment = "any other name"


def test_names_of_keras_are_set_where_they_are_here():
    optimizer, model = optimizers.SGD(), net()
    optimizer.lr = 0.5
    assert repr(optimizer) == "SGD(learning_rate=0.5)"
    with pytest.raises(ArgumentError, match="SGD: learning_rate"):
        optimizer.lr = -5
    model[1].kernel = np.ones((3, 2))
    model[1].bias = [1, 2]
    np.testing.assert_array_equal(model[1].get_weights()[0], np.ones((3, 2)))
    np.testing.assert_array_equal(model[1].b, [1, 2])


class Own(metrics.Metric):
    def update(self, y_true, y_pred, sample_weight=None):
        self.total = getattr(self, "total", 0) + len(y_pred)

    def result(self):
        return self.total


class OwnLayer(Layer):
    def forward(self, x, training=False):
        self.calls = 1
        return x

    def backward(self, dy):
        return dy


def test_classes_of_ones_own_and_models_take_any_name():
    metric, model = Own(), net()
    metric.update([1], [1])
    assert metric.result() == 1
    model.comment = "the third try"
    layer = OwnLayer()
    layer(np.ones(1))
    layer.weight = layer.names = layer.trainable_2 = 1
    assert layer.calls == 1


@pytest.mark.parametrize(
    ("thing", "name", "meant"),
    [
        (OwnLayer(), "trainble", "trainable"),
        (Own(), "higher_is_beter", "higher_is_better"),
        (Sequential(), "stop_trainng", "stop_training"),
        (Sequential(), "optimiser", "optimizer"),
    ],
)
def test_a_slip_in_a_name_that_minidl_looks_at_is_refused_everywhere(thing, name, meant):
    with pytest.raises(ArgumentError, match=f"got '{name}'. Did you mean '{meant}'"):
        setattr(thing, name, False)


@pytest.mark.parametrize(
    "make",
    [
        lambda: metrics.TopKCategoricalAccuracy(5, 200),
        lambda: metrics.R2Score("uniform_average", 2),
        lambda: metrics.BinaryAccuracy(0.5, 0.5),
        lambda: metrics.FunctionMetric(len, 3),
        lambda: Dense(2, name=5),
        lambda: Sequential(name=5),
    ],
)
def test_a_name_is_a_string(make):
    with pytest.raises(ArgumentError, match="name: expected a string, got"):
        make()


@pytest.mark.parametrize("kind", [np.int8, np.int16, np.uint16, np.int32, np.uint64])
def test_integers_of_numpy_become_those_of_python(kind, tmp_path):
    model = Sequential([Input((kind(4),)), Dense(kind(3)), Reshape((kind(3), kind(1)))], seed=kind(1))
    assert [type(value) for value in (model[0].units, model[1].target_shape[0], model.seed)] == [int] * 3
    assert [type(metric.k) for metric in [metrics.TopKCategoricalAccuracy(kind(2))]] == [int]
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(minidl.load_model(tmp_path / "model.safetensors").predict(X), model.predict(X))


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int16])
def test_fit_takes_integers_of_numpy_of_every_width(kind):
    x, y = np.tile(X, (40, 1)), np.tile(Y, (40, 1))
    numbers = {"batch_size": 100, "epochs": 3, "initial_epoch": 1, "steps_per_epoch": 3, "validation_batch_size": 100}
    run = net().fit(x, y, **{name: kind(value) for name, value in numbers.items()}, validation_data=(x, y), verbose=0)
    assert run.history == net().fit(x, y, **numbers, validation_data=(x, y), verbose=0).history
    assert run.epoch == [1, 2]
    assert {type(epoch) for epoch in run.epoch} == {int}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (np.int8(3), 3),
        (np.bool_(True), True),
        (np.float16(0.5), 0.5),
        (np.str_("a"), "a"),
        ([np.uint8(3), (np.int16(4),)], [3, (4,)]),
        ({np.int16(1): [np.int8(2)]}, {1: [2]}),
    ],
    ids=repr,
)
def test_arguments_of_ones_own_layers_come_back_from_files_as_numbers_of_python(value, stored, tmp_path):
    class Holds(OwnLayer):
        def __init__(self, value):
            self.value = value

    Sequential([Holds(value)]).save(tmp_path / "model.safetensors")
    found = minidl.load_model(tmp_path / "model.safetensors", {"Holds": Holds}).layers[0].value
    assert repr(found) == repr(stored)


# Models


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("loss", "mae", "Call compile"),
        ("optimizer", optimizers.SGD(), "Call compile"),
        ("metrics", ["mae"], "Call compile"),
        ("dtype", "float64", "constructor of a new model"),
        ("seed", 3, "constructor of a new model"),
        ("layers", [], "Call add and pop"),
        ("parameters", 1, "parameters.values"),
    ],
)
def test_what_a_model_cannot_change_is_refused_with_the_way_to_do_it(name, value, fix):
    model = net()
    with pytest.raises(StateError, match=f"Sequential: {name}: expected no assignment, got .*{fix}"):
        setattr(model, name, value)


@pytest.mark.parametrize("layer", [net(), net()[0], Dense(2)], ids=["model", "built layer", "layer"])
@pytest.mark.parametrize("name", ["input_shape", "output_shape", "declared", "views", "place"])
def test_what_follows_from_build_cannot_be_assigned(layer, name):
    before = getattr(layer, name)
    with pytest.raises(StateError, match=rf"{name}: expected no assignment, got \(7,\). It follows from build"):
        setattr(layer, name, (7,))
    assert getattr(layer, name) is before


@pytest.mark.parametrize("optimizer", [optimizers.Adam(), optimizers.SGD(), optimizers.LBFGS()], ids=repr)
@pytest.mark.parametrize("value", [-3, 2.5, "1", True, None])
def test_the_number_of_steps_is_checked(optimizer, value):
    with pytest.raises(ArgumentError, match=r"iterations: expected an integer of at least 0, got"):
        optimizer.iterations = value
    assert optimizer.iterations == 0


def test_the_number_of_steps_moves_a_schedule():
    optimizer = optimizers.SGD(optimizers.schedules.InverseTimeDecay(1.0, 1, 1.0))
    optimizer.iterations = 3
    assert optimizer.learning_rate == 0.25


def test_values_and_gradients_are_copied_into():
    model = net()
    model.parameters.values = np.arange(23.0)
    assert model[0].W[0, 1] == 1
    model.parameters.values += 1
    assert model[0].W[0, 1] == 2
    model.parameters.gradients = np.ones(23)
    np.testing.assert_array_equal(model[0].dW, np.ones((4, 3)))
    with pytest.raises(ShapeError, match=r"parameters: values: expected shape \(23,\), got \(\)"):
        model.parameters.values = 0.0


def test_the_name_of_a_layer_stays_unique_and_that_of_a_built_one_stays():
    model = Sequential([Dense(2), Dense(2), Dense(2)])
    model[1].name = "second"
    with pytest.raises(ArgumentError, match="name: expected one that no other layer has, got 'second'"):
        model[2].name = "second"
    model.build((2,))
    with pytest.raises(StateError, match="expected to be set before the model is built"):
        model[0].name = "first"
    assert list(model.sublayers()) == ["dense", "second", "dense_2"]


# Compiled objects


def compiled(loss, *metrics, end="sigmoid", optimizer="sgd"):
    model = Sequential([Input((4,)), Dense(1, activation=end)], seed=0)
    model.compile(optimizer, loss, metrics)
    return model


@pytest.mark.parametrize(
    ("thing", "name", "value"),
    [
        (losses.BinaryCrossentropy(), "label_smoothing", 0.1),
        (losses.Huber(), "delta", 2.0),
        (metrics.BinaryAccuracy(), "threshold", 0.7),
        (metrics.Precision(), "class_id", 0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_settings_of_what_compile_has_copied_are_refused(thing, name, value):
    if isinstance(thing, losses.Loss):
        compiled(thing)
    else:
        compiled("mse", thing)
    with pytest.raises(StateError, match=f"{name}: expected to be set before compile, which copies"):
        setattr(thing, name, value)
    twin = copy.copy(thing)
    setattr(twin, name, value)
    assert getattr(twin, name) == value


@pytest.mark.parametrize(
    ("name", "value"), [("network", None), ("trainer", None), ("randomness", 0), ("check_gradients", "first_batch")]
)
def test_what_build_and_compile_make_is_not_assigned(name, value):
    with pytest.raises(StateError, match=f"Sequential: {name}: expected no assignment"):
        setattr(compiled("mse"), name, value)


@pytest.mark.parametrize("value", ["yes", None, 1])
def test_stop_training_is_true_or_false(value):
    model = compiled("mse")
    with pytest.raises(ArgumentError, match="stop_training: expected True or False, got"):
        model.stop_training = value
    model.stop_training = np.True_
    assert model.stop_training is True


def test_a_change_of_the_list_of_metrics_changes_no_model():
    names = ["mae"]
    model = Sequential([Input((4,)), Dense(2)], seed=0)
    model.compile("sgd", "mse", names, weighted_metrics=names)
    names.append("nonsense")
    model.metrics.append("nonsense")
    model.weighted_metrics.append("nonsense")
    assert (model.metrics, model.weighted_metrics) == (["mae"], ["mae"])
    assert list(model.evaluate(X, Y, verbose=0, return_dict=True)) == ["loss", "mae", "weighted_mae"]


def test_the_loss_of_a_model_takes_settings_where_they_have_an_effect():
    model = compiled(losses.Huber(1e-6), end=None)
    before = model.evaluate(X, Y[:, :1], verbose=0)
    model.loss.delta = 2e-6
    assert model.evaluate(X, Y[:, :1], verbose=0) == pytest.approx(2 * before, rel=1e-4)
    model = compiled(losses.BinaryCrossentropy())
    with pytest.raises(StateError, match=r"label_smoothing: expected to be set before compile\. Compile with"):
        model.loss.label_smoothing = 0.5


@pytest.mark.parametrize(("loss", "end"), [("mse", None), ("mae", "relu"), ("huber", "softplus"), ("poisson", "elu")])
def test_the_accuracy_of_a_regression_is_refused(loss, end):
    with pytest.raises(ArgumentError, match=r"metrics: expected metrics of numbers for .* got 'accuracy'\. Use 'mae'"):
        compiled(loss, "accuracy", end=end)


@pytest.mark.parametrize(("loss", "end"), [("mse", "sigmoid"), ("mae", "tanh"), ("hinge", None)])
def test_the_accuracy_of_classes_is_compiled_with_any_loss(loss, end):
    assert compiled(loss, "accuracy", end=end).metrics == ("accuracy",)


def test_a_layer_of_ones_own_may_assign_its_constants():
    class Scaled(OwnLayer):
        factor = 1.0

    layer = Scaled()
    layer.factor = 2.0
    assert (layer.factor, Scaled.factor) == (2.0, 1.0)


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (metrics.F1Score(), "beta"),
        (initializers.GlorotUniform(), "scale"),
        (Dense(3), "forward"),
        (Dense(3), "input_dtype"),
        (losses.MeanSquaredError(), "from_logits"),
        (losses.Hinge(), "threshold"),
        (optimizers.LBFGS(), "learning_rate"),
        (optimizers.Adam(), "full_batch"),
        (metrics.AUC(), "higher_is_better"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_what_a_class_fixes_is_not_assigned(made, name):
    before = vars(made).copy()
    with pytest.raises(ArgumentError, match=f"{name}: expected no assignment, got 3. It belongs to the class."):
        setattr(made, name, 3)
    assert vars(made) == before
