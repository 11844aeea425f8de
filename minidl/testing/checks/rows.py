"""batch, empty-batch: the gradients for every number of rows.

Whether rows are independent is measured on forward, so that a layer that couples them excludes itself.
"""

from collections.abc import Iterator

import numpy as np

from minidl.testing import blame
from minidl.testing.checks import repetition
from minidl.testing.checks.equality import named
from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.constants import mentioned
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.points import Refused, is_integer, rows_of
from minidl.testing.probe import Gradients, LayerFailure, Point
from minidl.testing.registry import register_check

SIZES = {
    "quick": (1, 2, 9, 33),
    "standard": (*range(1, 18), 20, 21, 24, 25, 31, 32, 33, 50, 63, 64, 65, 100, 128, 129, 130, 256, 500, 1024, 1100),
    "thorough": (*range(1, 70), 80, 99, 100, 101, 127, 128, 129, 200, 255, 256, 257, 500, 512, 513, 1000, 1025, 2049),
}
MOST = 5000  # rows, in one batch if they are independent


def independent(examination: Examination, point: Point) -> bool:
    """Return whether each row of forward depends on its own row only, as measured."""
    declared = getattr(examination.subject.cls, "rows_coupled", None)
    if declared or examination.subject.whole_batch:
        return False
    probe = examination.subject.at(point)
    if probe.draws_at(point):
        return False  # what is drawn depends on the number of rows, or couples them only now and then
    try:
        together = probe.forward(point.x.copy(), point.training)
        alone = [probe.forward(point.x[i : i + 1].copy(), point.training) for i in range(len(point.x))]
        other = np.concatenate([point.x[:1], point.x[:1][::-1] + 0, point.x[1:]])
        more = probe.forward(other, point.training)
    except LayerFailure:
        return False
    size = np.abs(together).max(initial=0)
    if any(row.shape != together[:1].shape for row in alone):
        return False
    return bool(
        np.abs(np.concatenate(alone) - together).max(initial=0) <= 1e-10 * size
        and np.abs(more[2:] - together[1:]).max(initial=0) <= 1e-10 * size
    )


@register_check("batch", after=("numeric", "state", "mode"))
def batch(examination: Examination) -> Iterator[Finding]:
    """Batches from 1 row to a thousand: by parts where rows are independent, else by numerical gradients."""
    whole = mentioned(examination.subject.example).whole(MOST)
    sizes = sorted({*SIZES[examination.level], *whole, *(2 * size for size in whole if 2 * size <= MOST)})
    for training in (True, False):
        point = examination.point.with_(training=training)
        if independent(examination, point):
            yield from _by_rows(examination, point, [*sizes, MOST] if examination.at_least("standard") else sizes)
        elif training or (examination.at_least("standard") and not examination.subject.whole_batch):
            yield from _coupled(examination, training, sizes)
    for size in (1, 9) if examination.at_least("standard") else ():
        for training in (True, False):
            try:
                point = rows_of(examination.subject, examination.rng, examination.point.with_(training=training), size)
            except LayerFailure:
                continue
            yield from repetition.promises(examination, point)


class Parts:
    """A long batch whose first rows serve as batches of every size: each is one smaller batch and the rows after it."""

    def __init__(self, examination: Examination, point: Point, rows: int) -> None:
        self.examination = examination
        self.whole = rows_of(examination.subject, examination.rng, point, rows)
        self.probe = examination.subject.at(point)
        self.known: dict[int, Gradients] = {}

    def first(self, rows: int) -> Point:
        """Return the point of the first rows."""
        return self.rows(0, rows)

    def rows(self, start: int, stop: int) -> Point:
        """Return the point of some rows."""
        return self.whole.with_(x=self.whole.x[start:stop], dy=self.whole.dy[start:stop])

    def of(self, point: Point) -> Gradients:
        """Return output and gradients of a used layer; `state` has shown that it equals a fresh one."""
        return named(*self.probe.run(point))

    def wrong(self, size: int, known: int) -> Comparison | None:
        """Return how a batch of ``size`` rows differs from its first ``known`` rows and the rest put together."""
        point = self.first(size)
        found = self.of(point)
        if known:
            before, after = self.known[known], self.of(self.rows(known, size))
            expected = {
                name: np.concatenate([value, after[name]]) if name in ("y", "dx") else value + after[name]
                for name, value in before.items()
            }
        else:
            expected = self._among_others(size)
        result = _differences(found, expected)
        if result is None:
            self.known[size] = found
        return result

    def _among_others(self, rows: int) -> Gradients:
        """Return what the first rows give in a batch whose two other rows have no weight."""
        more = self.rows(0, rows + 2)
        dy = more.dy.copy()
        dy[rows:] = 0
        found = named(*self.examination.run(more.with_(dy=dy)))
        return {name: value[:rows] if name in ("y", "dx") else value for name, value in found.items()}


def _by_rows(examination: Examination, point: Point, sizes: list[int]) -> Iterator[Finding]:
    parts = Parts(examination, point, max(sizes))
    low = 0  # the largest batch that is known to be right
    for size in sizes:
        examination.certificate.cover("batches", size)
        result = parts.wrong(size, low)
        if result is None:
            low = size
            continue
        high = size
        while high - low > 1:  # the first bad batch, by bisection
            middle = (low + high) // 2
            worse = parts.wrong(middle, low)
            low, high, result = (low, middle, worse) if worse is not None else (middle, high, result)
        mode = "" if point.training else ", inference"
        result = parts.wrong(high, low) or result
        finding = _finding(examination, parts.first(high), result, f"batch of {high}{mode}")
        finding.detail += f", right for batch <= {low}, wrong for {high}"
        finding.why = (
            finding.why or f"right for batch <= {low}, wrong for {high}: rows are lost, mixed or treated in chunks"
        )
        yield finding


def _differences(found: Gradients, expected: Gradients) -> Comparison | None:
    """Return what differs by more than another order of the same sums can explain; None if nothing does."""
    sizes = {name: float(np.abs(value).max(initial=0)) for name, value in expected.items()}
    scale = max((size for name, size in sizes.items() if name != "y"), default=0.0)
    result = Comparison(found["y"], {name: value for name, value in found.items() if name != "y"})
    for name, value in expected.items():
        if found[name].shape != value.shape:
            gap = np.full(value.size, np.nan)
        else:
            gap = np.abs(found[name] - value).ravel()
        wrong = np.flatnonzero(~(gap <= 1e-9 * sizes[name] + 1e-11 * scale))
        if len(wrong):
            claimed = np.resize(found[name], value.shape).ravel()[wrong]
            values = (claimed, value.ravel()[wrong], np.full(len(wrong), 1e-16))
            result.mismatches.append(Mismatch(name, value.shape, wrong.tolist(), *values, value.size))
    return result if result.mismatches else None


def _finding(examination: Examination, point: Point, result: Comparison, situation: str) -> Finding:
    names = [mismatch.target for mismatch in result.mismatches]
    for mismatch in result.mismatches:
        found = result.y if mismatch.target == "y" else result.gradients[mismatch.target]
        if found.shape != mismatch.shape:
            message = f"{mismatch.target} has shape {found.shape} for {len(point.x)} rows, expected {mismatch.shape}"
            dropped = found.shape == mismatch.shape[1:] and len(point.x) == 1
            why = "the batch axis is lost where there is one row: an index in the place of a slice, or squeeze"
            return examination.finding(message, mismatch.target, why if dropped else "")
    if "y" in names:
        message = "y of a batch is not that of its rows, although y of other rows does not change it"
        return examination.finding(message, "y", detail=situation)
    return blame.from_comparison(examination, point, result, "batch", situation)


def _coupled(examination: Examination, training: bool, sizes: list[int]) -> Iterator[Finding]:
    """Gradients at other numbers of rows."""
    for size in sizes:
        try:
            finding = examination.glance(examination.draw(batch=size, training=training), f"batch of {size}")
        except Refused:
            continue
        examination.certificate.cover("batches", size)
        if finding is not None:
            yield finding


@register_check("empty-batch")
def empty_batch(examination: Examination) -> Iterator[Finding]:
    """No rows: forward gives none, backward gives none, and the gradients of the parameters are zeros."""
    if examination.subject.whole_batch:
        raise Skipped("a loss of no rows is not defined")
    point, subject = examination.point, examination.subject
    modes = (True, False) if independent(examination, point) else (False,)
    for training in modes:
        y, expected = examination.reference[0], (0, *examination.reference[0].shape[1:])
        probe = subject.at(point)
        y = probe.forward(point.x[:0].copy(), training)
        if y.shape != expected:
            yield examination.finding(f"no rows: y has shape {y.shape}, expected {expected}", "y")
        gradients = probe.backward(np.zeros(expected))
        if not is_integer(subject.domain) and np.shape(gradients["dx"]) != (0, *point.input_shape):
            yield examination.finding(f"no rows: dx has shape {np.shape(gradients['dx'])}", "dx")
        for target, value in probe.parameter_gradients().items():
            if not (value == 0).all():
                why = "the gradient of an empty sum is 0: it is left unset, or divided by the number of rows"
                yield examination.finding(f"no rows: {target} is {value.ravel()[0]:g}, expected zeros", target, why)
