"""Generators of small classification problems: points in the plane, and bit strings.

Their common arguments and results are described in `minidl.datasets`.
"""

import numpy as np

from minidl import checks
from minidl.typing import Array

Points = tuple[Array, Array]


def xor(n: int, *, noise: float = 0.0, seed: int | None = None) -> Points:
    """Points in a square: ``y = (x[:, 0] > 0) != (x[:, 1] > 0)``, which no straight line separates.

    The square extends from -1 to 1; ``noise`` is added after the labels are drawn.

    Examples
    --------
    >>> x, y = minidl.datasets.xor(200, seed=0)
    >>> bool(np.all(y == (x[:, 0] > 0) ^ (x[:, 1] > 0)))
    True
    """
    rng = _generator("xor", n, noise, seed)
    x = rng.uniform(-1.0, 1.0, size=(n, 2))
    return _with_noise(x, (x[:, 0] > 0) != (x[:, 1] > 0), noise, rng)


def parity(n: int, *, bits: int = 4, noise: float = 0.0, seed: int | None = None) -> Points:
    """Bit strings with their parity: ``y = x.sum(axis=1) % 2``, which flips with every single bit.

    It is the course's argument for depth: a tree of log2(bits) layers of small gates computes it.

    Parameters
    ----------
    n : int
        Number of bit strings; none is repeated before all ``2**bits`` have appeared.
    bits : int, optional
        Length of a bit string, 1 to 62. Default: 4.

    Examples
    --------
    >>> x, y = minidl.datasets.parity(16, bits=4, seed=0)
    >>> len(np.unique(x, axis=0)), int(y.sum())
    (16, 8)
    """
    rng = _generator("parity", n, noise, seed)
    checks.number(checks.integer(bits, "parity: bits", minimum=1), "parity: bits", at_most=62)
    rounds, rest = divmod(n, 2**bits)
    whole = [rng.permutation(2**bits) for _ in range(rounds)]
    x = (np.concatenate([*whole, rng.choice(2**bits, size=rest, replace=False)])[:, np.newaxis] >> np.arange(bits)) & 1
    return _with_noise(x, x.sum(axis=1) % 2, noise, rng)


def moons(n: int, *, noise: float = 0.1, seed: int | None = None) -> Points:
    """Two interleaving half circles of radius 1: ``(cos, sin)`` and ``(1 - cos, 0.5 - sin)``.

    Examples
    --------
    >>> x, y = minidl.datasets.moons(100, seed=0)
    >>> x.shape, np.bincount(y).tolist()
    ((100, 2), [50, 50])
    """
    rng = _generator("moons", n, noise, seed)
    y = rng.permutation(np.arange(n) % 2)
    upper = _polar(1.0, rng.uniform(0.0, np.pi, size=n))
    return _with_noise(np.where(y[:, np.newaxis] == 0, upper, [1.0, 0.5] - upper), y, noise, rng)


def spirals(n: int, *, classes: int = 2, turns: float = 1.5, noise: float = 0.02, seed: int | None = None) -> Points:
    """Interleaving spiral arms: ``angle = 2 pi (turns * radius + y / classes)``, radius 0 to 1.

    Parameters
    ----------
    classes : int, optional
        Number of arms, at least 2. Default: 2.
    turns : float, optional
        Number of turns of each arm. Default: 1.5.

    Examples
    --------
    >>> x, y = minidl.datasets.spirals(90, classes=3, seed=0)
    >>> x.shape, np.bincount(y).tolist()
    ((90, 2), [30, 30, 30])
    """
    rng = _generator("spirals", n, noise, seed)
    checks.integer(classes, "spirals: classes", minimum=2)
    checks.number(turns, "spirals: turns", at_least=0)
    y = rng.permutation(np.arange(n) % classes)
    radius = np.sqrt(rng.uniform(0.0, 1.0, size=n))  # the square root spreads the points evenly along an arm
    return _with_noise(_polar(radius, 2 * np.pi * (turns * radius + y / classes)), y, noise, rng)


def flower(n: int, *, noise: float = 0.2, seed: int | None = None) -> Points:
    """The course's flower with eight petals: ``radius = 4 sin(4 angle)``, one class per half turn.

    A negative radius points to the opposite side, so the petals of the two classes alternate.

    ``noise`` is added to the angle (radians) and to the radius; the course used 400 points.

    Examples
    --------
    >>> x, y = minidl.datasets.flower(400, seed=0)
    >>> x.shape, np.bincount(y).tolist()
    ((400, 2), [200, 200])
    """
    rng = _generator("flower", n, noise, seed)
    y = rng.permutation(np.arange(n) % 2)
    angle = np.pi * (y + rng.uniform(0.0, 1.0, size=n)) + noise * rng.standard_normal(n)
    radius = 4 * np.sin(4 * angle) + noise * rng.standard_normal(n)
    return _with_noise(_polar(radius, np.pi / 2 - angle), y, 0.0, rng)  # the course counts angles from the y axis


def _generator(who: str, n: int, noise: float, seed: int | None) -> "np.random.Generator":
    checks.integer(n, f"{who}: n", minimum=1)
    checks.number(noise, f"{who}: noise", at_least=0)
    return np.random.default_rng(None if seed is None else checks.integer(seed, f"{who}: seed", minimum=0))


def _polar(radius: float | Array, angle: Array) -> Array:
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _with_noise(x: Array, y: Array, noise: float, rng: "np.random.Generator") -> Points:
    return (x + noise * rng.standard_normal(x.shape)).astype(np.float32), y.astype(np.int64)
