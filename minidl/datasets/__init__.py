"""Data sets: two of pictures, and generators of small problems that show what a network can do.

Pictures come as ``(x_train, y_train), (x_test, y_test)``, generated points as ``(x, y)``; ``y``
holds class labels from 0.
"""

from minidl.datasets.generators import flower, moons, parity, spirals, xor
from minidl.datasets.pictures import digits, fashion_mnist

__all__ = ["digits", "fashion_mnist", "flower", "moons", "parity", "spirals", "xor"]
