"""Subject: the layer under test, which creates fresh, built clones of itself; the given layer is left unchanged.

Each clone is a `Probe`, which makes every call repeatable and returns all gradients of a backward pass.
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from minidl.constructor import REQUIRED, constructor_arguments
from minidl.errors import ArgumentError
from minidl.layers.allocation import allocate
from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.sequential.layer_list import LayerList
from minidl.testing.findings import Finding
from minidl.testing.probe import Arrays, Gradients, Point, Probe, calling
from minidl.testing.signature import takes
from minidl.testing.work import Work
from minidl.typing import Array, Shape


def strip(layer: Layer) -> Layer:
    """Return ``layer`` with the effects of `build` undone, in it and in all inner layers."""
    for _, part in list(walk({"": layer})):
        for name in list(part.declared):
            for attribute in (name, "d" + name):
                part.__dict__.pop(attribute, None)
        part.__dict__.update(declared={}, views={}, input_shape=None, output_shape=None, place=None)
        if isinstance(part, LayerList):
            vars(part)["network"] = None  # not to be assigned otherwise
    return layer


class Subject:
    """A layer under test: an instance, a class whose arguments can be guessed, or a factory.

    Parameters
    ----------
    given : Layer, class or function without arguments

    Raises
    ------
    ArgumentError
        If it is none of these.
    """

    whole_batch = False  # whether the output is one number for the batch, like that of a loss
    longest_refused = False  # whether the forward pass loses longdouble
    modes: tuple[bool, ...] = (True, False)  # the values of ``training`` that can make a difference
    longest = 1000  # rows of other lengths that are tried
    call = "certify"  # the call that made it, for the report
    excluded: Mapping[str, str] = MappingProxyType({})  # checks that do not apply, with the reasons
    rounding = float(np.finfo(float).eps)  # relative rounding error of the layer, as measured

    def __init__(self, given: Any) -> None:
        self.given = given
        self.make_first, example = _maker(given)
        self.cls = type(example)
        self.name = _name(given if isinstance(given, Layer) else example)
        self.example = strip(example)
        try:
            self.arguments = example.get_config()
        except Exception:  # reported by the `copies` check
            self.arguments = {}
        self.domain: Any = getattr(self.cls, "input_domain", None)
        self.fixed_shape = getattr(self.cls, "certify_other_shapes", True) is False
        self.usual_sizes: dict[str, float] = {}  # of output and gradients at the generic point
        self.work = Work()
        self._molds: dict[Any, Probe] = {}  # built, never called: the originals of all clones
        self._used: dict[Any, Probe] = {}
        parts = [part for _, part in walk({"": self.example})]
        # Whether the layer, or an inner layer, overrides `backward_parameters`.
        self.has_parameters_pass = any(type(p).backward_parameters is not Layer.backward_parameters for p in parts)

    def measure(self, point: Point, results: Arrays) -> None:
        """Record the magnitudes of results at a generic point, and whether the layer uses float32 by design."""
        self.usual_sizes = {name: float(np.abs(value).max(initial=0)) for name, value in results.items()}
        y = results["y"]
        if y.dtype.kind == "f" and y.dtype != float:
            self.rounding = float(np.finfo(y.dtype).eps)
        elif not self.whole_batch and not point.integer and not np.array_equal(point.x, point.x.astype(np.float32)):
            single = np.array_equal(y, y.astype(np.float32)) and not np.array_equal(y, np.round(y))
            if single and np.unique(y).size > 3:
                self.rounding = float(np.finfo(np.float32).eps)

    def is_house_rule(self, finding: Finding) -> bool:
        """Return whether a finding concerns a rule that does not count for this subject."""
        return False

    def companions(self) -> Iterator[tuple[str, "Subject", tuple[str, ...] | None]]:
        """Yield label, subject and checks (None for all) of each companion, a subject certified with this one."""
        yield from ()

    def own_inputs(self, rng: np.random.Generator, shape: Shape) -> Iterator[tuple[str, Array]]:
        """Yield inputs that are special for this subject, each with a description."""
        yield from ()

    def make(self, arguments: dict[str, Any] | None = None) -> Layer:
        """Return a new, unbuilt layer with the given constructor arguments changed."""
        if not arguments:
            return strip(self.make_first())
        with calling("__init__"):
            return strip(self.cls.from_config({**copy.deepcopy(self.arguments), **arguments}))

    def probe(self, input_shape: Shape, dtype: Any = float, arguments: dict[str, Any] | None = None) -> Probe:
        """Return a clone built for rows of ``input_shape``, with its initial parameters."""
        return self.mold(input_shape, dtype, arguments).twin()

    def mold(self, input_shape: Shape, dtype: Any = float, arguments: dict[str, Any] | None = None) -> Probe:
        """Return the original of the clones for rows of ``input_shape``, which must not be called."""
        key = (tuple(input_shape), np.dtype(dtype), repr(arguments or {}))
        if key not in self._molds:
            self._molds[key] = self.built(self.make(arguments), input_shape, dtype)
            self._molds[key].work = self.work
        return self._molds[key]

    def built(self, layer: Layer, input_shape: Shape, dtype: Any = float) -> Probe:
        """Build a new layer as a model would, and return its probe."""
        rng = np.random.default_rng(1)
        for _, part in walk({"layer": layer}):
            if isinstance(part, LayerList):
                vars(part)["dtype"] = np.dtype(dtype).name
        with calling("build"):
            layer.declare(input_shape)
            parameters = allocate({"layer": layer}, rng, dtype)
        return Probe(layer, rng, parameters)

    def at(self, point: Point, dtype: Any = float) -> Probe:
        """Return a fresh clone, built and with the parameters and state of ``point``."""
        return self.probe(point.input_shape, dtype, point.arguments).set(point.parameters, point.states)

    def reused(self, point: Point) -> Probe:
        """Return a clone as `at` does, but one that earlier calls have used: it takes less time than a fresh one."""
        key = (point.input_shape, repr(point.arguments))
        if key not in self._used:
            self._used[key] = self.at(point)
        return self._used[key].set(point.parameters, point.states)

    def run(self, point: Point) -> tuple[Array, Gradients]:
        """Return ``y`` and all gradients of a fresh clone at ``point``."""
        return self.at(point).run(point)


def subject_of(given: Any) -> Subject:
    """Return the subject for an argument of `certify`; a subject is returned unchanged."""
    return given if isinstance(given, Subject) else Subject(given)


def _name(layer: Layer) -> str:
    try:
        name = repr(layer)
    except Exception:  # a constructor that does not store its arguments, or a custom repr
        name = ""
    return name if name and " object at 0x" not in name else f"{type(layer).__name__}(...)"


def _maker(given: Any) -> tuple[Callable[[], Layer], Layer]:
    if isinstance(given, Layer):
        return _cloner(given)
    if isinstance(given, type) and issubclass(given, Layer):
        return _cloner(_guess(given))
    if callable(given) and takes(given, 0):
        example = given()
        if isinstance(example, Layer):
            return _cloner(example) if given() is example else (given, example)
    raise ArgumentError(
        f"certify: expected a layer, a Layer class or a function that makes one, got {given!r}. For a loss there is "
        "certify_loss(loss), for a function and its gradient certify_function(forward, backward, x) or "
        "gradient_check(f, gradient, x)."
    )


def _cloner(layer: Layer) -> tuple[Callable[[], Layer], Layer]:
    """Return a function that creates clones of ``layer``, and one clone."""
    try:
        copied = layer.copy()
        return copied.copy, copied.copy()
    except Exception as error:
        raise ArgumentError(
            f"certify: expected a layer that can be copied, got {type(layer).__name__}, "
            f"which raises {type(error).__name__}: {error}. Pass a function that makes it."
        ) from error


def _guess(cls: type[Layer]) -> Layer:
    examples = getattr(cls, "certify_with", None)
    if examples is not None:
        return cls(**examples)
    required = [name for name, default in constructor_arguments(cls).items() if default is REQUIRED]
    refused = ""
    for value in (5, 0.3, (2, 2)):
        try:
            arguments: dict[str, Any] = dict.fromkeys(required, value)
            return cls(**arguments)
        except Exception as error:
            refused = refused or str(error)
    raise ArgumentError(
        f"certify: expected {cls.__name__} to accept guessed values for {', '.join(required)}, got: {refused}. "
        "Pass an instance, or give the class an attribute certify_with = {...}."
    )
