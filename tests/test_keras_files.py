"""Files of Keras 3 both ways: equal predictions, equal continued training, and an error for what cannot be said."""

import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, layers, load_model, losses, optimizers, regularizers
from minidl.callbacks import ModelCheckpoint
from minidl.errors import ArgumentError, MissingPackageError, ModelFileError

h5py = pytest.importorskip("h5py")
DATA = Path(__file__).parent / "data" / "libraries"
STORED = np.load(DATA / "keras.npz")
X, LABELS = STORED["x"], STORED["labels"]
OPTIMIZERS = ["sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw", "lion"]


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


# Reading what Keras wrote


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_file_of_keras_predicts_and_trains_on_as_keras_did(name):
    model = load_model(DATA / f"keras-{name}.keras")
    assert np.abs(model.predict(X) - STORED[f"{name}/y"]).max() <= 1e-6
    model.fit(X, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0)
    tolerance = 5e-5 if name.startswith("adam") else 2e-6  # Adam's epsilon is another in Keras
    assert np.abs(model.predict(X) - STORED[f"{name}/after"]).max() <= tolerance


def test_a_functional_chain_is_read():
    model = load_model(DATA / "keras-functional.keras")
    assert np.abs(model.predict(X.reshape(20, 2, 2)) - STORED["functional/y"]).max() <= 1e-6


def test_layers_keep_their_names_settings_and_frozen_state():
    model = load_model(DATA / "keras-sgd.keras")
    assert model.layers[0].name == "zeta"
    assert model.layers[0].kernel_regularizer.l2 == 1e-3
    assert [type(layer).__name__ for layer in model.layers] == [
        "Dense",
        "Dropout",
        "Sequential",
        "GELU",
        "Dense",
        "Dense",
    ]
    assert model.layers[2].layers[1].negative_slope == 0.25
    assert model.layers[4].activation.negative_slope == 0.2
    assert [layer.trainable for layer in model.layers] == [True, True, True, True, False, True]
    assert model.metrics == ["accuracy"]
    assert model.optimizer.iterations == 8


def test_without_compile_the_optimizer_is_left_out():
    assert load_model(DATA / "keras-adam.keras", compile=False).optimizer is None


# Writing, read back here


def trained(optimizer="adam", batch_size=5, **options):
    model = Sequential(
        [
            Input((4,)),
            Dense(5, activation="relu", kernel_regularizer=regularizers.L1L2(1e-3, 1e-4), name="b"),
            Sequential(
                [Dense(5, activation=layers.LeakyReLU(0.3), name="b"), layers.ELU(0.7), Dense(4, name="a")], name="in"
            ),
            layers.SiLU(),
            layers.Softplus(),
            Dense(3, activation="softmax", kernel_initializer="he_normal", name="a"),
        ],
        seed=0,
        **options,
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, LABELS, batch_size=batch_size, epochs=2, shuffle=False, verbose=0)
    return model


MADE = {
    "sgd": lambda: optimizers.SGD(0.1),
    "momentum": lambda: optimizers.SGD(0.1, momentum=0.9, clipvalue=0.5),
    "rmsprop": lambda: optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "adagrad": lambda: optimizers.Adagrad(0.1, 0.2),
    "adam": lambda: optimizers.Adam(optimizers.schedules.CosineDecay(0.01, 50)),
    "adamw": lambda: optimizers.AdamW(0.01, 0.1, 0.5, 0.9, global_clipnorm=1.0),
    "adamsgrad": lambda: optimizers.Adam(0.01, amsgrad=True),
    "lion": lambda: optimizers.Lion(0.01),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", MADE)
def test_a_model_comes_back_and_trains_on_as_before(name, dtype, tmp_path):
    model = trained(MADE[name](), dtype=dtype)
    model.save(tmp_path / "m.keras")
    back = load_model(tmp_path / "m.keras")
    assert np.array_equal(back.predict(X), model.predict(X))
    assert repr(back) == repr(model).replace("ReLU()", "ReLU(slope_at_zero=0)", 1)
    for each in (model, back):
        each.fit(X, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0)
    assert np.abs(back.predict(X) - model.predict(X)).max() <= (1e-5 if dtype == "float32" else 1e-7)


def test_an_optimizer_that_has_taken_no_step_comes_back(tmp_path):
    model = Sequential([Input((4,)), Dense(3, activation="softmax")])
    model.compile("adagrad", "sparse_categorical_crossentropy")
    model.save(tmp_path / "m.keras")
    back = load_model(tmp_path / "m.keras")
    assert back.optimizer.iterations == 0
    back.fit(X, LABELS, verbose=0)


def test_the_file_is_what_keras_writes(tmp_path):
    trained().save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        found = h5py.File(io.BytesIO(archive.read("model.weights.h5")))
        assert found["layers/dense_1/vars/0"].shape == (4, 3)
        assert found["layers/sequential/layers/dense_1/vars/0"].shape == (5, 4)
        assert len(found["optimizer/vars"]) == 2 + 2 * 8
        config = json.loads(archive.read("config.json"))
    assert config["class_name"] == "Sequential"
    assert config["config"]["layers"][1]["config"]["activation"] == "relu"


def test_without_the_optimizer_nothing_is_compiled(tmp_path):
    trained().save(tmp_path / "m.keras", include_optimizer=False)
    assert load_model(tmp_path / "m.keras").optimizer is None


def test_checkpoints_may_be_keras_files(tmp_path):
    model = trained()
    keep = minidl.callbacks.ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    model.fit(X, LABELS, verbose=0, callbacks=[keep])
    assert np.array_equal(load_model(tmp_path / "best.keras").predict(X), model.predict(X))


# Keras reads what minidl wrote


@pytest.mark.parametrize("name", MADE)
def test_keras_predicts_and_trains_on_the_same(name, keras, tmp_path):
    model = trained(MADE[name]())
    model.save(tmp_path / "m.keras")
    other = keras.models.load_model(tmp_path / "m.keras")
    assert np.abs(other.predict(X, verbose=0) - model.predict(X)).max() <= 1e-6
    for each in (model, other):
        each.fit(X, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0)
    tolerance = 5e-5 if name.startswith("adam") else 5e-6
    assert np.abs(other.predict(X, verbose=0) - model.predict(X)).max() <= tolerance


def test_keras_reads_every_layer_and_loss(keras, tmp_path):
    every = [
        layers.Sigmoid(), layers.Tanh(), layers.ReLU(), layers.LeakyReLU(0.2), layers.ELU(0.7), layers.GELU(),
        layers.SiLU(), layers.Softplus(), layers.Softmax(), layers.Dropout(0.5), layers.Reshape((2, 2)),
        layers.Flatten(),
    ]  # fmt: skip
    dense = [Dense(4, activation=layer.copy()) for layer in every[:9]]
    model = Sequential([Input((4,)), *every, *dense, Dense(1, use_bias=False)], seed=0)
    for loss in (
        "mse",
        "mae",
        losses.Huber(0.5),
        losses.BinaryCrossentropy(from_logits=True),
        "log_cosh",
    ):
        model.compile("sgd", loss)
        model.save(tmp_path / "m.keras")
        other = keras.models.load_model(tmp_path / "m.keras")
        assert np.abs(other.predict(X, verbose=0) - model.predict(X)).max() <= 1e-6
        y = (LABELS > 1).astype("float32")
        assert other.evaluate(X, y, verbose=0) == pytest.approx(model.evaluate(X, y, verbose=0), rel=1e-5)


IDS = np.random.default_rng(2).integers(0, 9, (20, 3))


def with_arrays():
    """Every layer that has arrays, in float inputs' and in ids' models."""
    numbers = [
        layers.Normalization().adapt(X), Dense(6, activation="selu", kernel_constraint="max_norm"),
        layers.BatchNormalization(momentum=0.8), layers.PReLU(),
        layers.LayerNormalization(epsilon=1e-4), layers.GaussianNoise(0.0), layers.Rescaling(2.0, 1.0),
        layers.Identity(),
        layers.AlphaDropout(0.0), layers.BatchNormalization(center=False), layers.BatchNormalization(scale=False),
    ]  # fmt: skip
    ids = [layers.Embedding(9, 4), layers.Flatten(), layers.LayerNormalization(scale=False)]
    for inputs, inner, shape in ((X, numbers, (4,)), (IDS, ids, (3,))):
        model = Sequential([Input(shape), *inner, Dense(3, activation="softmax")], seed=0)
        model.compile(optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
        model.fit(inputs, LABELS, batch_size=5, epochs=2, shuffle=False, verbose=0)
        yield model, inputs


def test_layers_with_state_come_back_and_train_on(tmp_path):
    for model, inputs in with_arrays():
        model.save(tmp_path / "m.keras")
        back = load_model(tmp_path / "m.keras")
        assert np.array_equal(back.predict(inputs), model.predict(inputs))
        for each in (model, back):
            each.fit(inputs, LABELS, batch_size=5, epochs=3, shuffle=False, verbose=0)
        assert np.abs(back.predict(inputs) - model.predict(inputs)).max() <= 1e-5


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # Keras' own, of its Normalization
def test_keras_reads_layers_with_state_and_writes_them_back(keras, tmp_path):
    for model, inputs in with_arrays():
        model.save(tmp_path / "m.keras")
        other = keras.models.load_model(tmp_path / "m.keras")
        assert np.abs(other.predict(inputs, verbose=0) - model.predict(inputs)).max() <= 1e-5
        for each in (model, other):
            each.fit(inputs, LABELS, batch_size=5, epochs=2, shuffle=False, verbose=0)
        assert np.abs(other.predict(inputs, verbose=0) - model.predict(inputs)).max() <= 1e-4
        other.save(tmp_path / "k.keras")
        back = load_model(tmp_path / "k.keras")
        assert np.abs(back.predict(inputs) - other.predict(inputs, verbose=0)).max() <= 1e-5


# What cannot be said


class Own(layers.Layer):
    def forward(self, x, training=False):
        return x

    def backward(self, dy):
        return dy


UNSAID = {
    "a custom layer": (lambda: Sequential([Input((4,)), Own(name="o")]), "layer 'o': .* Keras has, got Own"),
    "another optimizer": (lambda: trained("nadam"), "optimizer: expected something that Keras has, got Nadam"),
    "a solver": (lambda: trained("lbfgs", batch_size=None), "optimizer: expected something that Keras has, got LBFGS"),
    "a rate that is a function": (lambda: trained(optimizers.SGD(lambda step: 0.1)), "SGD: .* that Keras has"),
    "a connection around layers": (
        lambda: Sequential([Input((4,)), layers.Residual(Dense(4), name="r")]), "'r': .* has, got Residual",
    ),
    "units that were given": (
        lambda: Sequential([Input((4,)), layers.Normalization(mean=1.0, variance=2.0)]), "mean: expected one from",
    ),
    "another schedule": (lambda: trained(optimizers.SGD(optimizers.schedules.OneCycle(0.1, 9))), "got OneCycle"),
    "a model that is not built": (lambda: Sequential([Dense(3)]), "expected a built model"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSAID)
def test_what_keras_cannot_say_is_refused_and_nothing_is_written(name, tmp_path):
    make, message = UNSAID[name]
    model = make()
    with pytest.raises(ArgumentError, match=message):
        model.save(tmp_path / "m.keras")
    assert not list(tmp_path.iterdir())


def edit(path, change, members=()):
    """Write a stored file with ``change(config)`` applied, and other members in place of its own."""
    with zipfile.ZipFile(DATA / "keras-adam.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(files["config.json"])
    change(config)
    files |= {"config.json": json.dumps(config).encode(), **dict(members)}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def dense(config):
    return config["config"]["layers"][1]["config"]


def last(config):
    return config["config"]["layers"][-1]["config"]


FOREIGN = {
    "another layer": (lambda c: c["config"]["layers"][1].update(class_name="Conv1D"), "got 'Conv1D'"),
    "a penalty on outputs": (lambda c: dense(c).update(activity_regularizer="l2"), "activity_regularizer: .* None"),
    "an unknown setting": (lambda c: dense(c).update(turbo=True), "turbo: expected no such setting"),
    "an activation": (lambda c: dense(c).update(activation="mish"), "activation: expected one of .*, got 'mish'"),
    "half precision": (lambda c: dense(c).update(dtype="mixed_float16"), "dtype: expected float32"),
    "more units than arrays": (lambda c: last(c).update(units=7), r"W: expected an array of shape \(4, 7\)"),
    "very many units": (lambda c: last(c).update(units=10**11), r"W: expected an array of shape \(4, 100000000000\)"),
    "units that do not fit": (lambda c: dense(c).update(units=7), r"input_shape: expected \(7,\), got \(6,\)"),
    "a layer without arrays": (lambda c: c["config"]["layers"].append(c["config"]["layers"][1]), "dense_3/vars/0"),
    "an array left over": (lambda c: c["config"]["layers"].pop(), "expected no arrays but those of the layers"),
    "any inputs": (lambda c: c["config"]["layers"][0]["config"].update(batch_shape=[None, None]), "a fixed shape"),
    "a loss scale": (
        lambda c: c["compile_config"]["optimizer"]["config"].update(loss_scale_factor=8.0),
        "loss_scale_factor: expected None",
    ),
    "amsgrad without its arrays": (
        lambda c: c["compile_config"]["optimizer"]["config"].update(amsgrad=True), "expected 21 arrays for Adam",
    ),
    "another loss": (lambda c: c["compile_config"].update(loss="ctc"), "ctc"),
    "another optimizer": (lambda c: c["compile_config"]["optimizer"].update(class_name="Ftrl"), "'Ftrl'"),
    "a lambda": (
        lambda c: c["config"]["layers"][1].update(class_name="Lambda", config={"name": "l", "function": "code"}),
        "got 'Lambda'",
    ),
    "no layers": (lambda c: c["config"].pop("layers"), "KeyError"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN)
def test_what_minidl_cannot_say_is_refused_by_name(name, tmp_path):
    change, message = FOREIGN[name]
    with pytest.raises(ModelFileError, match=message):
        load_model(edit(tmp_path / "m.keras", change))


def test_a_file_of_keras_2_is_refused(tmp_path):
    path = edit(tmp_path / "m.keras", lambda config: None, {"metadata.json": b'{"keras_version": "2.15.0"}'}.items())
    with pytest.raises(ModelFileError, match=r"got one of Keras 2\.15\.0"):
        load_model(path)


def test_a_branch_is_refused(tmp_path):
    with zipfile.ZipFile(DATA / "keras-functional.keras") as archive:
        text = archive.read("config.json").decode()
    name = json.loads(text)["config"]["layers"][2]["name"]
    first = json.loads(text)["config"]["layers"][1]["name"]
    assert text.count(f'"keras_history": ["{name}"') == 1
    changed = text.replace(f'"keras_history": ["{name}"', f'"keras_history": ["{first}"')
    path = edit(tmp_path / "m.keras", lambda config: None, {"config.json": changed.encode()}.items())
    with pytest.raises(ModelFileError, match="got a branch at"):
        load_model(path)


def weights_with(change):
    """Return the arrays of a stored file, changed."""
    with zipfile.ZipFile(DATA / "keras-adam.keras") as archive:
        buffer = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(buffer, "r+") as file:
        change(file)
    return {"model.weights.h5": buffer.getvalue()}.items()


def replaced(make):
    def change(file):
        del file["layers/dense/vars/0"]
        make(file)

    return change


HOSTILE = {
    "a link to another file": replaced(
        lambda f: f.__setitem__("layers/dense/vars/0", h5py.ExternalLink("/etc/x.h5", "/a"))
    ),
    "arrays stored elsewhere": replaced(
        lambda f: f.create_dataset("layers/dense/vars/0", (4, 6), "f4", external=[("/etc/hostname", 0, 96)])
    ),
    "texts": replaced(lambda f: f.create_dataset("layers/dense/vars/0", data=b"texts")),
    "a folder": replaced(lambda f: f.create_group("layers/dense/vars/0")),
    "a huge array of nothing": replaced(
        lambda f: f.create_dataset("layers/dense/vars/0", (1 << 40,), "f4", chunks=(1 << 10,))
    ),
    "nothing": replaced(lambda f: None),
    "another shape": replaced(lambda f: f.create_dataset("layers/dense/vars/0", data=np.zeros((6, 4), "f4"))),
    "NaN": replaced(lambda f: f.create_dataset("layers/dense/vars/0", data=np.full((4, 6), np.nan, "f4"))),
    "an optimizer with more": lambda f: f.create_dataset("optimizer/vars/99", data=1.0),
    "an optimizer with a gap": lambda f: f["optimizer/vars"].move("1", "98"),
    "an optimizer in another order": lambda f: f["optimizer/vars"].move("2", "x") or f["optimizer/vars"].move("4", "2")
    or f["optimizer/vars"].move("x", "4"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_forged_arrays_are_refused(name, tmp_path):
    path = edit(tmp_path / "m.keras", lambda config: None, weights_with(HOSTILE[name]))
    with pytest.raises(ModelFileError, match=r"m\.keras: "):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"{}", b"\0" * 100])
def test_another_file_is_refused(content, tmp_path):
    (tmp_path / "m.keras").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.keras: expected a model file of Keras 3"):
        load_model(tmp_path / "m.keras")


def test_a_compressed_archive_is_refused(tmp_path):
    with zipfile.ZipFile(DATA / "keras-adam.keras") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(tmp_path / "m.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with pytest.raises(ModelFileError, match="compressed"):
        load_model(tmp_path / "m.keras")


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "m.keras")


@pytest.mark.parametrize("call", [lambda path: trained().save(path), load_model])
def test_without_h5py_the_error_says_what_to_install(call, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(
        MissingPackageError, match=r"a name that ends in .keras: .*pip install h5py, or 'minidl\[keras\]'"
    ):
        call(tmp_path / "m.keras")


def test_a_checkpoint_in_a_keras_file_asks_for_h5py_before_training(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    text = r"ModelCheckpoint: filepath: a name that ends in .keras: expected h5py, got none installed\. Run: pip"
    with pytest.raises(MissingPackageError, match=text):
        ModelCheckpoint(tmp_path / "{epoch}.keras")
    ModelCheckpoint(tmp_path / "{epoch}.safetensors")
