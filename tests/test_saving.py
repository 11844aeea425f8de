"""Model files: what comes back is what was saved, and whatever is not a whole file of ours is refused."""

import enum
import errno
import gc
import io
import json
import os
import pickle
import random
import resource
import struct
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import Dense, Input, Layer, ModelFileError, ReLU, Sequential, files
from minidl.__main__ import main
from minidl.callbacks import LambdaCallback
from minidl.errors import ArgumentError
from minidl.saving import format as file_format
from minidl.saving import model as saving_model
from minidl.saving import objects, read_file
from tests.faults import fuzzing
from tests.faults.forging import forge, header_of, parts, raw, resealed, text_of
from tests.faults.models import small_data, small_model, trained_model
from tests.faults.systems import Counting, FailsAt, OperatingSystem

DATA = Path(__file__).parent / "data"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a small file with everything in it."""
    path = tmp_path_factory.mktemp("whole") / "model"
    trained_model().save(path)
    return path.read_bytes()


def load_bytes(path, data):
    path.write_bytes(data)
    return minidl.load_model(path)


# What comes back


def test_a_loaded_model_predicts_and_continues_training_as_the_saved_one(path):
    model, (x, y) = trained_model(), small_data()
    model.save(path)
    loaded = minidl.load_model(path)
    np.testing.assert_array_equal(loaded.predict(x), model.predict(x))
    for each in (model, loaded):
        each.fit(x, y, epochs=2, batch_size=7, verbose=0)
    assert loaded.history.history == model.history.history
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    state, expected = loaded.optimizer.get_state(), model.optimizer.get_state()
    assert state.keys() == expected.keys()
    for name in state:
        np.testing.assert_array_equal(state[name], expected[name])


def test_history_and_the_count_of_epochs_come_back(path):
    model = trained_model()
    model.save(path)
    loaded = minidl.load_model(path)
    assert loaded.history.history == model.history.history
    assert (loaded.epoch, loaded.seed, loaded.dtype) == (model.epoch, model.seed, model.dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_both_types_are_kept(path, dtype):
    Sequential([Input((2,)), Dense(3)], dtype=dtype).save(path)
    assert minidl.load_model(path).get_weights()[0].dtype == dtype


@pytest.mark.parametrize(
    "model",
    [
        Sequential(),
        Sequential(name="named", seed=5),
        Sequential([Input((4,))]),
        Sequential([Dense(3, activation="tanh")]),
        Sequential([Input((2, 3)), minidl.layers.Flatten(), minidl.layers.Reshape((3, 2))]),
        Sequential([Input((2,)), Dense(3, name="größe")]),
        Sequential([Input((2,)), Dense(3, trainable=False)]),
        Sequential([Input((2,)), Sequential([Sequential([Dense(2)], name="deep"), ReLU()]), Dense(1)]),
        Sequential([Input((2,)), minidl.layers.ELU(0.5), minidl.layers.LeakyReLU(0.2), minidl.layers.GELU()]),
    ],
    ids=str,
)
def test_any_model_comes_back_built_or_not(path, model):
    model.save(path)
    loaded = minidl.load_model(path)
    assert repr(loaded) == repr(model)
    assert (loaded.name, loaded.output_shape) == (model.name, model.output_shape)
    assert [layer.trainable for layer in loaded.layers] == [layer.trainable for layer in model.layers]


def test_layers_that_are_built_in_a_model_that_is_not_keep_their_values(path):
    inner = Sequential([Input((3,)), Dense(2)], name="inner")
    layer = Sequential([Input((4,)), Dense(5, activation="relu")])[0].copy(name="copy")
    Sequential([Dense(3, name="new"), inner, layer]).save(path)
    loaded = minidl.load_model(path)
    assert loaded.network is None
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(loaded["inner"].predict(x), inner.predict(x))
    np.testing.assert_array_equal(loaded["copy"].W, layer.W)


def test_two_saves_of_one_model_are_the_same_bytes(path):
    model = trained_model()
    model.save(path)
    first = path.read_bytes()
    model.save(path)
    assert path.read_bytes() == first


def test_arrays_that_are_not_contiguous_are_saved_right(path):
    array = np.arange(12.0).reshape(3, 4)
    arrays = {
        "transposed": array.T,
        "every second": array[:, ::2],
        "big-endian": array.astype(">f8"),
        "one": array[0, 0:1],
    }
    file_format.write_file(path, arrays, {"minidl": "0"})
    for name, found in read_file(path)[1].items():
        np.testing.assert_array_equal(found, arrays[name])


def test_other_programs_can_read_the_arrays(path):
    from safetensors.numpy import load_file

    model = trained_model()
    model.save(path)
    np.testing.assert_array_equal(load_file(path)["weights/dense/W"], model["dense"].W)


def test_the_file_is_the_one_that_the_safetensors_library_writes(path):
    from safetensors.numpy import load_file, save

    kinds = ["float64", "float32", "int64", "int32", "uint64", "uint32", "uint8", "bool"]
    for arrays in (
        {name: np.ones((2, 3), "float32") for name in ("b", "a", "größe")},
        {f"{kind} {shape}": np.ones(shape, kind) for kind in kinds for shape in ((), (0, 3), (5,), (2, 3, 4))},
        {},
    ):
        file_format.write_file(path, arrays, {"minidl": "0"})
        found = load_file(path)
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array, strict=True)
        if len({array.dtype for array in arrays.values()}) <= 1:  # the library orders the types otherwise
            text = header_text(path.read_bytes())
            assert path.read_bytes() == save(arrays, {"minidl": text})


def header_text(data):
    return json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]["minidl"]


def test_a_model_may_be_saved_while_another_thread_trains_it(path, monkeypatch):
    model, serialise = trained_model(), file_format.serialise

    def then_train(*arguments):
        whole = serialise(*arguments)
        model["end"].W += 1
        model.train_on_batch(*small_data())
        return whole

    before = model.get_weights()
    monkeypatch.setattr(file_format, "serialise", then_train)
    model.save(path)
    for one, other in zip(minidl.load_model(path).get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_saving_changes_nothing_in_the_model(path):
    model = trained_model()
    before = pickle.dumps(model)
    model.save(path)
    assert pickle.dumps(model) == before


def test_loading_runs_no_initializer(path):
    def forbidden(rng, shape, dtype):
        raise AssertionError("called")

    Sequential([Input((2,)), Dense(3, kernel_initializer="zeros")]).save(path)
    content, entries, data = parts(path.read_bytes())
    content["model"]["config"]["layers"][0]["config"]["kernel_initializer"] = {"function": "forbidden"}
    path.write_bytes(forge(text_of(content), entries, data))
    loaded = minidl.load_model(path, custom_objects={"forbidden": forbidden})
    assert not loaded["dense"].W.any()


# Functions and classes that are not minidl's


class Doubled(Layer):
    def __init__(self, factor=2):
        self.factor = factor

    def forward(self, x, training=False):
        return self.factor * x

    def backward(self, dy):
        return self.factor * dy


def halves(step):
    return 0.1 / (1 + step)


def off_by(y_true, y_pred):
    return np.abs(y_true.reshape(y_pred.shape) - y_pred).mean(axis=1)


def custom_model():
    model = Sequential(
        [Input((3,)), Doubled(3), Dense(1, kernel_initializer=lambda rng, shape, dtype: np.ones(shape, dtype))]
    )
    model.compile(minidl.optimizers.SGD(halves), "mse", metrics=[off_by])
    return model


def test_a_custom_class_is_refused_until_it_is_given(path):
    model = custom_model()
    model.save(path)
    with pytest.raises(ModelFileError, match=r"layers/0: expected a class of minidl.*'Doubled'.*custom_objects"):
        minidl.load_model(path)
    loaded = minidl.load_model(path, custom_objects={"Doubled": Doubled})
    assert loaded.layers[0].factor == 3


def test_a_registered_class_is_found_by_its_name(path, monkeypatch):
    monkeypatch.setattr(minidl.config, "registry", dict(minidl.config.registry))
    monkeypatch.setattr(objects, "registry", minidl.config.registry)
    minidl.register(Doubled)
    custom_model().save(path)
    assert minidl.load_model(path).layers[0].factor == 3


def test_functions_are_needed_to_train_but_not_to_predict(path):
    x, y = np.ones((4, 3), "float32"), np.ones((4, 1))
    custom_model().save(path)
    loaded = minidl.load_model(path, custom_objects={"Doubled": Doubled})
    np.testing.assert_array_equal(loaded.predict(x), np.full((4, 1), 9.0))
    with pytest.raises(ArgumentError, match=r"halves: expected the function itself.*custom_objects"):
        loaded.fit(x, y, verbose=0)
    given = {"Doubled": Doubled, "halves": halves, "off_by": off_by}
    loaded, model = minidl.load_model(path, custom_objects=given), custom_model()
    for each in (loaded, model):
        each.fit(x, y, epochs=2, verbose=0)
    assert loaded.history.history == model.history.history


def test_compile_false_leaves_out_the_optimizer_and_the_need_for_its_classes(path):
    class MyLoss(minidl.losses.Loss):
        def forward(self, y_pred, y_true, sample_weight=None):
            return 0.0

        def backward(self):
            return 0.0

    model = Sequential([Input((2,)), Dense(1)])
    model.compile("sgd", MyLoss())
    model.save(path)
    with pytest.raises(ModelFileError, match="MyLoss"):
        minidl.load_model(path)
    assert minidl.load_model(path, compile=False).optimizer is None


def test_two_lambdas_in_one_model_have_two_names(path):
    model = Sequential(
        [Input((2,)), *(Dense(2, kernel_initializer=lambda r, s, d, v=v: np.full(s, v, d)) for v in (1, 2))]
    )
    model.save(path)
    content, _ = read_file(path)
    names = [layer["config"]["kernel_initializer"] for layer in content["model"]["config"]["layers"]]
    assert names == [{"function": "<lambda>"}, {"function": "<lambda>_1"}]


def test_a_class_with_the_name_of_a_built_in_one_cannot_be_saved(path):
    impostor = type("Dense", (Doubled,), {"__module__": "elsewhere"})
    with pytest.raises(ArgumentError, match="save: model/layers/0: expected a unique name, got a second "):
        Sequential([Input((2,)), impostor()]).save(path)
    assert not path.exists()


@pytest.mark.parametrize("value", [object(), {1, 2}, 1j, b"bytes", np.array(["text"]), np.dtype("f4"), int, Path("x")])
def test_what_has_no_place_in_a_file_is_refused_by_name(path, value):
    with pytest.raises(
        ArgumentError, match=r"save: model/layers/0/factor: expected numbers, text, arrays or minidl's objects"
    ):
        Sequential([Doubled(value)]).save(path)


@pytest.mark.parametrize(
    "value",
    [1, -(2**70), 0.1, 1e-320, float("inf"), True, None, "text", "\udcff", (1, (2,)), [], {},
     {1: "a", "b": (2,), None: 3.5}, np.float32(0.1), np.float64(0.1), slice(1, None, 2)],
    ids=repr,
)  # fmt: skip
def test_any_simple_value_comes_back_with_its_type(path, value):
    Sequential([Doubled(value)]).save(path)
    found = minidl.load_model(path, custom_objects={"Doubled": Doubled}).layers[0].factor
    assert found == value
    assert type(found) is type(value)


def test_arrays_in_a_config_come_back(path):
    value = np.arange(6, dtype="int32").reshape(2, 3)
    Sequential([Doubled([value, value.T, value > 2])]).save(path)
    found = minidl.load_model(path, custom_objects={"Doubled": Doubled}).layers[0].factor
    np.testing.assert_array_equal(found[0], value)
    np.testing.assert_array_equal(found[1], value.T)
    np.testing.assert_array_equal(found[2], value > 2)
    assert [array.dtype.name for array in found] == ["int32", "int32", "bool"]


@pytest.mark.parametrize("given", [3, "Dense", ["Dense"], {"Dense": 3}, {3: Doubled}, {"os": object}])
def test_custom_objects_of_another_kind_are_refused(path, given):
    trained_model().save(path)
    with pytest.raises(ArgumentError, match="custom_objects: expected"):
        minidl.load_model(path, custom_objects=given)


# Saving that fails


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_model_does_not_overwrite_the_best(path, value):
    model = trained_model()
    model.save(path)
    before = path.read_bytes()
    model["end"].W[0, 1] = value
    with pytest.raises(ArgumentError, match=r"save: Dense 'end' \(layer 3\): W: expected finite values, got (nan|inf)"):
        model.save(path)
    assert path.read_bytes() == before


def test_an_optimizer_that_diverged_does_not_overwrite_the_best(path):
    model = trained_model()
    model.optimizer.state["v"][3] = np.inf
    with pytest.raises(ArgumentError, match=r"save: Adam: v: expected finite values, got inf"):
        model.save(path)
    assert not path.exists()


def test_a_save_that_fails_at_any_operation_leaves_a_model_that_loads(path, monkeypatch):
    old, new = trained_model(), small_model(1)
    monkeypatch.setattr(files, "os", OperatingSystem(Counting()))
    old.save(path)
    old.save(path)
    count = files.os.system.count
    before = path.read_bytes()
    for number in range(count):
        path.write_bytes(before)
        files.os = OperatingSystem(FailsAt(number))
        try:
            new.save(path)
        except OSError as error:
            failure = error
            assert path.read_bytes() == before
        else:
            failure = None
        assert failure is None or failure.filename == str(path)
        assert minidl.load_model(path).seed == (0 if failure else 1)


def test_longdouble_models_have_no_file(path):
    with pytest.raises(ArgumentError, match=r"expected a model of float32 or float64, got (longdouble|float128)"):
        Sequential([Input((2,)), Dense(1)], dtype=np.dtype(np.longdouble).name).save(path)


# Damage, exhaustively


def test_every_truncation_is_refused(path, whole):
    path.write_bytes(whole)
    for length in reversed(range(len(whole))):
        os.truncate(path, length)
        with pytest.raises(ModelFileError):
            read_file(path)


def undetected_flips(path, data, step=1):
    """The bits whose flipping goes unnoticed, of every byte or every ``step``-th."""
    found = []
    path.write_bytes(data)
    with path.open("r+b", buffering=0) as file:
        for place in range(0, len(data), step):
            for bit in range(8):
                file.seek(place)
                file.write(bytes([data[place] ^ 1 << bit]))
                try:
                    read_file(path)
                    found.append((place, bit))
                except ModelFileError:
                    pass
            file.seek(place)
            file.write(data[place : place + 1])
    return found


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    path = tmp_path_factory.mktemp("tiny") / "model"
    Sequential([Input((2,)), Dense(2)], seed=0).save(path)
    return path.read_bytes()


def test_every_flip_of_a_single_bit_is_refused(path, tiny):
    assert undetected_flips(path, tiny) == []


def test_appended_bytes_are_refused(path, whole):
    for extra in (b"\0", b"\n", whole):
        with pytest.raises(ModelFileError):
            load_bytes(path, whole + extra)


# Files of others


def zip_bytes():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.json", "{}")
    return buffer.getvalue()


class Bomb:
    def __reduce__(self):
        return os.system, ("true",)


def plain_safetensors():
    from safetensors.numpy import save

    return save({"W": np.ones(3)}, {"format": "pt"})


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (zip_bytes(), "a zip archive, such as .keras, .npz or a PyTorch file"),
        *[(pickle.dumps(Bomb(), protocol), "a pickle, which could run code") for protocol in (2, 3, 4, 5)],
        (pickle.dumps({"a": 1}, 0), "a pickle, which could run code"),
        (pickle.dumps(Bomb(), 0), "a pickle, which could run code"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"\x93NUMPY\x01\x00" + bytes(100), "a NumPy .npy file"),
        (b"\x1f\x8b\x08" + bytes(100), "a gzip archive"),
        (b'{"class_name": "Sequential"}', "a JSON text"),
        (b"", "an empty file"),
        (b"some text that is no model", "not a minidl model file, or its header is corrupt"),
        (b"\x10" * 8, "not a minidl model file, or its header is corrupt"),
        (b"\x10" * 8 + b'{"W"', "a safetensors file that minidl did not write"),
        (plain_safetensors(), "a safetensors file that minidl did not write"),
    ],
)
def test_files_of_another_kind_are_named(path, data, words):
    with pytest.raises(ModelFileError, match=words) as error:
        load_bytes(path, data)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_file_of_a_few_bytes_is_refused(path, length):
    with pytest.raises(ModelFileError, match=f"{path}: expected a minidl model file, got {length} bytes"):
        load_bytes(path, b"\x10" * length)


def test_what_cannot_be_read_is_an_error_with_the_path(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        minidl.load_model(tmp_path / "none.safetensors")
    with pytest.raises(IsADirectoryError, match=tmp_path.name):
        minidl.load_model(tmp_path)
    with pytest.raises(ModelFileError, match="/dev/zero: expected a regular file"):
        minidl.load_model("/dev/zero")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_without_a_writer_is_refused_at_once(path):
    os.mkfifo(path)
    with pytest.raises(ModelFileError, match=f"{path}: expected a regular file"):
        minidl.load_model(path)


def test_a_disk_that_fails_in_the_middle_of_a_file_is_an_error_with_the_path(path, whole, monkeypatch):
    path.write_bytes(whole)

    class Broken(io.BytesIO):
        def read(self, *size):
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(Path, "open", lambda self, mode: Broken())
    with pytest.raises(OSError, match=f"Input/output error: '{path}'"):
        minidl.load_model(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission_is_not_called_missing(path, whole):
    path.write_bytes(whole)
    path.chmod(0)
    with pytest.raises(PermissionError, match=str(path)):
        minidl.load_model(path)


# Attacks


def length_of_2_to_63(content, entries, data):
    return struct.pack("<Q", 2**63) + header_of(text_of(content), entries) + data


def offsets_that_overlap(content, entries, data):
    names = list(entries)
    entries[names[0]]["data_offsets"] = entries[names[1]]["data_offsets"]
    entries[names[0]]["shape"] = entries[names[1]]["shape"]
    return forge(text_of(content), entries, data)


def offsets_with_a_gap(content, entries, data):
    last = max(entries, key=lambda name: entries[name]["data_offsets"])
    entries[last]["data_offsets"] = [offset + 4 for offset in entries[last]["data_offsets"]]
    return forge(text_of(content), entries, data + bytes(4))


def offsets_beyond_the_file(content, entries, data):
    return forge(text_of(content), entries, data[:-4])


def bytes_behind_the_arrays(content, entries, data):
    return forge(text_of(content), entries, data + b"hidden")


def negative_offsets(content, entries, data):
    next(iter(entries.values()))["data_offsets"] = [-8, 0]
    return forge(text_of(content), entries, data)


def a_type_that_minidl_does_not_write(content, entries, data):
    next(iter(entries.values()))["dtype"] = "BF16"
    return forge(text_of(content), entries, data)


def rank_70(content, entries, data):
    entries["x"] = {"dtype": "U8", "shape": [1] * 70, "data_offsets": [len(data), len(data) + 1]}
    return forge(text_of(content), entries, data + b"x")


def a_product_of_lengths_that_overflows(content, entries, data):
    entries["x"] = {"dtype": "F32", "shape": [2**32, 2**32, 0], "data_offsets": [len(data), len(data)]}
    return forge(text_of(content), entries, data)


def a_million_empty_arrays(content, entries, data):
    entry = json.dumps({"dtype": "F32", "shape": [0], "data_offsets": [len(data)] * 2})
    inside = ",".join(f'"{index:x}":{entry}' for index in range(1_000_000))
    return forge(text_of(content), inside, data)


def too_many_empty_arrays_for_a_model(content, entries, data):
    entry = json.dumps({"dtype": "F32", "shape": [0], "data_offsets": [len(data)] * 2})
    inside = json.dumps(entries)[1:-1] + "," + ",".join(f'"{index:x}":{entry}' for index in range(15_000))
    return forge(text_of(content), inside, data)


def deep_json_in_the_header(content, entries, data):
    return forge(text_of(content), '"x": ' + "[" * 100_000 + "]" * 100_000, data)


def deep_json_in_the_content(content, entries, data):
    return forge(text_of(content)[:-1] + ', "x": ' + "[" * 100_000 + "]" * 100_000 + "}", entries, data)


def deep_layers(content, entries, data):
    inner = {"class": "Sequential", "name": None, "trainable": True, "input_shape": None,
             "config": {"layers": [], "seed": 0, "dtype": "float32"}}  # fmt: skip
    text = json.dumps(inner)
    for _ in range(400):
        text = json.dumps(inner).replace('"layers": []', f'"layers": [{text}]')
    return forge(text_of({**content, "model": "MODEL"}).replace('"MODEL"', text), entries, data)


def nan_in_json(content, entries, data):
    return forge(text_of(content).replace("0.25", "NaN"), entries, data)


def a_number_beyond_all_floats(content, entries, data):
    return forge(text_of(content).replace("0.25", "1e999"), entries, data)


def a_number_of_a_million_digits(content, entries, data):
    return forge(text_of(content).replace("0.25", "9" * 1_000_000), entries, data)


def an_array_that_nothing_names(content, entries, data):
    entries["hidden"] = {"dtype": "U8", "shape": [4], "data_offsets": [len(data), len(data) + 4]}
    return forge(text_of(content), entries, data + b"data")


def weights_of_another_type(content, entries, data):
    entries["weights/end/W"]["dtype"] = "I32"
    return forge(text_of(content), entries, data)


def truth_values_beside_0_and_1(content, entries, data):
    entries["weights/end/b"]["dtype"] = "BOOL"
    entries["weights/end/b"]["shape"] = [8]
    return forge(text_of(content), entries, data)


def an_array_twice(content, entries, data):
    inside = json.dumps(entries)[1:-1]
    return forge(text_of(content), f"{inside}, {inside}", data)


def a_key_of_the_content_twice(content, entries, data):
    return forge(text_of(content).replace('"rate": 0.25', '"rate": 0.25, "rate": 0.5'), entries, data)


def metadata_twice(content, entries, data):
    inside = json.dumps(entries)[1:-1]
    return forge(text_of(content), f'{inside}, "__metadata__": {{"minidl": "{{}}"}}', data)


def not_utf8(content, entries, data):
    return resealed(raw(header_of(text_of(content), entries).replace(b"weights/end", b"weights/\xff\xfe\xff"), data))


def another_key_in_the_metadata(content, entries, data):
    header = header_of(text_of(content), entries)
    return resealed(raw(header.replace(b'"},"', b'","other":"x"},"', 1), data))


def no_arrays_for_the_weights(content, entries, data):
    return forge(text_of(content), {}, b"")


def a_dense_layer_of_a_billion_units(content, entries, data):
    content["model"]["config"]["layers"][0]["config"]["units"] = 10**9
    return forge(text_of(content), entries, data)


def an_input_of_10_to_30_features(content, entries, data):
    content["model"]["input_shape"] = {"tuple": [10**30]}
    return forge(text_of(content), entries, data)


def a_named_module(content, entries, data):
    content["model"]["config"]["layers"][1] |= {"class": "os.system", "module": "os", "registered_name": "os>system"}
    return forge(text_of(content), entries, data)


def a_module_as_class(content, entries, data):
    content["model"]["config"]["layers"][1]["class"] = "subprocess.Popen"
    content["model"]["config"]["layers"][1]["config"] = {"args": ["touch", "minidl-was-here"]}
    return forge(text_of(content), entries, data)


def keras_lambda_with_code(content, entries, data):
    code = {"class_name": "__lambda__", "config": {"code": "4wAAAAA=", "defaults": None, "closure": None}}
    content["model"]["config"]["layers"][1] = {
        "class": "Lambda",
        "name": "l",
        "trainable": True,
        "input_shape": None,
        "config": {"function": code},
    }
    return forge(text_of(content), entries, data)


def a_loss_among_the_layers(content, entries, data):
    content["model"]["config"]["layers"][1] = {"class": "MeanSquaredError", "config": {}}
    return forge(text_of(content), entries, data)


def a_layer_as_the_loss(content, entries, data):
    relu = {"class": "ReLU", "name": None, "trainable": True, "input_shape": None, "config": {"slope_at_zero": 1.0}}
    content["training"]["compile"]["loss"] = relu
    return forge(text_of(content), entries, data)


def the_abstract_class(content, entries, data):
    content["model"]["config"]["layers"][1]["class"] = "Layer"
    return forge(text_of(content), entries, data)


def weights_that_are_not_finite(content, entries, data):
    start = entries["weights/end/W"]["data_offsets"][0]
    return forge(text_of(content), entries, data[:start] + struct.pack("<f", np.nan) + data[start + 4 :])


def optimizer_state_that_is_not_finite(content, entries, data):
    start = entries["optimizer_state/v"]["data_offsets"][0]
    return forge(text_of(content), entries, data[:start] + struct.pack("<f", np.inf) + data[start + 4 :])


def a_history_of_texts(content, entries, data):
    content["training"]["history"]["dict"][1][1]["dict"][0][1] = ["low"]
    return forge(text_of(content), entries, data)


def a_history_without_epochs(content, entries, data):
    content["training"]["history"]["dict"][0][1] = None
    return forge(text_of(content), entries, data)


def optimizer_state_of_another_size(content, entries, data):
    start, end = entries["optimizer_state/m"]["data_offsets"]
    assert end - start == 4 * entries["optimizer_state/m"]["shape"][0]
    entries["optimizer_state/m"]["shape"] = [1, (end - start) // 4, 1]
    return forge(text_of(content), entries, data)


def a_generator_of_another_kind(content, entries, data):
    content["state"]["randomness"]["dict"][0][1]["dict"][0][1] = "MT19937"
    return forge(text_of(content), entries, data)


def no_model(content, entries, data):
    del content["model"]
    return forge(text_of(content), entries, data)


def content_that_is_a_list(content, entries, data):
    return forge("[]", entries, data)


def two_layers_of_one_name(content, entries, data):
    content["model"]["config"]["layers"][1]["name"] = "dense"
    return forge(text_of(content), entries, data)


def a_seed_that_is_drawn(content, entries, data):
    content["model"]["config"]["seed"] = None
    return forge(text_of(content), entries, data)


def a_shape_that_the_layer_does_not_have(content, entries, data):
    content["model"]["config"]["layers"][3]["input_shape"] = {"tuple": [4]}
    return forge(text_of(content), entries, data)


def a_shape_of_truth_values(content, entries, data):
    content["model"]["config"]["layers"][3]["input_shape"] = {"tuple": [True]}
    return forge(text_of(content), entries, data)


def another_part_of_the_training(content, entries, data):
    content["training"]["extra"] = 1
    return forge(text_of(content), entries, data)


def another_argument_of_compile(content, entries, data):
    content["training"]["compile"]["jit_compile"] = False
    return forge(text_of(content), entries, data)


def no_metrics_in_compile(content, entries, data):
    del content["training"]["compile"]["metrics"]
    return forge(text_of(content), entries, data)


def a_number_of_passes_below_0(content, entries, data):
    content["state"]["randomness"]["dict"][1][1] = -1
    return forge(text_of(content), entries, data)


def a_generator_whose_state_is_too_long(content, entries, data):
    content["state"]["randomness"]["dict"][0][1]["dict"][1][1]["dict"][0][1] = 2**128
    return forge(text_of(content), entries, data)


def an_optimizer_state_that_is_a_number(content, entries, data):
    pairs = content["training"]["optimizer_state"]["dict"]
    next(pair for pair in pairs if pair[0] == "m")[1] = 0.5
    entries.pop("optimizer_state/m")
    return forge(text_of(content), entries, data)


def a_scalar_of_two_numbers(content, entries, data):
    content["model"]["config"]["layers"][2]["config"]["rate"] = {"scalar": ["float32", [0.25, 0.5]]}
    return forge(text_of(content), entries, data)


def another_class_of_the_same_arguments(content, entries, data):
    content["training"]["compile"]["metrics"] = ["accuracy", "no such metric"]
    return forge(text_of(content), entries, data)


def layers_of(content, count, **config):
    relu = {"class": "ReLU", "name": None, "trainable": True, "input_shape": None, "config": {"slope_at_zero": 1.0}}
    content["model"]["config"]["layers"] = [relu] * count
    return content


def layers_without_end(content, entries, data):
    return forge(text_of(layers_of(content, 9_900)), entries, data)


def as_many_layers_as_are_read(content, entries, data):
    return forge(text_of(layers_of(content, 4_000)), entries, data)


def metrics_without_end(content, entries, data):
    content["training"]["compile"]["metrics"] = [{"class": "AUC", "config": {"name": f"m{i}"}} for i in range(9_900)]
    return forge(text_of(content), entries, data)


def names_of_metrics_without_end(content, entries, data):
    content["training"]["compile"]["metrics"] = ["accuracy"] * 90_000
    return forge(text_of(content), entries, data)


def a_million_keys(content, entries, data):
    content["x"] = {f"{index:x}": 0 for index in range(1_300_000)}
    return forge(text_of(content), entries, data)


def a_million_keys_in_the_header(content, entries, data):
    return forge(text_of(content), ",".join(f'"{index:x}":0' for index in range(1_300_000)), data)


def a_history_of_a_million_epochs(content, entries, data):
    content["training"]["history"]["dict"][0][1] = list(range(1_000_000))
    content["training"]["history"]["dict"][1][1]["dict"] = [["loss", [0.5] * 1_000_000]]
    return forge(text_of(content), entries, data)


def a_history_of_texts_that_is_long(content, entries, data):
    content["training"]["history"]["dict"][1][1]["dict"] = [["loss", ["low"] * 400_000]]
    return forge(text_of(content), entries, data)


def boundaries_without_end(content, entries, data):
    config = {"boundaries": list(range(1, 900_001)), "values": [0.1] * 900_001}
    rate = {"class": "PiecewiseConstantDecay", "config": config}
    content["training"]["compile"]["optimizer"]["config"]["learning_rate"] = rate
    return forge(text_of(content), entries, data)


def axes_without_end(content, entries, data):
    shape = {"tuple": [1] * 400_000}
    content["model"]["config"]["layers"][1] |= {"class": "Reshape", "config": {"target_shape": shape}}
    return forge(text_of(content), entries, data)


def axes_of_the_input_without_end(content, entries, data):
    content["model"]["input_shape"] = {"tuple": [1] * 400_000}
    return forge(text_of(content), entries, data)


def axes_of_an_array_without_end(content, entries, data):
    next(iter(entries.values()))["shape"] = [1] * 400_000
    return forge(text_of(content), entries, data)


def numbers_of_thousands_of_digits(content, entries, data):
    content["training"]["history"]["dict"][0][1] = [10**4000] * 3000
    return forge(text_of(content), entries, data)


def a_name_of_15_megabytes(content, entries, data):
    content["model"]["config"]["layers"][0]["name"] = "x" * 15_000_000
    return forge(text_of(content), entries, data)


def a_text_of_15_megabytes(content, entries, data):
    content["model"]["config"]["layers"][0]["config"]["units"] = "x" * 15_000_000
    return forge(text_of(content), entries, data)


def a_number_that_is_none(content, entries, data):
    content["model"]["config"]["layers"][2]["config"]["rate"] = {"scalar": ["float64", None]}
    return forge(text_of(content), entries, data)


ATTACKS = [
    function
    for function in list(globals().values())
    if callable(function) and getattr(function, "__code__", None) is not None
    and function.__code__.co_varnames[:3] == ("content", "entries", "data")
]  # fmt: skip


@pytest.fixture
def frozen_heap():
    """Keep the garbage collector from what earlier tests left, so that the processor time is that of the test alone."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("frozen_heap")
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda function: function.__name__)
def test_an_attack_is_refused_at_once_and_runs_nothing(path, whole, attack):
    data = attack(*parts(whole))
    path.write_bytes(data)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with fuzzing.audited(path) as seen:
        for _ in range(10):  # other work on the machine may slow one down, from 0.5 to 1 s where most time is taken
            start = time.process_time()
            with pytest.raises(ModelFileError):
                minidl.load_model(path)
            seconds = time.process_time() - start
            if seconds < 1:
                break
    assert seen == []
    assert seconds < 1
    growth = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory)
    assert growth <= 3 * len(data) + (64 << 20)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda function: function.__name__)
def test_what_a_message_and_inspect_say_of_an_attack_is_short_and_clean(path, whole, attack, capsys):
    path.write_bytes(attack(*parts(whole)))
    with pytest.raises(ModelFileError) as error:
        minidl.load_model(path)
    assert len(str(error.value)) < 25_000
    assert str(error.value).replace("\n", "").isprintable()
    main(["inspect", str(path)])
    shown = "".join(capsys.readouterr())
    assert shown.replace("\n", "").isprintable()
    assert max(map(len, shown.splitlines())) < 2_000


ESCAPE = "\x1b]0;mine\x07\x1b[31m"


@pytest.mark.parametrize(
    "place",
    [
        ("minidl",), ("environment", ESCAPE), ("model", "class"), ("model", "config", "layers", 0, "name"),
        ("model", "config", "layers", 0, "class"), ("model", "config", "layers", 0, "config", ESCAPE),
        ("model", "config", "layers", 0, "config", "units"), ("training", "compile", ESCAPE),
        ("training", "compile", "loss", "class"), ("training", "optimizer_state", "dict", 0, 0), (ESCAPE,),
    ],
    ids=str,
)  # fmt: skip
def test_a_text_of_a_stranger_commands_no_terminal(path, whole, place, capsys):
    content, entries, data = parts(whole)
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = ESCAPE * 100
    path.write_bytes(forge(text_of(content), entries, data))
    try:
        message = ""
        minidl.load_model(path).summary()
    except ModelFileError as error:
        message = str(error)
    main(["inspect", str(path)])
    assert "\x1b" not in message + "".join(capsys.readouterr())


@pytest.mark.parametrize("name", ["a\x1b[31m", "two\nlines", "x" * 2001])
def test_a_name_that_no_message_should_hold_is_not_saved(path, name):
    model = Sequential([Input((2,)), Dense(1, name=name)])
    with pytest.raises(ArgumentError, match=r"save: .*name: expected up to 2000 printable characters"):
        model.save(path)
    assert not path.exists()


@pytest.mark.parametrize("name", ["épaisseur", "层", "x" * 2000])
def test_a_name_may_be_of_any_script(path, name):
    Sequential([Input((2,)), Dense(1, name=name)]).save(path)
    assert minidl.load_model(path).layers[0].name == name


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (1 << 30, r"a header of 1073741824 bytes, more than 16777216"),
        (1 << 37, r"a header of 137438953472 bytes in a file of 64424509440: it is cut short"),
        (1000, "a header that is no proper JSON"),
    ],
)
def test_a_sparse_file_of_60_gib_is_not_read(path, length, words):
    path.write_bytes(length.to_bytes(8, "little") + file_format.START + b"0" * 64)
    os.truncate(path, 60 << 30)
    start = time.process_time()
    with pytest.raises(ModelFileError, match=words):
        minidl.load_model(path)
    assert time.process_time() - start < 1


LEAST = file_format.DIGEST.stop - 8  # what every header begins with


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (LEAST - 1, f"a header of {LEAST - 1} bytes in a file of {LEAST + 108}: it is cut short"),
        (LEAST, "a header that is no proper JSON"),
        (LEAST + 100, "a header that is no proper JSON"),
        (LEAST + 101, f"a header of {LEAST + 101} bytes in a file of {LEAST + 108}: it is cut short"),
    ],
)
def test_a_header_holds_the_digest_and_ends_in_the_file(path, length, words):
    with pytest.raises(ModelFileError, match=words):
        load_bytes(path, length.to_bytes(8, "little") + file_format.START + b"0" * 64 + bytes(100))


def test_bytes_behind_a_whole_file_are_not_read(path, whole):
    path.write_bytes(whole)
    os.truncate(path, 60 << 30)
    with pytest.raises(ModelFileError, match="bytes belong to none"):
        minidl.load_model(path)


@pytest.mark.parametrize("iterations", [10**9, 2**62])
def test_a_forged_count_of_steps_costs_no_time(path, iterations):
    model = Sequential([Input((1,)), Dense(1)], seed=0)
    model.compile("nadam", "mse")
    model.fit([[1.0]], [1.0], verbose=0)
    model.save(path)
    content, entries, data = parts(path.read_bytes())
    content["training"]["optimizer_state"]["dict"][0] = ["iterations", iterations]
    path.write_bytes(forge(text_of(content), entries, data))
    model, start = minidl.load_model(path), time.process_time()
    model.fit([[1.0]], [1.0], verbose=0)
    assert time.process_time() - start < 1


def test_there_are_attacks_of_every_known_kind():
    assert len(ATTACKS) >= 40


def test_every_mismatch_is_listed(path, whole):
    content, entries, data = parts(whole)
    layers = content["model"]["config"]["layers"]
    layers[0]["class"] = "Dence"
    del layers[2]["config"]["rate"]
    layers[3]["config"]["colour"] = "red"
    with pytest.raises(ModelFileError) as error:
        load_bytes(path, forge(text_of(content), entries, data))
    text = str(error.value)
    assert "layers/0: expected a class of minidl, or one that is registered, got 'Dence'. Did you mean 'Dense'?" in text
    assert "layers/2 (Dropout)/rate: expected a value, got none" in text
    assert "layers/3 (Dense)/colour: expected no such name" in text


def test_an_argument_that_an_older_file_lacks_takes_its_default(path, whole):
    content, entries, data = parts(whole)
    content["model"]["config"]["layers"][3]["config"].pop("use_bias")
    assert load_bytes(path, forge(text_of(content), entries, data)).layers[3].use_bias is True


def test_arguments_of_a_wrong_type_are_refused_with_the_layers_own_words(path, whole):
    content, entries, data = parts(whole)
    content["model"]["config"]["layers"][0]["config"]["units"] = "4"
    with pytest.raises(
        ModelFileError, match=r"layers/0: expected arguments that Dense takes, got .*Dense: units: expected an integer"
    ):
        load_bytes(path, forge(text_of(content), entries, data))


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        (("minidl",), 3, "content/minidl: expected a string, got 3"),
        (("environment",), [], r"content/environment: expected a dict, got \[\]"),
        (("training",), [], r"content/training: expected dict \| None, got \[\]"),
        (("run",), 3, r"content/run: expected dict \| None, got 3"),
        (("state", "feature_names"), 3, r"content/state/feature_names: expected list \| None, got 3"),
        (("other",), 3, "content/other: expected no such name"),
        (("training", "optimizer_state"), [], r"training/optimizer_state: expected a dict, got \[\]"),
        (("model", "config", "seed"), None, "model: expected a Sequential with its seed, got "),
        (
            ("model",),
            objects.Encoder().encode(ReLU(), "p"),
            r"model: expected a Sequential with its seed, got ReLU\(\)",
        ),
        (("training", "history"), 3, r"training/history: expected dict \| None, got 3"),
        (
            ("state", "randomness", "dict", 1, 1),
            -1,
            "state/randomness/passes: expected an integer of at least 0, got -1",
        ),
    ],
)
def test_a_content_of_another_kind_is_told_with_its_place(path, whole, place, value, words):
    content, entries, data = parts(whole)
    holder = content
    for key in place[:-1]:
        holder = holder[key]
    holder[place[-1]] = value
    path.write_bytes(forge(text_of(content), entries, data))
    with pytest.raises(ModelFileError, match=words):
        minidl.load_model(path)


@pytest.mark.parametrize(
    "change",
    [
        {"other": 1},
        {"data_offsets": [False, 2]},
        {"shape": [1], "data_offsets": [1, 2]},
        {"shape": [1]},
        {"data_offsets": [0, 1]},
    ],
    ids=str,
)
def test_an_array_lies_where_the_one_before_it_ends_and_is_as_long_as_its_shape(path, change):
    content, entry = {"format": 2}, {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}
    path.write_bytes(forge(text_of(content), {"a": entry}, b"xy"))
    assert read_file(path)[1]["a"].tobytes() == b"xy"
    path.write_bytes(forge(text_of(content), {"a": entry | change}, b"xy"))
    with pytest.raises(ModelFileError, match="'a' is not where the one before it ends, or not as long as its shape"):
        read_file(path)


@pytest.mark.parametrize("name", ["run/other", "optimizer_state/other", "other"])
def test_an_array_that_nothing_names_is_told(path, whole, name):
    content, entries, data = parts(whole)
    entries[name] = {"dtype": "F32", "shape": [0], "data_offsets": [len(data), len(data)]}
    with pytest.raises(ModelFileError, match=f"{name}: expected no such array"):
        load_bytes(path, forge(text_of(content), entries, data))


def test_a_number_has_less_than_1000_digits(path):
    path.write_bytes(forge(text_of({"format": 2, "number": 10**998}), {}, b""))
    assert read_file(path)[0]["number"] == 10**998
    path.write_bytes(forge(text_of({"format": 2, "number": 10**999}), {}, b""))
    with pytest.raises(ModelFileError, match="got a header with a number of 1000 digits"):
        read_file(path)


def test_a_truth_value_of_2_is_refused(path):
    entries = {"a": {"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}}
    path.write_bytes(forge(text_of({"format": 2}), entries, b"\1\0"))
    assert read_file(path)[1]["a"].tolist() == [True, False]
    path.write_bytes(forge(text_of({"format": 2}), entries, b"\2\0"))
    with pytest.raises(ModelFileError, match="'a' has truth values that are neither 0 nor 1"):
        read_file(path)


def test_every_array_that_does_not_fit_is_listed(path, whole):
    content, entries, data = parts(whole)
    entries["weights/end/Q"] = entries.pop("weights/end/W")
    entries["weights/dense/W"]["shape"].reverse()
    with pytest.raises(ModelFileError) as error:
        load_bytes(path, forge(text_of(content), entries, data))
    text = str(error.value)
    assert "weights/end/W: expected an array of shape (3, 2) and type float32, got none" in text
    assert "weights/end/Q: expected no such array" in text
    assert "weights/dense/W: expected an array of shape (3, 4) and type float32, got (4, 3)" in text


def test_a_newer_format_asks_for_an_upgrade(path, whole):
    content, entries, data = parts(whole)
    newer = text_of({**content, "format": 3, "minidl": "2.3"})
    with pytest.raises(ModelFileError, match=r"one written by minidl 2.3 \(format 3\). Upgrade minidl"):
        load_bytes(path, forge(newer, entries, data))


@pytest.mark.parametrize("golden", sorted(DATA.glob("format-*.safetensors")), ids=lambda path: path.stem)
def test_files_of_earlier_releases_load(golden):
    expected = np.load(golden.with_suffix(".npz"))
    model = minidl.load_model(golden)
    np.testing.assert_allclose(model.predict(expected["x"]), expected["y"], rtol=1e-5, atol=1e-6)
    assert model.history.history


def test_a_file_of_format_1_counted_no_passes():
    content = parts((DATA / "format-1.safetensors").read_bytes())[0]
    found = minidl.load_model(DATA / "format-1.safetensors").randomness.get_state()
    assert (found["passes"], found["epochs"]) == (0, content["state"]["epoch"])


def test_a_file_of_format_1_without_training_loads(path):
    golden, expected = DATA / "format-1.safetensors", np.load(DATA / "format-1.npz")
    minidl.load_model(golden).save(path, include_optimizer=False)
    content, (_, entries, data) = parts(golden.read_bytes())[0], parts(path.read_bytes())
    loaded = load_bytes(path, forge(text_of(content | {"training": None}), entries, data))
    assert loaded.optimizer is None
    np.testing.assert_allclose(loaded.predict(expected["x"]), expected["y"], rtol=1e-5, atol=1e-6)


def test_there_is_a_golden_file_of_this_format():
    formats = {read_file(path)[0]["format"] for path in DATA.glob("format-*.safetensors")}
    assert formats == set(range(1, file_format.FORMAT + 1))


@pytest.mark.parametrize("text", ["2", "2, f4", "(2)f4", "__import__('os')f4"])
def test_a_type_is_no_text_that_numpy_evaluates(path, whole, text):
    content, entries, data = parts(whole)
    content["model"]["config"]["dtype"] = text
    path.write_bytes(forge(text_of(content), entries, data))
    with fuzzing.audited(path) as seen, pytest.raises(ModelFileError, match="expected one of 'float32', 'float64'"):
        minidl.load_model(path)
    assert seen == []


@pytest.mark.parametrize("size", [1, 5])
def test_an_unbuilt_model_has_no_state_of_an_optimizer(path, size):
    model = Sequential([Dense(2)])
    model.compile("adam", "mse")
    model.save(path)
    content, entries, data = parts(path.read_bytes())
    content["training"]["optimizer_state"]["dict"].append(["m", {"array": "optimizer_state/m"}])
    entries["optimizer_state/m"] = {"dtype": "F32", "shape": [size], "data_offsets": [len(data), len(data) + 4 * size]}
    path.write_bytes(forge(text_of(content), entries, data + bytes(4 * size)))
    with pytest.raises(ModelFileError, match=rf"expected an array of shape \(0,\).*, got \({size},\)"):
        minidl.load_model(path)


# Fuzzing


def fuzz(path, data, seed, count, **arguments):
    """Load ``count`` mutants; return how many were refused, and how many accepted with a valid digest."""
    refused = accepted = 0
    for mutant, valid in fuzzing.mutants(data, seed, count, **arguments):
        path.write_bytes(mutant)
        with fuzzing.cheap(len(mutant)), fuzzing.audited(path) as seen:
            try:
                model = minidl.load_model(path)
            except ModelFileError:
                model = None
        assert seen == []
        if model is None:
            refused += 1
            continue
        accepted += 1
        assert valid or mutant == data
        assert all(np.isfinite(array).all() for array in model.get_weights())
        with np.errstate(all="ignore"):  # a weight may have become 1e38
            assert not model.output_shape or model.predict(np.ones((2, 3))).shape == (2, *model.output_shape)
    return refused, accepted


def test_mutants_are_refused_or_are_what_they_say(path, whole):
    refused, accepted = fuzz(path, whole, seed=0, count=600)
    assert refused > 500
    assert accepted > 0  # a right digest and a harmless change: the fuzzing reaches behind the digest


@pytest.mark.slow
@pytest.mark.parametrize("part", range(10))
def test_a_hundred_thousand_resealed_mutants_are_refused_or_are_what_they_say(path, whole, part, record_property):
    seed = random.randrange(2**32)
    try:
        refused, accepted = fuzz(path, whole, seed, 10_000, resealed_all=True)
    except Exception as error:
        error.add_note(f"seed {seed}")
        raise
    figure = f"{refused + accepted} tried, {refused} refused, {accepted} harmless, 0 wrong, 0 executions"
    record_property("figure", f"resealed mutants, part {part}: {figure}")
    assert refused + accepted == 10_000


def test_a_trained_model_is_loaded_without_its_training(path):
    model = trained_model()
    model.save(path)
    found = minidl.load_model(path, compile=False)
    assert found.optimizer is None
    assert [w.tobytes() for w in found.get_weights()] == [w.tobytes() for w in model.get_weights()]


def test_a_header_that_no_reader_takes_is_not_written(path, monkeypatch):
    monkeypatch.setattr(file_format, "HEADER", 100)
    with pytest.raises(ArgumentError, match=r"save: a header of \d+ bytes, more than 100\. Keep less"):
        Sequential([Input((3,)), Dense(2)]).save(path)
    assert not path.exists()


def test_a_header_may_have_the_largest_length(path, monkeypatch):
    trained_model().save(path)
    length = int.from_bytes(path.read_bytes()[:8], "little")
    monkeypatch.setattr(file_format, "HEADER", length)
    assert minidl.load_model(path).output_shape == (2,)
    monkeypatch.setattr(file_format, "HEADER", length - 1)
    with pytest.raises(ModelFileError, match=f"a header of {length} bytes, more than {length - 1}"):
        minidl.load_model(path)


@pytest.mark.parametrize("character", file_format.LIMITS, ids=bytes.decode)
def test_a_header_may_have_the_largest_count_of_a_character(path, whole, monkeypatch, character):
    count = whole[8 : 8 + int.from_bytes(whole[:8], "little")].count(character)
    monkeypatch.setitem(file_format.LIMITS, character, count)
    assert load_bytes(path, whole).output_shape == (2,)
    monkeypatch.setitem(file_format.LIMITS, character, count - 1)
    with pytest.raises(ModelFileError, match=rf"a header with more than {count - 1} times '\{character.decode()}'"):
        load_bytes(path, whole)


# The suite has power


def test_the_audit_hook_notices_a_file_that_acts(path, tmp_path):
    path.write_bytes(pickle.dumps(Bomb()))
    with fuzzing.audited(path) as seen:
        pickle.loads(path.read_bytes())
        (tmp_path / "written").write_text("x")
    assert [event for event, _ in seen if event in ("pickle.find_class", "os.system", "open")] == [
        "pickle.find_class",
        "os.system",
        "open",
    ]


def test_without_the_digest_flips_are_accepted(path, tiny, monkeypatch):
    monkeypatch.setattr(file_format, "digest", lambda head, *rest: head[file_format.DIGEST].decode("latin-1"))
    assert len(undetected_flips(path, tiny, step=20)) > 10


def test_without_the_check_of_duplicates_a_double_key_is_accepted(path, whole, monkeypatch):
    monkeypatch.setattr(file_format, "_unique", dict)
    data = a_key_of_the_content_twice(*parts(whole))
    assert load_bytes(path, data).layers[2].rate == 0.5


def test_without_the_comparison_values_that_are_not_finite_are_accepted(path, whole, monkeypatch):
    data = optimizer_state_that_is_not_finite(*parts(whole))  # weights are looked at once more when they are allocated
    with pytest.raises(ModelFileError, match="expected finite values, got NaN or infinity"):
        load_bytes(path, data)
    monkeypatch.setattr(saving_model, "mismatches", lambda *arguments: ())
    assert load_bytes(path, data).layers


# The command


def inspect(*arguments):
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "minidl", "inspect", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_inspect_prints_what_a_file_holds(path, whole):
    path.write_bytes(whole)
    result = inspect(path)
    assert result.returncode == 0, result.stderr
    for words in (
        "written by minidl",
        "Dense 'end': units=2",
        "Adam: learning_rate=ExponentialDecay(",
        "weights/inner/dense/W",
        "(4, 3)",
    ):
        assert words in result.stdout


def test_inspect_shows_the_state_of_training(path):
    model = trained_model()
    model.save(path)
    out = inspect(path).stdout
    for words in ("whole: its SHA-256 is right", "so far: 1 epochs, 1 steps", "last epoch: loss=", "39 values in the"):
        assert words in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
def test_inspect_ends_without_a_traceback_where_it_cannot_print(path, whole):
    path.write_bytes(whole)
    command = f'"{sys.executable}" -m minidl inspect "{path}"'
    for rest, words in (("| true", ""), ("> /dev/full", "No space left")):
        result = subprocess.run(["/bin/sh", "-c", f"{command} {rest}"], capture_output=True, text=True, check=False)
        assert "Traceback" not in result.stderr
        assert words in result.stderr


def test_inspect_needs_no_class_and_builds_nothing(path):
    custom_model().save(path)
    assert "Doubled 'doubled': factor=3" in inspect(path).stdout


def test_inspect_says_what_is_wrong_with_a_file(path, tmp_path):
    path.write_bytes(b"PK\x03\x04")
    result = inspect(path)
    assert (result.returncode, result.stdout) == (1, "")
    assert "a zip archive" in result.stderr
    assert inspect(tmp_path / "none").returncode == 1


def test_inspect_lets_no_file_command_the_terminal(path, whole):
    content, entries, data = parts(whole)
    content["model"]["config"]["layers"][0]["class"] = "\x1b[2J"
    path.write_bytes(forge(text_of(content), entries, data))
    assert "\x1b" not in inspect(path).stdout


def test_files_without_the_optimizer_are_smaller_and_load(path, tmp_path):
    model = trained_model()
    model.save(path)
    model.save(tmp_path / "weights", include_optimizer=False)
    assert (tmp_path / "weights").stat().st_size < path.stat().st_size
    loaded = minidl.load_model(tmp_path / "weights")
    assert loaded.optimizer is None
    np.testing.assert_array_equal(loaded.predict(small_data()[0]), model.predict(small_data()[0]))


@pytest.mark.parametrize("width", [1, 300, 513])
def test_a_header_of_any_length_is_known_as_ours(path, width):
    """The length of the header opens the file: it may look like the beginning of a pickle or a picture."""
    lengths = set()
    for extra in range(0, 520, 8):
        Sequential([Input((2,)), Dense(1, name="d" * (width + extra))]).save(path)
        lengths.add(path.read_bytes()[:2])
        assert minidl.load_model(path)[0].units == 1
    assert len(lengths) > 50


def test_a_shape_of_truth_values_is_refused(path, whole):
    content, entries, data = parts(whole)
    content["model"]["input_shape"] = {"tuple": [True] * len(content["model"]["input_shape"]["tuple"])}
    path.write_bytes(forge(text_of(content), entries, data))
    with pytest.raises(ModelFileError, match=r"input_shape: expected a tuple of positive integers, got \(True"):
        minidl.load_model(path)


class Kind(enum.StrEnum):
    ERROR = "mae"


class Named(str, enum.Enum):  # noqa: UP042 - as before Python 3.11
    ERROR = "mae"


@pytest.mark.parametrize("name", [np.str_("mae"), Kind.ERROR, Named.ERROR], ids=["NumPy", "StrEnum", "str and Enum"])
def test_a_string_of_another_type_is_saved_as_a_string(path, name):
    model = Sequential([Input((4,)), Dense(1)], seed=0)
    model.compile("sgd", "mse", metrics=[name])
    model.save(path)
    assert minidl.load_model(path).metrics == ["mae"]


def unsaved(value):
    model = Sequential([Input((2,)), Dense(1)], seed=0)
    model.compile("adam", "mse")
    model.layers[0].W[0, 0] = value
    return model


def save_checkpoint(model, path):
    def save(epoch, logs):
        model.layers[0].W[0, 0] = np.nan
        model.save_checkpoint(path)

    model.fit(np.ones((2, 2)), np.ones(2), callbacks=[LambdaCallback(on_epoch_end=save)], verbose=0)


SAVERS = {"save": Sequential.save, "save_weights": Sequential.save_weights, "save_checkpoint": save_checkpoint}


@pytest.mark.parametrize("call", SAVERS)
def test_errors_of_saving_name_the_method_called(call, tmp_path):
    model = unsaved(0.0 if call == "save_checkpoint" else np.nan)
    with pytest.raises(ArgumentError, match=rf"^{call}: Dense 'dense' \(layer 0\): W: expected finite values, got nan"):
        SAVERS[call](model, tmp_path / "m.safetensors")


@pytest.mark.parametrize("call", ["save", "save_weights"])
def test_errors_about_the_path_name_the_method_called(call):
    with pytest.raises(ArgumentError, match=f"^{call}: path: expected the path of a file, got 3"):
        SAVERS[call](unsaved(0.0), 3)
    with pytest.raises(ArgumentError, match=f"^{call}: path: expected a name for a safetensors file, got 'm.h5'"):
        SAVERS[call](unsaved(0.0), "m.h5")


def test_errors_of_to_json_name_it():
    class Holds(minidl.Layer):
        def __init__(self, thing):
            self.thing = thing

        def forward(self, x, training=False):
            return x

        def backward(self, dy):
            return dy

    with pytest.raises(ArgumentError, match=r"^to_json: model/layers/0/thing: expected numbers, text, arrays"):
        Sequential([Input((2,)), Holds(object())]).to_json()
