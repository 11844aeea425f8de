"""certify: one call that puts a layer to the test, and says what is wrong with it and where."""

from collections.abc import Iterable, Mapping
from typing import Any

from minidl import checks as arguments
from minidl.testing import checks as _registered  # noqa: F401 - registers the checks
from minidl.testing.certificate import FAIL, Certificate, CertificationError, Verdict
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, from_failure
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Point
from minidl.testing.registry import CHECKS, LEVELS
from minidl.testing.subject import Subject
from minidl.typing import Shape


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
    layer : Layer, Layer class or function without arguments that makes one
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
    return examine(Subject(layer), input_shape, level, seed, checks, exclude, expected_failures, on_fail)


def examine(
    subject: Subject,
    input_shape: Shape | None,
    level: str,
    seed: int,
    checks: Iterable[str] | None,
    exclude: Iterable[str] | None,
    expected_failures: Mapping[str, str] | None,
    on_fail: str,
    *,
    call: str = "certify",
    point: Point | None = None,
) -> Certificate:
    """Run the checks on a subject, and raise or return as asked: what the functions of this package share."""
    arguments.choice(level, f"{call}: level", LEVELS)
    arguments.integer(seed, f"{call}: seed", minimum=0)
    arguments.choice(on_fail, f"{call}: on_fail", ("raise", "return"))
    expected = dict(expected_failures or {})
    for name in expected:
        arguments.choice(name, f"{call}: expected_failures", CHECKS)
    examination = Examination(subject, level, seed, call)
    certificate = examination.certificate
    certificate.input_shape = input_shape
    refusal = _settle(examination, input_shape, point)
    if refusal is None:
        examination.examine(checks, tuple(exclude or ()), expected)
    else:
        certificate.findings.append(refusal)
        certificate.verdicts["contract"] = Verdict("contract", FAIL, refusal.message)
    if not certificate.passed and on_fail == "raise":
        raise CertificationError(certificate)
    return certificate


def _settle(examination: Examination, input_shape: Shape | None, point: Point | None) -> Finding | None:
    """Find a first point; return what stands against it if there is none."""
    import time
    import warnings

    import numpy as np

    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            examination.settle(input_shape, point)
    except LayerFailure as failure:
        tried = failure.args[0].rpartition("(tried")[2]
        return from_failure("contract", failure, f"tried{tried}".rstrip(")") if tried else "")
    except Refused as refused:
        return Finding("contract", str(refused), why="no input was found for which the output is finite")
    finally:
        examination.certificate.seconds += time.perf_counter() - start
    return None
