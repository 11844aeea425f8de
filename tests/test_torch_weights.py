"""Weights of PyTorch networks arrive in the right layers, or an error lists both sides; files cannot run code."""

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Sequential, layers
from minidl.errors import ArgumentError, ModelFileError, ShapeError, StateError
from minidl.torch import load_torch

DATA = Path(__file__).parent / "data" / "libraries"


def network(*shapes, activation="tanh", last=None, **options):
    (first, _), *_ = shapes
    *inner, (_, outputs) = shapes
    hidden = [Dense(units, activation=activation) for _, units in inner]
    return Sequential([Input((first,)), *hidden, Dense(outputs, activation=last, **options)])


def small():
    return Sequential(
        [
            Input((4,)),
            Dense(6, activation="relu"),
            Dense(5, activation="tanh"),
            Dense(3, activation="softmax", use_bias=False),
        ]
    )


STORED = {
    "torch.pt": small,
    "torch.safetensors": small,
    "torch-names.pt": lambda: network((4, 4), (4, 4), (4, 4)),
    "torch-gaps.safetensors": lambda: network(*[(3, 3)] * 11, last="tanh"),
}


@pytest.mark.parametrize("name", STORED)
def test_a_network_of_torch_predicts_what_it_did_there(name):
    stored, model = np.load((DATA / name).with_suffix(".npz")), STORED[name]()
    load_torch(model, DATA / name)
    assert np.abs(model.predict(stored["x"]) - stored["y"]).max() <= 1e-6


def test_where_names_leave_the_order_open_it_must_be_given():
    stored, model = np.load(DATA / "torch-names.npz"), network((4, 4), (4, 4), (4, 4))
    before = model.get_weights()
    with pytest.raises(ArgumentError, match=r"several orders that fit: alpha, mid, zeta; .*Pass names="):
        load_torch(model, DATA / "torch-names.safetensors")
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    load_torch(model, DATA / "torch-names.safetensors", names=["zeta", "alpha", "mid"])
    assert np.abs(model.predict(stored["x"]) - stored["y"]).max() <= 1e-6


def write_safetensors(path, **arrays):
    pytest.importorskip("safetensors.numpy").save_file({name.replace("__", "."): a for name, a in arrays.items()}, path)


def linear(inputs, units, start=0.0):
    return {
        "weight": np.arange(start, start + units * inputs, dtype="float32").reshape(units, inputs),
        "bias": np.zeros(units, "float32"),
    }


def modules(**linears):
    return {f"{name}__{key}": array for name, arrays in linears.items() for key, array in arrays.items()}


@pytest.mark.parametrize(
    ("names", "shapes"),
    [
        ("out hidden", [(3, 2), (4, 3)]),  # sorted by name, the last layer comes first
        ("head body.0 body.2", [(4, 2), (4, 4), (4, 4)]),
        ("a2 a10 z", [(4, 4), (4, 4), (4, 1)]),
    ],
)
def test_shapes_decide_where_only_one_order_fits(names, shapes, tmp_path):
    linears = {name: linear(*shape, 100 * i) for i, (name, shape) in enumerate(zip(names.split(), shapes, strict=True))}
    write_safetensors(tmp_path / "m.safetensors", **modules(**linears))
    order = sorted(range(len(shapes)), key=lambda i: (shapes[i][1] in (1, 2), i))
    model = network(*[shapes[i] for i in order])
    load_torch(model, tmp_path / "m.safetensors")
    for layer, i in zip(model.layers, order, strict=True):
        assert np.array_equal(layer.W, linear(*shapes[i], 100 * i)["weight"].T)


def test_a_difference_lists_both_sides_and_changes_nothing(tmp_path):
    model = network((4, 6), (6, 5), (5, 3))
    before = model.get_weights()
    with pytest.raises(ShapeError) as caught:
        load_torch(model, DATA / "torch.pt")
    lines = str(caught.value).splitlines()
    assert lines[1].split() == ["the", "model", "the", "file"]
    assert "  dense_1.weight (5, 6)  2.weight (5, 6)" in lines
    assert any(line.endswith("  -") for line in lines)  # the file has one bias less
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    "shapes", [[(4, 6), (6, 5)], [(4, 6), (6, 5), (5, 3), (3, 3)], [(6, 6), (6, 5), (5, 3)], [(4, 5), (5, 6), (6, 3)]],
    ids=["fewer layers", "more layers", "other inputs", "other units"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["torch.pt", "torch.safetensors"])
def test_other_layers_are_refused(shapes, name):
    with pytest.raises(ShapeError, match="expected the arrays of the model's layers"):
        load_torch(network(*shapes, use_bias=False), DATA / name)


def test_names_that_are_not_the_files_are_refused():
    with pytest.raises(ArgumentError, match="names: expected each of 0, 2, 5 once, got 0, 2, 4"):
        load_torch(small(), DATA / "torch.pt", names=["0", "2", "4"])


def test_names_in_an_order_that_does_not_fit_are_refused():
    with pytest.raises(ShapeError, match="expected the arrays"):
        load_torch(small(), DATA / "torch.pt", names=["2", "0", "5"])


def test_layers_inside_others_are_counted(tmp_path):
    write_safetensors(tmp_path / "m", **modules(**{"0": linear(4, 3), "2": linear(3, 3, 50), "4": linear(3, 2, 90)}))
    model = Sequential([Input((4,)), Sequential([Dense(3), Sequential([Dense(3)])]), Dense(2)])
    load_torch(model, tmp_path / "m")
    assert np.array_equal(model.get_weights()[2], linear(3, 3, 50)["weight"].T)


def test_normalisation_embedding_and_slopes_have_torchs_names(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {
        "0.weight": rng.normal(size=(9, 4)), "2.weight": rng.normal(size=12), "2.bias": rng.normal(size=12),
        "2.running_mean": rng.normal(size=12), "2.running_var": rng.uniform(1, 2, 12),
        "2.num_batches_tracked": np.array(7),
        "3.weight": rng.normal(size=12), "3.bias": rng.normal(size=12), "4.weight": rng.normal(size=12),
    }  # fmt: skip
    write_safetensors(tmp_path / "m", **{name.replace(".", "__"): array for name, array in arrays.items()})
    model = Sequential(
        [
            Input((3,)), layers.Embedding(9, 4), layers.Flatten(), layers.BatchNormalization(epsilon=1e-5),
            layers.LayerNormalization(epsilon=1e-5), layers.PReLU(),
        ],
        dtype="float64",
    )  # fmt: skip
    load_torch(model, tmp_path / "m")
    x = rng.integers(0, 9, (5, 3))
    y = arrays["0.weight"][x].reshape(5, 12)
    y = (y - arrays["2.running_mean"]) / np.sqrt(arrays["2.running_var"] + 1e-5) * arrays["2.weight"] + arrays["2.bias"]
    y = (y - y.mean(1, keepdims=True)) / np.sqrt(y.var(1, keepdims=True) + 1e-5) * arrays["3.weight"] + arrays["3.bias"]
    assert model.predict(x) == pytest.approx(np.where(y > 0, y, arrays["4.weight"] * y), abs=1e-12)


def test_float64_weights_stay_exact_in_a_float64_model(tmp_path):
    weight = np.array([[0.1, 0.2]])
    write_safetensors(tmp_path / "m", weight=weight, bias=np.array([1 / 3]))
    model = Sequential([Input((2,)), Dense(1)], dtype="float64")
    load_torch(model, tmp_path / "m")
    assert np.array_equal(model.layers[0].W, weight.T)


def test_an_unbuilt_model_is_refused():
    with pytest.raises(StateError, match="load_torch: expected a built model"):
        load_torch(Sequential([Dense(3)]), DATA / "torch.pt")


# State dicts, as torch.save lays them out


class FloatStorage:
    """What a pickle names as ``torch.FloatStorage``."""


class Storage:
    def __init__(self, key, kind=FloatStorage):
        self.key, self.kind = key, kind


class Rebuilt:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, {})

    def __reduce__(self):
        return _rebuild_tensor_v2, self.arguments


def _rebuild_tensor_v2(*arguments):
    raise AssertionError("called")


class Pickler(pickle._Pickler):
    def persistent_id(self, value):
        return ("storage", value.kind, value.key, "cpu", 0) if isinstance(value, Storage) else None


def state_dict(path, value, data=b"", compression=zipfile.ZIP_STORED, protocol=2):
    """Write what torch.save writes for ``value``, with one storage "0"."""
    buffer = io.BytesIO()
    Pickler(buffer, protocol).dump(value)
    text = buffer.getvalue()
    own = __name__.encode()
    for name, module in ((b"_rebuild_tensor_v2", b"torch._utils"), (b"FloatStorage", b"torch")):
        text = text.replace(b"c" + own + b"\n" + name, b"c" + module + b"\n" + name)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("m/data.pkl", text)
        archive.writestr("m/data/0", data)
    return path


ONE = np.arange(8, dtype="<f4")


def one_layer(offset=0, shape=(2, 3), strides=(3, 1), bias=6):
    return {"weight": Rebuilt(Storage("0"), offset, shape, strides), "bias": Rebuilt(Storage("0"), bias, (2,), (1,))}


@pytest.mark.parametrize(
    "wrap", [lambda d: d, lambda d: {"epoch": 3, "rate": [0.1, None], "state_dict": d}, lambda d: {"model": d}]
)
def test_a_state_dict_is_found_alone_and_in_a_training_scripts_file(wrap, tmp_path):
    model = Sequential([Input((3,)), Dense(2)])
    load_torch(model, state_dict(tmp_path / "m.pt", wrap(one_layer()), ONE.tobytes()))
    assert np.array_equal(model.layers[0].W, ONE[:6].reshape(2, 3).T)
    assert np.array_equal(model.layers[0].b, [6, 7])


def test_a_transposed_tensor_is_read_by_its_strides(tmp_path):
    model = Sequential([Input((3,)), Dense(2)])
    load_torch(model, state_dict(tmp_path / "m.pt", one_layer(strides=(1, 2)), ONE.tobytes()))
    assert np.array_equal(model.layers[0].W, ONE[:6].reshape(3, 2))


class Evil:
    def __reduce__(self):
        return os.mkdir, ("ran",)


FORGED = {
    "code": lambda: {"weight": Evil()},
    "an object": lambda: {"weight": Sequential()},
    "an offset behind the end": lambda: one_layer(offset=3),
    "a negative offset": lambda: one_layer(offset=-1),
    "a shape beyond the end": lambda: one_layer(shape=(2, 30)),
    "a huge shape without bytes": lambda: one_layer(shape=(1 << 40, 3), strides=(0, 0)),
    "strides beyond the end": lambda: one_layer(strides=(30, 1)),
    "negative strides": lambda: one_layer(strides=(-3, 1)),
    "a shape of floats": lambda: one_layer(shape=(2.0, 3)),
    "another bias": lambda: one_layer(bias=7),
    "tuples as keys": lambda: {(1, 2): 3},
    "a list": lambda: [1, 2],
    "nothing": dict,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_state_dict_is_refused_and_runs_nothing(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = Sequential([Input((3,)), Dense(2)])
    before = model.get_weights()
    with pytest.raises(ModelFileError, match=r"m\.pt: expected a state dict"):
        load_torch(model, state_dict(Path("m.pt"), FORGED[name](), ONE.tobytes()))
    assert [path.name for path in Path().iterdir()] == ["m.pt"]
    assert np.array_equal(before[0], model.get_weights()[0])


@pytest.mark.parametrize("model", [None, Sequential, Dense(2)], ids=repr)
def test_weights_are_loaded_into_a_model_only(model):
    with pytest.raises(ArgumentError, match="load_torch: model: expected a Sequential, got"):
        load_torch(model, "net.pt")


def test_tensors_that_share_all_bytes_without_end_are_refused(tmp_path):
    shared = {f"{i}.weight": Rebuilt(Storage("0"), 0, (10_000,), (1,)) for i in range(50)}
    with pytest.raises(ModelFileError, match="more values than its bytes can hold"):
        load_torch(small(), state_dict(tmp_path / "m.pt", shared, np.zeros(10_000, "<f4").tobytes()))


def test_a_compressed_archive_is_refused(tmp_path):
    path = state_dict(tmp_path / "m.pt", one_layer(), ONE.tobytes(), zipfile.ZIP_DEFLATED)
    with pytest.raises(ModelFileError, match="compressed"):
        load_torch(Sequential([Input((3,)), Dense(2)]), path)


def test_deep_nesting_ends_in_an_error_too(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02}" + b")" + b"\x85" * 300_000 + b"K\x01s.")
    with pytest.raises(ModelFileError, match="keys that are neither"):
        load_torch(Sequential([Input((3,)), Dense(2)]), tmp_path / "m.pt")


@pytest.mark.parametrize(
    "content",
    [b"", b"\x80\x02.", b"PK\x03\x04", b"\xff" * 8 + b"{", b"\x02" + b"\0" * 7 + b"{}", b"\x89HDF\r\n\x1a\n   "],
)
def test_another_file_is_refused(content, tmp_path):
    (tmp_path / "m.pt").write_bytes(content)
    with pytest.raises((ModelFileError, ShapeError), match="expected"):
        load_torch(small(), tmp_path / "m.pt")


def test_every_byte_of_a_file_may_change_and_the_worst_is_an_error(tmp_path):
    whole = (DATA / "torch.pt").read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 300):
        data = bytearray(whole)
        data[place] ^= 1 << int(rng.integers(8))
        (tmp_path / "m.pt").write_bytes(data)
        try:
            load_torch(small(), tmp_path / "m.pt")
        except minidl.MinidlError:
            continue


def test_torch_itself_agrees(tmp_path):
    torch = pytest.importorskip("torch")
    net = torch.nn.Sequential(torch.nn.Linear(4, 6), torch.nn.GELU(), torch.nn.Linear(6, 2))
    torch.save(net.state_dict(), tmp_path / "net.pt")
    model = Sequential([Input((4,)), Dense(6, activation="gelu"), Dense(2)])
    load_torch(model, tmp_path / "net.pt")
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")
    expected = net(torch.from_numpy(x)).detach().numpy()
    assert np.abs(model.predict(x) - expected).max() <= 1e-6 * np.abs(expected).max()
