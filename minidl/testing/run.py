"""Run: the checks over one layer, in the order of their graph.

A check runs only if those before it passed, so that one bug gives one finding and not thirteen.
"""

import time
import zlib
from collections.abc import Iterable

import numpy as np

from minidl.testing import explanation
from minidl.testing.certificate import FAIL, NOTED, PASS, SKIPPED, UNVERIFIED, XFAIL, Verdict
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped, Unverified, from_failure
from minidl.testing.global_state import GlobalState, quiet
from minidl.testing.points import Refused
from minidl.testing.probe import LayerFailure, Misconduct
from minidl.testing.registry import Check
from minidl.testing.work import Exhausted

BUDGET = {"quick": 1_000_000, "standard": 6_000_000, "thorough": 100_000_000}  # of a check, see `Work`
Outcome = tuple[Finding | None, str, str]


def run_checks(examination: Examination, checks: Iterable[Check], expected: dict[str, str]) -> None:
    """Run the checks in order and enter what they find into the certificate."""
    start = time.perf_counter()
    with quiet():
        for check in checks:
            _run(examination, check, expected)
    examination.certificate.seconds += time.perf_counter() - start


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
    start = time.perf_counter()
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
    verdicts[check.name] = Verdict(check.name, outcome, reason, time.perf_counter() - start)


def _outcome(examination: Examination, check: Check) -> Outcome:
    """Return what a check objects to, its outcome and the reason; a change of global state comes before all."""
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
        finding = from_failure(check.name, failure)
        finding.why = explanation.of_rejected_gradient(examination.subject, examination.point, failure) or finding.why
    except Exception as error:
        if findings:  # what an earlier check objected to, such as a list in place of an array, can break a later one
            return None, SKIPPED, f"{findings[0].check} failed"
        if not isinstance(error, Misconduct):
            raise
        finding = _of_misconduct(examination, error)
    if finding is None:
        return None, PASS, ""
    known = next((other for other in findings if finding.resembles(other)), None)
    if known is not None:
        return None, SKIPPED, f"{known.check} failed"
    return finding, FAIL, finding.message


def _of_misconduct(examination: Examination, misconduct: Misconduct) -> Finding:
    if misconduct.failure is not None:
        return from_failure(examination.check, misconduct.failure)
    return examination.finding(str(misconduct), misconduct.target, misconduct.why, line=misconduct.target or "dx")
