"""Neighbours: a layer's own gradients a little beside a point, which tell of its rounding errors and of kinks."""

import numpy as np

from minidl.testing.probe import Point
from minidl.testing.subject import Subject
from minidl.typing import Array

NEAR = 1e-7  # how far from a kink, relative to the values


def rounding_of(subject: Subject, point: Point, target: str, rng: np.random.Generator) -> Array:
    """Return how much each entry moves when the input moves by its last digits: the layer's own rounding error.

    A move by more than a thousandth is a jump to another branch, which is not forgiven.
    """
    base = subject.run(point)[1][target]
    moved = []
    for _ in range(4):
        x = point.x * (1 + 4e-16 * rng.standard_normal(point.x.shape))
        moved.append(np.abs(subject.run(point.with_(x=x))[1][target] - base))
    largest = np.max(moved, axis=0)
    return np.asarray(np.where(largest <= 1e-3 * np.abs(base).max(initial=0), 100 * largest, 0.0))


def gradients_around(subject: Subject, point: Point, target: str, rng: np.random.Generator, count: int) -> Array:
    """Return the layer's own gradients at points around: several of them where there is a kink."""
    found = []
    for _ in range(count):
        x = point.x
        if x.dtype.kind == "f":
            x = x + NEAR * np.maximum(1, np.abs(x)) * rng.standard_normal(x.shape)
        parameters = {
            name: value + NEAR * np.maximum(1, np.abs(value)) * rng.standard_normal(value.shape)
            for name, value in point.parameters.items()
        }
        found.append(subject.run(point.with_(x=x, parameters=parameters))[1][target])
    return np.array(found, float)
