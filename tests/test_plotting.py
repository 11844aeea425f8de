import subprocess
import sys
import warnings
from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
from matplotlib import pyplot

from minidl import Dense, Dropout, Input, Sequential, datasets, plotting
from minidl.callbacks import History
from minidl.errors import ArgumentError, ShapeError, StateError
from minidl.initializers import Constant
from minidl.layers import ReLU, Sigmoid, Softmax, Tanh
from minidl.plotting import (
    LayerHealth,
    plot_activation,
    plot_confusion_matrix,
    plot_decision_boundary,
    plot_gradient_flow,
    plot_history,
    plot_images,
    plot_model,
    plot_weights,
)


@pytest.fixture(autouse=True)
def close_all_figures():
    yield
    pyplot.close("all")


@pytest.fixture
def history():
    history = History()
    for epoch in range(3):
        history.on_epoch_end(epoch, {"loss": 1.0 / (1 + epoch), "val_loss": 2.0, "learning_rate": 0.1})
    return history


@pytest.fixture
def model():
    model = Sequential([Input((2,)), Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    return model


X, Y = datasets.moons(40, seed=0)


def health_after_training(model, **options):
    health = LayerHealth(X, Y, **options)
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[health])
    return health


PICTURES = {
    "plot_activation": lambda model, ax: plot_activation("tanh", ax=ax),
    "plot_confusion_matrix": lambda model, ax: plot_confusion_matrix([0, 1, 2], [0, 2, 2], ax=ax),
    "plot_decision_boundary": lambda model, ax: plot_decision_boundary(model, X, Y, ax=ax),
    "plot_gradient_flow": lambda model, ax: plot_gradient_flow(health_after_training(model), ax=ax),
    "plot_history": lambda model, ax: plot_history(model.fit(X, Y, verbose=0), ax=ax),
    "plot_images": lambda model, ax: plot_images(np.ones((3, 4, 5)), "abc", ax=ax),
    "plot_model": lambda model, ax: plot_model(model, ax=ax or pyplot.subplots()[1]),
    "plot_weights": lambda model, ax: plot_weights(model, shape=(1, 2), ax=ax),
}


def test_every_picture_is_in_the_table():
    assert {name for name in plotting.__all__ if name.startswith("plot_")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_into_the_axes_given(name, model):
    ax = pyplot.subplots()[1]
    assert PICTURES[name](model, ax) is ax
    ax.figure.canvas.draw()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_drawn_on_new_axes_by_default(name, model):
    ax = PICTURES[name](model, None)
    assert isinstance(ax, mpl.axes.Axes)
    ax.figure.canvas.draw()


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_the_same_in_black_and_white(name, model):
    ax = PICTURES[name](model, None)
    styles = [(line.get_linestyle(), line.get_marker()) for line in ax.get_lines() if line.get_label()[0] != "_"]
    assert len(set(styles)) == len(styles)


def test_the_curves_hold_the_history(history):
    ax = plot_history(history)
    training, validation = ax.get_lines()
    assert training.get_xdata().tolist() == [1, 2, 3]
    assert list(training.get_ydata()) == history.history["loss"]
    assert list(validation.get_ydata()) == history.history["val_loss"]
    assert len(history.plot("learning_rate").get_lines()) == 1


def test_an_unknown_curve_is_refused(history):
    with pytest.raises(ArgumentError, match="plot_history: name: expected one of 'loss', 'learning_rate', got 'los'"):
        history.plot("los")


def test_the_boundary_is_where_the_output_crosses_the_threshold(model):
    model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], dtype="float64")
    model["dense"].W, model["dense"].b = [[1.0], [0.0]], [-0.5]
    for threshold, where in ((0.5, 0.5), (1 / (1 + np.exp(-1)), 1.5)):
        ax = plot_decision_boundary(model, X, Y, threshold=threshold)
        line = ax.collections[0].get_paths()[0].vertices
        np.testing.assert_allclose(line[:, 0], where, atol=1e-3)


def test_the_regions_of_several_classes_are_those_of_the_largest_output():
    model = Sequential([Input((2,)), Dense(3, activation="softmax")], seed=0)
    ax = plot_decision_boundary(model, X, Y)
    ax.figure.canvas.draw()
    assert len(ax.get_legend().get_texts()) == 2


def test_an_activation_is_drawn_with_the_derivative_that_training_uses():
    function, derivative = plot_activation(Tanh(), limits=(-2, 2)).get_lines()[2:]
    z = np.linspace(-2, 2, 1001)
    np.testing.assert_allclose(np.ravel(function.get_ydata()), np.tanh(z), rtol=1e-12)
    np.testing.assert_allclose(np.ravel(derivative.get_ydata()), 1 - np.tanh(z) ** 2, rtol=1e-9)


def test_drawing_the_activation_of_a_model_leaves_the_model_as_it_is(model):
    y = model.forward(X)
    plot_activation(model["dense"].activation)
    assert model["dense"].activation.output_shape == (4,)
    assert model.backward(np.ones_like(y)).shape == X.shape


@pytest.mark.parametrize("layer", [Softmax(), Dense(1), None])
def test_what_is_no_function_of_one_value_is_refused(layer):
    with pytest.raises(ArgumentError, match="plot_activation: activation: expected"):
        plot_activation(layer)


def test_a_confusion_matrix_counts_rows_by_truth_and_columns_by_prediction():
    ax = plot_confusion_matrix([0, 0, 1, 2], np.eye(3)[[0, 1, 1, 2]], labels=["a", "b", "c"])
    assert {(text.get_position(), text.get_text()) for text in ax.texts} == {
        ((0, 0), "1"), ((1, 0), "1"), ((1, 1), "1"), ((2, 2), "1"),
    }  # fmt: skip
    assert [label.get_text() for label in ax.get_xticklabels()] == ["a", "b", "c"]


def counts(ax):
    return {text.get_position(): int(text.get_text()) for text in ax.texts}


@pytest.mark.parametrize("shape", [(4, 1), (4,)])
def test_a_confusion_matrix_takes_what_predict_returns_for_one_output(shape):
    probabilities = np.array([0.2, 0.7, 0.6, 0.9], np.float32).reshape(shape)
    assert counts(plot_confusion_matrix([0, 0, 1, 1], probabilities)) == {(0, 0): 1, (1, 0): 1, (1, 1): 2}
    logits = np.log(probabilities / (1 - probabilities))
    assert counts(plot_confusion_matrix([0, 0, 1, 1], logits, threshold=0)) == {(0, 0): 1, (1, 0): 1, (1, 1): 2}
    assert counts(plot_confusion_matrix([0, 0, 1, 1], probabilities, threshold=0.8)) == {
        (0, 0): 2,
        (0, 1): 1,
        (1, 1): 1,
    }


def test_a_confusion_matrix_draws_the_predictions_of_a_binary_model(model):
    hits = (model.predict(X)[:, 0] > 0.5).astype(int) == Y
    found = counts(plot_confusion_matrix(Y, model.predict(X)))
    assert found.get((0, 0), 0) + found.get((1, 1), 0) == hits.sum()


def test_a_confusion_matrix_numbers_the_names_of_classes_in_sorted_order():
    truth = np.array(["cat", "dog", "ant"], object)
    for predicted in (["cat", "dog", "cat"], np.eye(3)[[1, 2, 1]], [1, 2, 1]):
        ax = plot_confusion_matrix(truth, predicted)
        assert counts(ax) == {(1, 0): 1, (1, 1): 1, (2, 2): 1}
        assert [label.get_text() for label in ax.get_xticklabels()] == ["ant", "cat", "dog"]


def test_a_confusion_matrix_numbers_the_names_of_classes_as_labels_does():
    ax = plot_confusion_matrix(["no", "yes", "yes"], [[0.1], [0.9], [0.3]], labels=["no", "yes"])
    assert counts(ax) == {(0, 0): 1, (0, 1): 1, (1, 1): 1}


def test_the_points_of_a_boundary_may_have_the_names_of_classes(model):
    ax = plot_decision_boundary(model, X, np.array(["lower", "upper"])[Y])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["lower", "upper"]
    assert len(ax.collections[-2].get_offsets()) == np.sum(Y == 0)


def test_the_pictures_of_weights_are_the_columns_on_one_scale():
    model = Sequential([Input((4,)), Dense(3)], seed=0)
    images = plot_weights(model, units=2).get_images()
    assert len(images) == 2
    np.testing.assert_array_equal(images[1].get_array(), model["dense"].W[:, 1].reshape(2, 2))
    assert images[0].get_clim() == images[1].get_clim()


@pytest.mark.parametrize("shape", [(8, 8), (4, 32), (32, 8)])
@pytest.mark.parametrize("title", ["a coat\nread as a shirt", "a coat, read as a shirt"])
def test_titles_touch_no_picture_and_no_other_title(shape, title):
    ax = plot_images(np.ones((6, *shape)), [title] * 6, columns=3)
    ax.figure.draw_without_rendering()
    titles = [text.get_window_extent() for text in ax.texts]
    assert len(titles) == 6
    for index, extent in enumerate(titles):
        others = [*titles[:index], *(image.get_window_extent() for image in ax.images)]
        assert not any(extent.overlaps(other) for other in others)


def test_no_legend_lies_on_the_points_or_curves(model):
    for ax in (plot_decision_boundary(model, X, Y), plot_gradient_flow(health_after_training(model))):
        ax.figure.draw_without_rendering()
        assert not ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


def test_a_figure_without_a_layout_keeps_the_legend_inside(model):
    ax = plot_decision_boundary(model, X, Y, ax=pyplot.subplots()[1])
    ax.figure.draw_without_rendering()
    assert ax.get_legend().get_window_extent().overlaps(ax.get_window_extent())


def test_the_columns_of_a_table_name_the_axes(model):
    pandas = pytest.importorskip("pandas")
    ax = plot_decision_boundary(model, pandas.DataFrame(X, columns=["hours", "age"]), Y)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("hours", "age")


def test_the_marks_of_epochs_are_whole_numbers_even_for_one(model):
    marks = plot_history(model.fit(X, Y, verbose=0)).get_xticks()
    assert 1.0 in marks
    assert all(mark.is_integer() for mark in marks)


def test_a_deep_model_has_a_curve_a_layer_and_a_name_every_few():
    layers = [Dense(3, activation="tanh") for _ in range(25)]
    model = Sequential([Input((2,)), *layers, Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    ax = plot_gradient_flow(health_after_training(model))
    ax.figure.draw_without_rendering()
    assert len(ax.get_lines()) == 51
    assert len(ax.get_legend().get_texts()) == 11


def test_the_boxes_of_a_deep_model_do_not_overlap():
    model = Sequential([Input((2,)), Dense(3, name="a layer with a long name " * 9), *map(Dense, [3] * 24)])
    ax = plot_model(model, ax=pyplot.subplots()[1])
    ax.figure.draw_without_rendering()
    boxes = [text.get_bbox_patch().get_window_extent() for text in ax.texts if text.get_bbox_patch()]
    assert len(boxes) == 26
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))
    assert all(box.x0 >= 0 and box.x1 <= ax.figure.bbox.width for box in boxes)


def test_names_of_classes_may_be_an_array():
    ax = plot_confusion_matrix([0, 1], [1, 1], labels=np.array(["no", "yes"]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no", "yes"]


@pytest.mark.parametrize(
    ("draw", "error", "message"),
    [
        (lambda model: plot_weights(model), ArgumentError, r"plot_weights: shape: expected the \(height, width\)"),
        (lambda model: plot_weights(model, shape=(2, 2)), ShapeError, r"expected height \* width = 2, got 2 \* 2"),
        (
            lambda model: plot_weights(Sequential([Input((4,)), Dropout(0.1)]), 0),
            ArgumentError,
            "plot_weights: layer: expected one with weights W",
        ),
        (lambda model: plot_images(np.ones(3)), ShapeError, "plot_images: images: expected shape"),
        (lambda model: plot_images(np.ones((2, 3, 3)), ["a"]), ShapeError, "plot_images: titles: expected 2, got 1"),
        (
            lambda model: plot_decision_boundary(model, X[:, :1], Y),
            ShapeError,
            "x: expected shape .rows, 2., got .40, 1.",
        ),
        (lambda model: plot_decision_boundary(model, X, Y[1:]), ShapeError, "as many labels as points, got 39 and 40"),
        (lambda model: plot_decision_boundary(model, X, Y + 0.5), ArgumentError, "y: expected class labels from 0"),
        (lambda model: plot_confusion_matrix([0, 1], [0]), ShapeError, "expected labels for the same rows"),
        (lambda model: plot_confusion_matrix([0.5], [0]), ArgumentError, "y_true: expected class labels"),
        (lambda model: plot_confusion_matrix([3], [0], labels="ab"), ArgumentError, "labels: expected 4, got 2"),
        (lambda model: plot_gradient_flow(LayerHealth(X, Y)), StateError, "health: it has no epochs yet"),
        (lambda model: plot_gradient_flow("health"), ArgumentError, "health: expected a LayerHealth, got 'health'"),
        (lambda model: plot_history(History()), StateError, "history: it has no epochs yet"),
        (lambda model: plot_activation("relu", limits=(1, 1)), ArgumentError, "expected .low, high. with low < high"),
        (lambda model: plot_activation("relu", limits=3), ArgumentError, "low < high, got 3"),
        (lambda model: plot_activation("relu", ax=[1, 2]), ArgumentError, "ax: expected the Axes .*, got list"),
        (lambda model: plot_model(model, ax=3), ArgumentError, "ax: expected the Axes of one picture, got int"),
        (lambda model: plot_weights(model, shape=2), ShapeError, r"expected height \* width = 2, got 2"),
        (lambda model: plot_weights(model, shape=(-1, -2)), ShapeError, r"got -1 \* -2"),
        (lambda model: plot_decision_boundary(model, X[:0], Y[:0]), ShapeError, "expected shape .rows, 2., got .0, 2."),
        (
            lambda model: plot_decision_boundary(model, X, Y, threshold="a"),
            ArgumentError,
            "threshold: expected a finite",
        ),
        (
            lambda model: plot_confusion_matrix([0, 1], [[-3.5], [2.0]]),
            ArgumentError,
            r"y_pred: expected probabilities between 0 and 1, got values from -3.5 to 2. Pass threshold=0 for logits",
        ),
        (lambda model: plot_confusion_matrix([0], [[np.nan]], threshold=0), ArgumentError, "finite numbers, got NaN"),
        (lambda model: plot_confusion_matrix([0], [[0.5, np.nan]]), ArgumentError, "finite numbers, got NaN"),
        (lambda model: plot_confusion_matrix(["a", "b"], np.eye(3)[:2]), ArgumentError, "labels: expected 3, got 2"),
        (
            lambda model: plot_confusion_matrix(["a", "c"], [0, 1], labels="ab"),
            ArgumentError,
            r"y_true: expected labels among \['a', 'b'\], got 'c'",
        ),
        (lambda model: plot_history({"loss": [1.0]}), ArgumentError, "history: expected what fit returned"),
        (lambda model: plot_model(Sequential([Dense(1)])), StateError, "plot_model: expected a built model"),
        (lambda model: LayerHealth(X, Y, warn_above=2), ArgumentError, "LayerHealth: warn_above: expected"),
    ],
)
def test_what_cannot_be_drawn_is_refused(draw, error, message, model):
    with pytest.raises(error, match=message):
        draw(model)


# The health of layers


def test_health_notes_the_size_of_every_output_and_gradient(model):
    health = health_after_training(model)
    steps = model.trace(X, Y).steps
    assert health.epoch == [0, 1]
    assert list(health.activations) == list(steps)
    assert list(health.gradients) == list(steps)[:-1]  # training stops at the logits
    for name, step in steps.items():
        assert health.activations[name][-1] == pytest.approx(np.sqrt(np.mean(step.y**2)), rel=1e-5)
        if name in health.gradients:
            assert health.gradients[name][-1] == pytest.approx(np.sqrt(np.mean(step.dy**2)), rel=1e-5)


def unhealthy(activation, bias):
    hidden = Dense(4, activation=activation, bias_initializer=Constant(bias))
    model = Sequential([Input((2,)), hidden, Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    return model


@pytest.mark.parametrize(
    ("activation", "bias", "kind"),
    [("relu", -50.0, "dead"), ("sigmoid", 50.0, "saturated"), ("tanh", -50.0, "saturated")],
)
def test_health_warns_once_of_units_that_learn_nothing(activation, bias, kind):
    with pytest.warns(UserWarning, match=f"LayerHealth: 100% of the units of .* are {kind}") as warned:
        health = health_after_training(unhealthy(activation, bias))
    assert len(warned) == 1
    assert list(getattr(health, kind).values()) == [[1.0, 1.0]]


def test_health_does_not_warn_of_leaky_or_healthy_units(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        health_after_training(unhealthy("leaky_relu", -50.0))
        health = health_after_training(model)
    assert [len(parts) for parts in health.dead.values()] == [2]


def test_a_gradient_that_is_exactly_zero_is_named_in_the_picture():
    with pytest.warns(UserWarning, match="dead"):
        health = health_after_training(unhealthy("relu", -50.0))
    plot_gradient_flow(health).figure.canvas.draw()
    labels = [text.get_text() for text in plot_gradient_flow(health).get_legend().get_texts()]
    assert labels == ["dense (exactly 0)", "dense/activation", "dense_1"]


def test_health_does_not_disturb_training(model):
    twin = Sequential([Input((2,)), Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    twin.compile("sgd", "binary_crossentropy")
    health_after_training(model)
    twin.fit(X, Y, epochs=2, verbose=0)
    assert np.array_equal(model.parameters.values, twin.parameters.values)


def test_health_resumes_from_its_state(model):
    first, second = health_after_training(model), LayerHealth(X, Y)
    second.set_state(first.get_state())
    assert second.gradients == first.gradients
    assert second.epoch == [0, 1]


def test_health_refuses_rows_that_do_not_fit_before_training(model):
    before = model.parameters.values.copy()
    with pytest.raises(ShapeError, match="expected input of shape"):
        model.fit(X, Y, verbose=0, callbacks=[LayerHealth(X[:, :1], Y)])
    assert np.array_equal(model.parameters.values, before)


# The diagram


def test_the_diagram_is_svg_that_names_every_layer_and_shape(model, tmp_path):
    from xml.etree import ElementTree

    diagram = plot_model(model)
    root = ElementTree.fromstring(diagram)
    assert root.tag.endswith("svg")
    words = " ".join(text for text in root.itertext())
    for fragment in ("Input", "(batch, 2)", "Dense(4", "12 parameters", "ReLU()", "(batch, 1)", "Diagram of a model"):
        assert fragment in words
    diagram.save(tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text() == diagram == diagram._repr_svg_()


def test_a_notebook_shows_the_table_and_the_diagram(model):
    shown = model._repr_html_()
    assert "<table>" in shown
    assert str(plot_model(model)) in shown
    assert "<svg" not in Sequential([Dense(1)])._repr_html_()


def test_the_diagram_marks_what_is_frozen(model):
    model[0].trainable = False
    assert "12 parameters, frozen" in plot_model(model)


# matplotlib


def test_matplotlib_is_imported_by_the_first_picture_only():
    code = "import sys, minidl.plotting; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_missing_matplotlib_is_named_with_the_command_that_brings_it(monkeypatch, history):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"minidl.plotting: expected matplotlib.* pip install matplotlib"):
        history.plot()


def test_a_derivative_of_relu_is_drawn_with_its_value_at_zero():
    slope = plot_activation(ReLU(), limits=(-1, 1)).get_lines()[3]
    assert np.ravel(slope.get_ydata())[500] == 1.0
    assert np.ravel(plot_activation(Sigmoid()).get_lines()[2].get_ydata())[500] == 0.5
