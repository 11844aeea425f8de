"""The data sets: what they hold, and what they say when the files are missing or damaged."""

import gzip
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import minidl
from minidl import datasets
from minidl.datasets import pictures
from minidl.errors import ArgumentError, DataError

GENERATORS = [datasets.xor, datasets.parity, datasets.moons, datasets.spirals, datasets.flower]
FILES = {
    "train-images-idx3-ubyte": bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(range(196)) * 8,
    "train-labels-idx1-ubyte": bytes([0, 0, 8, 1, 0, 0, 0, 2]) + bytes([9, 0]),
    "t10k-images-idx3-ubyte": bytes([0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]) + bytes(784),
    "t10k-labels-idx1-ubyte": bytes([0, 0, 8, 1, 0, 0, 0, 1]) + bytes([7]),
}


@pytest.fixture
def folder(tmp_path):
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_digits_are_float32_between_0_and_1_with_integer_labels():
    for x, y in datasets.digits():
        assert x.dtype == np.float32
        assert (x.min(), x.max()) == (0.0, 1.0)
        assert y.dtype == np.int64
        assert x.shape == (len(y), 64)


def test_digits_are_read_from_inside_a_zip_file(tmp_path):
    package = Path(minidl.__file__).parent
    with zipfile.ZipFile(tmp_path / "minidl.zip", "w") as archive:
        for file in package.rglob("*"):
            if file.suffix in (".py", ".npz"):
                archive.write(file, Path("minidl") / file.relative_to(package))
    code = "import minidl; print(minidl.__file__, minidl.datasets.digits()[1][1][:3])"
    command = [sys.executable, "-W", "error", "-c", code]
    path = {**os.environ, "PYTHONPATH": str(tmp_path / "minidl.zip")}
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=path, check=False)
    assert run.returncode == 0, run.stderr
    assert "minidl.zip" in run.stdout
    assert str(datasets.digits()[1][1][:3]) in run.stdout


def test_the_test_part_of_the_digits_has_36_of_each_class():
    (_, y_train), (_, y_test) = datasets.digits()
    assert np.bincount(y_test).tolist() == [36] * 10
    assert len(y_train) == 1437


def test_the_digits_are_those_of_scikit_learn_in_the_documented_order():
    original = pytest.importorskip("sklearn.datasets").load_digits()
    order = np.random.default_rng(0).permutation(1797)
    rank = np.empty(1797, dtype=int)  # how often the class has come before, in this order
    for label in range(10):
        rows = original.target[order] == label
        rank[rows] = np.arange(rows.sum())
    order = np.concatenate([order[rank >= 36], order[rank < 36]])
    (x_train, y_train), (x_test, y_test) = datasets.digits()
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]) * 16, original.data[order])
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), original.target[order])


def test_the_embedded_file_has_at_most_100_kilobytes_and_its_attribution_next_to_it():
    folder = Path(pictures.__file__).parent
    assert (folder / "digits.npz").stat().st_size <= 100_000
    attribution = (folder / "digits.txt").read_text()
    assert "Alpaydin" in attribution
    assert "CC BY 4.0" in attribution


def test_a_caller_may_change_the_digits_without_changing_the_next_ones():
    (first, _), _ = datasets.digits()
    first[:] = -1
    (second, _), _ = datasets.digits()
    assert second.min() == 0


def test_fashion_mnist_reads_idx_files_of_a_folder(folder):
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist(folder)
    assert x_train.shape == (2, 28, 28)
    assert x_train.dtype == np.uint8
    assert x_train[1, 27, 27] == 195
    assert y_train.tolist() == [9, 0]
    assert x_test.shape == (1, 28, 28)
    assert y_test.tolist() == [7]


def test_fashion_mnist_reads_compressed_files_too(tmp_path):
    for name, content in FILES.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(content))
    (_, y_train), _ = datasets.fashion_mnist(str(tmp_path))
    assert y_train.tolist() == [9, 0]


def test_fashion_mnist_takes_its_folder_from_the_environment(folder, monkeypatch):
    monkeypatch.setenv("MINIDL_FASHION_MNIST", str(folder))
    assert datasets.fashion_mnist()[0][0].shape == (2, 28, 28)


def test_fashion_mnist_can_be_changed_by_the_caller(folder):
    (x_train, _), _ = datasets.fashion_mnist(folder)
    x_train[0] = 0
    assert x_train[0].max() == 0


def test_without_files_the_message_says_how_to_get_them(tmp_path):
    with pytest.raises(DataError, match="apt install dataset-fashion-mnist"):
        datasets.fashion_mnist(tmp_path / "nowhere")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [lambda c: c[:-1], lambda c: c + b"0", lambda c: c[:3], lambda c: b"x" + c[1:]])
def test_a_damaged_idx_file_is_refused_by_name(folder, name, damage):
    (folder / name).write_bytes(damage(FILES[name]))
    with pytest.raises(DataError, match=name):
        datasets.fashion_mnist(folder)


@pytest.mark.parametrize("damage", [lambda c: c[:-9], lambda c: b"no gzip" + c, lambda c: c[:30] + b"000" + c[33:]])
def test_a_damaged_compressed_file_is_refused_by_name(folder, damage):
    name = "train-labels-idx1-ubyte"
    (folder / name).unlink()
    (folder / f"{name}.gz").write_bytes(damage(gzip.compress(FILES[name] * 9)))
    with pytest.raises(DataError, match=name):
        datasets.fashion_mnist(folder)


def test_a_missing_file_among_the_four_is_named(folder):
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(DataError, match="t10k-labels-idx1-ubyte"):
        datasets.fashion_mnist(folder)


def test_labels_and_pictures_of_different_number_are_refused(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(FILES["t10k-labels-idx1-ubyte"])
    with pytest.raises(DataError, match="got 2 pictures and 1 labels"):
        datasets.fashion_mnist(folder)


@pytest.mark.skipif(not Path(pictures.FASHION_FOLDER).exists(), reason="dataset-fashion-mnist is not installed")
def test_the_whole_fashion_mnist_of_the_system_has_70000_pictures():
    (x_train, y_train), (x_test, y_test) = datasets.fashion_mnist()
    assert x_train.shape == (60000, 28, 28)
    assert np.bincount(y_train).tolist() == [6000] * 10
    assert x_test.shape == (10000, 28, 28)
    assert np.bincount(y_test).tolist() == [1000] * 10


@pytest.mark.parametrize("generator", GENERATORS)
def test_a_generator_gives_float32_points_and_integer_labels(generator):
    x, y = generator(101, seed=3)
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert len(x) == 101
    assert set(y.tolist()) == {0, 1}
    assert abs(2 * y.sum() - 101) <= 21


@pytest.mark.parametrize("generator", GENERATORS)
def test_the_same_seed_gives_the_same_points(generator):
    first, second = generator(50, noise=0.1, seed=7), generator(50, noise=0.1, seed=7)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])


@pytest.mark.parametrize("generator", GENERATORS)
def test_another_seed_or_none_gives_other_points(generator):
    seeded = generator(50, noise=0.1, seed=7)[0]
    assert not np.array_equal(seeded, generator(50, noise=0.1, seed=8)[0])
    assert not np.array_equal(generator(50, noise=0.1)[0], generator(50, noise=0.1)[0])


@pytest.mark.parametrize("generator", GENERATORS)
def test_noise_moves_the_points(generator):
    assert not np.array_equal(generator(50, noise=0.0, seed=1)[0], generator(50, noise=0.3, seed=1)[0])


@pytest.mark.parametrize("generator", GENERATORS)
@pytest.mark.parametrize(
    "arguments",
    [{"n": 0}, {"n": 2.5}, {"n": True}, {"n": 9, "noise": -1}, {"n": 9, "noise": np.nan}, {"n": 9, "seed": "a"}],
)
def test_a_generator_refuses_bad_arguments_by_name(generator, arguments):
    with pytest.raises(ArgumentError, match=f"{generator.__name__}: {list(arguments)[-1]}: expected"):
        generator(**arguments)


@pytest.mark.parametrize("bits", [0, 63, 1.5])
def test_parity_refuses_words_it_cannot_count(bits):
    with pytest.raises(ArgumentError, match="parity: bits"):
        datasets.parity(8, bits=bits)


@pytest.mark.parametrize("arguments", [{"classes": 1}, {"turns": -1}])
def test_spirals_refuse_impossible_arms(arguments):
    with pytest.raises(ArgumentError, match=f"spirals: {next(iter(arguments))}"):
        datasets.spirals(8, **arguments)


def test_xor_labels_follow_the_signs_of_the_coordinates():
    x, y = datasets.xor(1000, seed=0)
    np.testing.assert_array_equal(y, (x[:, 0] > 0) != (x[:, 1] > 0))


def test_parity_draws_every_word_before_it_repeats_one():
    x, y = datasets.parity(40, bits=4, seed=0)
    np.testing.assert_array_equal(y, x.sum(axis=1) % 2)
    _, counts = np.unique(x, axis=0, return_counts=True)
    assert sorted(counts) == [2] * 8 + [3] * 8


def test_parity_of_long_words_needs_no_memory_for_all_of_them():
    x, y = datasets.parity(10, bits=62, seed=0)
    np.testing.assert_array_equal(y, x.sum(axis=1) % 2)


def test_the_upper_moon_is_a_half_circle_round_the_origin():
    x, y = datasets.moons(200, noise=0, seed=0)
    upper, lower = x[y == 0], x[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-6)
    assert upper[:, 1].min() >= 0
    np.testing.assert_allclose(np.hypot(*(lower - [1, 0.5]).T), 1, rtol=1e-6)
    assert lower[:, 1].max() <= 0.5


def test_the_arms_of_spirals_are_one_arm_turned():
    x, y = datasets.spirals(300, classes=3, turns=1.25, noise=0, seed=0)
    radius = np.hypot(*x.T)
    angle = np.arctan2(x[:, 1], x[:, 0])
    turned = angle - 2 * np.pi * (1.25 * radius + y / 3)
    np.testing.assert_allclose(np.cos(turned), 1, atol=1e-4)


def test_each_petal_of_the_flower_is_of_one_class():
    x, y = datasets.flower(4000, noise=0, seed=0)
    assert np.hypot(*x.T).max() <= 4.0001
    petal = np.floor(np.arctan2(x[:, 0], x[:, 1]) / (np.pi / 4)).astype(int) % 8
    assert [set(y[petal == number].tolist()) for number in range(8)] == [{0}, {1}, {0}, {1}, {1}, {0}, {1}, {0}]
