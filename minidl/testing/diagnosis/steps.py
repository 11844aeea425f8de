"""Steps: how far back the gradient is carried through time."""

from collections.abc import Iterator

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, Hypothesis
from minidl.testing.diagnosis.sample import Sample


def cut_through_time(e: Evidence) -> Iterator[Hypothesis]:
    """dx is zero, where it should not be, at all steps but the last few."""
    s = e.first
    if e.target != "dx" or s.x.ndim < 3 or s.analytic.shape != s.x.shape or s.x.shape[1] < 3:
        return
    reached = steps_reached(s)
    if 0 < reached < s.x.shape[1] and all(steps_reached(v) == reached for v in e.visible):
        steps = "the last step" if reached == 1 else f"the last {reached} steps"
        yield Hypothesis(
            f"dx is zero but for {steps} of {s.x.shape[1]} (axis 1): the gradient is not carried back through time, "
            "the recursion is cut there or what is carried is dropped",
            0.95,
        )


def steps_reached(s: Sample) -> int:
    """Return how many of the last steps have a gradient, if all have one in truth; else 0."""
    others = (0, *range(2, s.analytic.ndim))
    there, true = (np.abs(v).max(axis=others) > s.noise for v in (s.analytic, s.numeric))
    if not true.all() or there.all() or not there[-1]:
        return 0
    reached = int(np.argmin(there[::-1]))
    return reached if not there[: len(there) - reached].any() else 0


TESTS = [cut_through_time]
