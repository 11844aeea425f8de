"""Exercise: a function or class that a learner writes, and how it is graded.

Functions that return numbers are compared with the library on random arguments; those with a gradient are certified.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

DRAWS = 12  # sets of arguments on which an answer is tested
CLOSE = 1e-9


class Answer(NamedTuple):
    """The result of an exercise: whether it is solved, which array is wrong and where, and the likely cause."""

    passed: bool
    place: str = ""
    cause: str = ""


class Exercise(ABC):
    """Abstract base of exercises.

    Parameters
    ----------
    number : str
        The chapter and the exercise's number in it, such as ``"6.1"``.
    stub : str
        The code to complete. It defines ``name``.
    name : str
        The function or class that is graded.
    """

    def __init__(self, number: str, name: str, stub: str) -> None:
        self.number, self.name, self.stub = number, name, stub

    def grade(self, namespace: dict[str, Any], seed: int) -> Answer:
        """Return the result of the exercise for a learner's file, given the names that the file defines."""
        if self.name not in namespace:
            return Answer(False, f"the file defines no {self.name}", "write it, under this name")
        try:
            return self.judge(namespace[self.name], np.random.default_rng(seed), seed)
        except NotImplementedError:
            return Answer(False, f"{self.name} is not written yet", "replace the line that raises NotImplementedError")
        except Exception as error:
            return Answer(False, f"{self.name} raised {type(error).__name__}", " ".join(str(error).split()))

    @abstractmethod
    def judge(self, solution: Any, rng: np.random.Generator, seed: int) -> Answer:
        """Return the result of the exercise; exceptions raised by ``solution`` may propagate."""


class Computation(Exercise):
    """A function that returns one or more arrays, which are compared with those of ``truth``.

    Parameters
    ----------
    draw : callable
        ``draw(rng)`` returns the arguments.
    truth : callable
        ``truth(*arguments)`` returns the correct arrays.
    outputs : tuple of str
        The names of the arrays.
    slips : dict of str to callable
        Typical mistakes: maps the cause to a function that makes the mistake.
    """

    def __init__(
        self,
        number: str,
        name: str,
        stub: str,
        *,
        draw: Callable[[np.random.Generator], tuple[Any, ...]],
        truth: Callable[..., Any],
        outputs: tuple[str, ...],
        slips: dict[str, Callable[..., Any]],
    ) -> None:
        super().__init__(number, name, stub)
        self.draw, self.truth, self.outputs, self.slips = draw, truth, outputs, slips

    def judge(self, solution: Any, rng: np.random.Generator, seed: int) -> Answer:
        draws = [self.draw(rng) for _ in range(DRAWS)]
        with np.errstate(all="ignore"):
            pairs = [(_arrays(solution(*_copies(given))), _arrays(self.truth(*given))) for given in draws]
            wrong = [index for index, (got, expected) in enumerate(pairs) if not _equal(got, expected)]
            if not wrong:
                return Answer(True)
            got, expected = pairs[wrong[0]]
            return Answer(False, self._place(got, expected), self._cause(draws, pairs))

    def _place(self, got: list[Any], expected: list[Any]) -> str:
        """Return the wrong output and its first wrong entry."""
        if len(got) != len(expected):
            return f"expected {len(expected)} results ({', '.join(self.outputs)}), got {len(got)}"
        name, one, other = next(
            (name, g, e) for name, g, e in zip(self.outputs, got, expected, strict=True) if not _equal([g], [e])
        )
        if one.shape != other.shape:
            return f"{name}: expected shape {other.shape}, got {one.shape}"
        entry = tuple(map(int, np.argwhere(~np.isclose(one, other, rtol=CLOSE, atol=CLOSE))[0]))
        return f"{name}{list(entry) or ''}: expected {other[entry]:.6g}, got {one[entry]:.6g}"

    def _cause(self, draws: list[tuple[Any, ...]], pairs: list[tuple[list[Any], list[Any]]]) -> str:
        """Return the first mistake that explains all results, or how they are related to the correct ones."""
        for cause, slip in self.slips.items():
            try:
                if all(_equal(got, _arrays(slip(*given))) for given, (got, _) in zip(draws, pairs, strict=True)):
                    return cause
            except (ValueError, IndexError):  # the mistake is impossible with these shapes
                continue
        for relation, cause in RELATIONS.items():
            if all(len(g) == len(e) and _related(g, e, relation) for g, e in pairs):
                return cause
        return "none of the usual ones: compare your formula with the chapter's, term by term"


class Differentiation(Exercise):
    """A function or class with a gradient, which is certified.

    Parameters
    ----------
    certify : callable
        ``certify(solution, seed)`` returns a `minidl.testing.Certificate`.
    """

    def __init__(self, number: str, name: str, stub: str, *, certify: Callable[[Any, int], Any]) -> None:
        super().__init__(number, name, stub)
        self.certify = certify

    def judge(self, solution: Any, rng: np.random.Generator, seed: int) -> Answer:
        certificate = self.certify(solution, seed)
        if not certificate.findings:
            return Answer(True)
        finding = certificate.findings[0]
        if "NotImplementedError" in finding.message:
            raise NotImplementedError
        place = finding.target or finding.message
        if finding.index is not None:
            place += f"{list(map(int, finding.index))}: expected {finding.numeric:.6g}, got {finding.analytic:.6g}"
        cause = finding.why or finding.message
        return Answer(False, place, f"{cause}; see {finding.where}" if finding.where else cause)


RELATIONS: dict[Callable[[Any], Any], str] = {
    lambda value: -value: "the sign is wrong",
    lambda value: value.T: "the result is transposed",
    lambda value: 2 * value: "it is twice as large as it should be",
    lambda value: value / 2: "it is half as large as it should be",
}


def _related(got: list[Any], expected: list[Any], relation: Callable[[Any], Any]) -> bool:
    return _equal(got, [relation(value) for value in expected])


def _arrays(result: Any) -> list[Any]:
    """Return a function's results as a list of arrays."""
    results = result if isinstance(result, tuple) else (result,)
    return [np.asarray(value, float) for value in results]


def _copies(arguments: tuple[Any, ...]) -> list[Any]:
    return [value.copy() if isinstance(value, np.ndarray) else value for value in arguments]


def _equal(one: list[Any], other: list[Any]) -> bool:
    return len(one) == len(other) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=CLOSE, atol=CLOSE, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )
