"""Data sets: two of pictures, and generators of small problems that show what a network can do.

Pictures come as ``(x_train, y_train), (x_test, y_test)``, generated points as ``(x, y)``; ``y`` holds class labels
from 0. Every generator takes the number ``n`` of points, at least 1; the standard deviation ``noise`` of what is added
to the coordinates, at least 0; and a ``seed`` for equal data at each call, None for new ones. It returns ``x`` of shape
(n, features) in float32 and ``y`` (n,) in int64, and raises an `ArgumentError` for an argument out of its range.
"""

from minidl.datasets.generators import flower, moons, parity, spirals, xor
from minidl.datasets.pictures import digits, fashion_mnist

__all__ = ["digits", "fashion_mnist", "flower", "moons", "parity", "spirals", "xor"]
