"""One test for each layer and check: `parametrize_with_checks`, and the basis of the pytest plugin."""

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, partial
from typing import Any

from minidl.packages import import_package
from minidl.testing import checks as _registered  # noqa: F401 - registers the checks
from minidl.testing.certificate import Certificate
from minidl.testing.certification import certify
from minidl.testing.findings import FAIL, NOTED, SKIPPED, UNVERIFIED, XFAIL
from minidl.testing.registry import CHECKS, chosen
from minidl.testing.subject import subject_of

Expected = Mapping[str, str] | Callable[[Any], Mapping[str, str]] | None


class Candidate:
    """A layer whose certification runs once, when its first check is requested."""

    def __init__(self, layer: Any, expected_failures: Expected = None, level: str = "standard", seed: int = 0) -> None:
        self.layer, self.level, self.seed = layer, level, seed
        self.expected = expected_failures(layer) if callable(expected_failures) else expected_failures
        self.name = subject_of(layer).name

    @cached_property
    def certificate(self) -> Certificate:
        """The certificate of the layer, computed on first use."""
        return certify(self.layer, level=self.level, seed=self.seed, expected_failures=self.expected, on_fail="return")

    def checks(self) -> list[str]:
        """Return the names of the checks that run at this level."""
        return [check.name for check in chosen(None, (), self.level)]

    def conclude(self, check: str, layer: Any = None) -> None:
        """Make the running test pass, skip, xfail or fail according to this layer's verdict on ``check``."""
        import pytest

        verdict = self.certificate.verdicts.get(check)
        if verdict is None:  # the layer could not even be built, so `contract` failed
            pytest.skip("contract failed")
        if verdict.outcome == SKIPPED:
            pytest.skip(verdict.reason)
        if verdict.outcome in (XFAIL, NOTED):
            pytest.xfail(verdict.reason)
        if verdict.outcome == UNVERIFIED:
            pytest.fail(f"{self.name}: {check}: unverified: {verdict.reason}", pytrace=False)
        if verdict.outcome == FAIL:
            pytest.fail(str(self.certificate), pytrace=False)


def parametrize_with_checks(
    layers: Iterable[Any], *, expected_failures: Expected = None, level: str = "standard", seed: int = 0
) -> Any:
    """Decorator that creates a pytest test for each layer and check, with ids such as ``Dense(5)-numeric``.

    Parameters
    ----------
    layers : iterable of Layer, Layer class or function
    expected_failures : dict of str to str, or function, optional
        Checks that are known to fail, each with the reason; a function takes the layer and returns such a dict.
    level, seed
        As in `certify`.

    Notes
    -----
    The decorated test must take ``layer`` and ``check`` and call ``check(layer)``.

    Examples
    --------
    >>> from minidl.testing import parametrize_with_checks
    >>> @parametrize_with_checks([minidl.layers.Dense(5), minidl.layers.Tanh()])
    ... def test_gradients(layer, check):
    ...     check(layer)
    """
    pytest = import_package("pytest", "parametrize_with_checks", "test")
    candidates = [Candidate(layer, expected_failures, level, seed) for layer in layers]
    cases = [
        pytest.param(candidate.layer, partial(candidate.conclude, name), id=f"{candidate.name}-{name}")
        for candidate in candidates
        for name in candidate.checks()
    ]
    return pytest.mark.parametrize(("layer", "check"), cases)


def table(candidates: Iterable[Candidate]) -> list[str]:
    """Return the lines of the table of outcomes by layer and check, with the worst sensitivity of each layer."""
    marks = {"PASS": ".", "FAIL": "F", "UNVERIFIED": "?", "SKIPPED": "-", "XFAIL": "x", "NOTED": "n"}
    rows = [candidate for candidate in candidates if "certificate" in vars(candidate)]
    if not rows:
        return []
    names = list(CHECKS)
    width = max(len(candidate.name) for candidate in rows)
    lines = [f"{'':{width}}  {' '.join(name[:4].ljust(4) for name in names)}  sensitivity"]
    for candidate in rows:
        verdicts, sensitivity = candidate.certificate.verdicts, candidate.certificate.sensitivity
        cells = " ".join(marks[verdicts[name].outcome].ljust(4) if name in verdicts else " " * 4 for name in names)
        worst = f"{max(sensitivity.values()):.0e}" if sensitivity else ""
        lines.append(f"{candidate.name:{width}}  {cells}  {worst}")
    return [*lines, "  ".join(f"{mark} {name}" for name, mark in marks.items())]
