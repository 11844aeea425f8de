"""certify: one call that puts a layer to the test, and says what is wrong with it and where."""

import time
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minidl import checks as arguments
from minidl.testing import checks as _registered  # noqa: F401 - registers the checks
from minidl.testing.certificate import FAIL, Certificate, CertificationError, Verdict
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, from_failure
from minidl.testing.own_loss import own_loss_subjects
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Point
from minidl.testing.registry import CHECKS, LEVELS, chosen
from minidl.testing.run import run_checks
from minidl.testing.subject import Subject, subject_of
from minidl.typing import Shape


@dataclass(frozen=True)
class Request:
    """The arguments of a certification, see `certify`; ``call`` is the function that the user has called."""

    input_shape: Shape | None = None
    level: str = "standard"
    seed: int = 0
    checks: Iterable[str] | None = None
    exclude: Iterable[str] | None = None
    expected_failures: Mapping[str, str] | None = field(default_factory=dict)
    call: str = "certify"


def certify(
    layer: Any,
    *,
    input_shape: Shape | None = None,
    level: str = "standard",
    seed: int = 0,
    checks: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    expected_failures: Mapping[str, str] | None = None,
    on_fail: str = "raise",
) -> Certificate:
    """Put the backward pass of ``layer`` to the test; raise with a report of what is wrong.

    Parameters
    ----------
    layer : Layer, Layer class, function without arguments that makes one, or Subject
        It stays untouched: all work is done on clones.
    input_shape : tuple of int, optional
        Shape of a row. By default some are tried; the coverage says which was taken.
    level : {"quick", "standard", "thorough"}
        How much is tried: "quick" for a first look, "thorough" once in a while.
    seed : int
        Another seed draws other inputs, parameters and upstream gradients.
    checks, exclude : iterable of str, optional
        Only these, or all but these.
    expected_failures : dict of str to str, optional
        Checks that are known to fail, each with the reason. Such a check that passes is a finding.
    on_fail : {"raise", "return"}
        Whether a failure raises, or is left to the caller.

    Raises
    ------
    CertificationError
        If there is a finding; also if something could not be verified. Its text is the report.
    ArgumentError
        For a bad argument.

    Examples
    --------
    >>> from minidl.testing import certify
    >>> certify(minidl.layers.Dense(5)).outcome
    'PASS'
    """
    __tracebackhide__ = True
    subject = subject_of(layer)
    request = Request(input_shape, level, seed, checks, exclude, expected_failures, subject.call)
    certificate = examine(subject, request)
    for own in own_loss_subjects(subject) if certificate.passed else ():
        certificate.absorb(examine(own, request), "own loss")
    return concluded(certificate, on_fail)


def examine(subject: Subject, request: Request, point: Point | None = None) -> Certificate:
    """Run the checks on a subject, at its own point or at a given one, and return the certificate."""
    call = request.call
    arguments.choice(request.level, f"{call}: level", LEVELS)
    arguments.integer(request.seed, f"{call}: seed", minimum=0)
    expected = dict(request.expected_failures or {})
    for name in expected:
        arguments.choice(name, f"{call}: expected_failures", CHECKS)
    checks = chosen(request.checks, tuple(request.exclude or ()), request.level)
    examination = Examination(subject, request.level, request.seed, call)
    examination.certificate.input_shape = request.input_shape
    if _settle(examination, request.input_shape, point):
        run_checks(examination, checks, expected)
    return examination.certificate


def concluded(certificate: Certificate, on_fail: str) -> Certificate:
    """Return a certificate, or raise if it did not pass and ``on_fail`` says so."""
    __tracebackhide__ = True
    arguments.choice(on_fail, f"{certificate.call}: on_fail", ("raise", "return"))
    if not certificate.passed and on_fail == "raise":
        raise CertificationError(certificate)
    return certificate


def _settle(examination: Examination, input_shape: Shape | None, point: Point | None) -> bool:
    """Find a first point; enter a finding if there is none."""
    start, certificate = time.perf_counter(), examination.certificate
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            examination.settle(input_shape, point)
            return True
    except LayerFailure as failure:
        finding = from_failure("contract", failure, f"tried {failure.tried}" if failure.tried else "")
    except Refused as refused:
        why = "no input was found for which the output is finite"
        finding = Finding("contract", str(refused), why=why, detail=f"tried {refused.tried}")
    finally:
        certificate.seconds += time.perf_counter() - start
    certificate.findings.append(finding)
    certificate.verdicts["contract"] = Verdict("contract", FAIL, finding.message)
    return False
