"""certify: one call that tests a layer and reports what is wrong with it and where.

A check runs only if those before it passed, so that one bug produces one finding, not thirteen.
"""

import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypedDict, Unpack

import numpy as np

from minidl import checks as arguments
from minidl.testing import checks as _registered  # noqa: F401 - registers the checks
from minidl.testing.certificate import Certificate, CertificationError, Verdict
from minidl.testing.examination import Examination
from minidl.testing.findings import FAIL, NOTED, PASS, SKIPPED, UNVERIFIED, XFAIL, Finding, Skipped, Unverified
from minidl.testing.global_state import GlobalState, quiet
from minidl.testing.loss_layer import OwnLossSubject, has_own_losses, own_loss_point
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Misconduct, Point
from minidl.testing.registry import CHECKS, Check, chosen
from minidl.testing.subject import Subject, subject_of
from minidl.testing.work import Exhausted
from minidl.typing import Shape

BUDGET = {"quick": 1_000_000, "standard": 3_000_000, "thorough": 100_000_000}  # of a check, see `Work`
Outcome = tuple[Finding | None, str, str]


class Selection(TypedDict, total=False):
    """Which checks run and which of them are expected to fail; see `certify`."""

    checks: Iterable[str] | None
    exclude: Iterable[str] | None
    expected_failures: Mapping[str, str] | None


class Options(Selection, total=False):
    """Options of `certify`."""

    level: str
    seed: int
    on_fail: str


def certify(
    layer: Any,
    *,
    input_shape: Shape | None = None,
    level: str = "standard",
    seed: int = 0,
    on_fail: str = "raise",
    **selection: Unpack[Selection],
) -> Certificate:
    """Test the backward pass of ``layer``; if something is wrong, raise an error that reports it.

    Parameters
    ----------
    layer : Layer, Layer class, function without arguments that makes one, or Subject
        It is left unchanged: all tests run on clones.
    input_shape : tuple of int, optional
        Shape of a row. By default it is found by trial and recorded in the coverage.
    level : {"quick", "standard", "thorough"}
        How much is tested: "quick" for a first look, "thorough" for occasional full runs.
    seed : int
        Seed for the inputs, parameters and upstream gradients.
    checks, exclude : iterable of str, optional
        Names of the checks to run, or to leave out.
    expected_failures : dict of str to str, optional
        Checks that are known to fail, each with the reason. If such a check passes, that is a finding.
    on_fail : {"raise", "return"}
        Whether to raise an error on failure or return the certificate.

    Raises
    ------
    CertificationError
        If there is a finding, or if something could not be verified. Its text is the report.
    ArgumentError
        If an argument is invalid.

    Examples
    --------
    >>> from minidl.testing import certify
    >>> certify(minidl.layers.Dense(5)).outcome
    'PASS'
    """
    __tracebackhide__ = True
    subject = subject_of(layer)
    arguments.choice(on_fail, f"{subject.call}: on_fail", ("raise", "return"))
    examination = Examination(subject, level, seed)
    certificate = examine(examination, input_shape=input_shape, **selection)
    if not certificate.passed and on_fail == "raise":
        raise CertificationError(certificate)
    return certificate


def examine(
    examination: Examination,
    point: Point | None = None,
    input_shape: Shape | None = None,
    **selection: Unpack[Selection],
) -> Certificate:
    """Run the checks at the subject's own point or at a given one, and then those of its companions."""
    subject, level, certificate = examination.subject, examination.level, examination.certificate
    expected = dict(selection.get("expected_failures") or {})
    for name in expected:
        arguments.choice(name, f"{subject.call}: expected_failures", CHECKS)
    checks = chosen(selection.get("checks"), tuple(selection.get("exclude") or ()), level)
    certificate.input_shape = input_shape
    start = time.perf_counter()
    with quiet():
        finding = examination.settle(input_shape, point)
    if finding is not None:
        certificate.findings.append(finding)
        certificate.verdicts["contract"] = Verdict("contract", FAIL, finding.message)
    with quiet():  # global state that the first calls have changed is restored, so that a change shows again
        for check in checks if finding is None else ():
            _run(examination, check, expected)
    certificate.seconds = time.perf_counter() - start
    whole = not (selection.get("checks") or selection.get("exclude"))
    for label, other, its_checks in companions(subject) if certificate.passed else ():
        if its_checks is not None and not (whole and examination.at_least("standard")):
            continue
        there = None if point is None else own_loss_point(point)
        its_selection: Selection = selection if its_checks is None else {"checks": its_checks}
        found = examine(Examination(other, level, examination.seed), there, input_shape, **its_selection)
        certificate.absorb(found, label)
    return certificate


def companions(subject: Subject) -> Iterator[tuple[str, Subject, tuple[str, ...] | None]]:
    """Yield the companions of a subject with their checks: None for the checks of the subject."""
    yield from subject.companions()
    if has_own_losses(subject):
        yield "own loss", OwnLossSubject(subject), None


def _run(examination: Examination, check: Check, expected: dict[str, str]) -> None:
    verdicts = examination.certificate.verdicts
    for before in (verdicts[name] for name in check.after if name in verdicts):
        if before.outcome in (FAIL, XFAIL) or before.reason.endswith(" failed"):
            cause = before.reason if before.outcome == SKIPPED else f"{before.check} failed"
            verdicts[check.name] = Verdict(check.name, SKIPPED, cause)
            return
    if check.name in examination.subject.excluded:
        verdicts[check.name] = Verdict(check.name, SKIPPED, examination.subject.excluded[check.name])
        return
    examination.check = check.name
    examination.rng = np.random.default_rng([examination.seed, zlib.crc32(check.name.encode())])
    finding, outcome, reason = _outcome(examination, check)
    if finding is not None and examination.subject.is_house_rule(finding):
        outcome, reason, finding = NOTED, finding.message, None
    if finding is not None and check.name in expected:
        finding, outcome, reason = None, XFAIL, expected[check.name]
    elif check.name in expected and outcome == PASS:
        finding = Finding(check.name, f"expected to fail ({expected[check.name]}), but it passes")
        outcome = FAIL
    if finding is not None:
        examination.certificate.findings.append(finding)
    verdicts[check.name] = Verdict(check.name, outcome, reason)


def _outcome(examination: Examination, check: Check) -> Outcome:
    """Return a check's finding, outcome and reason; a change of global state takes precedence."""
    before, findings = GlobalState(), examination.certificate.findings
    outcome: Outcome = (None, PASS, "")
    try:
        outcome = _verdict(examination, check)
    except Exception:
        if not before.change()[0]:
            raise
    message, why = before.change()
    if not message:
        return outcome
    before.restore()
    if any(message == known.message for known in findings):
        return None, SKIPPED, f"{findings[0].check} failed"
    return examination.finding(message, "dx", why), FAIL, message


def _verdict(examination: Examination, check: Check) -> Outcome:
    findings = examination.certificate.findings
    examination.subject.work.begin(BUDGET[examination.level])
    try:
        finding = next(iter(check.run(examination) or ()), None)
    except Skipped as reason:
        return None, SKIPPED, str(reason)
    except (Unverified, Refused) as reason:
        return None, UNVERIFIED, str(reason)
    except Exhausted as reason:
        examination.certificate.cover("stopped", f"{check.name} {reason}")
        return None, PASS if examination.controls or check.name != "numeric" else UNVERIFIED, str(reason)
    except LayerFailure as failure:
        finding = examination.failed(failure)
    except Exception as error:
        if findings:  # an error found by an earlier check, such as a list instead of an array, can break a later one
            return None, SKIPPED, f"{findings[0].check} failed"
        if not isinstance(error, Misconduct):
            raise
        finding = examination.finding(str(error), error.target, error.why, line=error.line)
    if finding is None:
        return None, PASS, ""
    known = next((other for other in findings if finding.resembles(other)), None)
    if known is not None:
        return None, SKIPPED, f"{known.check} failed"
    return finding, FAIL, finding.message
