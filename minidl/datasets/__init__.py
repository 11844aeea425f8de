"""Data sets: two image data sets, and generators of small problems that show what a network can do.

Images are returned as ``(x_train, y_train), (x_test, y_test)``, generated points as ``(x, y)``; ``y`` holds class
labels from 0. Every generator takes the number ``n`` of points, at least 1; the standard deviation ``noise`` of the
noise added to the coordinates, at least 0; and a ``seed`` for reproducible data, None for new data at each call. It
returns ``x`` of shape (n, features) in float32 and ``y`` (n,) in int64, and raises an `ArgumentError` for an argument
out of range.
"""

from minidl.datasets.generators import flower, moons, parity, spirals, xor
from minidl.datasets.pictures import digits, fashion_mnist

__all__ = ["digits", "fashion_mnist", "flower", "moons", "parity", "spirals", "xor"]
