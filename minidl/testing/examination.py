"""Examination: the argument of every check - the layer, a generic point, and ways to run and compare."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minidl import checks as arguments
from minidl.testing import explanation
from minidl.testing.agreement import close
from minidl.testing.certificate import Certificate
from minidl.testing.comparison import Comparison, compare
from minidl.testing.derivative import LENGTHS
from minidl.testing.findings import Finding, Unverified, from_failure
from minidl.testing.points import Refused, WrongShape, between_rows, draw_point, first_point, rows_of
from minidl.testing.probe import Arrays, Gradients, LayerFailure, Point, Probe
from minidl.testing.registry import LEVELS
from minidl.testing.source_lines import source_of
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

# The first estimates of one comparison, as a fraction of what the check may still cost.
COMPARISON, DOUBT = 0.3, 0.05  # at an ordinary point; at one of many that screening finds suspicious
FEWEST = 4  # entries of each array that are compared at any cost


class Examination:
    """One layer under examination.

    Attributes
    ----------
    subject : Subject
    point : Point
        Generic point: Gaussian input and upstream gradient, parameters away from the initial ones, training mode.
    certificate : Certificate
    level : str
    rng : Generator
        A new generator for each check, seeded by the seed and the check's name.
    """

    def __init__(self, subject: Subject, level: str = "standard", seed: int = 0) -> None:
        arguments.choice(level, f"{subject.call}: level", LEVELS)
        arguments.integer(seed, f"{subject.call}: seed", minimum=0)
        self.subject, self.level, self.seed = subject, level, seed
        self.certificate = Certificate(subject.name, seed, level, subject.call)
        self.rng = np.random.default_rng(seed)
        self.check, self.controls = "", 0
        self.undecided: set[tuple[str, Shape]] = set()  # points like these are beyond numerical gradients
        self._probe: Probe | None = None
        self._reference: Arrays | None = None

    def settle(self, input_shape: Shape | None, point: Point | None = None) -> Finding | None:
        """Find the first point that the layer accepts; return a finding if there is none."""
        try:
            found = (point, f"input {point.x.shape}, given") if point else None
            self.point, how = found or first_point(self.subject, self.rng, input_shape)
        except LayerFailure as failure:
            return from_failure("contract", failure, f"tried {failure.tried}" if failure.tried else "")
        except Refused as refused:
            why = "no input was found for which the output is finite"
            return Finding("contract", str(refused), why=why, detail=f"tried {refused.tried}")
        if self.subject.domain is None:
            self.subject.domain = between_rows(self.point.x)
        self.certificate.cover("inputs", how)
        return None

    def most(self) -> int:
        """Return the largest number of entries of an array to try at this level."""
        return {"quick": 8, "standard": 60, "thorough": 1000}[self.level]

    def at_least(self, level: str) -> bool:
        """Return whether the certification runs at ``level`` or above."""
        return LEVELS.index(self.level) >= LEVELS.index(level)

    def run(self, point: Point) -> tuple[Array, Gradients]:
        """Return ``y`` and all gradients of a fresh clone at ``point``."""
        return self.subject.run(point)

    def results(self, point: Point) -> Arrays:
        """Return copies of the results of `run` by name, without those that are None."""
        return self.subject.at(point).results(point)

    @property
    def reference(self) -> Arrays:
        """The results of a fresh clone at the generic point."""
        if self._reference is None:
            self._reference = self.results(self.point)
            self.subject.measure(self.point, self._reference)
        return self._reference

    def batches(self, *rows: int, point: Point | None = None, both_modes: bool = True) -> Iterator[Point]:
        """Yield ``point`` (default: the generic one) and points with other row counts, by default in both modes."""
        point = point or self.point
        for training in self.subject.modes if both_modes else (point.training,):
            here = point.with_(training=training)
            yield here
            for count in rows:
                with suppress(LayerFailure):  # the number of rows is tested by `batch`
                    yield rows_of(self.subject, self.rng, here, count)

    @property
    def rounding(self) -> float:
        """Relative rounding error of the layer: that of float32 if it computes in float32 by design."""
        _ = self.reference  # measures it
        return self.subject.rounding

    def at_least_rounding(self, tolerance: float) -> float:
        """Return the tolerance, raised if the layer's precision requires it; 0 stays 0."""
        return max(tolerance, 300 * self.rounding) if tolerance and self.rounding > 1e-15 else tolerance

    def usual_size(self, name: str) -> float:
        """Return the magnitude of ``y`` or a gradient at the generic point, or of the values it is computed from."""
        entering = float(np.abs(self.point.dy).max(initial=0)) * max(1.0, float(np.abs(self.point.x).max(initial=0)))
        _ = self.reference  # measures it
        return max(self.subject.usual_sizes.get(name, 0.0), 1e-3 * entering)

    @property
    def probe(self) -> Probe:
        """One clone at the generic point, for calls that do not need a fresh one."""
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
        """Return a finding of the running check, with the source line that computes ``target``, or ``line``."""
        where, source = source_of(self.subject.example, target if line is None else line)
        return Finding(self.check, message, target, why=why, where=where, source=source, **more)

    def failed(self, failure: LayerFailure, point: Point | None = None, told: str = "") -> Finding:
        """Return the finding for an exception inside the layer at ``point``, by default the generic one."""
        finding = from_failure(self.check, failure, told)
        finding.why = explanation.of_rejected_gradient(self.subject, point or self.point, failure) or finding.why
        return finding

    @property
    def surrogate(self) -> bool:
        """Whether the class declares that its gradient is not the derivative, as for a straight-through estimator."""
        return bool(getattr(self.subject.cls, "surrogate_gradient", False))

    def draw(self, input_shape: Shape | None = None, training: bool = True, **options: Any) -> Point:
        """Return another point, see ``draw_point``; by default with the same number and shape of rows.

        Raises
        ------
        Refused, LayerFailure
            If the layer accepts none.
        """
        shape = self.point.input_shape if input_shape is None else input_shape
        point = draw_point(self.subject, self.rng, shape, **{"batch": len(self.point.x), **options})
        output = self.subject.mold(shape, float, point.arguments).layer.output_shape
        if output is not None and point.dy.shape != (len(point.x), *output) and not self.subject.whole_batch:
            raise WrongShape(point.dy.shape, (len(point.x), *output))
        return point.with_(training=training)

    def drawn(self, **options: Any) -> Iterator[Point]:
        """Yield the point that `draw` returns, if the layer accepts it."""
        with suppress(Refused, LayerFailure):
            point = self.draw(**options)
            self.run(point)
            yield point

    def compare(self, point: Point, told: str = "", *, lightly: bool = False, hard: bool = False) -> Iterator[Finding]:
        """Yield a finding if an analytic gradient at ``point`` is wrong.

        Parameters
        ----------
        told : str
            What is special about the point, for the report.
        lightly : bool
            Move along a few entries and directions only; all entries follow if something is off.
        hard : bool
            Measure and allow the layer's own rounding errors, at ill-conditioned inputs.

        Raises
        ------
        Unverified
            If the numerical gradient is too uncertain to decide.
        """
        if self.surrogate:
            return
        few = 20 if self.level == "thorough" else 1
        limit = max(FEWEST, self.affordable(point, DOUBT if hard else COMPARISON))
        for most in (few, min(max(60, self.most()), limit)) if lightly else (min(self.most(), limit),):
            result = compare(self.subject, point, self.rng, most=most, hard=hard)
            if not result.mismatches and not result.weak:
                break
        self._enter(result, hard)
        if result.mismatches:
            yield explanation.from_comparison(self.subject, point, result, self.check, told)
        elif result.weak:
            raise Unverified(f"{', '.join(result.weak)}: the numerical gradient is too uncertain {told}".rstrip())

    def affordable(self, point: Point, share: float) -> int:
        """Return how many entries of each array one comparison may take; negative at the end of a check."""
        work, arrays = self.subject.work, 1 + len(point.parameters)
        return int(share * (work.limit - work.done) / (2 * LENGTHS * arrays * work.cost(point.x)))

    def parameters_pass(self, probe: Probe, point: Point, expected: Gradients) -> Iterator[Finding]:
        """Yield a finding if the gradients set by `backward_parameters` differ from ``expected``."""
        found = probe.run_parameters(point)
        message = f"backward_parameters sets another {{}} than backward {point.told}"
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
        """Yield a finding for each array that differs from ``expected``, the result of an equivalent call.

        ``message`` contains ``{}`` for the name of the array; a function ``why`` gets that name. A tolerance of 0
        requires identical bits.
        """
        for name, value in expected.items():
            # The result of a cancellation is rounding, compared with the values it was computed from.
            known = value is not None
            if known and not close(found.get(name), value, self.at_least_rounding(tolerance), self.usual_size(name)):
                self.subject.work.diagnose()
                cause = why(name) if callable(why) else why
                shape = np.asarray(found.get(name)).shape
                if shape != value.shape:
                    cause = f"its shape is {shape}, expected {value.shape}"
                    if value.shape == (1, *shape):
                        cause = "the batch axis is lost where there is one row: an index for a slice, or squeeze"
                kind = "output" if name == "y" else "gradient"
                yield self.finding(message.format(name, kind=kind), name.removeprefix("the state "), cause)
