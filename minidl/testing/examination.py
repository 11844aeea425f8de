"""Examination: one run of the checks over one layer, in the order of their graph.

A check runs only if those before it passed, so that one bug gives one finding and not thirteen.
"""

import time
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np

from minidl.testing import blame
from minidl.testing.certificate import FAIL, PASS, SKIPPED, UNVERIFIED, XFAIL, Certificate, Verdict
from minidl.testing.comparison import Comparison, compare
from minidl.testing.findings import Finding, Skipped, Unverified, from_failure
from minidl.testing.glance import alike, suspicious
from minidl.testing.places import source_of
from minidl.testing.points import Refused, draw_point, first_point, normal, resampled
from minidl.testing.probe import Gradients, LayerFailure, Misconduct, Point, Probe
from minidl.testing.registry import LEVELS, Check, chosen
from minidl.testing.subject import Subject
from minidl.testing.surroundings import Surroundings, quiet
from minidl.typing import Array, Shape


class Examination:
    """What a check is given: the layer, a generic point, and ways to run and compare.

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

    def __init__(self, subject: Subject, level: str, seed: int, call: str = "certify") -> None:
        self.subject, self.level, self.seed = subject, level, seed
        self.certificate = Certificate(subject.name, seed, level, call)
        self.rng = np.random.default_rng(seed)
        self.check, self.controls = "", 0
        self._probe: Probe | None = None
        self._reference: tuple[Array, Gradients] | None = None
        self._cleared: Point | None = None  # looked suspicious last, and was found right

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
                self.subject.domain = resampled(point.x)
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

    @property
    def reference(self) -> tuple[Array, Gradients]:
        """``y`` and all gradients of a fresh clone at the generic point."""
        if self._reference is None:
            self._reference = self.run(self.point)
        return self._reference

    @property
    def probe(self) -> Probe:
        """One clone at the generic point, kept through the run: for the many calls that need no fresh one."""
        if self._probe is None:
            self._probe = self.subject.at(self.point)
            self._probe.run(self.point)
        return self._probe

    @property
    def modes_differ(self) -> bool:
        """Whether training and inference give different outputs at the generic point."""
        y = self.probe.forward(self.point.x.copy(), not self.point.training)
        return not np.array_equal(y, self.reference[0])

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

    def draw(self, input_shape: Shape | None = None, **options: Any) -> Point:
        """Return another point, see ``draw_point``; by default for as many rows of the same shape."""
        shape = self.point.input_shape if input_shape is None else input_shape
        return draw_point(self.subject, self.rng, shape, **{"batch": len(self.point.x), **options})

    def compare(
        self, point: Point, situation: str = "", *, check: str = "", lightly: bool = False, hard: bool = False
    ) -> Finding | None:
        """Return the finding if an analytic gradient at ``point`` is wrong, else None.

        Parameters
        ----------
        situation : str
            What is special about the point, for the report.
        check : str
            Name for the finding; by default the check that runs.
        lightly : bool
            Move along a few entries and directions only; all entries follow where something is off.
        hard : bool
            Measure and forgive the layer's own rounding errors, at ill-conditioned inputs.

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
            return blame.from_comparison(self, point, result, check or self.check, situation)
        if result.weak:
            raise Unverified(f"{', '.join(result.weak)}: the numerical gradient is too uncertain {situation}".rstrip())
        return None

    def glance(self, point: Point, situation: str) -> Finding | None:
        """Return the finding if a gradient at ``point`` looks wrong along a direction and then proves wrong.

        Raises
        ------
        LayerFailure
            What the layer raises.
        """
        finding = self._parameters_pass(point)
        if finding is not None or self.surrogate or not suspicious(self.subject, point, self.rng):
            return finding
        if self._cleared is not None and alike(self.subject, point, self._cleared, self.rng):
            return None
        if self._at_a_pole(point):
            return None
        try:
            finding = self.compare(point, situation, hard=True)
        except Unverified:
            return None
        self._cleared = None if finding else point
        return finding

    def _at_a_pole(self, point: Point) -> bool:
        """Return whether gradients are not finite here, nor bounded around: then they have no limit."""
        if point.x.dtype.kind != "f" or _largest(self.run(point)[1]) < np.inf:
            return False
        steps = normal(self.rng, point.x.shape) * max(1.0, float(np.abs(point.x).max(initial=0)))
        far, near = (_largest(self.run(point.with_(x=point.x + part * steps))[1]) for part in (1e-5, 1e-8))
        return not near <= 2 * far

    def _parameters_pass(self, point: Point) -> Finding | None:
        """Return the finding if `backward_parameters`, where the layer has its own, sets other gradients."""
        if not self.subject.has_parameters_pass:
            return None
        probe = self.subject.at(point)
        expected = probe.run(point)[1]
        found = probe.run_parameters(point)
        for name, value in found.items():
            size = np.abs(expected[name]).max(initial=0, where=np.isfinite(expected[name]))
            if not np.allclose(value, expected[name], rtol=1e-9, atol=1e-11 * size, equal_nan=True):
                when = f"in {'training' if point.training else 'inference'} with {len(point.x)} rows"
                return self.finding(f"backward_parameters sets another {name} than backward {when}", name)
        return None

    def _enter(self, result: Comparison, hard: bool) -> None:
        self.controls += result.controls
        known = self.certificate.sensitivity
        for target, value in result.sensitivity.items() if self.check == "here" or not hard else ():
            known[target] = (
                max(value, known.get(target, 0.0)) if self.check in ("numeric", "here") else known.get(target, value)
            )
        for target, (tried, size) in result.sampled.items():
            self.certificate.cover("sampled", f"{target}: {tried} of {size} entries")
        if result.kinks:
            self.certificate.cover("kinks", f"{result.kinks} met in {self.check}")

    def examine(self, checks: Iterable[str] | None, exclude: Iterable[str], expected: dict[str, str]) -> Certificate:
        """Run the checks in order and return the certificate."""
        start = time.perf_counter()
        with quiet():
            for check in chosen(checks, exclude, self.level):
                self._run(check, expected)
        self.certificate.seconds += time.perf_counter() - start
        return self.certificate

    def _run(self, check: Check, expected: dict[str, str]) -> None:
        verdicts = self.certificate.verdicts
        for before in (verdicts[name] for name in check.after if name in verdicts):
            if before.outcome in (FAIL, XFAIL) or before.reason.endswith(" failed"):
                cause = before.reason if before.outcome == SKIPPED else f"{before.check} failed"
                verdicts[check.name] = Verdict(check.name, SKIPPED, cause)
                return
        start = time.perf_counter()
        self.check, self.rng = check.name, np.random.default_rng([self.seed, zlib.crc32(check.name.encode())])
        finding, outcome, reason = self._outcome(check)
        if finding is not None and check.name in expected:
            finding, outcome, reason = None, XFAIL, expected[check.name]
        elif check.name in expected and outcome == PASS:
            finding = Finding(check.name, f"expected to fail ({expected[check.name]}), but it passes")
            outcome = FAIL
        if finding is not None:
            self.certificate.findings.append(finding)
        verdicts[check.name] = Verdict(check.name, outcome, reason, time.perf_counter() - start)

    def _outcome(self, check: Check) -> tuple[Finding | None, str, str]:
        """Return what a check objects to, its outcome and the reason; a change of global state comes before all."""
        around = Surroundings()
        outcome: tuple[Finding | None, str, str] = (None, PASS, "")
        try:
            outcome = self._verdict(check)
        except Exception:
            if not around.change()[0]:
                raise
        message, why = around.change()
        if not message:
            return outcome
        around.restore()
        if any(message == known.message for known in self.certificate.findings):
            return None, SKIPPED, f"{self.certificate.findings[0].check} failed"
        return self.finding(message, "dx", why), FAIL, message

    def _verdict(self, check: Check) -> tuple[Finding | None, str, str]:
        try:
            finding = next(iter(check.run(self) or ()), None)
        except Skipped as reason:
            return None, SKIPPED, str(reason)
        except (Unverified, Refused) as reason:
            return None, UNVERIFIED, str(reason)
        except Misconduct as misconduct:
            if self.certificate.findings:
                return None, SKIPPED, f"{self.certificate.findings[0].check} failed"
            finding = self._of_misconduct(misconduct)
        except Exception as error:
            if not isinstance(error, LayerFailure):
                if not self.certificate.findings:
                    raise
                # What an earlier check objected to, such as a list in place of an array, can break a later one.
                return None, SKIPPED, f"{self.certificate.findings[0].check} failed"
            failure = error
            finding = from_failure(check.name, failure)
            finding.why = blame.of_rejected_gradient(self.subject, self.point, failure) or finding.why
        if finding is None:
            return None, PASS, ""
        known = next((other for other in self.certificate.findings if finding.resembles(other)), None)
        if known is not None:
            return None, SKIPPED, f"{known.check} failed"
        return finding, FAIL, finding.message

    def _of_misconduct(self, misconduct: Misconduct) -> Finding:
        if misconduct.failure is not None:
            return from_failure(self.check, misconduct.failure)
        return self.finding(str(misconduct), misconduct.target, misconduct.why, line=misconduct.target or "dx")


def _largest(gradients: Gradients) -> float:
    """Return the largest magnitude among all entries, infinity if one is no number."""
    sizes = [float(np.abs(value).max(initial=0)) for value in gradients.values() if value is not None]
    return max((size if size < np.inf else np.inf for size in sizes), default=0.0)
