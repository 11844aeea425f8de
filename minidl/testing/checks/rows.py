"""batch, empty-batch: the gradients for every number of rows.

Whether rows are independent is measured on forward, so that a layer that couples them excludes itself.
"""

from collections.abc import Iterator

import numpy as np

from minidl.testing import blame
from minidl.testing.comparison import Comparison, Mismatch
from minidl.testing.examination import Examination, register_check
from minidl.testing.findings import Finding, Skipped, Unverified
from minidl.testing.points import Refused, draw_dy, draw_x, is_integer
from minidl.testing.probe import Arrays, LayerFailure, Point

SIZES = {
    "quick": (1, 2, 9, 33),
    "standard": (1, 2, 4, 5, 9, 17, 33, 130, 1100),
    "thorough": (1, 2, 4, 5, 6, 7, 8, 9, 10, 16, 17, 32, 33, 64, 65, 100, 128, 129, 257, 512, 513, 1025, 2049),
}


def independent(examination: Examination, point: Point) -> bool:
    """Return whether each row of forward depends on its own row only, as measured."""
    declared = getattr(examination.subject.cls, "rows_coupled", None)
    if declared or examination.subject.whole_batch:
        return False
    probe = examination.subject.at(point)
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
    """Batches from 1 row to some hundreds: by parts where rows are independent, else by numerical gradients."""
    for training in (True, False):
        point = examination.point.with_(training=training)
        if independent(examination, point):
            yield from _by_rows(examination, point)
        elif training or examination.at_least("standard"):
            yield from _coupled(examination, training)


def rows_of(examination: Examination, point: Point, size: int) -> Point:
    """Return a point of ``size`` rows at the same parameters."""
    x = draw_x(examination.subject.domain, examination.rng, (size, *point.input_shape))
    y = examination.subject.at(point).forward(x.copy(), point.training)
    return point.with_(x=x, dy=draw_dy(examination.rng, y.shape))


def _by_rows(examination: Examination, point: Point) -> Iterator[Finding]:
    sizes = SIZES[examination.level]
    low = 0  # the largest batch that is known to be right
    for size in sizes:
        many = rows_of(examination, point, size)
        examination.certificate.cover("batches", size)
        finding = _against_parts(examination, many, low)
        if finding is None:
            low = size
            continue
        known, high = low, size
        while high - low > 1:  # the first bad batch, by bisection
            middle = (low + high) // 2
            part = many.with_(x=many.x[:middle], dy=many.dy[:middle])
            worse = _against_parts(examination, part, known)
            low, high, finding = (low, middle, worse) if worse is not None else (middle, high, finding)
        finding.detail += f", right for batch <= {low}, wrong for {high}"
        finding.why = (
            finding.why or f"right for batch <= {low}, wrong for {high}: rows are lost, mixed or treated in chunks"
        )
        yield finding


def by_parts(examination: Examination, point: Point, length: int) -> Arrays:
    """Return the gradients put together from passes over parts of ``length`` rows, as independence demands."""
    probe = examination.subject.at(point)
    total: Arrays = {}
    for start in range(0, len(point.x), length):
        part = slice(start, start + length)
        _, gradients = probe.run(point.with_(x=point.x[part], dy=point.dy[part]))
        for name, value in gradients.items():
            if name == "dx":
                continue
            total[name] = total[name] + value if name in total else value
        if gradients["dx"] is not None:
            total["dx"] = np.concatenate([total["dx"], gradients["dx"]]) if "dx" in total else gradients["dx"]
    return total


def _against_parts(examination: Examination, point: Point, known: int) -> Finding | None:
    expected = _among_others(examination, point) if len(point.x) == 1 else by_parts(examination, point, max(known, 1))
    y, found = examination.run(point)
    size = {name: float(np.abs(value).max(initial=0)) for name, value in expected.items()}
    scale = max(size.values(), default=0.0)
    result = Comparison(y, found)
    for name, value in expected.items():
        if found[name].shape != value.shape:
            message = f"{name} has shape {found[name].shape} for {len(point.x)} rows, expected {value.shape}"
            return examination.finding(message, name)
        gap = np.abs(found[name] - value).ravel()
        wrong = np.flatnonzero(~(gap <= 1e-9 * size[name] + 1e-11 * scale))
        if len(wrong):
            values = (found[name].ravel()[wrong], value.ravel()[wrong], np.full(len(wrong), 1e-16))
            result.mismatches.append(Mismatch(name, value.shape, wrong.tolist(), *values, value.size))
    if not result.mismatches:
        return None
    mode = "" if point.training else ", inference"
    return blame.from_comparison(examination, point, result, "batch", f"batch of {len(point.x)}{mode}")


def _among_others(examination: Examination, point: Point) -> Arrays:
    """Return the gradients of a single row as they come out of a batch of three whose other rows have no weight."""
    padding = np.zeros((2, *point.dy.shape[1:]))
    more = point.with_(x=np.repeat(point.x, 3, axis=0), dy=np.concatenate([point.dy, padding]))
    gradients = examination.run(more)[1]
    return {name: value[:1] if name == "dx" else value for name, value in gradients.items() if value is not None}


def _coupled(examination: Examination, training: bool) -> Iterator[Finding]:
    """Numerical gradients at other numbers of rows."""
    sizes = {"quick": (2, 9), "standard": (1, 2, 9, 33, 130), "thorough": (1, 2, 4, 9, 17, 33, 65, 130, 300)}
    for size in sizes[examination.level]:
        try:
            point = examination.draw(batch=size, training=training)
            finding = examination.compare(point, f"batch of {size}", lightly=True)
        except (Refused, Unverified):
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
