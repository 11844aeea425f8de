"""What the certification kit achieves on the planted bugs and on the right layers."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.testing import Certificate, certify, certify_loss
from tests.planted.registry import Planted

EDIT = re.compile(r"becomes right when `[^`]*` (?:reads (`[^`]*`)|is left out) \(\w+, ([\w.]+):(\d+)\)")


class Outcome(NamedTuple):
    """What the kit said about one planted bug, or about a right layer."""

    planted: Planted
    certificate: Certificate
    seconds: float

    @property
    def detected(self) -> bool:
        return self.certificate.outcome == "FAIL"

    @property
    def told(self) -> str:
        """Message and cause of the first finding: what a reader of the report sees first."""
        if not self.certificate.findings:
            return self.certificate.outcome
        finding = self.certificate.findings[0]
        return f"{finding.message} | {finding.why}"

    @property
    def names_the_cause(self) -> bool:
        """Whether the words of the bug are told; of an edit of its source, only what the line should read counts."""
        told = EDIT.sub(lambda match: match[1] or "", self.told)
        return re.search(self.planted.words, told, re.IGNORECASE) is not None

    @property
    def names_the_line(self) -> bool:
        """Whether an edit is told of a line that the bug changed or added."""
        file, lines = self.planted.file, self.planted.lines
        return any(match[2] == file and int(match[3]) in lines for match in EDIT.finditer(self.told))

    @property
    def diagnosed(self) -> bool:
        """Whether the first finding names the cause of the bug or its line."""
        return self.detected and (self.names_the_cause or self.names_the_line)


def examine(planted: Planted, *, level: str = "standard", seed: int = 0, kind: Any = None) -> Outcome:
    """Certify one planted layer or loss."""
    subject = (kind or planted.kind)(*planted.arguments)
    start = time.process_time()
    if planted.is_loss:
        certificate = certify_loss(subject, level=level, seed=seed, on_fail="return")
    else:
        certificate = certify(subject, input_shape=planted.input_shape, level=level, seed=seed, on_fail="return")
    return Outcome(planted, certificate, time.process_time() - start)


def hard_inputs() -> dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]]:
    """Return the regimes in which a right layer must not be blamed."""
    return {
        "exact zeros": lambda rng, shape: rng.standard_normal(shape) * (rng.random(shape) < 0.6),
        "ties": lambda rng, shape: rng.integers(-2, 3, shape) / 2.0,
        "x * 1e3": lambda rng, shape: 1e3 * rng.standard_normal(shape),
        "x * 1e-6": lambda rng, shape: 1e-6 * rng.standard_normal(shape),
        "x + 1e4": lambda rng, shape: 1e4 + rng.standard_normal(shape),
    }


def on_hard_inputs(planted: Planted, seed: int) -> type:
    """Return a variant of a right layer that is certified with inputs of one regime, or the same if it has a domain."""
    kind = planted.kind
    if planted.is_loss or getattr(kind, "input_domain", None) is not None:
        return kind
    regimes = hard_inputs()
    name = list(regimes)[seed // 2 % len(regimes)]
    return type(kind.__name__, (kind,), {"input_domain": staticmethod(regimes[name]), "__module__": name})


def false_alarms(correct: Iterable[Planted], seeds: Iterable[int], hard: bool = True) -> Iterator[Outcome]:
    """Certify right layers with every seed, every second time with hard inputs if ``hard``; yield all outcomes."""
    for planted in correct:
        for seed in seeds:
            yield examine(planted, seed=seed, kind=on_hard_inputs(planted, seed) if hard and seed % 2 else None)


def smallest_error(planted: Planted, target: str = "dx") -> float:
    """Return the smallest relative error of a whole gradient, down to 1e-12, that is detected."""
    smallest = 1.0
    for exponent in range(-2, -13, -1):
        outcome = examine(planted, level="quick", kind=scaled(planted.kind, target, 10.0**exponent))
        if not outcome.detected:
            break
        smallest = 10.0**exponent
    return smallest


def scaled(kind: type, target: str, error: float) -> type:
    """Return a variant of a layer, one of whose gradients is wrong by a small factor; it stays linear in ``dy``."""

    def backward(self: Any, dy: np.ndarray) -> np.ndarray:
        dx = super(variant, self).backward(dy)
        if target == "dx":
            return dx * dx.dtype.type(1 + error)
        setattr(self, target, getattr(self, target) * (1 + error))
        return dx

    variant = type(kind.__name__, (kind,), {"backward": backward})
    return variant
