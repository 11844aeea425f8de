"""What the certification kit achieves on the planted bugs and on the right layers, and the table that says so."""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl.testing import Certificate, certify, certify_loss
from tests.planted.registry import CATEGORIES, Planted


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
        """Check, message and cause of the first finding: what a reader of the report sees first."""
        if not self.certificate.findings:
            return self.certificate.outcome
        finding = self.certificate.findings[0]
        return (
            f"{finding.check}: {finding.target} {finding.message} | {finding.why} | {finding.detail} {finding.source}"
        )

    @property
    def diagnosed(self) -> bool:
        """Whether the words of a right diagnosis stand in the finding."""
        return self.detected and re.search(self.planted.words, self.told, re.IGNORECASE) is not None


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


def false_alarms(correct: Iterable[Planted], seeds: Iterable[int], level: str = "standard") -> Iterator[Outcome]:
    """Certify right layers with every seed, every second time with hard inputs; yield all outcomes."""
    regimes = hard_inputs()
    for planted in correct:
        free = not planted.is_loss and getattr(planted.kind, "input_domain", None) is None
        for seed in seeds:
            kind = planted.kind
            if free and seed % 2:
                name = list(regimes)[seed // 2 % len(regimes)]
                kind = type(kind.__name__, (kind,), {"input_domain": staticmethod(regimes[name]), "__module__": name})
            yield examine(planted, level=level, seed=seed, kind=kind)


def table(bugs: list[Outcome], right: list[Outcome], sensitivity: float | None) -> str:
    """Return the one table of the benchmark."""
    lines = [f"{'category':<44} {'detected':>12} {'diagnosis right':>16}"]
    for category in [*CATEGORIES, "all"]:
        part = [o for o in bugs if category in (o.planted.category, "all")]
        caught = sum(o.detected for o in part)
        explained = sum(o.diagnosed for o in part)
        lines.append(f"{category:<44} {caught:>5} / {len(part):<4} {explained:>8} / {len(part):<5}")
    alarms = [o for o in right if o.detected]
    unverified = sum(o.certificate.outcome == "UNVERIFIED" for o in right)
    seconds = sorted(o.seconds for o in right) or [0.0]
    failing = sorted(o.seconds for o in bugs) or [0.0]
    lines += [
        f"{'false alarms / runs on right layers':<44} {len(alarms):>5} / {len(right)} ({unverified} unverified)",
        f"{'seconds, right layers: median, worst':<44} {seconds[len(seconds) // 2]:>8.3f} {seconds[-1]:.3f}",
        f"{'seconds, wrong layers: median, worst':<44} {failing[len(failing) // 2]:>8.3f} {failing[-1]:.3f}",
    ]
    if sensitivity is not None:
        lines.append(f"{'smallest relative error detected':<44} {sensitivity:>8.0e}")
    return "\n".join(lines)


def smallest_error(planted: Planted, target: str = "dx") -> float:
    """Return the smallest relative error, down to 1e-12, that is detected when one gradient is multiplied by 1 + error."""
    smallest = 1.0
    for exponent in range(-2, -13, -1):
        outcome = examine(planted, level="quick", kind=scaled(planted.kind, target, 10.0**exponent))
        if not outcome.detected:
            break
        smallest = 10.0**exponent
    return smallest


def scaled(kind: type, target: str, error: float) -> type:
    """Return a variant of a layer, one of whose gradients is wrong by a small factor in one entry."""

    def backward(self: Any, dy: np.ndarray) -> np.ndarray:
        dx = super(variant, self).backward(dy)
        gradient = dx.copy() if target == "dx" else getattr(self, target).copy()
        if gradient.size:
            gradient.flat[np.abs(gradient).argmax()] *= 1 + error
        if target != "dx":
            setattr(self, target, gradient)
            return dx
        return gradient

    variant = type(kind.__name__, (kind,), {"backward": backward})
    return variant
