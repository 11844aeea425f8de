"""Names of Keras: what works under them, and what is told about those that are missing."""

import importlib
import re
import subprocess
import sys

import pytest

import minidl
from minidl import aliases, callbacks, initializers, layers, losses, metrics, names, optimizers
from minidl.errors import ArgumentError
from minidl.layers import Dense, Dropout
from minidl.optimizers import Adam

PAGE = re.escape("See docs/keras.md.")


def network():
    model = minidl.Sequential([Dense(3, input_shape=(2,), activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


# Modules


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("from minidl.layers import Conv2D", "minidl.layers has no Conv2D: Convolutions are not part of minidl"),
        ("from minidl.layers import Dense, LSTM", "minidl.layers has no LSTM: Layers for sequences"),
        ("from minidl import Model", "minidl has no Model: .*Use Sequential"),
        ("from minidl.backend import mean", "minidl.backend has no mean: Use NumPy"),
        ("from minidl.datasets.mnist import load_data", r"Use minidl.datasets.digits\(\)"),
        ("from minidl.preprocessing.text import Tokenizer", "Use CountVectorizer"),
        ("from minidl.applications.vgg16 import VGG16", "There are no pretrained networks"),
        ("from minidl.keras.optimizers import Adam", "Write import minidl as keras"),
        ("from minidl.python.keras.layers import Dense", "Write from minidl.layers import Dense"),
        ("from minidl.initializers import stft", "minidl.initializers has no stft: Write a function"),
        ("from minidl.backend import clear_session", "minidl.backend has no clear_session: Leave it out"),
        ("from minidl.wrappers.scikit_learn import KerasClassifier", "Use minidl.sklearn: MinidlClassifier"),
        ("from minidl.layers.convolutional import Conv2D", "Conv2D: Convolutions are not part of minidl"),
        ("from minidl.optimizers.schedules import deserialize", r"Use schedule.get_config\(\)"),
    ],
)
def test_importing_a_missing_name_says_what_to_use(line, words):
    with pytest.raises(ImportError, match=f"{words}.*{PAGE}"):
        exec(line, {})


@pytest.mark.parametrize("name", ["backend", "preprocessing", "ops", "activations", "wrappers"])
def test_a_module_that_only_keras_has_is_explained_where_it_is_used(name):
    scope = {}
    exec(f"from minidl import {name} as module", scope)
    with pytest.raises(AttributeError, match=f"minidl.{name} has no relu: .*{PAGE}"):
        _ = scope["module"].relu


def test_an_unknown_module_is_an_ordinary_error():
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'minidl\.layers\.dens'$"):
        exec("import minidl.layers.dens", {})


@pytest.mark.parametrize("name", ["Conv2D", "MultiHeadAttention", "Lambda"])
def test_a_missing_attribute_of_a_module_says_what_to_use(name):
    with pytest.raises(AttributeError, match=f"minidl.layers has no {name}: .*{PAGE}"):
        getattr(layers, name)
    assert not hasattr(layers, name)
    assert getattr(layers, name, None) is None


def test_an_unknown_name_is_an_ordinary_error():
    with pytest.raises(AttributeError, match=r"module 'minidl\.layers' has no attribute 'Dens'$"):
        _ = layers.Dens
    with pytest.raises(ImportError, match="cannot import name 'Dens'"):
        exec("from minidl.layers import Dens", {})


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("from minidl.layers.core import Dense as found", Dense),
        ("from minidl.layers.advanced_activations import LeakyReLU as found", layers.LeakyReLU),
        ("from minidl.utils.np_utils import to_categorical as found", minidl.utils.to_categorical),
        ("from minidl.optimizers.legacy import Adam as found", Adam),
        ("from minidl.optimizers.schedules import LearningRateSchedule as found", minidl.schedules.Schedule),
        ("from minidl.layers import InputLayer as found", layers.Input),
        ("from minidl.layers.experimental.preprocessing import Normalization as found", layers.Normalization),
        ("from minidl.engine.topology import Layer as found", minidl.Layer),
        ("from minidl.objectives import mse as found", losses.mean_squared_error),
        ("from minidl.utils.vis_utils import plot_model as found", minidl.utils.plot_model),
        ("from minidl.optimizers import adam as found", Adam),
        ("from minidl.optimizers.adam import Adam as found", Adam),
        ("from minidl.metrics import mae as found", losses.mean_absolute_error),
        ("import minidl; found = minidl.Initializer", initializers.Initializer),
        ("from minidl.saving import load_model as found", minidl.load_model),
    ],
)
def test_older_places_of_a_name_work(line, expected):
    scope = {}
    exec(line, scope)
    assert scope["found"] is expected


def test_importing_minidl_reads_no_table():
    code = "import minidl, minidl.names; print(minidl.names.table.cache_info().currsize)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "0\n"


# Arguments


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda: Adam(lr=0.25), Adam(0.25)),
        (lambda: optimizers.SGD(lr=0.25, momentum=0.5), optimizers.SGD(0.25, 0.5)),
        (lambda: Dense(output_dim=3, init="uniform"), Dense(3, kernel_initializer="uniform")),
        (lambda: Dense(3, W_regularizer="l2", bias=False), Dense(3, kernel_regularizer="l2", use_bias=False)),
        (lambda: Dropout(p=0.25), Dropout(0.25)),
        (lambda: layers.LeakyReLU(alpha=0.25), layers.LeakyReLU(0.25)),
        (lambda: minidl.regularizers.l2(l=0.25), minidl.regularizers.L2(0.25)),
    ],
)
def test_an_older_name_of_an_argument_works(old, new):
    assert repr(old()) == repr(new)


@pytest.mark.parametrize("keywords", [{"input_dim": 2}, {"input_shape": (2,)}, {"batch_input_shape": (None, 2)}])
def test_the_first_layer_takes_the_shape_of_the_inputs(keywords):
    assert minidl.Sequential([Dense(3, **keywords)]).input_shape == (2,)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Adam(decay=0.1), r"Adam has no argument 'decay': Pass learning_rate=InverseTimeDecay.*"),
        (lambda: Adam(lr=0.1, learning_rate=0.2), "Adam has no argument 'lr': minidl calls it learning_rate"),
        (
            lambda: Dropout(0.5, noise_shape=(1,)),
            "Dropout has no argument 'noise_shape': Each value is dropped on its own",
        ),
        (lambda: Dense(3, dtype="float32"), "Dense has no argument 'dtype': Pass dtype= to Sequential"),
        (
            lambda: losses.MeanSquaredError(reduction="sum"),
            "MeanSquaredError has no argument 'reduction': Leave it out",
        ),
        (lambda: metrics.Precision(dtype="float32"), "Precision has no argument 'dtype': Leave it out"),
        (lambda: layers.Input((3,), batch_size=4), "Input has no argument 'batch_size': Leave it out"),
        (lambda: network().fit([[1, 2]], [0], nb_epoch=2), "fit has no argument 'nb_epoch': minidl calls it epochs"),
        (
            lambda: network().compile("adam", "mse", loss_weights=[1]),
            "compile has no argument 'loss_weights': A model has one output",
        ),
        (lambda: network().summary(print_fn=print), "summary has no argument 'print_fn': Leave it out"),
        (lambda: network().save("m", overwrite=True), "save has no argument 'overwrite': Leave it out"),
        (lambda: network().evaluate([[1, 2]], [0], workers=2), "evaluate has no argument 'workers': Leave it out"),
    ],
)
def test_a_missing_argument_says_what_to_do(make, words):
    with pytest.raises(ArgumentError, match=f"^{words}.*{PAGE}$"):
        make()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (
            lambda: Adam(beta1=0.9),
            r"Adam has no argument 'beta1': expected one of learning_rate, .*Did you mean 'beta_1'\?",
        ),
        (lambda: Dense(3, activaton="relu"), r"Dense has no argument 'activaton': .*Did you mean 'activation'\?"),
        (
            lambda: callbacks.EarlyStopping(patence=3),
            r"EarlyStopping has no argument 'patence': .*Did you mean 'patience'\?",
        ),
        (lambda: network().fit([[1, 2]], [0], epoch=2), r"fit has no argument 'epoch': .*Did you mean 'epochs'\?"),
    ],
)
def test_an_unknown_argument_lists_the_known_ones(make, words):
    with pytest.raises(ArgumentError, match=words):
        make()


def test_a_type_error_inside_a_constructor_is_not_hidden():
    class Broken(minidl.Metric):
        def __init__(self, name=None):
            len(3)

        def update(self, y_true, y_pred, sample_weight=None): ...

        def result(self): ...

    with pytest.raises(TypeError, match="has no len"):
        Broken(name="a")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: network().compile("adadelta", "mse"), "compile: optimizer: .*got 'adadelta'. Use Adam or AdamW"),
        (lambda: network().compile("adam", "dice"), "compile: loss: .*got 'dice'. Copy Tversky from docs/extend.md"),
        (
            lambda: network().compile("adam", "mse", ["mean_io_u"]),
            "compile: metrics: .*got 'mean_io_u'. Derive a class",
        ),
        (lambda: Dense(3, activation="mish"), 'Dense: activation: .*got \'mish\'. Use "relu", "gelu"'),
        (lambda: Dense(3, kernel_regularizer="orthogonal_regularizer"), "got 'orthogonal_regularizer'. Derive a class"),
    ],
)
def test_a_string_that_only_keras_knows_says_what_to_use(make, words):
    with pytest.raises(ArgumentError, match=f"{words}.*{PAGE}$"):
        make()


@pytest.mark.parametrize(
    ("old", "new"),
    [("huber_loss", "huber"), ("kullback_leibler_divergence", "kl_divergence"), ("MSE", "mean_squared_error")],
)
def test_an_older_name_as_a_string_works(old, new):
    model = network()
    model.compile("adam", old)
    assert model.loss.get_name() == new


# Attributes and methods


@pytest.mark.parametrize(
    ("thing", "name", "words"),
    [
        (network, "predict_classes", r"Write model.predict\(x\).argmax\(axis=1\)"),
        (network, "fit_generator", "Write model.fit"),
        (network, "to_yaml", "Write model.to_json"),
        (network, "train_step", "A custom loop is model.loss_and_gradients"),
        (Adam, "apply_gradients", "Write optimizer.step"),
        (Adam, "decay", "Pass a schedule as learning_rate"),
        (losses.MeanSquaredError, "reduction", "A loss is the mean over the samples"),
        (metrics.AUC, "add_weight", "Accumulate in attributes"),
        (lambda: Dense(3), "add_weight", "In build, write self.add_parameter"),
    ],
)
def test_a_missing_attribute_says_what_to_use(thing, name, words):
    with pytest.raises(AttributeError, match=f"has no attribute '{name}': {words}.*{PAGE}"):
        getattr(thing(), name)
    assert not hasattr(thing(), name)


@pytest.mark.parametrize(
    ("base", "method", "words"),
    [
        (layers.Layer, "call", r"L: expected the class to define backward and forward\. In place of call: .*dx"),
        (losses.Loss, "call", r"L: expected the class to define backward and forward\. In place of call: .*derivative"),
        (minidl.Metric, "update_state", r"L: .* result and update\. In place of update_state: update\."),
        (optimizers.Optimizer, "update_step", r"L: .* define update\. In place of update_step: Write update\(blocks"),
        (minidl.regularizers.Regularizer, "__call__", r"L: .* gradient and penalty\. In place of __call__: Write pen"),
    ],
)
def test_a_class_with_the_methods_of_keras_is_told_those_of_minidl(base, method, words):
    with pytest.raises(TypeError, match=f"^{words}.*{PAGE}$"):
        type("L", (base,), {method: lambda self, *arguments: None})()


def test_a_class_without_its_methods_is_told_which():
    with pytest.raises(TypeError, match=r"^L: expected the class to define backward and forward\.$"):
        type("L", (layers.Layer,), {})()


def test_keras_names_of_attributes_work():
    layer = network().layers[0]
    assert layer.kernel is layer.W
    assert layer.bias is layer.b
    assert Adam(0.25).lr == 0.25


def test_an_unknown_attribute_is_an_ordinary_error():
    with pytest.raises(AttributeError, match=r"Adam has no attribute 'rate'$"):
        _ = Adam().rate


# The table


def test_every_line_of_the_table_has_a_kind_and_a_text():
    for section, entries in names.table().items():
        for entry in entries:
            assert entry.kind in ("missing", "renamed", "differs"), (section, entry)
            assert entry.names, entry
            assert entry.text, entry


def test_no_name_is_in_a_section_twice():
    for section, entries in names.table().items():
        every = [name for entry in entries for name in entry.names]
        assert sorted(every) == sorted(set(every)), section


def test_a_name_that_is_said_to_be_missing_is_missing():
    for module in ("minidl", *(f"minidl.{name}" for name in aliases.MODULES.split())):
        section = module.removeprefix("minidl").removeprefix(".")
        there = {
            name: value
            for name, value in vars(importlib.import_module(module)).items()
            if getattr(getattr(value, "__spec__", None), "loader", None) is not aliases.ModuleFinder  # explains itself
        }
        for entry in names.table().get(section, ()):
            wrong = [name for name in entry.names if name in there] if entry.kind == "missing" else []
            assert not wrong, f"{module}: take {wrong} out of minidl/names.txt"
