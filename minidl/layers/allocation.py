"""Allocation: gives layers the arrays that they declared, as views into one flat vector."""

from typing import Any

import numpy as np

from minidl.errors import ArgumentError, ShapeError
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.parameters import Parameters, copy_into


@np.errstate(over="ignore")  # values that are not finite are reported
def allocate(layers: dict[str, Layer], rng: "np.random.Generator", dtype: Any) -> Parameters:
    """Allocate the arrays declared by ``layers`` and their sublayers in one flat vector, and bind the views.

    Arrays that already exist (from an earlier build or an assignment) keep their values; the others are initialised
    from ``rng``, in order. To use a layer alone, call ``layer.declare(shape)`` and then this function. Raises a
    `ShapeError`, without changing anything, if a layer was built before for other shapes.
    """
    everything = list(walk(layers))
    dtype = np.dtype(dtype)
    shapes = {}
    for path, layer in everything:
        for name, (shape, _, _, trained, _) in layer.declared.items():
            old = layer.views.get(name)
            if old is not None and old.shape != shape:
                raise ShapeError(
                    f"{layer.label}: {name}: expected {old.shape}, as it was built before, got {shape}. "
                    "Make a new layer for the new input."
                )
            if trained:
                shapes[f"{path}/{name}"] = shape
    parameters, bound = Parameters(shapes, dtype), []
    for path, layer in everything:
        for name, (shape, initializer, _, trained, _) in layer.declared.items():
            value = parameters[f"{path}/{name}"] if trained else np.empty(shape, dtype)
            start = layer.views.get(name, vars(layer).get(name))  # from an earlier build, or set by hand
            who = f"{layer.label}: {name}"
            if start is None:
                who = f"{who}: initializer"
                start = initializer(rng, shape, dtype)
            copy_into(value, start, who)
            if not np.isfinite(value).all():
                raise ArgumentError(f"{who}: expected finite numbers for {dtype}, got {value[~np.isfinite(value)][0]}.")
            bound.append((layer, name, value, parameters.gradient(f"{path}/{name}") if trained else None))
    for _, layer in everything:
        layer.set_derived(rng=rng, views={})
    for layer, name, value, gradient in bound:  # last, so that after an error nothing has changed
        layer.bind(name, value, gradient)
    for path, layer in everything:
        if type(layer).adopt is not Layer.adopt:
            layer.adopt(parameters.section(path))
    return parameters
