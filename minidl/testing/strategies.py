"""Hypothesis strategies for layers: inputs, upstream gradients, memory layouts, arguments, parameters, networks.

Importing this module imports hypothesis, so nothing else in the package does.
"""

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minidl.layers import (
    ELU,
    GELU,
    Dense,
    Dropout,
    Input,
    Layer,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from minidl.sequential import Sequential
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

REGIMES = ("generic", "special", "extreme", "ties")
LAYOUTS = ("C", "F", "strided", "reversed", "offset", "read-only")
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1e-8, -1e-8)
EXTREME = (30.0, -30.0, 800.0, -800.0, 1e4, -1e4, 5e-324, 1e-300)
ACTIVATIONS = (ReLU, LeakyReLU, ELU, GELU, SiLU, Sigmoid, Softplus, Tanh)


def values(regime: str = "generic") -> st.SearchStrategy[float]:
    """Return single numbers: "generic" in [-4, 4], "special" and "extreme" ones, or integers that make "ties"."""
    return {
        "generic": st.floats(-4, 4, allow_subnormal=False),
        "special": st.sampled_from(SPECIAL),
        "extreme": st.sampled_from(EXTREME),
        "ties": st.integers(-2, 2).map(float),
    }[regime]


@st.composite
def inputs(
    draw: st.DrawFn, input_shape: Shape, regime: str | None = None, min_rows: int = 0, max_rows: int = 40
) -> Array:
    """Draw a batch for rows of ``input_shape``, float64; of any regime unless one is given."""
    regime = draw(st.sampled_from(REGIMES)) if regime is None else regime
    rows = draw(st.integers(min_rows, max_rows))
    return draw(arrays(float, (rows, *input_shape), elements=values(regime)))


def upstream(shape: Shape) -> st.SearchStrategy[Array]:
    """Return upstream gradients of ``shape``: Gaussian, with both signs, never neutral."""
    return st.integers(0, 2**32 - 1).map(lambda seed: 1.5 * np.random.default_rng(seed).standard_normal(shape) + 0.1)


@st.composite
def layouts(draw: st.DrawFn, array: Array, layout: str | None = None) -> Array:
    """Draw an array equal to ``array`` that lies differently in memory."""
    layout = draw(st.sampled_from(LAYOUTS)) if layout is None else layout
    if layout == "F":
        return np.asfortranarray(array)
    if layout == "strided":
        return np.repeat(array, 2, axis=0)[::2]
    if layout == "reversed":
        return array[::-1].copy()[::-1]
    if layout == "offset":
        buffer = np.empty(array.nbytes + 1, np.uint8)
        moved = buffer[1:].view(array.dtype).reshape(array.shape)
        moved[...] = array
        return moved
    copied = array.copy()
    copied.flags.writeable = layout != "read-only"
    return copied


@st.composite
def arguments(draw: st.DrawFn, layer: Layer) -> dict[str, Any]:
    """Draw constructor arguments for the class of ``layer`` that it accepts: its flags and numbers varied."""
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
def parameters(draw: st.DrawFn, layer: Layer, input_shape: Shape) -> dict[str, Array]:
    """Draw a value for each parameter of ``layer`` on rows of ``input_shape``, by name: Gaussian, never neutral."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probe = Subject(layer).probe(input_shape)
    return {name: value + 0.6 * rng.standard_normal(value.shape) for name, value in probe.values.items()}


@st.composite
def networks(draw: st.DrawFn, max_depth: int = 3, max_units: int = 6) -> tuple[Sequential, Array, Array]:
    """Draw a small compiled float64 classifier or regressor with a batch for it: ``model, x, y``."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    features, rows = draw(st.integers(1, max_units)), draw(st.integers(1, 8))
    layers: list[Any] = [Input((features,))]
    for _ in range(draw(st.integers(0, max_depth))):
        layers += [Dense(draw(st.integers(1, max_units))), draw(st.sampled_from(ACTIVATIONS))()]
        if draw(st.booleans()):
            layers.append(Dropout(0.3))
    kind = draw(st.sampled_from(["binary", "classes", "numbers"]))
    x = rng.standard_normal((rows, features))
    if kind == "binary":
        layers += [Dense(1), Sigmoid()]
        loss, y = "binary_crossentropy", rng.integers(0, 2, (rows, 1))
    elif kind == "classes":
        layers += [Dense(3), Softmax()]
        loss, y = "sparse_categorical_crossentropy", rng.integers(0, 3, rows)
    else:
        layers += [Dense(2)]
        loss, y = "mean_squared_error", rng.standard_normal((rows, 2))  # type: ignore[assignment]
    model = Sequential(layers, dtype="float64", seed=draw(st.integers(0, 2**16)))
    model.parameters.values[:] += 0.3 * rng.standard_normal(model.parameters.values.size)
    model.compile("sgd", loss)
    return model, x, y
