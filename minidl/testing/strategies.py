"""Hypothesis strategies for layers: inputs, upstream gradients, memory layouts, arguments, parameters, networks.

Importing this module imports hypothesis, so nothing else in the package does.
"""

import itertools
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minidl import layers
from minidl.config import Configured
from minidl.sequential import Sequential
from minidl.testing.checks.layout import layouts as memory_layouts
from minidl.testing.points import move_parameters
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

SMOOTH = ("generic", "special", "extreme")  # regimes without zeros
ACTIVATIONS = ("ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Sigmoid", "Softplus", "Tanh")
READABLE = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 0.25, -0.25, 3.0, -3.0, 0.1, -0.1)
KINDS = ("binary", "classes", "numbers")
EVENLY = 16  # repetitions of short lists, because hypothesis prefers the first item of a list

LARGE = (20.0, -20.0, 1000.0, -1000.0)
MILD, REAL = (
    st.one_of(st.sampled_from((0.0, *READABLE, *large)), st.floats(0.1, 4), st.floats(-4, -0.1))
    for large in ((), LARGE)
)
PART = st.one_of(st.sampled_from((0.5, 0.25, 0.75, 0.1, 0.9)), st.floats(0.05, 0.95))
# Single numbers of a regime or domain, which shrink to readable ones.
NUMBERS: dict[Any, st.SearchStrategy[float]] = {
    "generic": st.one_of(st.sampled_from(READABLE[:8]), st.floats(0.125, 4), st.floats(-4, -0.125)),
    "special": st.sampled_from(READABLE),
    "extreme": st.sampled_from((30.0, -30.0, 800.0, -800.0, 1e4, -1e4)),
    "zeros": st.sampled_from((0.0, -0.0, 1e-8, -1e-8, 1e-300, 5e-324, 1.0, -1.0)),
    "ties": st.integers(-2, 2).map(float),
    "real": REAL,
    "positive": st.one_of(st.sampled_from((1.0, 2.0, 0.5, 0.25, 3.0)), st.floats(0.1, 6)),
    "probability": PART,
    "signs": st.sampled_from((1.0, -1.0)),
    "binary": st.sampled_from((0.0, 1.0)),
}


@st.composite
def inputs(
    draw: st.DrawFn, input_shape: Shape, regime: str | None = None, min_rows: int = 0, max_rows: int = 40
) -> Array:
    """Draw a float64 batch with rows of ``input_shape``, of any regime without zeros unless one is given.

    Numbers are "generic" (of magnitude 1/8 to 4), "special" or "extreme", all away from 0, where many functions have
    kinks; or "zeros" and tiny numbers; or integers, which produce "ties".
    """
    regime = draw(st.sampled_from(SMOOTH)) if regime is None else regime
    return draw(arrays(float, (draw(st.integers(min_rows, max_rows)), *input_shape), elements=NUMBERS[regime]))


def upstream(shape: Shape) -> st.SearchStrategy[Array]:
    """Return a strategy for upstream gradients of ``shape``, with both signs and without zeros."""
    return arrays(float, shape, elements=NUMBERS["generic"])


@st.composite
def entries(draw: st.DrawFn, shape: Shape, domain: Any = "mild") -> Array:
    """Draw an array of numbers from a domain: see `minidl.testing`; the rows of a "simplex" sum to one."""
    if callable(domain):
        return np.asarray(domain(np.random.default_rng(draw(st.integers(0, 2**16))), shape))
    if isinstance(domain, tuple) and domain[0] == "integer":
        return draw(arrays(np.int64, shape, elements=st.integers(0, domain[1] - 1)))
    if domain in ("labels", "one_hot"):
        labels = draw(arrays(np.int64, shape[:1], elements=st.integers(0, shape[1] - 1)))
        return labels if domain == "labels" else np.eye(shape[1])[labels]
    if domain == "simplex" and shape[1] > 1:
        weights = draw(entries(shape, "positive"))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))
    low, high = domain if isinstance(domain, tuple) else (0.0, 1.0)
    part = isinstance(domain, tuple) or domain == "simplex"
    numbers = PART.map(lambda p: low + p * (high - low)) if part else NUMBERS.get(domain, MILD)
    count = math.prod(shape)
    return np.array(draw(st.lists(numbers, min_size=count, max_size=count)), float).reshape(shape)


def layouts(array: Array) -> st.SearchStrategy[Array]:
    """Return a strategy for arrays equal to ``array`` with different memory layouts."""
    return st.sampled_from([moved for _, moved in memory_layouts(array)])


@st.composite
def arguments(draw: st.DrawFn, layer: Configured) -> dict[str, Any]:
    """Draw constructor arguments that the class of ``layer`` accepts, with flags and numbers varied."""
    config = layer.get_config()
    for name, value in config.items():
        if isinstance(value, bool):
            config[name] = draw(st.booleans())
        elif isinstance(value, int):
            config[name] = draw(st.integers(1, 7))
        elif isinstance(value, float):
            config[name] = draw(st.sampled_from([value, value / 3, 0.9 * value, 0.7]))
    try:
        type(layer).from_config(config)
    except (ValueError, TypeError):
        return layer.get_config()
    return config


@st.composite
def parameters(draw: st.DrawFn, layer: layers.Layer, input_shape: Shape) -> dict[str, Array]:
    """Draw a value for each parameter of ``layer``, by name, for rows of ``input_shape``: Gaussian, never neutral."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probe = Subject(layer).probe(input_shape)
    return move_parameters(probe.values, rng, "spread")


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 3, max_units: int = 6) -> tuple[Sequential, Array, Array]:
    """Draw a small compiled float64 classifier or regressor with a batch for it: ``model, x, y``.

    Kinds, depths and sizes are about equally frequent.
    """
    plans = list(itertools.product(range(max_depth + 1), range(1, max_units + 1), range(1, 9), KINDS))
    depth, features, rows, kind = draw(st.sampled_from(plans))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    row: list[Any] = [layers.Input((features,))]
    for _ in range(depth):
        units = draw(st.sampled_from(list(range(1, max_units + 1)) * EVENLY))
        row += [layers.Dense(units), getattr(layers, draw(st.sampled_from(ACTIVATIONS * EVENLY)))()]
        if draw(st.booleans()):
            row.append(layers.Dropout(0.3))
    x = rng.standard_normal((rows, features))
    if kind == "binary":
        row += [layers.Dense(1), layers.Sigmoid()]
        loss, y = "binary_crossentropy", rng.integers(0, 2, (rows, 1))
    elif kind == "classes":
        row += [layers.Dense(3), layers.Softmax()]
        loss, y = "sparse_categorical_crossentropy", rng.integers(0, 3, rows)
    else:
        row += [layers.Dense(2)]
        loss, y = "mean_squared_error", rng.standard_normal((rows, 2))  # type: ignore[assignment]
    model = Sequential(row, dtype="float64", seed=draw(st.integers(0, 2**16)))
    model.parameters.values[:] += 0.3 * rng.standard_normal(model.parameters.values.size)
    model.compile("sgd", loss)
    return model, x, y
