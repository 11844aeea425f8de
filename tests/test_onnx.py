"""Models in ONNX files compute the same in onnxruntime, and dense networks come back from such files."""

from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, layers
from minidl.errors import ArgumentError, MissingPackageError, ModelFileError, StateError
from minidl.onnx import export, load, to_onnx
from minidl.onnx.operators import OPERATORS

DATA = Path(__file__).parent / "data" / "libraries"
ACTIVATIONS = [
    layers.Sigmoid(), layers.Tanh(), layers.ReLU(), layers.LeakyReLU(0.2), layers.ELU(0.7), layers.GELU(),
    layers.SiLU(), layers.Softplus(), layers.Softmax(),
]  # fmt: skip


@pytest.fixture
def onnx():
    return pytest.importorskip("onnx")


def run(path, x):
    """Return what onnxruntime makes of ``x``."""
    runtime = pytest.importorskip("onnxruntime")
    return runtime.InferenceSession(str(path)).run(None, {"input": x})[0]


def assert_same_outputs(model, path, rows=50):
    x = np.random.default_rng(3).normal(0, 3, (rows, *model.input_shape)).astype("float32")
    export(model, path)
    expected = model.predict(x)
    found = run(path, x)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda layer: type(layer).__name__)
def test_an_activation_computes_the_same_in_onnxruntime(activation, onnx, tmp_path):
    assert_same_outputs(Sequential([Input((4,)), activation.copy()]), tmp_path / "m.onnx")
    assert_same_outputs(Sequential([Input((4,)), Dense(5, activation=activation.copy())], seed=0), tmp_path / "m.onnx")


DATA_OF_ADAPT = np.random.default_rng(0).normal([1e4, 2, 3, 4], [1, 2, 3, 4], (50, 4))


def layers_random():
    return minidl.initializers.RandomUniform(-0.5, 0.5)


def normalised(layer):
    """Return the layer with arrays as training could leave them."""
    random = minidl.initializers.RandomUniform(0.5, 2.0)
    for name in ("gamma_initializer", "beta_initializer", "moving_mean_initializer", "moving_variance_initializer"):
        if hasattr(layer, name):
            setattr(layer, name, random)
    return layer


NESTED = {
    "a dense layer without biases": lambda: [Input((4,)), Dense(3, use_bias=False)],
    "dropout": lambda: [Input((4,)), Dense(3), layers.Dropout(0.5), Dense(2)],
    "rows of other shapes": lambda: [Input((2, 6)), layers.Reshape((3, 4)), layers.Flatten(), Dense(2)],
    "an output of another shape": lambda: [Input((4,)), Dense(6), layers.Reshape((2, 3))],
    "a model in a model": lambda: [Input((4,)), Sequential([Dense(3, activation="relu"), Dense(5)]), Dense(2)],
    "three models deep": lambda: [Input((4,)), Sequential([Sequential([Dense(3), layers.Tanh()]), Dense(2)])],
    "a model as an activation": lambda: [Input((4,)), Dense(3, activation=Sequential([Dense(4), layers.GELU()]))],
    "branches": lambda: [
        Input((4,)),
        layers.Concatenate([], [layers.Columns(-1, 0), Dense(3, activation="relu")]),
        layers.Residual(Dense(5, activation="tanh"), Dense(7)),
        layers.Residual(Dense(2), projection=Dense(2, use_bias=False)),
    ],
    "noise and numbers of other units": lambda: [
        Input((4,)),
        layers.Rescaling(0.5, 3.0),
        layers.GaussianNoise(0.1),
        layers.AlphaDropout(0.1),
        layers.Identity(),
        Dense(3),
        layers.SELU(),
    ],
    "slopes that are trained": lambda: [Input((4,)), Dense(5), layers.PReLU(layers_random()), Dense(2)],
    "slopes that axes share": lambda: [Input((3, 4)), layers.PReLU(layers_random(), shared_axes=[1])],
    "batch normalisation": lambda: [Input((4,)), normalised(layers.BatchNormalization()), Dense(3)],
    "batch normalisation without scale": lambda: [Input((4,)), normalised(layers.BatchNormalization(scale=False))],
    "batch normalisation without shift": lambda: [Input((3, 4)), normalised(layers.BatchNormalization(center=False))],
    "layer normalisation": lambda: [Input((4,)), normalised(layers.LayerNormalization()), Dense(3)],
    "layer normalisation over two axes": lambda: [
        Input((2, 3)),
        normalised(layers.LayerNormalization(axis=[1, 2], center=False, scale=False)),
    ],
    "units of the data": lambda: [Input((4,)), layers.Normalization().adapt(DATA_OF_ADAPT), Dense(3)],
    "units on the way back": lambda: [Input((4,)), layers.Normalization(mean=[1, 2, 3, 4], variance=4.0, invert=True)],
    "embedded columns": lambda: [
        Input((4,)),
        layers.Rescaling(0.0, 2.0),
        layers.Concatenate([layers.Columns(1), layers.Embedding(3, 4), layers.Flatten()], []),
        Dense(2),
    ],
    "nothing but the input": lambda: [Input((4,)), layers.Dropout(0.5)],
}


@pytest.mark.parametrize("make", NESTED.values(), ids=NESTED)
def test_a_model_computes_the_same_in_onnxruntime(make, onnx, tmp_path):
    assert_same_outputs(Sequential(make(), seed=0), tmp_path / "m.onnx")


def test_a_float64_model_is_written_in_float32(onnx, tmp_path):
    model = Sequential(
        [Input((4,)), *[Dense(5, activation=layer.copy()) for layer in ACTIVATIONS]], seed=0, dtype="float64"
    )
    x = np.random.default_rng(0).normal(size=(9, 4))
    export(model, tmp_path / "m.onnx")
    assert np.allclose(run(tmp_path / "m.onnx", x.astype("float32")), model.predict(x), rtol=0, atol=1e-6)


def test_a_trained_classifier_predicts_the_same_digits(onnx, tmp_path):
    (x, y), (x_test, _) = minidl.datasets.digits()
    model = Sequential([Input((64,)), Dense(16, activation="relu"), Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, epochs=3, verbose=0)
    export(model, tmp_path / "m.onnx")
    assert np.abs(run(tmp_path / "m.onnx", x_test.astype("float32")) - model.predict(x_test)).max() <= 1e-6


def test_ids_are_integers_in_the_file(onnx, tmp_path):
    model = Sequential([Input((3,)), layers.Embedding(10, 4), layers.Flatten(), Dense(2)], seed=0)
    export(model, tmp_path / "m.onnx")
    x = np.random.default_rng(0).integers(0, 10, (20, 3))
    assert np.abs(run(tmp_path / "m.onnx", x) - model.predict(x)).max() <= 1e-6


def test_any_number_of_samples_runs(onnx, tmp_path):
    for rows in (1, 7, 1000):
        assert_same_outputs(Sequential([Input((4,)), layers.Reshape((2, 2)), layers.Flatten()]), tmp_path / "m", rows)


def test_a_file_says_opset_21_ir_10_and_who_wrote_it(onnx):
    made = to_onnx(Sequential([Input((4,)), Dense(3)], name="small"))
    assert [each.version for each in made.opset_import] == [21]
    assert (made.ir_version, made.producer_name, made.graph.name) == (10, "minidl", "small")


class Gain(layers.Layer):
    def build(self, input_shape):
        self.add_parameter("gamma", input_shape, "glorot_uniform")
        return input_shape

    def forward(self, x, training=False):
        self._x = x
        return self.gamma * x

    def backward(self, dy):
        self.dgamma = (dy * self._x).sum(axis=0)
        return dy * self.gamma


class ExportedGain(Gain):
    def to_onnx(self, graph, x):
        return graph.add("Mul", x, graph.constant(self.gamma))


def test_a_custom_layer_joins_by_a_method(onnx, tmp_path):
    model = Sequential(
        [Input((4, 3)), ExportedGain(), Sequential([ExportedGain(), layers.Flatten(), Dense(2)])], seed=0
    )
    assert_same_outputs(model, tmp_path / "m.onnx")


@pytest.mark.parametrize("cls", [Gain, type("Dense", (Dense,), {}), type("ReLU", (layers.ReLU,), {})])
def test_a_layer_that_onnx_does_not_know_is_refused_by_name(cls, onnx, tmp_path):
    layer = cls(2, name="mine") if issubclass(cls, Dense) else cls(name="mine")
    with pytest.raises(ArgumentError, match=rf"onnx.export: {cls.__name__} 'mine' \(layer 0\): .*to_onnx"):
        export(Sequential([Input((4, 4) if cls is Gain else (4,)), layer]), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_every_layer_has_an_operator():
    concrete = {
        name for name, thing in vars(layers).items()
        if isinstance(thing, type) and issubclass(thing, layers.Layer) and not thing.__abstractmethods__
    }  # fmt: skip
    assert concrete <= OPERATORS.keys()


def test_an_unbuilt_model_is_refused(onnx, tmp_path):
    with pytest.raises(StateError, match=r"onnx.export: expected a built model"):
        export(Sequential([Dense(3)]), tmp_path / "m.onnx")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_weights_that_float32_cannot_hold_are_refused(value, onnx, tmp_path):
    model = Sequential([Input((1,)), Dense(1)], dtype="float64")
    model.layers[0].W[...] = value
    with pytest.raises(ArgumentError, match="finite in float32"):
        export(model, tmp_path / "m.onnx")


@pytest.mark.parametrize("call", [lambda path: export(Sequential([Input((1,)), Dense(1)]), path), load])
def test_without_onnx_the_error_says_what_to_install(call, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(
        MissingPackageError, match=r"minidl.onnx: expected onnx, .*pip install onnx, or 'minidl\[onnx\]'"
    ):
        call(tmp_path / "m.onnx")


# Reading


def test_a_dense_network_comes_back_to_the_bit(onnx, tmp_path):
    steps = [
        Dense(5, activation=layer.copy())
        for layer in ACTIVATIONS
        if not isinstance(layer, layers.LeakyReLU | layers.ELU)
    ]
    model = Sequential([Input((4,)), *steps, Dense(3, use_bias=False), layers.LeakyReLU(0.25), layers.ELU(0.5)], seed=0)
    export(model, tmp_path / "m.onnx")
    found = load(tmp_path / "m.onnx")
    assert repr(found) == repr(
        Sequential(
            [
                Input((4,)),
                *[s.copy() for s in steps],
                Dense(3, use_bias=False, activation=layers.LeakyReLU(0.25)),
                layers.ELU(0.5),
            ]
        )
    )
    x = np.random.default_rng(0).normal(size=(20, 4))
    assert np.array_equal(found.predict(x), model.predict(x))


def test_a_model_of_pictures_comes_back(onnx, tmp_path):
    model = Sequential([Input((2, 3)), layers.Flatten(), Dense(2, activation="tanh")], seed=0)
    export(model, tmp_path / "m.onnx")
    x = np.random.default_rng(0).normal(size=(20, 2, 3))
    assert np.array_equal(load(tmp_path / "m.onnx").predict(x), model.predict(x))


@pytest.mark.parametrize(("name", "output"), [("torch", None), ("torch-dynamo", None), ("sklearn", "probabilities")])
def test_a_network_of_another_library_predicts_what_it_did_there(name, output, onnx):
    stored = np.load(DATA / f"{name}.npz")
    model = load(DATA / f"{name}.onnx", output)
    assert np.abs(model.predict(stored["x"]) - stored["y"]).max() <= 1e-6


def test_an_imported_network_trains(onnx):
    stored = np.load(DATA / "torch.npz")
    model = load(DATA / "torch.onnx")
    model.compile("adam", "categorical_crossentropy")
    history = model.fit(stored["x"], np.eye(3)[stored["y"].argmax(1)], epochs=20, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]


def graph_of(onnx, path, nodes, constants, outputs=("y",), shape=("n", 4)):
    """Write an ONNX file of nodes ``(operator, inputs, output, attributes)``."""
    helper = onnx.helper
    kind = onnx.TensorProto.FLOAT
    made = helper.make_model(
        helper.make_graph(
            [helper.make_node(name, inputs, [output], **attributes) for name, inputs, output, attributes in nodes],
            "g",
            [helper.make_tensor_value_info("x", kind, shape)],
            [helper.make_tensor_value_info(output, kind, ("n", "m")) for output in outputs],
            [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 21)],
        ir_version=10,
    )
    onnx.save(made, path)


W, B = np.arange(8.0, dtype="float32").reshape(4, 2) / 8, np.array([1.0, 2.0], "float32")
X = np.random.default_rng(1).normal(size=(5, 4)).astype("float32")
PRODUCTS = {
    "MatMul": ([("MatMul", ["x", "W"], "y", {})], {"W": W}, X @ W),
    "MatMul and Add": ([("MatMul", ["x", "W"], "z", {}), ("Add", ["b", "z"], "y", {})], {"W": W, "b": B}, X @ W + B),
    "Gemm transposed": ([("Gemm", ["x", "W", "b"], "y", {"transB": 1})], {"W": W.T.copy(), "b": B}, X @ W + B),
    "Gemm with factors": (
        [("Gemm", ["x", "W", "b"], "y", {"alpha": 2.0, "beta": 0.5})], {"W": W, "b": B}, 2 * (X @ W) + B / 2,
    ),
    "Gemm with one bias for all": ([("Gemm", ["x", "W", "b"], "y", {})], {"W": W, "b": np.float32(3)}, X @ W + 3),
    "Cast, Reshape and Flatten": (
        [("Cast", ["x"], "a", {"to": 1}), ("MatMul", ["a", "W"], "z", {}),
         ("Reshape", ["z", "s"], "f", {}), ("Flatten", ["f"], "y", {})],
        {"W": W, "s": np.array([-1, 2])}, X @ W,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "constants", "expected"), PRODUCTS.values(), ids=PRODUCTS)
def test_each_way_to_write_a_dense_layer_is_read(nodes, constants, expected, onnx, tmp_path):
    graph_of(onnx, tmp_path / "m.onnx", nodes, constants)
    assert np.allclose(load(tmp_path / "m.onnx").predict(X), expected, rtol=1e-6, atol=1e-6)


REFUSED = {
    "an operator": ([("MatMul", ["x", "W"], "z", {}), ("Sin", ["z"], "y", {})], {"W": W}, "got Sin 'y'"),
    "a branch": (
        [("MatMul", ["x", "W"], "z", {}), ("Relu", ["z"], "r", {}), ("Add", ["z", "r"], "y", {})], {"W": W},
        "got 2 nodes that use 'z': Add, Relu",
    ),
    "a sum without a product": ([("Add", ["x", "b"], "y", {})], {"b": np.ones(4, "float32")}, "right behind a MatMul"),
    "two biases": (
        [("MatMul", ["x", "W"], "z", {}), ("Add", ["z", "b"], "a", {}), ("Add", ["a", "b"], "y", {})], {"W": W, "b": B},
        "right behind a MatMul",
    ),
    "no weights": ([("Relu", ["x"], "y", {})], {}, "at least one Gemm"),
    "a transposed input": ([("Gemm", ["x", "W"], "y", {"transA": 1})], {"W": W}, "got another product in Gemm"),
    "the other GELU": (
        [("MatMul", ["x", "W"], "z", {}), ("Gelu", ["z"], "y", {"approximate": "tanh"})], {"W": W}, "got Gelu",
    ),
    "a softmax over the samples": (
        [("MatMul", ["x", "W"], "z", {}), ("Softmax", ["z"], "y", {"axis": 0})], {"W": W}, "got Softmax",
    ),
    "a cast to integers": ([("MatMul", ["x", "W"], "z", {}), ("Cast", ["z"], "y", {"to": 7})], {"W": W}, "got Cast"),
    "another shape of the rows": (
        [("MatMul", ["x", "W"], "z", {}), ("Reshape", ["z", "s"], "y", {})], {"W": W, "s": np.array([-1, 1])},
        "got Reshape",
    ),
    "a bias of another length": ([("Gemm", ["x", "W", "b"], "y", {})], {"W": W, "b": W[:, :1]}, "bias for 2 units"),
    "weights that are not finite": ([("MatMul", ["x", "W"], "y", {})], {"W": W * np.nan}, "finite"),
}  # fmt: skip


@pytest.mark.parametrize(("nodes", "constants", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_dense_network_is_refused_by_name(nodes, constants, message, onnx, tmp_path):
    graph_of(onnx, tmp_path / "m.onnx", nodes, constants)
    with pytest.raises(ModelFileError, match=message):
        load(tmp_path / "m.onnx")


def test_layers_that_do_not_fit_are_refused(onnx, tmp_path):
    nodes = [("MatMul", ["x", "W"], "z", {}), ("MatMul", ["z", "W"], "y", {})]
    graph_of(onnx, tmp_path / "m.onnx", nodes, {"W": W})
    with pytest.raises(ModelFileError, match=r"\(4, 2\)"):
        load(tmp_path / "m.onnx")


def test_of_several_outputs_one_must_be_chosen(onnx, tmp_path):
    nodes = [("MatMul", ["x", "W"], "z", {}), ("Relu", ["z"], "y", {}), ("Sin", ["z"], "s", {})]
    graph_of(onnx, tmp_path / "m.onnx", nodes, {"W": W}, ("y", "s"))
    with pytest.raises(ModelFileError, match=r"expected one output, got y, s. Pass output="):
        load(tmp_path / "m.onnx")
    assert np.allclose(load(tmp_path / "m.onnx", "y").predict(X), np.maximum(X @ W, 0))
    with pytest.raises(ModelFileError, match="expected the output 'q', got y, s"):
        load(tmp_path / "m.onnx", "q")


@pytest.mark.parametrize("content", [b"", b"\x00" * 40, b"PK\x03\x04", b"\x08\x0a", b"not a model"])
def test_another_file_is_refused(content, onnx, tmp_path):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(ModelFileError, match=r"m\.onnx: expected an ONNX file"):
        load(tmp_path / "m.onnx")


def test_a_missing_file_is_an_os_error(onnx, tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "m.onnx")


@pytest.mark.parametrize("wrong", [None, "m.onnx", Dense(3), [Dense(3)]], ids=repr)
def test_what_is_no_model_is_refused(wrong):
    with pytest.raises(ArgumentError, match=r"onnx.export: model: expected a Sequential, got "):
        to_onnx(wrong)
