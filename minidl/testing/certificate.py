"""Certificate: the outcome of each check, the findings, the smallest detectable errors, and the report."""

import html
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from minidl.errors import MinidlError
from minidl.testing.findings import FAIL, NOTED, PASS, SKIPPED, UNVERIFIED, XFAIL, Finding
from minidl.typing import Shape

# How the report marks and introduces checks that neither passed nor failed.
MARKS = {
    UNVERIFIED: ("?", "unverified"),
    XFAIL: ("~", "expected to fail"),
    NOTED: ("~", "not counted, a rule of minidl's own layers"),
}
FEW_DIGITS = "few digits"  # key of the coverage whose entries the report shows
LARGE = 1e-4  # sensitivity from which the report warns, as for functions in float32


@dataclass
class Verdict:
    """Outcome of one check (``PASS``, ``FAIL``, ``UNVERIFIED``, ``SKIPPED``, ``XFAIL`` or ``NOTED``) and its reason."""

    check: str
    outcome: str
    reason: str = ""


@dataclass(repr=False)
class Certificate:
    """The result of `certify`.

    Attributes
    ----------
    subject : str
        The layer, as its constructor call.
    verdicts : dict of str to Verdict
        By name of the check, in the order they ran.
    findings : list of Finding
    sensitivity : dict of str to float
        By array: the smallest relative error of its gradient that would have been reported.
    coverage : dict of str to list
        Shapes, batches, layouts, regimes, arguments varied, kinks met, entries sampled.
    seed, level, input_shape : int, str, tuple or None
        As given, so that the run can be repeated.
    seconds : float

    Examples
    --------
    >>> from minidl.testing import certify
    >>> certificate = certify(minidl.layers.Tanh())
    >>> certificate.outcome, certificate.findings
    ('PASS', [])
    """

    subject: str
    seed: int
    level: str
    call: str = "certify"
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sensitivity: dict[str, float] = field(default_factory=dict)
    coverage: dict[str, list[str]] = field(default_factory=dict)
    seconds: float = 0.0
    input_shape: Shape | None = None

    @property
    def outcome(self) -> str:
        """The overall outcome, the first of ``FAIL``, ``UNVERIFIED``, ``XFAIL`` and ``PASS`` that occurred."""
        outcomes = {verdict.outcome for verdict in self.verdicts.values()}
        return next((outcome for outcome in (FAIL, UNVERIFIED, XFAIL) if outcome in outcomes), PASS)

    @property
    def passed(self) -> bool:
        """Whether nothing failed and nothing is unverified."""
        return self.outcome in (PASS, XFAIL)

    def __bool__(self) -> bool:
        return self.passed

    def names(self, *outcomes: str) -> list[str]:
        """Return the names of the checks with one of these outcomes."""
        return [name for name, verdict in self.verdicts.items() if verdict.outcome in outcomes]

    def cover(self, kind: str, what: Any) -> None:
        """Record an item as covered, once."""
        entries = self.coverage.setdefault(kind, [])
        if str(what) not in entries:
            entries.append(str(what))

    def absorb(self, other: "Certificate", label: str) -> None:
        """Add the verdicts and findings of another certificate as ``label/check``."""
        for name, verdict in other.verdicts.items():
            self.verdicts[f"{label}/{name}"] = verdict
        for finding in other.findings:
            finding.check = f"{label}/{finding.check}"
        self.findings += other.findings
        for told in other.coverage.get(FEW_DIGITS, ()):
            self.cover(FEW_DIGITS, f"{label}/{told}")
        self.seconds += other.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, dicts, strings and numbers."""
        return {"outcome": self.outcome, **asdict(self)}

    def to_json(self, **options: Any) -> str:
        """Return `to_dict` as JSON; ``options`` go to ``json.dumps``."""
        options = {"default": lambda value: value.item() if hasattr(value, "item") else str(value), **options}
        return json.dumps(self.to_dict(), **options)

    def __repr__(self) -> str:
        return report(self)

    def _repr_html_(self) -> str:
        """Show the report in a notebook, line by line."""
        return f"<pre>{html.escape(report(self))}</pre>"


class CertificationError(MinidlError, AssertionError):
    """A layer failed its certification; the text is the report, ``certificate`` holds all of it."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(str(certificate))
        self.certificate = certificate


def report(certificate: Certificate) -> str:
    """Return the report, as shown in section "What the user sees" of the guide."""
    lines = [_headline(certificate)]
    for finding in certificate.findings:
        lines += _finding(certificate, finding)
    for outcome, (mark, told) in MARKS.items():
        reasons = {name: certificate.verdicts[name].reason for name in certificate.names(outcome)}
        lines += [f" {mark} {name}   {told}: {reason}" for name, reason in reasons.items()]
    for target, value in certificate.sensitivity.items():
        if value > LARGE:
            lines.append(f" ~ {target}   few digits: an error below {value:.0e} of the largest entry goes unseen")
    lines += [f" ~ {told}" for told in certificate.coverage.get(FEW_DIGITS, ())]
    if certificate.outcome == PASS:
        return "\n".join(lines)
    blocked: dict[str, list[str]] = {}
    for name in certificate.names(SKIPPED):
        blocked.setdefault(certificate.verdicts[name].reason, []).append(name)
    failed = {reason: names for reason, names in blocked.items() if reason.endswith("failed")}
    lines += [f" not run because {reason}: {', '.join(names)}" for reason, names in failed.items()]
    if certificate.sensitivity:
        lines.append(f" sensitivity  {sensitivity(certificate)}: a larger relative error would have been reported")
    return "\n".join(lines)


def sensitivity(certificate: Certificate) -> str:
    """Return the lines that give the smallest detectable relative error of each array."""
    return ", ".join(f"{target} {value:.0e}" for target, value in certificate.sensitivity.items())


def _headline(certificate: Certificate) -> str:
    count, passed = len(certificate.findings), f"{len(certificate.names(PASS))} checks passed"
    if certificate.outcome == PASS:
        parts = [passed, *([f"sensitivity {sensitivity(certificate)}"] if certificate.sensitivity else [])]
    else:
        unverified = f"{len(certificate.names(UNVERIFIED))} unverified"
        parts = [f"{count} finding{'' if count == 1 else 's'}", passed, unverified]
    parts += [f"{certificate.seconds:.2f} s", f"seed {certificate.seed}"]
    return f"{certificate.call}({certificate.subject})   {certificate.outcome}   {', '.join(parts)}"


def _finding(certificate: Certificate, finding: Finding) -> list[str]:
    compared = finding.analytic is not None and finding.numeric is not None
    shown = finding.message
    if compared:
        index = "" if finding.index is None else f"[{','.join(map(str, finding.index))}]"
        shown = f"{finding.target}{index}   analytic {finding.analytic:.9g}   numeric {finding.numeric:.9g}"
        shown += "" if finding.error is None else f" +- {finding.error:.0e}"
    slope = "" if finding.slope is None else f"{finding.slope:.2f}"
    rows = [
        ("what", finding.message if compared else ""),
        ("also", f"wrong: {', '.join(finding.also)}" if finding.also else ""),
        ("why", finding.why),
        ("taylor", slope and f"remainder slope {slope} (a right gradient gives 2.00)"),
        ("where", "   ".join(filter(None, [finding.where, finding.source]))),
        ("again", _again(certificate, finding) if certificate.call != "certify_model" else ""),
    ]
    head = "   ".join(filter(None, [f" x {finding.check}", shown, finding.detail]))
    return [head, *(f"   {label:8}{text}" for label, text in rows if text)]


def _again(certificate: Certificate, finding: Finding) -> str:
    """Return the call that repeats a finding by running only its check."""
    shape = "" if certificate.input_shape is None else f", input_shape={certificate.input_shape}"
    level = "" if certificate.level == "standard" else f', level="{certificate.level}"'
    # An object without a repr is not shown as a call.
    subject = "layer" if certificate.subject.endswith("(...)") else certificate.subject
    rest = f'{shape}, seed={certificate.seed}{level}, checks=["{finding.check}"]'
    return f"{certificate.call}({subject}{rest})"
