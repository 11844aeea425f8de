"""Utils and models: what Keras keeps there."""

import numpy as np
import pytest

import minidl
from minidl import Dense, Dropout, Input, callbacks, load_model, models
from minidl.errors import ArgumentError, DataError, ModelFileError
from minidl.sequential import Sequential
from minidl.utils import normalize, plot_model, register_keras_serializable, set_random_seed, to_categorical


@pytest.mark.parametrize("labels", [[0, 2], [[0], [2]], np.array([0.0, 2.0]), np.array([0, 2], "u1")])
def test_labels_of_any_kind_become_one_hot_rows(labels):
    assert np.array_equal(to_categorical(labels), [[1, 0, 0], [0, 0, 1]])
    assert to_categorical(labels, 5).shape == (2, 5)


def test_no_labels_are_no_rows():
    assert to_categorical([], 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("labels", "classes", "kind", "words"),
    [
        ([0, 3], 3, DataError, r"x: expected labels in \[0, 3\), got 3 at row 1"),
        ([0, -1], None, DataError, "got -1 at row 1"),
        ([0, 0.5], None, DataError, "got 0.5 at row 1"),
        ([0, np.nan], None, DataError, "got nan at row 1"),
        ([np.inf], None, DataError, "got inf at row 0"),
        ([[1, 0]], None, DataError, r"expected labels of shape \(rows,\), got \(1, 2\)"),
        (["a"], None, DataError, "expected real numbers"),
        ([0], 0, ArgumentError, "num_classes: expected an integer of at least 1, got 0"),
    ],
)
def test_what_are_no_labels_is_refused(labels, classes, kind, words):
    with pytest.raises(kind, match=f"to_categorical: .*{words}"):
        to_categorical(labels, classes)


def test_models_is_where_keras_keeps_sequential():
    assert (models.Sequential, models.load_model) == (Sequential, load_model)


def network(**options):
    return Sequential([Input((3,)), Dense(4, activation="relu"), Dropout(0.5), Dense(2)], **options)


def test_a_clone_has_the_layers_and_new_weights():
    model = network(seed=1)
    clone = models.clone_model(model)
    assert repr(clone) == repr(model)
    assert clone.seed != model.seed
    assert (clone.layers[0].W != model.layers[0].W).any()


@pytest.mark.parametrize(
    "model", [network(seed=0), Sequential([Dense(2)]), Sequential([Dense(3, input_dim=2), network()])]
)
def test_the_text_of_a_model_makes_it_again(model):
    again = models.model_from_json(model.to_json())
    assert repr(again) == repr(model)
    assert again.output_shape == model.output_shape


NO_MODELS = ["", "{", "3", "[1]", '{"class": "Dense", "config": {"units": 3}}', '{"class": "Nothing"}', None]


@pytest.mark.parametrize("text", NO_MODELS)
def test_what_is_no_model_as_text_is_refused(text):
    with pytest.raises(ModelFileError, match=r"^model_from_json: "):
        models.model_from_json(text)


def test_a_model_with_a_function_has_no_text():
    model = Sequential([Dense(2, kernel_initializer=lambda rng, shape, dtype: np.ones(shape, dtype))])
    with pytest.raises(ArgumentError, match="to_json: expected no arrays and functions in layers, got <lambda>"):
        model.to_json()


def test_metrics_names_are_those_of_evaluate():
    model = network()
    assert model.metrics_names == []
    model.compile("adam", "mse", metrics=["mae", minidl.metrics.RootMeanSquaredError(name="rmse")])
    assert model.metrics_names == ["loss", "mae", "rmse"]
    assert len(model.evaluate(np.ones((2, 3)), np.ones((2, 2)), verbose=0)) == 3


def test_weights_are_listed_by_whether_training_changes_them():
    model = Sequential([Input((3,)), Dense(4), minidl.layers.BatchNormalization(), Dense(1)])
    assert [w.shape for w in model.trainable_weights] == [(3, 4), (4,), (4,), (4,), (4, 1), (1,)]
    assert [w.shape for w in model.non_trainable_weights] == [(4,), (4,)]
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 4
    assert model.layers[0].trainable_variables == []
    assert len(model.layers[0].non_trainable_variables) == 2
    assert len(model.weights) == len(model.variables) == 8
    assert model.trainable_weights[-1] is model.layers[-1].b


def test_layers_inside_a_frozen_model_are_frozen():
    base = network()
    model = Sequential([base, Dense(1)])
    base.trainable = False
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_weights) == 4


def test_a_seed_for_all_repeats_models_and_data():
    def draw():
        set_random_seed(7)
        first, second = network(), network()
        return first.seed, second.seed, np.random.rand()  # noqa: NPY002

    assert draw() == draw()
    assert len(set(draw())) == 3


def test_models_without_a_seed_differ():
    assert network().seed != network().seed


def test_a_diagram_is_written_and_returned(tmp_path):
    diagram = plot_model(network(), to_file=tmp_path / "m.svg", show_shapes=True)
    assert (tmp_path / "m.svg").read_text(encoding="utf-8") == diagram
    with pytest.raises(
        ArgumentError, match=r"plot_model: to_file: expected a file name, got 'm.png'\. Use one in \.svg"
    ):
        plot_model(network(), "m.png")


def test_a_class_is_registered_by_its_name():
    @register_keras_serializable(package="mine")
    class Negative(minidl.Layer):
        def forward(self, x, training=False):
            return -x

        def backward(self, dy):
            return -dy

    assert repr(models.model_from_json(Sequential([Negative()]).to_json())) == "Sequential([Negative()])"
    with pytest.raises(ArgumentError, match="register_keras_serializable: name: expected None"):
        register_keras_serializable(name="other")


@pytest.mark.parametrize(("order", "expected"), [(1, [3 / 7, 4 / 7]), (2, [0.6, 0.8])])
def test_rows_are_divided_by_their_norms(order, expected):
    np.testing.assert_allclose(normalize([[3, 4], [0, 0]], order=order), [expected, [0, 0]])


def test_the_text_of_a_keras_model_is_called_another_one():
    text = '{"module": "keras", "class_name": "Sequential", "config": {"layers": []}, "registered_name": null}'
    with pytest.raises(ModelFileError, match=r"^model_from_json: expected text of minidl's to_json:\n  model: .*keras"):
        models.model_from_json(text)


def test_rows_of_text_are_not_normalized():
    with pytest.raises(DataError, match="normalize: x: expected real numbers, got an array of <U1"):
        normalize([["a", "b"]])


def losses_until_stop(values, **options):
    stopping = callbacks.EarlyStopping("loss", restore_best_weights=False, **options)

    class Show(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["loss"] = values[epoch]

    model = Sequential([Input((1,)), Dense(1)])
    model.compile("sgd", "mse")
    return len(model.fit([[1.0]], [1.0], epochs=len(values), verbose=0, callbacks=[Show(), stopping]).epoch)


@pytest.mark.parametrize(
    ("values", "baseline", "epochs"),
    [
        ([5, 4, 3, 2], 1.0, 4),  # better each time, which Keras does not stop
        ([5, 4, 4, 2], 1.0, 3),  # two epochs have not beaten the baseline when one is no better
        ([5, 0.5, 0.6, 0.4], 1.0, 4),
        ([5, 5, 5, 2], None, 3),
    ],
)
def test_a_baseline_must_be_beaten_within_the_patience(values, baseline, epochs):
    assert losses_until_stop(values, patience=2, baseline=baseline) == epochs


def test_an_epoch_that_does_not_beat_the_baseline_counts_once():
    assert losses_until_stop([5, 5, 5, 5, 5], patience=3, baseline=1.0) == 3


@pytest.mark.parametrize("function", [np.tanh, len, lambda x: x])
def test_a_function_as_activation_is_refused_with_its_name(function):
    fix = "Write 'tanh'" if function is np.tanh else "Write a layer"
    with pytest.raises(ArgumentError, match=f"Dense: activation: expected a name or a layer, got .*{fix}"):
        Dense(2, activation=function)
