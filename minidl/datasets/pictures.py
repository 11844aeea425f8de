"""Image data sets: handwritten digits that come with the package, and Fashion-MNIST from files.

Nothing is downloaded. Each call reads the files again.
"""

import math
import os
from pathlib import Path

import numpy as np

from minidl.errors import DataError
from minidl.files import as_path
from minidl.typing import Array

Split = tuple[tuple[Array, Array], tuple[Array, Array]]

TRAINING_DIGITS = 1437
FASHION_FOLDER = "/usr/share/datasets/fashion-mnist"  # where Debian's package dataset-fashion-mnist installs it


def digits() -> Split:
    """Real handwritten digits of 8 x 8 pixels: 1,437 for training and 360 for testing.

    The split is fixed and stratified: the test set has 36 of each digit. Both sets contain digits by the same writers.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuple of tuples of arrays
        ``x`` is (rows, 64) float32, ink from 0 to 1, pixels row by row; ``y`` is (rows,) int64, 0 to 9.

    Notes
    -----
    E. Alpaydin, C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    doi:10.24432/C50P49, the 1,797 digits of its test set. Licence: CC BY 4.0.

    Examples
    --------
    >>> (x_train, y_train), (x_test, y_test) = minidl.datasets.digits()
    >>> x_train.shape, x_test.shape, int(y_test[0])
    ((1437, 64), (360, 64), 6)
    """
    from importlib import resources  # slow to import; also reads packages in a zip file

    with resources.files("minidl.datasets").joinpath("digits.npz").open("rb") as file, np.load(file) as stored:
        x = stored["images"].astype(np.float32) / np.float32(16)
        y = stored["labels"].astype(np.int64)
    return (x[:TRAINING_DIGITS], y[:TRAINING_DIGITS]), (x[TRAINING_DIGITS:], y[TRAINING_DIGITS:])


def fashion_mnist(folder: str | os.PathLike[str] | None = None) -> Split:
    """Fashion-MNIST: images of clothes in ten classes, 60,000 for training and 10,000 for testing.

    The classes 0 to 9 are t-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot.

    Parameters
    ----------
    folder : path, optional
        Folder with the four idx files (``train-images-idx3-ubyte`` and so on), plain or compressed with gzip. Default:
        the environment variable ``MINIDL_FASHION_MNIST``, or the folder of Debian's package.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : tuple of tuples of arrays
        ``x`` is (rows, 28, 28) uint8, 0 to 255; ``y`` is (rows,) uint8. Divide ``x`` by 255 before training.

    Raises
    ------
    DataError
        If a file is missing or damaged; the message says how to get the data.

    Notes
    -----
    H. Xiao, K. Rasul, R. Vollgraf (2017), Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms, arXiv:1708.07747. Licence: MIT.
    """
    given = folder if folder is not None else os.environ.get("MINIDL_FASHION_MNIST", FASHION_FOLDER)
    where = as_path(given, "fashion_mnist: folder")
    pairs = []
    for part in ("train", "t10k"):
        x, y = _read_idx(where, f"{part}-images-idx3-ubyte", 3), _read_idx(where, f"{part}-labels-idx1-ubyte", 1)
        if len(x) != len(y):
            got = f"{len(x)} pictures and {len(y)} labels in {where}"
            raise DataError(f"fashion_mnist: expected a label for each picture, got {got}. Get the files again.")
        pairs.append((x, y))
    return pairs[0], pairs[1]


def _read_idx(folder: Path, name: str, dimensions: int) -> Array:
    """Return the array in an idx file of bytes: 0, 0, 8, the number of axes; the lengths of the axes; the values."""
    import gzip  # only needed for this data set
    import zlib

    path = folder / name
    if not path.exists():
        path = folder / f"{name}.gz"
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix else path.read_bytes()
    except FileNotFoundError as error:
        fix = "Install dataset-fashion-mnist (Debian, Ubuntu: apt install dataset-fashion-mnist)"
        got = f"fashion_mnist: expected the file {name}[.gz] in {folder}, got none"
        raise DataError(f"{got}. {fix}, or pass folder= or set MINIDL_FASHION_MNIST.") from error
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"fashion_mnist: expected a readable file {path}, got: {error}. Get it again.") from error
    start = 4 + 4 * dimensions
    if len(content) >= start and content[:4] == bytes([0, 0, 8, dimensions]):
        shape = np.frombuffer(content, ">u4", dimensions, 4).tolist()
        if len(content) - start == math.prod(shape):
            return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape).copy()
    got = f"{path} with {len(content):,} bytes, which is damaged or no such file"
    raise DataError(f"fashion_mnist: expected an idx file with {dimensions} axes of bytes, got {got}. Get it again.")
