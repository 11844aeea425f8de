"""Report: a certificate as text, one line for a pass, the cause and the place for a failure."""

from minidl.testing.certificate import PASS, SKIPPED, UNVERIFIED, XFAIL, Certificate
from minidl.testing.findings import Finding

CLEAR, LIKELY = 0.84, 0.6  # scores from which a cause stands alone, and from which it is worth naming beside another


def report(certificate: Certificate) -> str:
    """Return the text of section "What the user sees" of the guide."""
    lines = [_headline(certificate)]
    for finding in certificate.findings:
        lines += _finding(certificate, finding)
    for name in certificate.names(UNVERIFIED):
        lines.append(f" ? {name}   unverified: {certificate.verdicts[name].reason}")
    for name in certificate.names(XFAIL):
        lines.append(f" ~ {name}   expected to fail: {certificate.verdicts[name].reason}")
    if certificate.outcome == PASS:
        return lines[0]
    blocked: dict[str, list[str]] = {}
    for name in certificate.names(SKIPPED):
        reason = certificate.verdicts[name].reason
        if reason.endswith("failed"):
            blocked.setdefault(reason, []).append(name)
    lines += [f" not run because {reason}: {', '.join(names)}" for reason, names in blocked.items()]
    if certificate.sensitivity:
        lines.append(f" sensitivity  {sensitivity(certificate)}: a larger relative error would have been reported")
    return "\n".join(lines)


def alternatives(finding: Finding) -> list[str]:
    """Return the next causes, where the first one leaves something open and they are nearly as likely."""
    if (
        not finding.hypotheses
        or finding.hypotheses[0][1] >= CLEAR
        or not finding.why.endswith(finding.hypotheses[0][0])
    ):
        return []
    best = finding.hypotheses[0][1]
    return [text for text, score in finding.hypotheses[1:] if score >= max(LIKELY, best - 0.15)][:2]


def sensitivity(certificate: Certificate) -> str:
    """Return the smallest relative error that would have been seen, array by array."""
    return ", ".join(f"{target} {value:.0e}" for target, value in certificate.sensitivity.items())


def _headline(certificate: Certificate) -> str:
    count = len(certificate.findings)
    parts = [
        f"{count} finding{'' if count == 1 else 's'}",
        f"{len(certificate.names(PASS))} checks passed",
        f"{len(certificate.names(UNVERIFIED))} unverified",
        f"{certificate.seconds:.2f} s",
        f"seed {certificate.seed}",
    ]
    if certificate.outcome == PASS:
        parts = [
            *parts[1:2],
            *([f"sensitivity {sensitivity(certificate)}"] if certificate.sensitivity else []),
            *parts[3:],
        ]
    return f"{certificate.call}({certificate.subject})   {certificate.outcome}   {', '.join(parts)}"


def _finding(certificate: Certificate, finding: Finding) -> list[str]:
    if finding.analytic is not None and finding.numeric is not None:
        index = "" if finding.index is None else f"[{','.join(map(str, finding.index))}]"
        shown = f"{finding.target}{index}   analytic {finding.analytic:.9g}   numeric {finding.numeric:.9g}"
        if finding.error is not None:
            shown += f" +- {finding.error:.0e}"
    else:
        shown = finding.message
    lines = [f" x {finding.check}   {shown}" + (f"   {finding.detail}" if finding.detail else "")]
    if finding.analytic is not None and finding.message:
        lines.append(f"   what    {finding.message}")
    if finding.also:
        lines.append(f"   also    wrong: {', '.join(finding.also)}")
    if finding.why:
        lines.append(f"   why     {finding.why}")
    lines += [f"   or      {text}" for text in alternatives(finding)]
    if finding.slope is not None:
        lines.append(f"   taylor  remainder slope {finding.slope:.2f} (a right gradient gives 2.00)")
    if finding.where:
        source = f"   {finding.source}" if finding.source else ""
        lines.append(f"   where   {finding.where}{source}")
    if certificate.call in ("certify", "certify_loss"):
        lines.append(f"   again   {_again(certificate, finding)}")
    return lines


def _again(certificate: Certificate, finding: Finding) -> str:
    """Return the call that repeats a finding, and only its check."""
    shape = "" if certificate.input_shape is None else f", input_shape={certificate.input_shape}"
    level = "" if certificate.level == "standard" else f', level="{certificate.level}"'
    rest = f'{shape}, seed={certificate.seed}{level}, checks=["{finding.check}"]'
    return f"{certificate.call}({certificate.subject}{rest})"
