"""The parts of saving: comparisons with what a file should hold, values, headers, and fingerprints."""

import functools
import hashlib
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from minidl import ReLU, metrics
from minidl.callbacks import Callback
from minidl.data import Stream, Table
from minidl.errors import ArgumentError, ModelFileError
from minidl.saving.comparison import differences, file_errors, mismatches, raise_problems, shown
from minidl.saving.fingerprint import data_fingerprint, function_fingerprint, plain, threads
from minidl.saving.format import other_format, serialise
from minidl.saving.objects import Decoder, Encoder
from minidl.training.inputs import TRAINING, Source

# Comparison


@pytest.mark.parametrize(
    ("found", "expected", "messages"),
    [
        (0, int, []),
        (-1, int, ["p: expected an integer of at least 0, got -1"]),
        (True, int, ["p: expected an integer of at least 0, got True"]),
        (1.0, int, ["p: expected an integer of at least 0, got 1.0"]),
        (-1.5, float, []),
        (2, float, []),
        (False, float, ["p: expected a finite number, got False"]),
        (np.inf, float, ["p: expected a finite number, got inf"]),
        (True, bool, []),
        (1, bool, ["p: expected True or False, got 1"]),
        ("text", str, []),
        (None, str, ["p: expected a string, got None"]),
        (None, dict | None, []),
        ({"a": 1, "b": "x"}, {"a": int, "b": str}, []),
        ({"b": "x"}, {"a": int}, ["p/a: expected an integer of at least 0, got none", "p/b: expected no such name"]),
        ({"a": np.zeros(1)}, {}, ["p/a: expected no such array"]),
        ({"a": {"b": -1}}, {"a": {"b": int}}, ["p/a/b: expected an integer of at least 0, got -1"]),
        (3, {"a": int}, ["p: expected 1 items, got 3"]),
        ([1, -1], [int, int], ["p/1: expected an integer of at least 0, got -1"]),
        ([1], [int, int], ["p: expected 2 items, got [1]"]),
        (np.zeros(2), np.zeros(2), []),
        (np.zeros(3), np.zeros(2), ["p: expected an array of shape (2,) and type float64, got (3,) and float64"]),
        (np.zeros(2, "f4"), np.zeros(2), ["p: expected an array of shape (2,) and type float64, got (2,) and float32"]),
        (3.0, np.zeros(()), ["p: expected an array of shape () and type float64, got 3.0"]),
        (np.array([np.nan]), np.zeros(1), ["p: expected finite values, got NaN or infinity"]),
    ],
)
def test_what_does_not_match_is_told_with_its_place(found, expected, messages):
    assert list(mismatches("p", found, expected)) == messages


@pytest.mark.parametrize(
    ("before", "now", "messages"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 1.0}, ["p: a: expected 1, got 1.0"]),
        ({"a": 1}, {"a": True}, ["p: a: expected 1, got True"]),
        ({"a": 1}, {"b": 2}, ["p: a: expected 1, got None", "p: b: expected None, got 2"]),
        ({"skipped": 1, "a": {"skipped": 1}}, {"skipped": 2, "a": {"skipped": 2}}, []),
        ([1, 2, 3], [1, 5, 3], ["p 1: expected 2, got 5"]),
        ([1, 2], [1], ["p: expected 2 items, got 1 items"]),
        ({"class": "Dense", "a": 1}, 3, ["p: expected Dense, got 3"]),
        ("x" * 200, "y", [f"p: expected {'x' * 100}, got y"]),
    ],
)
def test_each_difference_is_told_with_its_place(before, now, messages):
    assert list(differences("p", before, now, ("skipped",))) == messages


def test_no_problems_are_no_error():
    raise_problems(iter([]))


@pytest.mark.parametrize(("count", "more"), [(1, []), (50, []), (51, ["and 1 more"]), (70, ["and 20 more"])])
def test_fifty_problems_are_listed(count, more):
    problems = [f"problem {number}" for number in range(count)]
    with pytest.raises(ArgumentError) as caught:
        raise_problems(iter(problems))
    assert str(caught.value).split("\n  ") == ["", *problems[:50], *more]


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [("x" * 201, 200, "x" * 200), ("a\x1b[31mb", 200, "a\\x1b[31mb"), ("層", 5, "層"), ("ab\n", 2, "ab")],
)
def test_texts_from_files_are_cut_and_escaped(text, length, expected):
    assert shown(text, length) == expected


@pytest.mark.parametrize("error", [OverflowError, KeyError, AttributeError, TypeError, ValueError, RecursionError])
def test_an_error_in_the_content_of_a_file_is_a_model_file_error_with_its_path(error):
    with (
        pytest.raises(ModelFileError, match=r"^some\.file: not a valid model file: .*boom") as caught,
        file_errors("some.file"),
    ):
        raise error("boom" + "x" * 600 + "\n" + "y" * 600)
    if error is not KeyError:  # which tells the representation of its text, one line
        assert str(caught.value).split("\n")[1] == "y" * 500
    assert max(map(len, str(caught.value).split("\n"))) < 600


def test_20000_characters_of_an_error_are_told():
    with pytest.raises(ModelFileError) as caught, file_errors("some.file"):
        raise ValueError("y\n" * 11_000)
    assert str(caught.value).partition("model file: ")[2] == "y\n" * 10_000


def test_other_errors_are_no_model_file_errors():
    with pytest.raises(OSError, match="boom"), file_errors("some.file"):
        raise OSError("boom")


# Values and files


@pytest.mark.parametrize(
    "value",
    [
        {"scalar": ["int64", 1.5]}, {"scalar": ["int64", True]}, {"scalar": ["float32", 1]}, {"scalar": ["bool", 1]},
        {"scalar": ["int64", "1"]}, {"scalar": ["object", 1]}, {"scalar": ["int64", 1, 2]}, {"dict": ["ab"]},
        {"dict": [[1, 2, 3]]}, {"dict": [[1, 2], [1, 3]]}, {"dict": 3}, {"slice": [1, 2]}, {"slice": [1, 2, "x"]},
        {"float": "1.0"}, {"array": "missing"}, {"function": "two\nlines"}, {"function": "x" * 2001}, {"tuple": 3},
        {"tuple": [], "other": 1}, {"other": 1}, {},
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_is_no_value_of_the_format_is_told_with_its_place(value):
    decoder = Decoder({}, {})
    assert decoder.decode({"tuple": [value]}, "p") == (None,)
    assert decoder.problems == [f"p/0: expected a value of the file format, got {value!r:.300}"]


@pytest.mark.parametrize(
    "value",
    [np.int64(3), np.uint8(3), np.True_, np.float32(0.1), np.inf, slice(None, 3), (1, [2, ()]), {1: "a"}],
    ids=repr,
)
def test_a_decoded_value_is_the_encoded_one(value):
    found = Decoder({}, {}).decode(json.loads(json.dumps(Encoder().encode(value, "p"), allow_nan=False)), "p")
    assert found == value
    assert type(found) is type(value)


def test_a_name_of_2000_characters_is_a_value():
    assert Decoder({}, {}).decode({"function": "x" * 2000}, "p").__name__ == "x" * 2000


@pytest.mark.parametrize("name", ["two\nlines", "x" * 2001])
@pytest.mark.parametrize("value", [ReLU(), metrics.Accuracy(name="x")], ids=["of an object", "in a config"])
def test_a_name_that_is_not_safe_to_print_is_told_with_its_place(value, name):
    decoder, encoded = Decoder({}, {}), Encoder().encode(value, "p")
    (encoded if "name" in encoded else encoded["config"])["name"] = name
    assert decoder.decode(encoded, "p") is None
    assert decoder.problems == [f"p: expected a name of up to 2000 printable characters, got {name!r:.300}"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (3, "the name of a class, got 3"),
        ("Dence", "a class of minidl, or one that is registered, got 'Dence'. Did you mean 'Dense'?"),
        ("x" * 101, f"a class of minidl, or one that is registered, got '{'x' * 100}'. Pass custom_objects="),
    ],
)
def test_an_unknown_class_is_told_with_its_place(name, words):
    decoder = Decoder({}, {})
    assert decoder.decode({"class": name}, "p") is None
    (problem,) = decoder.problems
    assert problem.startswith(f"p: expected {words}")


class Twice(Callback):
    def __init__(self, n):
        self.n = 2 * n


def test_a_constructor_that_changes_its_arguments_is_told():
    with pytest.raises(
        ArgumentError, match=r"save: p: its constructor changes its arguments: Twice: n: expected 4, got 8"
    ):
        Encoder().encode(Twice(2), "p")


def test_every_array_of_a_file_is_aligned():
    types = ["bool", "float32", "float64", "uint8", "int64", "int32", "uint64"]
    head, *_ = serialise({f"{name} {rows}": np.zeros(rows, name) for name in types for rows in (1, 2)}, {})
    entries = {name: entry for name, entry in json.loads(head[8:]).items() if name != "__metadata__"}
    assert len(entries) == 14
    assert len(head) % 8 == 0
    for name, entry in entries.items():
        assert entry["data_offsets"][0] % np.dtype(name.split()[0]).itemsize == 0


@pytest.mark.parametrize(("name", "module"), [("a.keras", "minidl.keras"), ("a.Keras", "minidl.keras"), ("a", None)])
def test_the_suffix_of_a_file_tells_its_format(name, module):
    assert getattr(other_format(Path(name)), "__name__", None) == module


# Fingerprints


def sha(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()[:16]


def table_of(x, y, weight=None):
    return Table(x, y, weight, x.dtype, y.dtype)


@pytest.mark.parametrize("rows", [7, 4096, 4097, 9000])
def test_the_fingerprint_of_data_in_memory_is_the_digest_of_all_rows(rows):
    x, y = np.random.default_rng(0).random((rows, 2)), np.arange(rows)
    expected = {
        "rows": rows,
        "x": f"float64 ({rows}, 2), SHA-256 {sha(x)}",
        "y": f"int64 ({rows},), SHA-256 {sha(y)}",
    }
    assert data_fingerprint(Source(table_of(x, y), None, 32)) == expected
    assert data_fingerprint(Source(table_of(x[::-1][::-1], y), None, 32)) == expected
    assert data_fingerprint(Source(table_of(x, y), np.arange(3), 32)) == expected | {"rows": 3}
    weight = np.ones(rows)
    weighed = data_fingerprint(Source(table_of(x, y, weight), None, 32))
    assert weighed == expected | {"sample_weight": f"float64 ({rows},), SHA-256 {sha(weight)}"}


@pytest.mark.parametrize("rows", [10, 3001])
def test_the_fingerprint_of_data_on_disk_is_that_of_the_file_and_a_sample(tmp_path, rows):
    path = tmp_path / "x.npy"
    np.save(path, np.random.default_rng(0).random((rows, 2)))
    x, y = np.load(path, mmap_mode="r"), np.arange(rows)
    chosen = np.unique(np.linspace(0, rows - 1, 1000).astype(int))
    file = f"{path.stat().st_size} bytes of {path.stat().st_mtime_ns}"
    expected = f"float64 ({rows}, 2), {file}, SHA-256 {sha(x[chosen])}"
    assert data_fingerprint(Source(table_of(x, y), None, 32))["x"] == expected
    assert data_fingerprint(Source(table_of(x[:], y), None, 32))["x"] == expected


@pytest.mark.parametrize("steps", [None, 3])
def test_the_fingerprint_of_a_stream_is_its_number_of_batches(steps):
    stream = Stream([], lambda batch, who: batch, steps, TRAINING)
    assert data_fingerprint(Source(stream, None, 32)) == {"stream": "batches", "steps": steps}


@pytest.mark.parametrize(
    ("depth", "kind", "content"), [(0, True, True), (7, True, True), (8, True, False), (9, False, False)]
)
def test_values_that_are_nested_deeply_count_by_their_type(depth, kind, content):
    def nested(value):
        for _ in range(depth):
            value = [value]
        return function_fingerprint(functools.partial(max, value))

    assert (nested([1]) != nested({"a": 1})) is kind
    assert (nested([1]) != nested([2])) is content


FACTOR, LABEL = 2, "a"


def with_globals(x):
    return x * FACTOR, LABEL


def functions():
    """Functions that give other results, each with a name that says why."""
    total = {"constant": lambda x: x * 2, "other constant": lambda x: x * 3, "operator": lambda x: x + 2}
    total |= {"method": lambda x: x.sum(), "other method": lambda x: x.max()}
    total |= {"default": lambda x, y=2: x * y, "other default": lambda x, y=3: x * y}
    total |= {"keyword": lambda x, *, y=2: x * y, "other keyword": lambda x, *, y=3: x * y}
    for factor in (2, 3, 2.5, "a", (2, 3), {"a": 2}, {"a": 3}, np.array([2.0]), np.array([3.0]), None, True, 1j, b"a"):
        total[f"closure of {factor!r}"] = lambda x, factor=factor: lambda: x * factor
        total[f"partial of {factor!r}"] = functools.partial(max, factor)
        total[f"object with {factor!r}"] = SimpleNamespace(factor=factor)
    total |= {"partial with a keyword": functools.partial(max, key=2), "other": functools.partial(max, key=3)}
    return total


def test_functions_with_other_results_have_other_fingerprints():
    found = {name: function_fingerprint(function) for name, function in functions().items()}
    assert len(set(found.values())) == len(found)
    assert found == {name: function_fingerprint(function) for name, function in functions().items()}
    assert all(re.fullmatch("[0-9a-f]{16}", digest) for digest in found.values())


@pytest.mark.parametrize(("name", "value"), [("FACTOR", 3), ("LABEL", "b")])
def test_a_function_with_other_globals_has_another_fingerprint(monkeypatch, name, value):
    before = function_fingerprint(with_globals)
    monkeypatch.setitem(globals(), name, value)
    assert function_fingerprint(with_globals) != before


def test_a_closure_that_refers_to_itself_has_a_fingerprint():
    def countdown(n):
        return n and countdown(n - 1)

    assert re.fullmatch("[0-9a-f]{16}", function_fingerprint(countdown))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(2.0), 2), (2.0, 2), (2.5, 2.5), (np.int64(3), 3), (True, True), (None, None), ("a", "a"),
        ((1, 2.0), [1, 2]), (np.array([1.5, 2.0]), [1.5, 2]), ({1: np.array([1.0])}, {"1": [1]}), (np.inf, np.inf),
    ],
)  # fmt: skip
def test_a_setting_is_stored_as_plain_values(value, expected):
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_other_settings_are_stored_as_their_type_and_fingerprint():
    assert plain(with_globals) == f"function {function_fingerprint(with_globals)}"


def test_the_threads_of_a_program_that_changes_them_are_those_of_its_blas(monkeypatch):
    pools = [{"user_api": "openmp", "num_threads": 5}, {"user_api": "blas", "num_threads": 3}]
    monkeypatch.setitem(sys.modules, "threadpoolctl", SimpleNamespace(threadpool_info=lambda: pools))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    assert threads() == "3"


def test_the_threads_of_a_program_that_sets_none_are_the_processors_of_its_process(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    for name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 1, 2} if process == 0 else {0}, raising=False)
    assert threads() == "3"


def test_arrays_under_keys_that_are_written_alike_are_both_kept():
    encoder, value = Encoder(), {1: np.array([1.0]), "1": np.array([2.0])}
    found = Decoder(encoder.arrays, {}).decode(encoder.encode(value, "p"), "p")
    assert {key: array.tolist() for key, array in found.items()} == {1: [1.0], "1": [2.0]}
