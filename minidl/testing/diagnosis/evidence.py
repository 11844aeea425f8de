"""Evidence: the failing call and further samples, on which every hypothesis is tested before it is claimed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis.sample import EXACT, Sample, Setting, copies, floats, largest, settings_of
from minidl.testing.diagnosis.where.source import Function, functions_behind, watch
from minidl.testing.work import DIAGNOSIS
from minidl.typing import Array

FEW = 16  # random entries of a large array on which a hypothesis is tested
STEP, SMALL_STEP = 2e-3, 1e-6
SMALL = 2000  # further samples are drawn only if there are fewer outputs
QUICK = 4  # forward passes that a quick derivative takes per entry

Named = tuple[str, Array]
Source = Callable[[Sample], Iterable[Named]]
T = TypeVar("T")


class Evidence:
    """The `Context`, and further samples, each drawn when it is first needed.

    Exceptions that the layer raises outside its domain propagate; `attempt` returns None instead.

    Parameters
    ----------
    analytic, numeric : array
        The gradients that differ.
    context : Context or None
        If None, only the two arrays are known.
    """

    def __init__(self, analytic: Array, numeric: Array, context: Context | None) -> None:
        self.analytic, self.numeric = np.asarray(analytic), floats(numeric)
        self.known = context
        self.target, self.check = (context.target, context.check) if context else ("gradient", "")
        self.rng = np.random.default_rng(0)
        self._quantities: dict[tuple[Source, Sample], tuple[dict[str, Array], Iterator[Named]]] = {}
        self.events: list[str] = []  # functions at the calls and returns of the failing call, noted by `functions`

    @property
    def context(self) -> Context:
        """The layer and the call; raises LookupError if only the two arrays are known."""
        if self.known is None:
            raise LookupError("only the two arrays are known")
        return self.known

    @cached_property
    def first(self) -> Sample:
        """The failing call."""
        analytic, empty = floats(self.analytic), np.zeros(0)
        if self.known is None:
            return Sample(empty, empty, empty, analytic, self.numeric)
        point, y = self.known.point, floats(self.known.y)
        parameters = copies(point.parameters)
        return self._named(Sample(np.asarray(point.x), floats(point.dy), y, analytic, self.numeric, parameters))

    def _named(self, s: Sample) -> Sample:
        """Return the sample with its state, attributes and arguments added."""
        cached = attempt(self.context.attributes, x=s.x, dy=s.dy, parameters=s.parameters) or {}
        known = [s.x, s.y, *s.parameters.values()]
        found = copies({**self.context.point.states, **cached})
        found = {name: v for name, v in found.items() if not any(np.array_equal(v, other) for other in known)}
        arguments = {name: float(setting.value) for name, setting in self.settings.items()}
        return replace(s, attributes=found, arguments=arguments)

    @cached_property
    def samples(self) -> list[Sample]:
        """The failing call and up to three more, with other values, batch sizes or parameters."""
        found = [self.first]
        rows = len(self.first.x) if self.first.x.ndim else 0
        if rows and rows * self.first.dy[:1].size < SMALL and self.has_room:
            calls = [self.values(rows), self.values(rows + 2), {**self.values(rows + 1), **self.other_parameters()}]
            drawn = (attempt(self.run, **changes) for changes in calls)
            found += [sample for sample in drawn if sample is not None]
        return found

    @property
    def has_room(self) -> bool:
        """Whether a further sample costs at most a quarter of a diagnosis."""
        return QUICK * self.analytic.size * self.context.subject.work.cost(self.first.x) <= DIAGNOSIS / 4

    @property
    def is_spent(self) -> bool:
        """Whether the diagnosis has cost so much that nothing more is tried."""
        return self.known is not None and self.known.subject.work.done >= DIAGNOSIS

    @cached_property
    def visible(self) -> list[Sample]:
        """The samples in which the error shows."""
        return [s for s in self.samples if s.shows] or [self.first]

    @property
    def is_tiny(self) -> bool:
        """Whether the error is too small for quick derivatives."""
        return self.first.gap < 1e-5 * self.first.scale

    @cached_property
    def functions(self) -> list[Function]:
        """The author's functions behind the gradient, with the values of their names at the failing call."""
        found = functions_behind(self.context.layer)
        self.events = watch(self.context, found)
        return found

    def other_parameters(self) -> dict[str, dict[str, Array]]:
        """Return the parameters with their values shuffled and jittered."""
        values = self.first.parameters
        moved = {name: self.rng.permutation(p.ravel()).reshape(p.shape) for name, p in values.items()}
        return {"parameters": {name: p * self.rng.uniform(0.75, 1.0, p.shape) for name, p in moved.items()}}

    def values(self, rows: int) -> dict[str, Any]:
        """Return x shuffled and jittered, and a new random dy where it has one row per sample."""
        x, dy = self.first.x, self.first.dy
        drawn = self.rng.permutation(np.resize(x, (rows, *x.shape[1:])).ravel()).reshape(rows, *x.shape[1:])
        if x.dtype.kind == "f":
            drawn = drawn * self.rng.uniform(0.75, 1.0, drawn.shape)
        if not dy.ndim or len(dy) != len(x):
            return {"x": drawn}
        return {"x": drawn, "dy": 1.3 * self.rng.standard_normal((rows, *dy.shape[1:])) + 0.1}

    def run(self, **changes: Any) -> Sample:
        """Return the failing sample with these parts of the call changed."""
        y, gradients = self.context.run(**changes)
        analytic = floats(gradients[self.target])
        precise = self.first.gap < 1e-4 * self.first.scale  # a small error requires an accurate numeric gradient
        numeric = self.numeric_at(**changes) if precise else self.quick_numeric(**changes)
        if analytic.shape != numeric.shape or not np.isfinite([analytic, numeric]).all():
            raise ValueError("this sample cannot be compared")
        x, dy = np.asarray(changes.get("x", self.first.x)), floats(changes.get("dy", self.first.dy))
        parameters = copies({**self.first.parameters, **changes.get("parameters", {})})
        precision = 1e-10 if precise else 1e-8
        return self._named(
            Sample(x, dy, floats(y), analytic, numeric, parameters, precision=precision, changes=changes)
        )

    def analytic_at(self, **changes: Any) -> Array:
        """Return the gradient from the layer's own backward with these parts of the failing call changed."""
        return floats(self.context.run(**changes)[1][self.target])

    def numeric_at(self, **changes: Any) -> Array:
        """Return the numeric gradient at full accuracy with these parts of the failing call changed."""
        return floats(self.context.numeric(self.target, **changes))

    def quick_numeric(self, **changes: Any) -> Array:
        """Return the numeric gradient to about eight digits."""
        matrix = self.jacobian(self.target, None, **changes)
        found = (matrix @ floats(changes.get("dy", self.first.dy)).ravel()).reshape(
            self.start(self.target, changes).shape
        )
        direction = self.rng.standard_normal(found.shape)
        close = abs(self.slope(direction, **changes) - (found * direction).sum()) <= 1e-7 * np.abs(found).sum()
        return found if close else self.numeric_at(**changes)  # a kink within the steps, or a sharp bend

    def slope(self, direction: Array, **changes: Any) -> float:
        """Return the derivative of the sum of dy * y as the target's array moves in a direction, to seven digits."""
        start, dy = self.start(self.target, changes), floats(changes.get("dy", self.first.dy))
        h = SMALL_STEP * min(1.0, float(np.sqrt((start**2).mean())) or 1.0)
        high, low = (
            self.context.forward(**self.moving(self.target, start + step * direction, changes)) for step in (h, -h)
        )
        return float(((high - low) * dy).sum()) / (2 * h)

    def equals_numeric(self, value: Array, target: str | None = None, **changes: Any) -> bool:
        """Return whether ``value`` is the numeric gradient of a changed call; large ones are sampled."""
        target = target or self.target
        if self.start(target, changes).shape != value.shape or not value.size:
            return False
        same = value.shape == self.first.wrong.shape
        likely = np.flatnonzero(self.first.wrong)[: 2 if same else 0]
        some = np.unique([*range(4), *range(-8, 0), *self.rng.permutation(value.size)[:FEW]]) % value.size
        for entries in (np.array(part, int) for part in (likely, some) if len(part)):
            claimed = value.ravel()[entries]
            found = self.jacobian(target, entries, **changes) @ floats(changes.get("dy", self.first.dy)).ravel()
            scale = max(largest(value), largest(found))
            slack = max(min(EXACT * scale, 0.02 * self.first.gap), 1e-9 * scale)
            if not largest(claimed - found) <= slack:
                return False
        return True

    def start(self, target: str, changes: dict[str, Any]) -> Array:
        """Return the array with respect to which ``target`` is the derivative."""
        if target == "dx":
            return floats(changes.get("x", self.first.x))
        return {**self.first.parameters, **copies(changes.get("parameters", {}))}[parameter_of(target)]

    def moving(self, target: str, value: Array, changes: dict[str, Any]) -> dict[str, Any]:
        """Return the changes with ``value`` for the array with respect to which ``target`` is the derivative."""
        there = {k: v for k, v in changes.items() if k != "dy"}
        if target == "dx":
            return {**there, "x": value}
        return {**there, "parameters": {**changes.get("parameters", {}), parameter_of(target): value}}

    def jacobian(self, target: str, entries: Array | None = None, **changes: Any) -> Array:
        """Return dy/d(entries of the target's array), shape (entries, size of y), to about ten digits.

        Notes
        -----
        Fourth-order central differences on one clone: fast enough for hypotheses, but never used for a verdict.
        """
        start = self.start(target, changes)
        h = STEP * min(1.0, float(np.sqrt((start**2).mean())) or 1.0)

        def y_at(n: int, step: float) -> Array:
            moved = start.copy()
            moved.flat[n] += step
            return self.context.forward(**self.moving(target, moved, changes)).ravel()

        def difference(n: int, step: float) -> Array:
            return y_at(n, step) - y_at(n, -step)

        which = range(start.size) if entries is None else entries.tolist()
        return np.array([(8 * difference(n, h) - difference(n, 2 * h)) / (12 * h) for n in which])

    def everywhere(self, claim: Callable[..., bool], *arguments: Any) -> bool:
        """Return whether ``claim(sample, *arguments)`` holds in every sample in which the error shows."""
        return all(claim(sample, *arguments) for sample in self.visible)

    def names(self, source: Source, claim: Callable[..., bool], *arguments: Any) -> Iterator[str]:
        """Yield the names of the quantities for which ``claim(sample, quantity, *arguments)`` always holds."""

        def holds(s: Sample, value: Array | None) -> bool:
            return value is not None and bool(np.isfinite(value).all()) and claim(s, value, *arguments)

        first, *others = self.visible
        for name, value in source(first):
            if holds(first, value) and all(holds(s, self.quantity(source, s, name)) for s in others):
                yield name

    def quantity(self, source: Source, s: Sample, name: str) -> Array | None:
        """Return a quantity of a sample by name; only those before it are computed, and each once."""
        known, rest = self._quantities.setdefault((source, s), ({}, iter(source(s))))
        while name not in known and (item := next(rest, None)):
            known[item[0]] = item[1]
        return known.get(name)

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """The numeric constructor arguments, including those of a wrapped loss."""
        return settings_of(type(self.known.layer), self.known.arguments) if self.known else {}


def attempt(question: Callable[..., T], *arguments: Any, **changes: Any) -> T | None:
    """Return the answer to a question, or None if the layer raises an exception."""
    try:
        return question(*arguments, **changes)
    except Exception:
        return None


def parameter_of(target: str) -> str:
    """Return the parameter to which a gradient belongs: "inner/W" for "inner/dW"."""
    path, slash, name = target.rpartition("/")
    return f"{path}{slash}{name[1:]}"
