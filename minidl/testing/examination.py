"""Examination: what a check is given - the layer, a generic point, and ways to run and compare."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minidl import checks as arguments
from minidl.testing import explanation
from minidl.testing.agreement import close, finite
from minidl.testing.certificate import Certificate
from minidl.testing.comparison import Comparison, compare
from minidl.testing.findings import Finding, Unverified
from minidl.testing.points import Refused, WrongShape, between_rows, draw_point, first_point, normal, rows_of
from minidl.testing.probe import Arrays, Gradients, LayerFailure, Point, Probe
from minidl.testing.registry import LEVELS
from minidl.testing.screening import looks_wrong
from minidl.testing.source_lines import source_of
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape


class Examination:
    """One layer under examination.

    Attributes
    ----------
    subject : Subject
    point : Point
        Gaussian input and upstream gradient, parameters away from their initial values, training mode.
    certificate : Certificate
    level : str
    rng : Generator
        A new one for each check, a function of the seed and the check's name.
    """

    def __init__(self, subject: Subject, level: str = "standard", seed: int = 0) -> None:
        arguments.choice(level, f"{subject.call}: level", LEVELS)
        arguments.integer(seed, f"{subject.call}: seed", minimum=0)
        self.subject, self.level, self.seed = subject, level, seed
        self.certificate = Certificate(subject.name, seed, level, subject.call)
        self.rng = np.random.default_rng(seed)
        self.check, self.controls = "", 0
        self._probe: Probe | None = None
        self._reference: Arrays | None = None

    def settle(self, input_shape: Shape | None, point: Point | None = None) -> None:
        """Find the first point that the layer takes.

        Raises
        ------
        LayerFailure, Refused
            If there is none.
        """
        if point is None:
            self.point, how = first_point(self.subject, self.rng, input_shape)
        else:
            self.point, how = point, f"input {point.x.shape}, given"
            if self.subject.domain is None:
                self.subject.domain = between_rows(point.x)
        self.certificate.cover("inputs", how)

    def most(self) -> int:
        """Return how many entries of an array are tried at this level."""
        return {"quick": 8, "standard": 60, "thorough": 1000}[self.level]

    def at_least(self, level: str) -> bool:
        """Return whether the run is at ``level`` or above."""
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def run(self, point: Point) -> tuple[Array, Gradients]:
        """Return ``y`` and all gradients of a fresh clone at ``point``."""
        return self.subject.run(point)

    def results(self, point: Point) -> Arrays:
        """Return copies of what `run` returns, by name, without what is None."""
        return self.subject.at(point).results(point)

    @property
    def reference(self) -> Arrays:
        """The results of a fresh clone at the generic point."""
        if self._reference is None:
            self._reference = self.results(self.point)
            self.subject.measure(self.point, self._reference)
        return self._reference

    def batches(self, *rows: int, point: Point | None = None, both_modes: bool = True) -> Iterator[Point]:
        """Yield a point, by default the generic one, and others of so many rows that the layer takes; in both modes."""
        point = point or self.point
        for training in (True, False) if both_modes else (point.training,):
            here = point.with_(training=training)
            yield here
            for count in rows:
                with suppress(LayerFailure):  # the number of rows is tested by `batch`
                    yield rows_of(self.subject, self.rng, here, count)

    @property
    def rounding(self) -> float:
        """Relative error of one step of the layer: that of float32 where it computes in float32 by design."""
        _ = self.reference  # measures it
        return self.subject.rounding

    def at_least_rounding(self, tolerance: float) -> float:
        """Return a relative tolerance that the layer's precision allows; 0 stays 0."""
        return max(tolerance, 300 * self.rounding) if tolerance and self.rounding > 1e-15 else tolerance

    def usual_size(self, name: str) -> float:
        """Return the largest entry of ``y`` or of a gradient at the generic point, or of what it is computed from."""
        entering = float(np.abs(self.point.dy).max(initial=0)) * max(1.0, float(np.abs(self.point.x).max(initial=0)))
        _ = self.reference  # measures it
        return max(self.subject.usual_sizes.get(name, 0.0), 1e-3 * entering)

    @property
    def probe(self) -> Probe:
        """One clone at the generic point, for the many calls that need no fresh one."""
        if self._probe is None:
            self._probe = self.subject.at(self.point)
            self._probe.run(self.point)
        return self._probe

    @property
    def modes_differ(self) -> bool:
        """Whether training and inference give different outputs at the generic point."""
        y = self.probe.forward(self.point.x.copy(), not self.point.training)
        return not np.array_equal(y, self.reference["y"])

    def finding(
        self, message: str, target: str = "", why: str = "", *, line: str | None = None, **more: Any
    ) -> Finding:
        """Return an objection of the check that runs, with the line that computes ``target``, or ``line``."""
        where, source = source_of(self.subject.example, target if line is None else line)
        return Finding(self.check, message, target, why=why, where=where, source=source, **more)

    @property
    def surrogate(self) -> bool:
        """Whether the class declares that its gradient is not the derivative, as a straight-through estimator's."""
        return bool(getattr(self.subject.cls, "surrogate_gradient", False))

    def draw(self, input_shape: Shape | None = None, training: bool = True, **options: Any) -> Point:
        """Return another point, see ``draw_point``; by default for as many rows of the same shape.

        Raises
        ------
        Refused
            If there is none; its cause is what the layer raised.
        """
        shape = self.point.input_shape if input_shape is None else input_shape
        try:
            point = draw_point(self.subject, self.rng, shape, **{"batch": len(self.point.x), **options})
        except LayerFailure as failure:
            raise Refused(f"rows of {shape} refused") from failure
        output = self.subject.probe(shape, float, point.arguments).layer.output_shape
        if output is not None and point.dy.shape != (len(point.x), *output) and not self.subject.whole_batch:
            raise WrongShape(point.dy.shape, (len(point.x), *output))
        return point.with_(training=training)

    def drawn(self, **options: Any) -> Iterator[Point]:
        """Yield the point that `draw` returns, if the layer takes it."""
        with suppress(Refused, LayerFailure):
            point = self.draw(**options)
            self.run(point)
            yield point

    def compare(self, point: Point, told: str = "", *, lightly: bool = False, hard: bool = False) -> Finding | None:
        """Return the finding if an analytic gradient at ``point`` is wrong, else None.

        Parameters
        ----------
        told : str
            What is special about the point, for the report.
        lightly : bool
            Move along a few entries and directions only; all entries follow where something is off.
        hard : bool
            Measure and allow the layer's own rounding errors, at ill-conditioned inputs.

        Raises
        ------
        Unverified
            If the numerical gradient is too uncertain to tell.
        """
        if self.surrogate:
            return None
        most = self.most()
        if lightly:
            few = 20 if self.level == "thorough" else 1
            result = compare(self.subject, point, self.rng, most=few, hard=hard)
            if not result.mismatches and not result.weak:
                self._enter(result, hard)
                return None
            most = max(60, most)
        result = compare(self.subject, point, self.rng, most=most, hard=hard)
        self._enter(result, hard)
        if result.mismatches:
            return explanation.from_comparison(self.subject, point, result, self.check, told)
        if result.weak:
            raise Unverified(f"{', '.join(result.weak)}: the numerical gradient is too uncertain {told}".rstrip())
        return None

    def screen(self, point: Point, told: str) -> Finding | None:
        """Return the finding if a gradient at ``point`` looks wrong along a direction and then proves wrong.

        Raises
        ------
        LayerFailure
            What the layer raises.
        """
        finding = None
        if self.subject.has_parameters_pass:
            probe = self.subject.at(point)
            finding = next(self.parameters_pass(probe, point, probe.results(point)), None)
        if finding is not None or self.surrogate or not looks_wrong(self.subject, point, self.rng):
            return finding
        if self._at_a_pole(point):
            return None
        with suppress(Unverified):
            finding = self.compare(point, told, hard=True)
        return finding

    def _at_a_pole(self, point: Point) -> bool:
        """Return whether gradients are not finite here, nor bounded around: then they have no limit."""
        if point.integer or finite(self.results(point)):
            return False
        steps = normal(self.rng, point.x.shape) * max(1.0, float(np.abs(point.x).max(initial=0)))
        around = (self.results(point.with_(x=point.x + part * steps)) for part in (1e-5, 1e-8))
        far, near = (
            max(np.abs(np.nan_to_num(v, nan=np.inf)).max(initial=0) for v in found.values()) for found in around
        )
        return not near <= 2 * far

    def parameters_pass(self, probe: Probe, point: Point, expected: Arrays) -> Iterator[Finding]:
        """Yield a finding if `backward_parameters` sets other gradients than ``expected``."""
        found = probe.run_parameters(point)
        when = f"in {'training' if point.training else 'inference'} with {len(point.x)} rows"
        message = f"backward_parameters sets another {{}} than backward {when}"
        why = partial(explanation.of_parameters_pass, self.subject, point, found=found)
        gradients = {name: value for name, value in expected.items() if name not in ("y", "dx")}
        yield from self.unequal(gradients, found, message, why, tolerance=1e-9)

    def _enter(self, result: Comparison, hard: bool) -> None:
        self.controls += result.controls
        known = self.certificate.sensitivity
        for target, value in result.sensitivity.items() if self.check == "here" or not hard else ():
            worst = max(value, known.get(target, 0.0))
            known[target] = worst if self.check in ("numeric", "here") else known.get(target, value)
        for target, (tried, size) in result.sampled.items():
            self.certificate.cover("sampled", f"{target}: {tried} of {size} entries")
        if result.kinks:
            self.certificate.cover("kinks", f"{result.kinks} met in {self.check}")

    def unequal(
        self,
        expected: Gradients,
        found: Gradients,
        message: str,
        why: str | Callable[[str], str] = "",
        *,
        tolerance: float = 0.0,
    ) -> Iterator[Finding]:
        """Yield a finding for each array that is not as expected: the same call, made in another way, must agree.

        ``message`` holds ``{}`` where the name of the array goes; a function ``why`` gets the name. A tolerance of 0
        asks for equal bits.
        """
        for name, value in expected.items():
            # What cancels is rounding, compared with what it was computed from.
            known = value is not None
            if known and not close(found.get(name), value, self.at_least_rounding(tolerance), self.usual_size(name)):
                self.subject.work.begin(float("inf"))  # what is found is explained whatever it costs
                cause = why(name) if callable(why) else why
                shape = np.asarray(found.get(name)).shape
                if shape != value.shape:
                    cause = f"its shape is {shape}, expected {value.shape}"
                    if value.shape == (1, *shape):
                        cause = "the batch axis is lost where there is one row: an index for a slice, or squeeze"
                kind = "output" if name == "y" else "gradient"
                yield self.finding(message.format(name, kind=kind), name.removeprefix("the state "), cause)
