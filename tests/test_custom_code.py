"""Custom metrics, regularizers, constraints and callbacks: they work as their authors expect, or an error says why."""

import copy
import re

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, losses, metrics, optimizers
from minidl.callbacks import Callback, EarlyStopping, History, LambdaCallback, LearningRateScheduler, ModelCheckpoint
from minidl.constraints import Constraint
from minidl.errors import ArgumentError, LayerError, StateError
from minidl.metrics import BinaryAccuracy, FunctionMetric, Metric, Precision
from minidl.metrics.base import MeanMetric
from minidl.regularizers import Regularizer

X = np.random.default_rng(0).standard_normal((40, 4))
Y = X[:, :1] * 2


def net(*, compiled=True, **options):
    model = Sequential([Input((4,)), Dense(3, activation="relu"), Dense(1, **options)], seed=0)
    if compiled:
        model.compile("sgd", "mse")
    return model


# Metrics


class Count(Metric):
    """Keeps its state as the constructor sets it, in public and private attributes, and has no reset."""

    def __init__(self, step=1, name=None):
        self.step, self.name = step, name
        self.count, self.seen, self._batches = 0, [], 0

    def update(self, y_true, y_pred, sample_weight=None):
        self.count += self.step * len(y_true)
        self.seen.append(len(y_true))
        self._batches += 1

    def result(self):
        assert len(self.seen) == self._batches
        return self.count


def test_what_the_constructor_of_a_custom_metric_sets_starts_again_with_each_epoch():
    model = net()
    model.compile("sgd", "mse", metrics=[Count(step=2)])
    history = model.fit(X, Y, epochs=3, batch_size=16, validation_split=0.25, verbose=0).history
    assert history["count"] == [60, 60, 60]
    assert history["val_count"] == [20, 20, 20]
    assert model.evaluate(X, Y, verbose=0)[1] == 80
    assert [model.train_on_batch(X[:7], Y[:7])[1] for _ in range(2)] == [14, 14]


def test_reset_of_a_custom_metric_gives_its_lists_new_objects():
    metric = Count()
    metric.update(Y, Y)
    twin = copy.copy(metric)
    twin.reset()
    assert (twin.count, twin.seen, metric.count, metric.seen) == (0, [], 40, [40])


def test_reset_keeps_the_arguments_and_the_name_of_a_custom_metric():
    metric = Count(3, name="mine")
    metric.update(Y, Y)
    metric.reset()
    metric.update(Y, Y)
    assert (metric.get_name(), metric.result()) == ("mine", 120)


def test_reset_of_a_custom_subclass_keeps_what_the_built_in_constructor_has_set():
    class Strict(Precision):
        def __init__(self):
            super().__init__(0.9)

    metric = Strict()
    metric.reset()
    assert metric(np.array([[1.0], [0.0]]), np.array([[0.95], [0.8]])) == 1.0


def test_an_attribute_set_on_a_custom_metric_without_a_constructor_stays():
    class Scaled(MeanMetric):
        scale = 1.0

        def values(self, y_true, y_pred):
            return self.scale * np.abs(y_pred - y_true)

    metric = Scaled()
    metric.scale = 10.0
    metric.reset()
    assert metric(np.zeros((2, 1)), np.ones((2, 1))) == 10.0


@pytest.mark.parametrize(
    ("function", "higher"),
    [(losses.mean_absolute_error, False), (losses.huber, False), (losses.binary_focal_crossentropy, False),
     (losses.cosine_similarity, False), (metrics.binary_accuracy, True), (metrics.top_k_categorical_accuracy, True)],
    ids=repr,
)  # fmt: skip
def test_a_built_in_function_tells_which_direction_is_better(function, higher):
    assert FunctionMetric(function).higher_is_better is higher


def test_a_loss_function_as_a_metric_needs_no_mode():
    model = net()
    model.compile("sgd", "mse", metrics=[losses.mean_absolute_error])
    stopping = EarlyStopping("val_mean_absolute_error", patience=9)
    model.fit(X, Y, epochs=3, validation_split=0.25, callbacks=[stopping], verbose=0)
    assert stopping.best == min(model.history.history["val_mean_absolute_error"])


def test_a_custom_function_may_tell_which_direction_is_better():
    def score(y_true, y_pred):
        return 1.0

    assert FunctionMetric(score).higher_is_better is None
    score.higher_is_better = True
    assert FunctionMetric(score).higher_is_better is True


# Regularizers and constraints

WRONG = [None, "a", [1.0], np.zeros((2, 2)), np.zeros(3), np.array(["a"]), 1j]


def penalised(penalty, gradient):
    class Own(Regularizer):
        def penalty(self, W):
            return penalty(W)

        def gradient(self, W):
            return gradient(W)

    return Own()


@pytest.mark.parametrize("wrong", WRONG, ids=repr)
def test_a_regularizer_whose_penalty_is_no_number_is_named(wrong):
    with pytest.raises(LayerError, match=r"^Own: penalty: expected it to return a number, got "):
        net(kernel_regularizer=penalised(lambda W: wrong, np.zeros_like))


@pytest.mark.parametrize("wrong", [*WRONG, 0.0], ids=repr)
def test_a_regularizer_whose_gradient_has_not_the_shape_of_the_parameter_is_named(wrong):
    with pytest.raises(LayerError, match=r"^Own: gradient: expected it to return (an array|shape \(3, 1\)), got "):
        net(kernel_regularizer=penalised(lambda W: 0.0, lambda W: wrong))


@pytest.mark.parametrize("wrong", [*WRONG, 0.0], ids=repr)
def test_a_constraint_that_does_not_return_the_parameter_is_named(wrong):
    class Own(Constraint):
        def __call__(self, W):
            return wrong

    with pytest.raises(LayerError, match=r"^Own: __call__: expected it to return (an array|shape \(1,\)|float32, as)"):
        net(bias_constraint=Own())


def test_a_regularizer_with_a_length_of_zero_is_in_the_loss():
    class Empty(Regularizer):
        def __len__(self):
            return 0

        def penalty(self, W):
            return 3.0

        def gradient(self, W):
            return np.zeros_like(W)

    with_rule, without = net(kernel_regularizer=Empty()), net()
    assert with_rule.evaluate(X, Y, verbose=0) == pytest.approx(without.evaluate(X, Y, verbose=0) + 3)


def test_a_custom_regularizer_is_checked_when_it_is_set_later_too():
    model = net()
    model.layers[1].kernel_regularizer = penalised(lambda W: None, np.zeros_like)
    with pytest.raises(LayerError, match=r"^Own: penalty: expected it to return a number, got None"):
        model.fit(X, Y, verbose=0)


def test_the_check_of_a_constraint_that_works_in_place_leaves_the_parameter_alone():
    class Zero(Constraint):
        def __call__(self, W):
            W[...] = 0
            return W

    model = net(kernel_constraint=Zero())
    assert model.layers[1].W.any()
    model.train_on_batch(X, Y)
    assert not model.layers[1].W.any()


def test_rules_that_return_float64_or_numpy_numbers_work():
    class Half(Constraint):
        def __call__(self, W):
            return W.astype(np.float64) / 2

    rule = penalised(lambda W: np.float32(1.0), lambda W: np.ones(W.shape))
    model = net(kernel_regularizer=rule, kernel_constraint=Half())
    plain = net()
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain.evaluate(X, Y, verbose=0) + 1.0)
    before = model.layers[1].W.copy()
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(X, Y)
    assert np.array_equal(model.layers[1].W, before / 2)


# Callbacks


class Own(Callback):
    pass


@pytest.mark.parametrize("callback", [Own(), EarlyStopping("loss"), History()], ids=repr)
@pytest.mark.parametrize("name", ["on_epoch_ending", "on_epoch_ends", "on_train_stop", "on_batch_ends"])
def test_a_hook_that_does_not_exist_cannot_be_set_on_an_object(callback, name):
    with pytest.raises(ArgumentError, match=f"{name}: expected the name of a hook. Did you mean 'on_"):
        setattr(callback, name, lambda *arguments: None)


@pytest.mark.parametrize("value", [None, 3, "print"], ids=repr)
@pytest.mark.parametrize("name", ["on_epoch_end", "on_batch_end"])
def test_a_hook_set_on_an_object_must_be_a_function(name, value):
    with pytest.raises(ArgumentError, match=f"^Own: {name}: expected a function, got {value!r}"):
        setattr(Own(), name, value)


def test_the_other_name_of_a_hook_in_keras_can_be_set_on_an_object():
    batches, callback = [], Own()
    callback.on_batch_end = lambda batch, logs: batches.append(batch)
    net().fit(X, Y, batch_size=20, callbacks=[callback], verbose=0)
    assert batches == [0, 1]


@pytest.mark.parametrize(
    ("callback", "name", "near"),
    [(EarlyStopping(), "restore_best_weight", "restore_best_weights"), (EarlyStopping(), "monitors", "monitor"),
     (ModelCheckpoint("m.safetensors"), "save_weight_only", "save_weights_only"), (History(), "epochs", "epoch")],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)  # fmt: skip
def test_an_argument_of_a_built_in_callback_in_the_other_number_is_refused(callback, name, near):
    with pytest.raises(ArgumentError, match=f"expected another name, got '{name}'. Did you mean '{near}'?"):
        setattr(callback, name, 1)


@pytest.mark.parametrize("wrong", [17, -1, "loud", None, 0.5], ids=repr)
@pytest.mark.parametrize(
    "make", [lambda **verbose: EarlyStopping(**verbose), lambda **verbose: LearningRateScheduler(abs, **verbose),
             lambda **verbose: ModelCheckpoint("m.safetensors", **verbose)], ids=["stopping", "rate", "checkpoint"],
)  # fmt: skip
def test_verbose_of_a_callback_is_checked_when_given_and_when_set(make, wrong):
    with pytest.raises(ArgumentError, match="verbose: expected 'auto', 0, 1 or 2, got "):
        make(verbose=wrong)
    callback = make(verbose=True)
    with pytest.raises(ArgumentError, match="verbose: expected 'auto', 0, 1 or 2, got "):
        callback.verbose = wrong
    assert callback.verbose == 1


@pytest.mark.parametrize("name", ["state", "segments"])
@pytest.mark.parametrize("wrong", [3, None, [np.zeros(2)], "m"], ids=repr)
def test_the_dicts_of_an_optimizer_stay_dicts(name, wrong):
    optimizer = optimizers.Adam()
    with pytest.raises(ArgumentError, match=f"^Adam: {name}: expected a dict, got "):
        setattr(optimizer, name, wrong)
    optimizer.step(np.ones(2), np.ones(2))


# A model in training


@pytest.mark.parametrize(
    ("call", "change"),
    [("add", lambda model: model.add(Dense(2))), ("pop", lambda model: model.pop()),
     ("build", lambda model: model.build((None, 4))), ("compile", lambda model: model.compile("sgd", "mse")),
     ("fit", lambda model: model.fit(X, Y, verbose=0))],
    ids=["add", "pop", "build", "compile", "fit"],
)  # fmt: skip
@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end"])
def test_a_model_cannot_be_changed_while_it_is_being_trained(call, change, hook):
    model = net()
    callback = LambdaCallback(**{hook: lambda *_: change(model)})
    with pytest.raises(StateError, match=f"^{call}: this model is being trained already. Wait until fit"):
        model.fit(X, Y, callbacks=[callback], verbose=0)
    model.add(Dense(1))  # afterwards it can
    assert model.predict(X).shape == (40, 1)


def test_what_changes_no_layer_is_allowed_while_a_model_is_being_trained():
    seen = []

    def look(*_):
        seen.append(model.evaluate(X, Y, verbose=0) > 0 and model.predict(X).shape == (40, 1))
        seen.append(model.copy().layers[0].W.shape == (4, 3))

    model = net()
    model.fit(X, Y, epochs=2, callbacks=[LambdaCallback(on_epoch_end=look)], verbose=0)
    assert seen == [True] * 4


# Adding to a built model


def test_adding_a_layer_builds_that_layer_alone():
    built = []

    class Noted(minidl.Layer):
        def build(self, input_shape):
            built.append(self.name)
            self.add_parameter("gain", input_shape, "ones")
            return input_shape

        def forward(self, x, training=False):
            self._x = x
            return self.gain * x

        def backward(self, dy):
            self.dgain = (dy * self._x).sum(axis=0)
            return dy * self.gain

    model = Sequential([Input((4,))], seed=0)
    for _ in range(4):
        model.add(Noted())
    assert built == ["noted", "noted_1", "noted_2", "noted_3"]
    model.layers[0].gain = np.full(4, 3.0)
    model.add(Noted())
    model.pop()
    assert len(built) == 5
    assert np.array_equal(model.predict(X[:2]), 3 * X[:2].astype(np.float32))
    twin = model.copy()
    assert np.array_equal(twin.predict(X[:2]), 3 * X[:2].astype(np.float32))
    twin.compile("sgd", "mse")
    twin.fit(X, X, verbose=0)


def test_layers_added_one_by_one_are_those_given_at_once():
    def layers():
        return [Dense(5, activation="relu"), minidl.BatchNormalization(), Sequential([Dense(3)]), Dense(1)]

    one_by_one = Sequential([Input((4,))], seed=3)
    for layer in layers():
        one_by_one.add(layer)
    at_once = Sequential([Input((4,)), *layers()], seed=3)
    assert [part.label for _, part in one_by_one.network.parts] == [part.label for _, part in at_once.network.parts]
    for model in (one_by_one, at_once):
        model.compile("adam", "mse")
        model.fit(X, Y, epochs=2, verbose=0)
    assert np.array_equal(one_by_one.predict(X), at_once.predict(X))


def test_the_threshold_of_a_metric_stays_after_a_reset():
    model = Sequential([Input((4,)), Dense(1)], seed=0)
    model.compile("sgd", losses.BinaryCrossentropy(from_logits=True), metrics=[BinaryAccuracy()])
    model.fit(X, (Y > 0) * 1.0, epochs=2, verbose=0)
    assert model.trainer.scores.metrics["binary_accuracy"].threshold == 0.0


class Overwrites(Metric):
    """Writes into one of its arguments."""

    def __init__(self, which, name=None):
        self.which, self.name = which, name
        self.total = 0.0

    def update(self, y_true, y_pred, sample_weight=None):
        (y_true, y_pred)[self.which][...] = 7.0

    def result(self):
        return self.total


METRIC_CALLS = {
    "fit": lambda model: model.fit(X, Y, verbose=0),
    "evaluate": lambda model: model.evaluate(X, Y, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(X, Y),
}


@pytest.mark.parametrize("call", METRIC_CALLS)
@pytest.mark.parametrize("which", [0, 1])
def test_a_custom_metric_that_writes_into_its_arguments_is_named(call, which):
    model, before = net(compiled=False), Y.copy()
    model.compile("sgd", "mse", metrics=[Overwrites(which)])
    expected = "Overwrites: update: expected its argument to stay unchanged, got a write into it. Work on a copy."
    with pytest.raises(LayerError, match=re.escape(expected)):
        METRIC_CALLS[call](model)
    assert np.array_equal(Y, before)


def test_a_subclass_of_a_built_in_metric_that_writes_into_the_targets_is_named():
    class Clips(metrics.MeanSquaredError):
        def values(self, y_true, y_pred):
            np.clip(y_true, 0, 1, out=y_true)
            return super().values(y_true, y_pred)

    model = net(compiled=False)
    model.compile("sgd", "mse", weighted_metrics=[Clips()])
    with pytest.raises(LayerError, match="Clips: update: expected its argument to stay unchanged"):
        model.fit(X, Y, verbose=0)


def test_a_function_as_a_metric_may_write_into_its_arguments():
    def zeros(y_true, y_pred):
        y_true[...] = y_pred[...] = 0
        return 0.5

    model, before = net(compiled=False), Y.copy()
    model.compile("sgd", "mse", metrics=[zeros, "mae"])
    plain = net(compiled=False)
    plain.compile("sgd", "mse", metrics=["mae"])
    for call in METRIC_CALLS.values():
        call(model), call(plain)
    loss, half, error = model.evaluate(X, Y, verbose=0)
    assert ([loss, error], half) == (plain.evaluate(X, Y, verbose=0), 0.5)
    assert np.array_equal(Y, before)


# Constructors that change their arguments


class Doubled(minidl.Layer):
    def __init__(self, n, inner=None):
        self.n, self.inner = 2 * n, inner

    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


class Halved(Metric):
    def __init__(self, share=1.0, name=None):
        self.share, self.name = share / 2, name

    def update(self, y_true, y_pred, sample_weight=None):
        self._total = 0.0

    def result(self):
        return self.share


@pytest.mark.parametrize("call", ["save", "save_weights", "to_json"])
def test_a_layer_whose_constructor_changes_an_argument_is_not_saved(tmp_path, call):
    model = Sequential([Input((4,)), Doubled(2), Dense(1)], seed=0)
    text = r"its constructor changes its arguments: Doubled: n: expected 4, got 8\. Write self\.n = n in __init__"
    with pytest.raises(ArgumentError, match=text):
        getattr(model, call)(*([] if call == "to_json" else [tmp_path / "m.safetensors"]))
    assert list(tmp_path.iterdir()) == []


def test_a_metric_whose_constructor_changes_an_argument_is_not_saved(tmp_path):
    model = net()
    model.compile("sgd", "mse", metrics=[Halved()])
    with pytest.raises(ArgumentError, match=r"save: metrics/0: .*: Halved: share: expected 0\.5, got 0\.25"):
        model.save(tmp_path / "m.safetensors")


class Filter(minidl.Layer):
    """``y = taps[0] x``; ``factor`` and ``norm`` are what the constructor does to the array."""

    factor, norm = 1, False

    def __init__(self, taps=np.array([0.1, 0.7, 0.3])):  # noqa: B008 - it is an array on purpose
        taps = np.array(taps)
        self.taps = self.factor * (taps / taps.sum() if self.norm else taps)

    def forward(self, x, training=False):
        return x * np.float32(self.taps[0])

    def backward(self, dy):
        return dy * np.float32(self.taps[0])


@pytest.mark.parametrize("norm", [False, True])
def test_a_layer_with_an_array_as_default_is_saved(tmp_path, monkeypatch, norm):
    monkeypatch.setattr(Filter, "norm", norm)  # a second division by the sum changes the last digit
    model = Sequential([Input((4,)), Filter()])
    model.save(tmp_path / "m.safetensors")
    loaded = minidl.load_model(tmp_path / "m.safetensors", {"Filter": Filter})
    np.testing.assert_allclose(loaded.layers[0].taps, model.layers[0].taps, rtol=1e-15)


def test_a_layer_whose_constructor_changes_an_array_is_not_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(Filter, "factor", 2)
    text = r"Filter: taps: array 0: expected \[0\.2 1\.4 0\.6\], got \[0\.4 2\.8 1\.2\]\. Write self\.taps = taps"
    with pytest.raises(ArgumentError, match=text):
        Sequential([Input((4,)), Filter()]).save(tmp_path / "m.safetensors")


def test_saving_constructs_each_of_the_nested_layers_few_times(tmp_path):
    made = []

    class Wrap(minidl.Layer):
        def __init__(self, inner):
            made.append(1)
            self.inner = inner

        def build(self, input_shape):
            return self.inner.declare(input_shape)

        def forward(self, x, training=False):
            return self.inner.forward(x, training)

        def backward(self, dy):
            return self.inner.backward(dy)

    layer = Dense(2)
    for _ in range(10):
        layer = Wrap(layer)
    model = Sequential([Input((4,)), layer])
    made.clear()
    model.save(tmp_path / "m.safetensors")
    assert len(made) <= 100  # 10 + 9 + ... + 1: each check copies the layers inside


def test_a_constructor_that_converts_its_arguments_once_is_saved(tmp_path):
    class Converted(Doubled):
        def __init__(self, n, functions=(), rates=(0.5,), inner=None):
            self.n, self.functions, self.rates = abs(int(n)), list(functions), np.array(rates)
            self.inner = inner if inner is not None else Dense(4)

    functions = [lambda x: x, lambda x: 2 * x]
    layer = Converted(-2.0, functions, [1.0, 2.0], inner=Sequential([Input((4,)), Dense(2)]))
    model = Sequential([Input((4,)), layer, Converted(3, functions), Dense(1)], seed=0)
    model.save(tmp_path / "m.safetensors")
    known = {"Converted": Converted, "<lambda>": functions[0], "<lambda>_1": functions[1]}
    loaded = minidl.load_model(tmp_path / "m.safetensors", custom_objects=known)
    assert (loaded.layers[0].n, loaded.layers[0].rates.tolist()) == (2, [1.0, 2.0])
    assert loaded.layers[0].functions == functions
    assert np.array_equal(loaded.predict(X), model.predict(X))


# Subclasses of Sequential


class Fixed(Sequential):
    def __init__(self, units=3):
        super().__init__([Input((4,)), Dense(units), Dense(1)], seed=0)


def test_a_model_that_its_constructor_could_not_load_is_not_saved(tmp_path):
    model = Fixed(2)
    text = "its constructor does not take dtype, layers, seed, so it could not be loaded. Use save_weights"
    with pytest.raises(ArgumentError, match=text):
        model.save(tmp_path / "m.safetensors")
    model.save_weights(tmp_path / "m.safetensors")
    other = Fixed(2)
    other.set_weights([weights + 1 for weights in other.get_weights()])
    other.load_weights(tmp_path / "m.safetensors")
    assert np.array_equal(other.predict(X), model.predict(X))
    assert np.array_equal(model.copy().predict(X), model.predict(X))


def test_a_model_with_a_constructor_of_its_own_resumes(tmp_path):
    def run(epochs, **options):
        model = Fixed(2)
        model.compile("adam", "mse")
        backup = ModelCheckpoint(tmp_path / "{epoch}.safetensors")
        return model.fit(X, Y, epochs=epochs, callbacks=[backup], verbose=0, **options).history["loss"]

    run(2)
    whole = Fixed(2)
    whole.compile("adam", "mse")
    path = tmp_path / "1.safetensors"
    assert run(2, resume=path) == whole.fit(X, Y, epochs=2, verbose=0).history["loss"]


UNCALLED = {
    "train_step": (Sequential, "A custom loop is model.loss_and_gradients(x, y) and model.optimizer.step(...)"),
    "test_step": (Sequential, "A custom loop is"),
    "predict_step": (Sequential, "A custom loop is"),
    "compute_loss": (Sequential, "A custom loop is"),
    "compute_metrics": (Sequential, "A custom loop is"),
    "make_train_function": (Sequential, "A custom loop is"),
    "call": (Sequential, "fit calls the layers: write a layer with this method."),
    "forward": (Sequential, "fit calls the layers: write a layer with this method."),
    "call of Dense": (Dense, "Write forward(x, training=False), and backward(dy)"),
    "call of a loss": (
        minidl.losses.MeanSquaredError,
        "Write forward(y_pred, y_true, sample_weight=None), and backward()",
    ),
    "update_state": (minidl.metrics.MeanSquaredError, "minidl calls it update."),
    "reset_state": (minidl.metrics.MeanSquaredError, "minidl calls it reset."),
    "update_step": (optimizers.SGD, "Write update(blocks, rate)"),
    "__call__": (minidl.regularizers.L2, "Write penalty(values), and gradient(values)"),
}


@pytest.mark.parametrize("name", UNCALLED)
def test_a_method_that_would_never_be_called_is_refused(name):
    base, fix = UNCALLED[name]
    method = name.partition(" ")[0]
    own = type("Own", (base,), {method: lambda self, *arguments: None})
    with pytest.raises(LayerError, match=re.escape(f"Own: {method}: this method would never be called. {fix}")):
        own(*([2] if base is Dense else []))


def test_a_class_may_have_the_methods_of_both_libraries():
    class Both(Dense):
        def call(self, x):
            return self.forward(x)

        def forward(self, x, training=False):
            return 2 * super().forward(x, training)

    x = np.ones((2, 3), np.float32)
    layer, plain = (Sequential([Input((3,)), cls(2)], seed=0) for cls in (Both, Dense))
    assert np.array_equal(layer.predict(x), 2 * plain.predict(x))


def test_a_model_may_override_fit_and_predict():
    class Doubled(Sequential):
        def fit(self, *arguments, **options):
            return super().fit(*arguments, epochs=2, verbose=0, **options)

        def predict(self, *arguments, **options):
            return 2 * super().predict(*arguments, **options)

    model = Doubled([Input((4,)), Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(X, Y).epoch) == 2
    assert np.array_equal(model.predict(X), 2 * Sequential.predict(model, X))


def test_the_rules_of_a_frozen_model_are_not_checked_in_every_batch():
    calls = []

    class Counts(Regularizer):
        def penalty(self, W):
            calls.append("penalty")
            return 1.5

        def gradient(self, W):
            calls.append("gradient")
            return 0 * W

    model = net(kernel_regularizer=Counts())
    plain = net()
    plain.set_weights(model.get_weights())
    for layer in model.layers:
        layer.trainable = False
    model.loss_and_gradients(X, Y)
    calls.clear()
    for _ in range(3):
        loss, gradients = model.loss_and_gradients(X, Y)
    assert calls == ["penalty", "gradient"] * 3  # what the loss needs; they are not checked again
    assert loss == pytest.approx(plain.loss_and_gradients(X, Y)[0] + 1.5, rel=1e-12)
    assert not gradients.any()


def generator(self, *arguments):
    yield 1.0


async def coroutine(self, *arguments):
    return 1.0


@pytest.mark.parametrize("function", [generator, coroutine])
@pytest.mark.parametrize(
    ("base", "method"), [(Callback, "on_epoch_end"), (metrics.MeanSquaredError, "update"), (Dense, "forward")]
)
def test_a_method_that_would_run_nothing_is_refused(base, method, function):
    own = type("Own", (base,), {method: function})
    with pytest.raises(LayerError, match=f"^Own: {method}: expected a plain function, got one with yield or async"):
        own(*([2] if base is Dense else []))


@pytest.mark.parametrize("wrong", ["yes", 1, Y])
def test_the_mode_of_a_call_is_true_or_false(wrong):
    model = net()
    with pytest.raises(ArgumentError, match=r"^Sequential: training: expected True or False, got "):
        model(X, wrong)
    for mode in (None, False, np.False_):
        assert np.array_equal(model(X, training=mode), model.predict(X))


# Optimizers


@pytest.mark.parametrize("wrong", [{"m": None}, {"m": [0.0]}, [np.zeros(2)], "m"], ids=repr)
def test_an_initial_state_that_is_no_dict_of_arrays_is_named(wrong):
    class Own(optimizers.Optimizer):
        def __init__(self):
            super().__init__(0.1)

        def initial_state(self, values):
            return wrong

        def update(self, blocks, rate):
            raise AssertionError

    with pytest.raises(ArgumentError, match=r"^Own: initial_state: expected it to return a dict of arrays, got "):
        Own().step(np.ones(2), np.ones(2))


def test_the_batch_size_of_evaluate_may_be_none_as_in_keras():
    model = net()
    assert model.evaluate(X, Y, batch_size=None, verbose=0) == model.evaluate(X, Y, verbose=0)


# Properties and private attributes


class Power(minidl.Layer):
    """y = exponent * x, whose exponent is private: copies do not have it."""

    def __init__(self, exponent=2):
        self._exponent = exponent

    @property
    def exponent(self):
        return self._exponent

    def forward(self, x, training=False):
        return x * self.exponent

    def backward(self, dy):
        return dy * self.exponent


class Shrink(Regularizer):
    def __init__(self, rate=1):
        self._rate = rate

    @property
    def rate(self):
        return self._rate

    def penalty(self, W):
        return self.rate * float(W.sum())

    def gradient(self, W):
        return self.rate * np.ones_like(W)


class Scaled(losses.MeanSquaredError):
    def __init__(self, factor=1):
        self._factor = factor

    def forward(self, y_pred, y_true, sample_weight=None):
        return self._factor * super().forward(y_pred, y_true, sample_weight)


def test_a_property_of_a_private_attribute_that_copies_lack_is_named_with_the_way_out():
    with pytest.raises(StateError, match=r"^Power 'power' \(layer 0\): _exponent: .* a name without the underscore"):
        Sequential([Input((4,)), Power()]).predict(X)
    with pytest.raises(StateError, match=r"^Shrink: _rate: .* has a name without the underscore"):
        copy.deepcopy(Shrink()).penalty(X)
    model = net(compiled=False)
    model.compile("sgd", Scaled())
    with pytest.raises(StateError, match=r"^Scaled: _factor: .* has a name without the underscore"):
        model.fit(X, Y, verbose=0)


def test_an_attribute_error_in_a_property_or_schedule_is_the_one_that_is_raised():
    class Total(Sequential):
        @property
        def total(self):
            return self.missing

    with pytest.raises(AttributeError, match=r"^Total has no attribute 'missing'"):
        _ = Total([Dense(1)]).total
    with pytest.raises(AttributeError, match=r"^'int' object has no attribute 'decay'"):
        optimizers.SGD(lambda step: step.decay).step(np.ones(2), np.ones(2))
    assert not hasattr(Total([Dense(1)]), "total")
    assert not hasattr(losses.MeanSquaredError(), "register")  # a method of its class's class


# Arguments of compile


@pytest.mark.parametrize(
    ("wrong", "fix"), [("mae", "['mae']"), ({"out": "mae"}, "['mae']"), ({"a": "mae", "b": "mse"}, "['mae', 'mse']")]
)
def test_metrics_that_are_no_list_are_told_what_to_write(wrong, fix):
    with pytest.raises(ArgumentError, match=r"^compile: metrics: expected a list of names") as caught:
        net(compiled=False).compile("adam", "mse", metrics=wrong)
    assert str(caught.value).endswith(f", got {wrong!r}. Write {fix}.")


def test_an_unknown_metric_is_compared_with_each_name_once():
    with pytest.raises(ArgumentError, match="Did you mean") as caught:
        net(compiled=False).compile("adam", "mse", metrics=["precison"])
    known = str(caught.value).partition(" got ")[0].replace(";", "").partition("one of ")[2].split(", ")
    assert "accuracy" in known
    assert len(known) == len(set(known))
