"""Points: the data sets of the playground, each in the square from -3 to 3."""

import numpy as np

from minidl import datasets

EDGE = 3.0  # the generators fill the square from -1 to 1; inputs of about unit size train best
RINGS, BLOB_CENTRE = (0.4, 0.85), 0.45


def circles(n, rng):
    """Return a disc of class 0 inside a ring of class 1."""
    y = rng.permutation(np.arange(n) % 2)
    radius = np.where(y == 0, RINGS[0] * np.sqrt(rng.uniform(size=n)), RINGS[1])
    angle = rng.uniform(0, 2 * np.pi, size=n)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1), y


def blobs(n, rng):
    """Return one cloud per class, with some overlap."""
    y = rng.permutation(np.arange(n) % 2)
    return 0.2 * rng.standard_normal((n, 2)) + np.where(y == 0, -BLOB_CENTRE, BLOB_CENTRE)[:, None], y


def waves(n, rng):
    """Return points with targets between -1 and 1, for regression: ``sin(x0) cos(x1)`` in the scaled square."""
    x = rng.uniform(-1, 1, size=(n, 2))
    return x, np.sin(EDGE * x[:, 0]) * np.cos(EDGE * x[:, 1])


def of_minidl(generator, scale, centre=(0.0, 0.0)):
    """Return one of the library's data sets, scaled to the square."""

    def points(n, rng):
        x, y = generator(n, noise=0.0, seed=int(rng.integers(1 << 30)))
        return (x - np.array(centre)) * scale, y

    return points


GENERATORS = {
    "spirals": of_minidl(datasets.spirals, 0.95),
    "circles": circles,
    "moons": of_minidl(datasets.moons, 0.6, (0.5, 0.25)),
    "blobs": blobs,
    "xor": of_minidl(datasets.xor, 0.95),
    "waves": waves,
}
REGRESSION = {"waves"}


def draw(name, n, noise, seed):
    """Return n points of a data set with targets; ``noise`` is added to the points or, in regression, the targets."""
    rng = np.random.default_rng(seed)
    x, y = GENERATORS[name](n, rng)
    if name in REGRESSION:
        return (EDGE * x).astype(np.float32), (y + noise * rng.standard_normal(n)).astype(np.float32)
    return (EDGE * (x + noise * rng.standard_normal(x.shape))).astype(np.float32), y
