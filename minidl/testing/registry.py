"""Registry: the checks by name, and the order in which they run."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from minidl.checks import did_you_mean
from minidl.errors import ArgumentError
from minidl.testing.findings import Finding

LEVELS = ("quick", "standard", "thorough")
CheckFunction = Callable[[Any], Iterable[Finding] | None]  # of an `Examination`


class Check(NamedTuple):
    """A check and its place in the graph."""

    name: str
    run: CheckFunction
    after: tuple[str, ...]
    level: str  # the lowest level at which it runs


CHECKS: dict[str, Check] = {}


def register_check(
    name: str, *, after: Iterable[str] = (), level: str = "quick"
) -> Callable[[CheckFunction], CheckFunction]:
    """Decorator: add a check that every certification runs from now on.

    Parameters
    ----------
    name : str
        Its stable name, for ``checks=``, ``exclude=`` and reports.
    after : iterable of str
        It is skipped unless these passed.
    level : {"quick", "standard", "thorough", "never"}
        The lowest level at which it runs; "never": only when it is named.

    Notes
    -----
    The function takes an `Examination` and yields `Finding` objects; only the first counts. Or it raises `Skipped`
    where it does not apply, `Unverified` where it cannot tell. An exception of the layer becomes a finding.

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
    """Return the checks to run, each after those that it waits for.

    Raises
    ------
    ArgumentError
        For an unknown name.
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
