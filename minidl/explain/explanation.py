"""Explanation: one forward and backward step of a model, written out with all its matrices."""

from html import escape
from typing import Any, NamedTuple

import numpy as np

from minidl import checks
from minidl.explain.trace import Step, Trace, trace
from minidl.layers import Dense, Layer, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.layers.dense import WeightedSums
from minidl.typing import Array, Model

LONGEST, EDGE = 10, 3  # of a longer axis, only the first and last three entries are printed
# The templates of a heading, of a formula with its shapes, and of values, and the separator of their rows.
FORMATS = {
    "text": ("{}", "  {}    {}", "    {}", "\n    "),
    "markdown": ("**{}**\n", "`{}` — {}\n", "```text\n{}\n```\n", "\n"),
    "html": ("<h4>{}</h4>", "<p><code>{}</code> {}</p>", "<pre>{}</pre>", "\n"),
}


class Line(NamedTuple):
    """One line of an explanation: a formula, its numbers, and the shapes of the factors of a matrix product."""

    formula: str
    array: Array | float
    shapes: str | None = None


def explain(model: Model, x: Any, y: Any, *, format: str = "text", digits: int = 4) -> str:
    r"""Write out one forward and backward step: symbols, shapes and the actual numbers.

    The symbols are those of the course notes: ``A[0]`` is x, ``Z[l]`` the output of dense layer l, ``A[l]``
    that of its activation, and a leading d marks a gradient of the loss of the whole batch. Of an axis with more
    than 10 entries, only the first and last 3 are shown; `trace` returns the full arrays.

    Parameters
    ----------
    model, x, y
        As in `trace`.
    format : {"text", "markdown", "html"}
    digits : int
        Digits after the decimal point.

    Raises
    ------
    StateError, ArgumentError, DataError, ShapeError
        As in `trace`.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    >>> model.compile("sgd", "binary_crossentropy")
    >>> model["dense"].W = [[1.0], [-1.0]]
    >>> lines = explain(model, [[0.0, 1.0], [2.0, 1.0]], [0, 1]).splitlines()
    >>> print("\n".join(lines[23:27]))
    Backward: Sigmoid (in Dense 'dense', layer 0)
      dZ[1] = (A[1] - Y) / m, the loss and Sigmoid together    (2, 1)
         0.1345
        -0.1345
    """
    heading, formula, values, separator = FORMATS[checks.choice(format, "explain: format", FORMATS)]
    checks.integer(digits, "explain: digits", minimum=0)
    text = escape if format == "html" else str
    parts = []
    for title, lines in _sections(model, trace(model, x, y), y):
        parts.append(heading.format(text(title)))
        for line in lines:
            parts.append(formula.format(text(line.formula), line.shapes or np.shape(line.array)))
            parts.append(values.format(separator.join(_rows(line.array, digits))))
    return "\n".join(parts)


def _sections(model: Model, passed: Trace, targets: Any) -> list[tuple[str, list[Line]]]:
    """Return the sections of the forward pass, the loss and the backward pass, from the input up and down again."""
    chain = {name: passed.steps[name] for name in model.network.names}
    rows, outputs = next(iter(chain.values())).x, list(chain.values())[-1].y
    stops_at_logits = model.connected("explain").objective.activation is not None
    truth = np.asarray(targets, float)
    if stops_at_logits and truth.size != outputs.size:  # class labels
        truth = np.eye(outputs.shape[-1])[truth.astype(int)]
    truth = truth.reshape(outputs.shape) if truth.size == outputs.size else truth
    given = [Line(f"A[0] = x, m = {len(rows)}", rows), Line("Y = y", truth)]
    shown: list[tuple[str, list[Line], list[Line]]] = []  # each layer with its lines forward and backward
    y, number = "A[0]", 0
    for name, step in chain.items():
        for path, inner in passed.steps.items():
            if path.startswith(f"{name}/") and path not in chain:
                up, down = _lines(inner, "x", "y", "")
                shown.append((inner.layer.label, [Line("x", inner.x), *up], [Line("dy", inner.dy), *down]))
        number += bool(step.values)
        x, other = y, f"A[{number}]" if y.startswith("Z") else y + "'"
        y = f"Z[{number}]" if step.values else other
        shown.append((step.layer.label, *_lines(step, x, y, f"[{number}]")))
    last = shown[-1][2]
    last[:] = [_fused(step, x, y, truth)] if stops_at_logits else [Line(f"d{y} = gradient of L", step.dy), *last]
    penalties = " + the penalties of the parameters" if model.network.penalties else ""
    penalties += " + the layers' own losses" if model.network.with_own_loss else ""
    loss = Line(f"L = {model.loss!r} of {y}{penalties}", passed.loss)
    forward = [(f"Forward: {label}", lines) for label, lines, _ in shown]
    backward = [(f"Backward: {label}", lines) for label, _, lines in reversed(shown)]
    return [("Input", given), *forward, ("Loss", [loss]), *backward]


def _lines(step: Step, x: str, y: str, number: str) -> tuple[list[Line], list[Line]]:
    """Return the lines of a layer's forward and backward; the layers inside it have their own sections."""
    name, up, down = type(step.layer).__name__, None, None
    values, gradients = ({n: v for n, v in found.items() if "/" not in n} for found in (step.values, step.gradients))
    forward, backward = [Line(f"{n}{number}", value) for n, value in values.items()], []
    result, formula = f"{name}({x})", f"{name}.backward(d{y})"
    if _is_affine(step.layer):
        W = values["W"]
        formulas = {"W": f"{x}.T @ d{y}", "b": f"column sums of d{y}"}
        sizes = {"W": f"{W.shape} = {step.x.shape[::-1]} @ {step.dy.shape}"}
        for n in [n for n in formulas if n in values]:
            line = f"d{n}{number} = {formulas[n]}{_penalty(step, n, number)}"
            backward.append(Line(line, gradients.pop(n), sizes.get(n)))
        bias, size = (f" + b{number}", f" + {values['b'].shape}") if "b" in values else ("", "")
        result, formula = f"{x} @ W{number}{bias}", f"d{y} @ W{number}.T"
        up = f"{step.y.shape} = {step.x.shape} @ {W.shape}{size}"
        down = f"{step.dx.shape} = {step.dy.shape} @ {W.shape[::-1]}"
    elif isinstance(step.layer, ActivationLayer) and not isinstance(step.layer, Softmax):
        formula = f"d{y} * {name}'({x})"
    forward.append(Line(f"{y} = {result}", step.y, up))
    backward += [Line(f"d{n}{number}", value) for n, value in gradients.items()]
    return forward, [*backward, Line(f"d{x} = {formula}", step.dx, down)]


def _is_affine(layer: Layer) -> bool:
    """Return whether a layer computes ``x @ W + b``."""
    alone = isinstance(layer, Dense) and layer.activation is None and type(layer).forward is Dense.forward
    return alone or isinstance(layer, WeightedSums)


def _penalty(step: Step, name: str, number: str) -> str:
    regularizer = step.layer.declared[name].regularizer
    return "" if regularizer is None else f" + {regularizer!r}.gradient({name}{number})"


def _fused(step: Step, x: str, y: str, truth: Array) -> Line:
    """Return the line for training that stops at the logits, with equation (0) of the notes where it holds."""
    holds = np.allclose((step.y - truth) / len(step.y), step.dx, rtol=1e-5, atol=1e-7)
    formula = f"({y} - Y) / m" if holds else f"dL/d{x}"
    return Line(f"d{x} = {formula}, the loss and {type(step.layer).__name__} together", step.dx)


def _rows(array: Array | float, digits: int) -> list[str]:
    """Return the values as lines with aligned columns; a vector is one line."""
    table = np.reshape(array, (1 if np.ndim(array) < 2 else np.shape(array)[0], -1))
    rows, columns = map(_shown, table.shape)
    cells = [["..." if None in (i, j) else f"{table[i, j]:z.{digits}f}" for j in columns] for i in rows]
    width = max(len(cell) for row in cells for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in cells]


def _shown(count: int) -> list[int | None]:
    """Return the indices of an axis to print, with None for a gap."""
    return [*range(count)] if count <= LONGEST else [*range(EDGE), None, *range(count - EDGE, count)]
