"""Jacobians: the whole matrix shows which dependence is wrong."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from minidl.testing.diagnosis.calls import tiny
from minidl.testing.diagnosis.contributions import contributions, overwritten
from minidl.testing.diagnosis.evidence import PLACED, Evidence, Hypothesis
from minidl.testing.diagnosis.pair import NOTHING, Pair, jacobians
from minidl.testing.diagnosis.quantities import elementwise
from minidl.testing.diagnosis.sample import largest
from minidl.typing import Array, Shape


def structure(e: Evidence) -> Iterator[Hypothesis]:
    """Compare the two Jacobians, entry by entry."""
    pair = None if tiny(e) else jacobians(e)
    if pair is None or pair.gap <= NOTHING * pair.scale:
        return
    yield from overwritten(pair)
    if e.target == "dx":
        yield from mixed_rows(pair)
        yield from within_rows(pair)
        yield from along_axes(pair)
    yield from contributions(e, pair)
    yield from missing_entries(pair)
    yield from own_factors(e, pair)


def blocks(pair: Pair, matrix: Array) -> Array:
    """Return a matrix as (row of dy, entry of it, row of dx, entry of it)."""
    rows = pair.outputs[0]
    return matrix.reshape(rows, matrix.shape[0] // rows, rows, -1)


def mixed_rows(pair: Pair) -> Iterator[Hypothesis]:
    """Rows depend on each other in one of the two Jacobians only."""
    off = ~np.eye(pair.outputs[0], dtype=bool)
    a, n = (largest(blocks(pair, m).transpose(0, 2, 1, 3)[off]) for m in (pair.analytic, pair.numeric))
    if a > NOTHING * pair.scale >= n:
        yield Hypothesis("row i of dx depends on dy of other rows although forward does not", 0.94)
    elif n > NOTHING * pair.scale >= a:
        yield Hypothesis(
            "row i of dx does not depend on dy of other rows although forward couples the rows: "
            "the terms through the batch statistics (mean, variance) are missing",
            0.9,
        )


def within_rows(pair: Pair) -> Iterator[Hypothesis]:
    """The square Jacobian of a row: transposed, only its diagonal, wrong on the diagonal only, wrong signs."""
    if len(off := blocks(pair, pair.wrong)) > 1 and np.any(off.transpose(0, 2, 1, 3)[~np.eye(len(off), dtype=bool)]):
        return
    a, n = (np.array([blocks(pair, m)[i, :, i] for i in range(len(off))]) for m in (pair.analytic, pair.numeric))
    turned = n.transpose(0, 2, 1)
    if a.shape[1] == a.shape[2] > 1:
        yield from of_squares(pair, a, n)
    pattern, reverse, right = (~pair.is_zero(m) for m in (a, turned, n))
    if pattern.shape == reverse.shape and np.array_equal(pattern, reverse) and not np.array_equal(pattern, right):
        yield Hypothesis(
            "dx[j] depends on dy[i] where it should be dx[i] on dy[j]: the direction along an axis is reversed, or a "
            "transpose is missing",
            0.84,
        )
    if pair.same(np.abs(a), np.abs(n)):
        yield Hypothesis("every entry of the Jacobian is right but for its sign: a sign is lost or wrong", 0.8)


def of_squares(pair: Pair, a: Array, n: Array) -> Iterator[Hypothesis]:
    """Compare the square Jacobians of the rows, (rows, length, length)."""
    eye = np.eye(a.shape[1])
    if pair.same(a, n.transpose(0, 2, 1)):
        if applied_last(a, n):
            text = "a factor is applied to dx, after the sums, that belongs to dy, before them"
            yield Hypothesis(f"{text} (such as gamma outside of the brackets): the Jacobian is transposed", 0.95)
        yield Hypothesis(
            "the Jacobian is transposed: a transpose is missing (u @ W for u @ W.T, a permutation not inverted, "
            "a cumulative sum not reversed)",
            0.945,
        )
    if pair.is_zero(n * (1 - eye)).all():
        return
    if pair.same(a, n * eye):
        yield Hypothesis("only the diagonal of the Jacobian: the terms between different features are missing", 0.95)
    elif pair.same(a * (1 - eye), n * (1 - eye)):
        yield Hypothesis("wrong only on the diagonal of the Jacobian: dx[i] from dy[i]", 0.7)
    elif pair.same(a * eye, n * eye):
        yield Hypothesis("wrong only off the diagonal of the Jacobian: the terms between different features", 0.68)


def applied_last(a: Array, n: Array) -> bool:
    """Return whether the Jacobians of the first row differ by a factor of each line, divided by that of each column."""
    with np.errstate(all="ignore"):
        ratio = np.abs(a[0] / n[0])
        return bool(np.allclose(ratio, ratio[:, :1] / ratio[:1, :1] * ratio[:1, :], rtol=1e-5)) and np.ptp(ratio) > 1e-5


def along_axes(pair: Pair) -> Iterator[Hypothesis]:
    """The wrong dependences are those between some positions along an axis only: later ones, distant ones."""
    for axis in range(1, min(len(pair.outputs), len(pair.inputs))):
        length = pair.outputs[axis]
        if length < 3 or pair.inputs[axis] != length:
            continue
        wrong = between_positions(pair, pair.wrong, axis)
        some = between_positions(pair, ~pair.is_zero(pair.numeric) | ~pair.is_zero(pair.analytic), axis)
        told = offsets(wrong, some & ~wrong)
        if told:
            yield Hypothesis(f"along axis {axis}, what dx at one position gets from dy {told} is {pair.what()}", 0.88)
            return


def between_positions(pair: Pair, matrix: Array, axis: int) -> Array:
    """Return for which positions (of dy, of dx) along an axis any entry of a matrix is true."""
    outputs = len(pair.outputs)
    whole = matrix.reshape(*pair.outputs, *pair.inputs)
    others = tuple(k for k in range(whole.ndim) if k not in (axis, outputs + axis))
    return np.asarray(np.any(whole, axis=others))


def offsets(wrong: Array, right: Array) -> str:
    """Return which steps from the position of dx to that of dy are wrong, if these are never right."""
    bad, good = ({int(p - q) for p, q in np.argwhere(m)} for m in (wrong, right))
    if not bad or not good or bad & good:
        return ""
    if bad == {0}:
        return "at the same position"
    if min(bad) > 0 or max(bad) < 0:
        word, near = ("later", min(bad)) if min(bad) > 0 else ("earlier", -max(bad))
        if len(bad) == 1:
            return f"{near} {'position' if near == 1 else 'positions'} {word}"
        return (
            f"at all {word} positions" if near == 1 else f"{near} or more positions {word} (the nearer ones are right)"
        )
    return "at other positions" if good == {0} else ""


def missing_entries(pair: Pair) -> Iterator[Hypothesis]:
    """Some entries are zero that should not be, or the reverse; all others are right."""
    count, what = int(pair.wrong.sum()), pair.what()
    total = int((~pair.is_zero(pair.numeric)).sum())
    if what == "missing" and not pair.is_zero(pair.analytic).all():
        yield Hypothesis(
            f"dependences are missing: {count} of {total} entries of the Jacobian are zero, the others are right; "
            "some path or entry of dy does not count",
            0.6,
        )
    elif what.startswith("there"):
        yield Hypothesis(
            f"dependences too many: {count} entries of the Jacobian should be zero, the others are right: a mask or a "
            "selection is missing",
            0.62,
        )


def own_factors(e: Evidence, pair: Pair) -> Iterator[Hypothesis]:
    """The Jacobian is right but for one factor for each entry of dy, or for each entry of the gradient."""
    a, n, zero = pair.analytic, pair.numeric, pair.is_zero(pair.numeric)
    if np.any(pair.wrong & zero):
        return
    if e.target == "dx" and a.shape[0] == a.shape[1] and not np.any(~zero & ~np.eye(len(a), dtype=bool)):
        slope, right = np.diag(a), np.diag(n)
        k = int(np.abs(slope - right).argmax())
        yield Hypothesis(
            "each value acts alone, and the derivative of the function is wrong: "
            f"{slope[k]:.6g} for {right[k]:.6g} at x = {e.first.x.flat[k]:.4g}; a factor or a term of it is missing "
            "or wrong",
            PLACED,
        )
        return
    with np.errstate(all="ignore"):
        ratio = np.where(zero, np.nan, a / n)
    if (values := one_each(ratio)) is not None:
        name = factor_by_name(e, values, pair.outputs)
        if set(np.round(values, 6)) == {0.0, 1.0}:
            text = "some entries of dy do not count, the others are right: overwritten (repeated indices without"
            yield Hypothesis(f"{text} np.add.at), or dropped by a mask or an index", 0.79)
            return
        told = f": {name}" if name else ""
        yield Hypothesis(
            "every entry of dy contributes with a wrong factor of its own: a factor of dy, such as the derivative of a "
            f"nonlinear part, is wrong or missing{told} (factors {min(values):.3g} to {max(values):.3g})",
            0.9 if name else PLACED,
        )
    elif (values := one_each(ratio.T)) is not None and set(np.round(values, 6)) == {0.0, 1.0}:
        text = f"entries of {e.target} are missing: {values.count(0.0)} of {len(values)} are zero, the others right"
        yield Hypothesis(f"{text}; an index, a slice or a mask leaves them out", PLACED)
    elif values is not None:
        yield Hypothesis(
            f"every entry of {e.target} is off by a factor of its own, whatever dy: a factor that is applied last is "
            f"wrong, missing or in the wrong place (factors {min(values):.3g} to {max(values):.3g})",
            PLACED,
        )


def one_each(ratio: Array) -> list[float] | None:
    """Return the one factor of each line, if each has only one and they are not all equal."""
    lines = [line[np.isfinite(line)] for line in ratio]
    if not all(len(line) and np.ptp(line) <= 1e-5 * max(1.0, abs(line[0])) for line in lines):
        return None
    values = [float(line[0]) for line in lines]
    return values if np.ptp(values) > 1e-5 else None


def factor_by_name(e: Evidence, values: list[float], shape: Shape) -> str | None:
    """Return "the factor x is missing" and its like, where the factors of dy are known values."""
    assert e.context is not None
    x = e.first.x[: shape[0]]
    y = e.context.forward(x=x)
    kept = e.context.held(x=x, dy=e.first.dy[: shape[0]])
    found = np.array(values).reshape(y.shape)
    for name, q in elementwise(replace(e.first, x=x, y=y, held=kept), y.shape):
        with np.errstate(all="ignore"):
            if np.allclose(found, 1 / q, rtol=1e-5, atol=0):
                return f"the factor {name} is missing"
            if np.allclose(found, q, rtol=1e-5, atol=0):
                return f"the factor {name} is one too many"
    return None


TESTS = [structure]
