"""Jacobians: with one upstream gradient for each output, the whole matrix shows which dependence is wrong."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from minidl.testing.diagnosis import quantities
from minidl.testing.diagnosis.evidence import Evidence, Hypothesis
from minidl.typing import Array

LARGEST = 40  # entries of y and of the gradient for which matrices are built


def structure(e: Evidence) -> Iterator[Hypothesis]:
    """Compare the two Jacobians, entry by entry."""
    pair = jacobians(e)
    if pair is None:
        return
    a, n, rows, outputs = pair
    scale = float(np.abs(n).max(initial=0)) or 1.0
    gap = float(np.abs(a - n).max(initial=0))
    if gap <= 1e-8 * scale:
        return

    def same(one: Array, other: Array) -> bool:
        return one.shape == other.shape and bool(np.abs(one - other).max() <= min(1e-6 * scale, 0.02 * gap))

    if e.target == "dx":
        yield from of_inputs(a, n, rows, same)
    yield from of_entries(e, a, n, rows, outputs, scale, gap)


def jacobians(e: Evidence) -> tuple[Array, Array, int, int] | None:
    """Return both matrices, (entries of dy, entries of the gradient), for the first rows of the batch."""
    if e.context is None or e.first.dy.ndim < 2 or len(e.first.dy) != len(e.first.x):
        return None
    rows = min(2 if e.first.dy.size > 24 else 3, len(e.first.x))
    x, dy = e.first.x[:rows], e.first.dy[:rows]
    size = x.size if e.target == "dx" else e.first.analytic.size
    if dy.size > LARGEST or size > LARGEST or dy.size * size > 900:
        return None
    numeric = e.jacobian(e.target, None, x=x)
    if numeric is None or numeric.shape != (size, dy.size):
        return None
    lines = []
    for k in range(dy.size):
        unit = np.zeros(dy.shape)
        unit.flat[k] = 1.0
        line = e.analytic_at(x=x, dy=unit)
        if line is None or line.size != size or not np.isfinite(line).all():
            return None
        lines.append(line.ravel())
    return np.array(lines), numeric.T, rows, dy[0].size


def of_inputs(a: Array, n: Array, rows: int, same: object) -> Iterator[Hypothesis]:
    assert callable(same)
    blocks = a.reshape(rows, a.shape[0] // rows, rows, -1)
    right = n.reshape(blocks.shape)
    off = ~np.eye(rows, dtype=bool)
    across_a, across_n = (float(np.abs(v.transpose(0, 2, 1, 3)[off]).max(initial=0)) for v in (blocks, right))
    scale = float(np.abs(n).max())
    if across_a > 1e-8 * scale >= across_n:
        yield Hypothesis("row i of dx depends on dy of other rows although forward does not", 0.94)
        return
    if across_n > 1e-8 * scale >= across_a:
        yield Hypothesis(
            "row i of dx does not depend on dy of other rows although forward couples the rows: "
            "the terms through the batch statistics (mean, variance) are missing",
            0.72,
        )
    one, other = (np.array([v[i, :, i] for i in range(rows)]) for v in (blocks, right))
    if one.shape[1] == one.shape[2] and one.shape[1] > 1:
        if same(one, other.transpose(0, 2, 1)):
            yield Hypothesis(
                "the Jacobian is transposed: a transpose is missing (a permutation that is not inverted, u @ W for u @ W.T, "
                "a cumulative sum not reversed)",
                0.945,
            )
        eye = np.eye(one.shape[1])
        if same(one, other * eye) and not same(other, other * eye):
            yield Hypothesis(
                "only the diagonal of the Jacobian: the terms between different features are missing", 0.95
            )
        elif same(one * (1 - eye), other * (1 - eye)):
            yield Hypothesis("wrong only on the diagonal of the Jacobian: dx[i] from dy[i]", 0.7)
        elif same(one * eye, other * eye):
            yield Hypothesis("wrong only off the diagonal of the Jacobian: the terms between different features", 0.68)
    pattern, reverse = np.abs(one) > 1e-8 * scale, np.abs(other.transpose(0, 2, 1)) > 1e-8 * scale
    if (
        pattern.shape == reverse.shape
        and np.array_equal(pattern, reverse)
        and not np.array_equal(pattern, reverse.transpose(0, 2, 1))
    ):
        yield Hypothesis(
            "dx[j] depends on dy[i] where it should be dy[j] on dx[i]: the direction along an axis is reversed, or a "
            "transpose is missing",
            0.84,
        )
    if across_n <= 1e-8 * scale and same(np.abs(one), np.abs(other)):
        yield Hypothesis("every entry of the Jacobian is right but for its sign: a sign is lost or wrong", 0.8)


def of_entries(
    e: Evidence, a: Array, n: Array, rows: int, outputs: int, scale: float, gap: float
) -> Iterator[Hypothesis]:
    wrong = np.abs(a - n) > max(1e-8 * scale, 1e-4 * gap)
    zero_a, zero_n = np.abs(a) <= 1e-8 * scale, np.abs(n) <= 1e-8 * scale
    if np.all(zero_a | ~wrong) and not zero_a.all():
        yield Hypothesis(
            f"dependences are missing: {int(wrong.sum())} of {int((~zero_n).sum())} entries of the Jacobian are zero, the "
            "others are right; some path or entry of dy does not count",
            0.6,
        )
    elif np.all(zero_n | ~wrong):
        yield Hypothesis(
            f"dependences too many: {int(wrong.sum())} entries of the Jacobian should be zero, the others are right: a "
            "mask or a selection is missing",
            0.62,
        )
    lines = wrong.any(axis=1).reshape(rows, outputs)
    if e.target != "dx" and lines.any() and not lines.all():
        if (lines.all(axis=1) | ~lines.any(axis=1)).all():
            which = ", ".join(str(int(i)) for i in np.flatnonzero(lines.all(axis=1)))
            yield Hypothesis(
                f"the contribution of rows {which} of the batch is wrong or missing, that of the others right", 0.75
            )
        elif (lines.all(axis=0) | ~lines.any(axis=0)).all():
            which = ", ".join(str(int(i)) for i in np.flatnonzero(lines.all(axis=0)))
            yield Hypothesis(
                f"the contribution of outputs (columns) {which} of dy is wrong, that of the others right", 0.7
            )
    yield from own_factors(e, a, n, zero_n, wrong, rows)


def own_factors(e: Evidence, a: Array, n: Array, zero: Array, wrong: Array, rows: int) -> Iterator[Hypothesis]:
    """The Jacobian is right but for one factor for each entry of dy, or for each entry of the gradient."""
    if np.any(wrong & zero):
        return
    if e.target == "dx" and a.shape[0] == a.shape[1] and not np.any(~zero & ~np.eye(len(a), dtype=bool)):
        slope, right = np.diag(a), np.diag(n)
        k = int(np.abs(slope - right).argmax())
        yield Hypothesis(
            "each value acts alone, and the derivative of the function is wrong: "
            f"{slope[k]:.4g} for {right[k]:.4g} at x = {e.first.x.flat[k]:.4g}; a factor or a term of it is missing",
            0.74,
        )
        return
    with np.errstate(all="ignore"):
        ratio = np.where(zero, np.nan, a / n)
    values = one_each(ratio)
    if values is not None:
        name = factor_by_name(e, values, rows)
        told = f": {name}" if name else ""
        yield Hypothesis(
            "every entry of dy contributes with a wrong factor of its own: a factor of dy, such as the derivative of a "
            f"nonlinear part, is wrong or missing{told} (factors {min(values):.3g} to {max(values):.3g})",
            0.89 if name else 0.74,
        )
    elif (values := one_each(ratio.T)) is not None:
        yield Hypothesis(
            f"every entry of {e.target} is off by a factor of its own, whatever dy: a factor that is applied last is wrong, "
            f"missing or in the wrong place (factors {min(values):.3g} to {max(values):.3g})",
            0.74,
        )


def one_each(ratio: Array) -> list[float] | None:
    """Return the one factor of each line, if each has only one and they are not all equal."""
    lines = [line[np.isfinite(line)] for line in ratio]
    if not all(len(line) and np.ptp(line) <= 1e-5 * max(1.0, abs(line[0])) for line in lines):
        return None
    values = [float(line[0]) for line in lines]
    return values if np.ptp(values) > 1e-5 else None


def factor_by_name(e: Evidence, values: list[float], rows: int) -> str | None:
    """Return "the factor x is missing" and its like, where the factors of dy are known values."""
    assert e.context is not None
    y = e.context.forward(x=e.first.x[:rows])
    sample = replace(e.first, x=e.first.x[:rows], y=y)
    found = np.array(values).reshape(y.shape)
    for name, q in quantities.elementwise(e, sample, y.shape):
        with np.errstate(all="ignore"):
            if np.allclose(found, 1 / q, rtol=1e-5, atol=0):
                return f"the factor {name} is missing"
            if np.allclose(found, q, rtol=1e-5, atol=0):
                return f"the factor {name} is one too many"
    return None


TESTS = [structure]
