"""Registry: the checks by name, and the order they run in."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError
from minidl.testing.findings import Finding

LEVELS = ("quick", "standard", "thorough")
CheckFunction = Callable[[Any], Iterable[Finding] | None]  # takes an `Examination`


class Check(NamedTuple):
    """A check and its position in the dependency graph."""

    name: str
    run: CheckFunction
    after: tuple[str, ...]
    level: str  # lowest level at which it runs


CHECKS: dict[str, Check] = {}


def register_check(
    name: str, *, after: Iterable[str] = (), level: str = "quick"
) -> Callable[[CheckFunction], CheckFunction]:
    """Decorator that registers a check for all later certifications.

    Parameters
    ----------
    name : str
        Stable name, used in ``checks=``, ``exclude=`` and reports.
    after : iterable of str
        Checks that must pass first; otherwise this one is skipped.
    level : {"quick", "standard", "thorough", "never"}
        The lowest level at which it runs; "never" means only when requested by name.

    Notes
    -----
    The function takes an `Examination` and yields `Finding` objects, of which only the first counts. It raises
    `Skipped` if it does not apply, or `Unverified` if it cannot decide. An exception of the layer becomes a finding.

    Examples
    --------
    >>> from minidl.testing import Finding, certify, register_check, registry
    >>> @register_check("small-output", after=("numeric",))
    ... def small_output(examination):
    ...     y, gradients = examination.run(examination.point)
    ...     if abs(y).max() > 1e6:
    ...         yield Finding("small-output", "the output is above 1e6")
    >>> certify(minidl.layers.Tanh(), checks=["small-output"]).verdicts["small-output"].outcome
    'PASS'
    >>> del registry.CHECKS["small-output"]
    """
    if level not in (*LEVELS, "never"):
        raise ArgumentError(f"register_check: level: expected one of {', '.join(LEVELS)}, got {level!r}.")

    def register(function: CheckFunction) -> CheckFunction:
        CHECKS[name] = Check(name, function, tuple(after), level)
        return function

    return register


def chosen(checks: Iterable[str] | None, exclude: Iterable[str], level: str) -> list[Check]:
    """Return the checks to run, each after the ones it depends on.

    Raises
    ------
    ArgumentError
        If a name is unknown.
    """
    names = None if checks is None else list(checks)
    for name in [*(names or ()), *exclude]:
        if name not in CHECKS:
            raise ArgumentError(
                f"certify: checks: expected names out of {', '.join(CHECKS)}; got {name!r}.{did_you_mean(name, CHECKS)}"
            )
    if names is None:
        reached = LEVELS[: LEVELS.index(level) + 1]
        names = [name for name, check in CHECKS.items() if check.level in reached]
    ordered: list[Check] = []
    left = [CHECKS[name] for name in CHECKS if name in names and name not in set(exclude)]
    while left:
        waiting = {check.name for check in left}
        ready = next((check for check in left if waiting.isdisjoint(check.after)), left[0])
        ordered.append(left.pop(left.index(ready)))
    return ordered
