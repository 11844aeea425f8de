"""Wrong gradients that the kit found in released libraries, each reproduced without the kit, in plain NumPy.

Each row compares what the library returns with a central difference, with the same call in another memory order, or
with the shape of the argument. Libraries that are not installed are left out: ``pip install thinc autograd``.
"""

import importlib.metadata
from collections.abc import Callable, Iterator
from typing import Any

import common
import numpy as np

STEP = 1e-2  # in float32 the central difference is accurate to about four digits

Row = tuple[str, str, str, str]  # the function, the condition, what it returns, the correct result


def central_difference(f: Callable[[np.ndarray], np.ndarray], x: np.ndarray, index: tuple[int, ...]) -> float:
    """Return the derivative of ``f(x).sum()`` with respect to one entry of x."""
    above, below = x.copy(), x.copy()
    above[index] += STEP
    below[index] -= STEP
    return float((f(above).astype(np.float64) - f(below)).sum() / (2 * STEP))


def outcome(call: Callable[[], Any]) -> str:
    """Return the result of a call, or the exception that it raises."""
    try:
        return str(call())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def of_thinc() -> Iterator[Row]:
    from thinc.api import Dish, Maxout, NumpyOps, fix_random_seed

    fix_random_seed(0)
    rng = np.random.default_rng(0)
    x, dy = (rng.standard_normal((3, 4)).astype("float32") for _ in range(2))
    square = Dish(nO=4, nI=4)
    square.initialize(X=x)
    y, backprop = square(x, is_train=True)
    dx = backprop(np.ones_like(y))
    right = central_difference(square.predict, x, (0, 0))
    yield "Dish", "nO = nI = 4, dx[0, 0]", f"{dx[0, 0]:.4f}", f"{right:.4f}"

    other = Dish(nO=3, nI=4)
    other.initialize(X=x)
    y, backprop = other(x, is_train=True)
    yield "Dish", "nO = 3, nI = 4", outcome(lambda: backprop(np.ones_like(y))), "dx of shape (3, 4)"

    ops = NumpyOps()
    outputs = ops.relu(x)
    for name, argument in (("backprop_relu", outputs), ("backprop_mish", x)):
        function = getattr(ops, name)
        found, right = (function(dy.copy(), order(argument)) for order in (np.asfortranarray, np.array))
        worst = np.unravel_index(np.argmax(np.abs(found - right)), right.shape)
        condition = f"float32, the second argument in Fortran order, entry {[int(place) for place in worst]}"
        yield f"NumpyOps.{name}", condition, f"{found[worst]:.4f}", f"{right[worst]:.4f}"

    maxout = Maxout(nO=3, nI=4, nP=2)
    maxout.initialize(X=x)
    y, backprop = maxout(x[:0], is_train=True)
    yield "Maxout", "a batch of no rows", outcome(lambda: backprop(y).shape), "(0, 4)"


def of_autograd() -> Iterator[Row]:
    import autograd
    import autograd.numpy as anp

    def squares(x: np.ndarray) -> Any:
        return anp.sum(anp.linalg.norm(x, axis=1, keepdims=True) ** 2)

    dx = autograd.grad(squares)(np.ones((3, 4)))
    yield "numpy.linalg.norm", "axis=1, keepdims=True, x of shape (3, 4)", f"dx of shape {dx.shape}", "(3, 4)"


def main() -> None:
    arguments = common.options(__doc__, threads=1)
    rows = []
    for library, found in (("thinc", of_thinc), ("autograd", of_autograd)):
        if common.installed(library):
            version = importlib.metadata.version(library)
            rows += [[f"{library} {version}", *row] for row in found()]
    header = ["library", "function", "condition", "returned", "right"]
    common.report("found_in_libraries", arguments, {"without the kit": common.table(header, rows)}, rows)


if __name__ == "__main__":
    main()
