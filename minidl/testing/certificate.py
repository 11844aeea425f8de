"""Certificate: what became of each check, what was objected to, how small an error would have been seen."""

from dataclasses import dataclass, field
from typing import Any

from minidl.errors import MinidlError
from minidl.testing.findings import Finding
from minidl.typing import Shape

PASS, FAIL, UNVERIFIED, SKIPPED, XFAIL = "PASS", "FAIL", "UNVERIFIED", "SKIPPED", "XFAIL"


@dataclass
class Verdict:
    """What became of one check: ``PASS``, ``FAIL``, ``UNVERIFIED``, ``SKIPPED`` or ``XFAIL``; and why."""

    check: str
    outcome: str
    reason: str = ""
    seconds: float = 0.0


@dataclass
class Certificate:
    """The result of `certify`.

    Attributes
    ----------
    subject : str
        The layer, as its constructor call.
    verdicts : dict of str to Verdict
        By name of the check, in the order in which they ran.
    findings : list of Finding
    sensitivity : dict of str to float
        By array: a larger relative error of its gradient would have been reported.
    coverage : dict of str to list
        Shapes, batches, layouts, regimes, arguments varied, kinks met, entries sampled.
    seed, level, input_shape : int, str, tuple or None
        As given, to run it again.
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
        """The verdict on the whole: ``FAIL`` before ``UNVERIFIED`` before ``XFAIL`` before ``PASS``."""
        outcomes = {verdict.outcome for verdict in self.verdicts.values()}
        return next((outcome for outcome in (FAIL, UNVERIFIED, XFAIL) if outcome in outcomes), PASS)

    @property
    def passed(self) -> bool:
        """Whether nothing was objected to and nothing stayed unverified."""
        return self.outcome in (PASS, XFAIL)

    def __bool__(self) -> bool:
        return self.passed

    def names(self, *outcomes: str) -> list[str]:
        """Return the checks with one of these outcomes."""
        return [name for name, verdict in self.verdicts.items() if verdict.outcome in outcomes]

    def cover(self, kind: str, what: Any) -> None:
        """Enter something that was covered, once."""
        entries = self.coverage.setdefault(kind, [])
        if str(what) not in entries:
            entries.append(str(what))

    def absorb(self, other: "Certificate", label: str) -> None:
        """Enter the verdicts and findings of another certificate as ``label/check``."""
        for name, verdict in other.verdicts.items():
            self.verdicts[f"{label}/{name}"] = verdict
        for finding in other.findings:
            finding.check = f"{label}/{finding.check}"
        self.findings += other.findings
        self.seconds += other.seconds

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists, dicts, strings and numbers."""
        return {
            "subject": self.subject,
            "outcome": self.outcome,
            "level": self.level,
            "seed": self.seed,
            "seconds": round(self.seconds, 4),
            "verdicts": {name: {"outcome": v.outcome, "reason": v.reason} for name, v in self.verdicts.items()},
            "findings": [finding.to_dict() for finding in self.findings],
            "sensitivity": self.sensitivity,
            "coverage": self.coverage,
        }

    def to_json(self, **options: Any) -> str:
        """Return `to_dict` as JSON; ``options`` go to ``json.dumps``."""
        import json

        return json.dumps(self.to_dict(), default=_plain, **options)

    def __str__(self) -> str:
        from minidl.testing.report import report

        return report(self)


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)


class CertificationError(MinidlError, AssertionError):
    """A layer failed its certification; the text is the report, ``certificate`` holds all of it."""

    def __init__(self, certificate: Certificate) -> None:
        super().__init__(str(certificate))
        self.certificate = certificate
