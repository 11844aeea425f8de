"""Explanation: one forward and backward step of a model, written out with every matrix in it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.explain.trace import Step, Trace, trace
from minidl.layers import Dense, Layer, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.layers.dense import WeightedSums
from minidl.typing import Array, Model

MOST_VALUES = 400  # of one array: more cannot be read


class Line(NamedTuple):
    """One line of an explanation: a formula, the numbers, and the shapes if they are more than that of the numbers."""

    formula: str
    array: Array | float
    shapes: str | None = None


Sections = list[tuple[str, list[Line]]]


def explain(model: Model, x: Any, y: Any, *, format: str = "text", digits: int = 4) -> str:
    r"""Write out one forward and backward step: symbols, shapes and the actual numbers.

    The symbols are those of the course notes: ``A[0]`` is x, ``Z[l]`` the output of the dense layer number l, ``A[l]``
    that of its activation, and a letter d precedes the gradients of the loss of the whole batch.

    Parameters
    ----------
    model, x, y
        As in `trace`; small enough to be read.
    format : {"text", "markdown", "html"}
    digits : int
        Digits after the point.

    Raises
    ------
    ArgumentError
        If an array has more than 400 values: `trace` returns it whole.
    StateError, DataError, ShapeError
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
    checks.choice(format, "explain: format", RENDERERS)
    checks.integer(digits, "explain: digits", minimum=0)
    passed = trace(model, x, y)
    parameters = {name: model.parameters[name] for name in model.parameters}
    outputs = {name: step.y for name, step in passed.steps.items()}
    for name, array in [*parameters.items(), *outputs.items()]:
        if array.size > MOST_VALUES:
            raise ArgumentError(
                f"explain: expected arrays of at most {MOST_VALUES} values, got {array.size} in {name}. "
                "Take fewer rows, or use trace, which returns the arrays."
            )
    return "\n".join(RENDERERS[format](_sections(model, passed, y), digits))


def _sections(model: Model, passed: Trace, targets: Any) -> Sections:
    """Go up through the layers and down again, calling what goes in ``x`` and what comes out ``y``."""
    chain = {name: passed.steps[name] for name in model.network.names}
    rows, outputs = next(iter(chain.values())).x, list(chain.values())[-1].y
    truth = np.asarray(targets, float)
    truth = truth.reshape(outputs.shape) if truth.size == outputs.size else truth
    given = [Line(f"A[0] = x, m = {len(rows)}", rows), Line("Y = y", truth)]
    forward: Sections = [("Input", given)]
    backward: Sections = []
    y, number = "A[0]", 0
    for name, step in chain.items():
        for path, inner in passed.steps.items():
            if path.startswith(f"{name}/") and path not in chain:
                forward.append((f"Forward: {inner.layer.label}", [Line("x", inner.x), *_forward(inner, "x", "y", "")]))
                lines = [Line("dy", inner.dy), *_backward(inner, "x", "y", "")]
                backward.insert(0, (f"Backward: {inner.layer.label}", lines))
        x = y
        if step.values:
            number += 1
            y = f"Z[{number}]"
        else:
            y = f"A[{number}]" if x.startswith("Z") else x + "'"
        forward.append((f"Forward: {step.layer.label}", _forward(step, x, y, f"[{number}]")))
        backward.insert(0, (f"Backward: {step.layer.label}", _backward(step, x, y, f"[{number}]")))
    title, lines = backward[0]
    if model.connected("explain").objective.activation is not None:
        lines = [_fused(step, x, y, targets)]
    else:
        lines = [Line(f"d{y} = gradient of L", step.dy), *lines]
    penalties = " + the penalties of the parameters" if model.network.penalties else ""
    penalties += " + the layers' own losses" if model.network.with_own_loss else ""
    loss = Line(f"L = {model.loss!r} of {y}{penalties}", passed.loss, "")
    return [*forward, ("Loss", [loss]), (title, lines), *backward[1:]]


def _forward(step: Step, x: str, y: str, number: str) -> list[Line]:
    parameters = [Line(f"{name}{number}", value) for name, value in step.values.items() if "/" not in name]
    if not _is_affine(step.layer):
        return [*parameters, Line(f"{y} = {type(step.layer).__name__}({x})", step.y)]
    bias, shape = (f" + b{number}", f" + {step.values['b'].shape}") if "b" in step.values else ("", "")
    shapes = f"{step.y.shape} = {step.x.shape} @ {step.values['W'].shape}{shape}"
    return [*parameters, Line(f"{y} = {x} @ W{number}{bias}", step.y, shapes)]


def _backward(step: Step, x: str, y: str, number: str) -> list[Line]:
    name = type(step.layer).__name__
    gradients, shapes = dict(step.gradients), None
    lines = []
    if _is_affine(step.layer):
        W, dW = step.values["W"], gradients.pop("W")
        formula = f"dW{number} = {x}.T @ d{y}{_penalty(step, 'W', number)}"
        lines.append(Line(formula, dW, f"{W.shape} = {step.x.shape[::-1]} @ {step.dy.shape}"))
        if "b" in gradients:
            formula = f"db{number} = column sums of d{y}{_penalty(step, 'b', number)}"
            lines.append(Line(formula, gradients.pop("b")))
        formula, shapes = f"d{y} @ W{number}.T", f"{step.dx.shape} = {step.dy.shape} @ {W.shape[::-1]}"
    elif isinstance(step.layer, ActivationLayer) and not isinstance(step.layer, Softmax):
        formula = f"d{y} * {name}'({x})"
    else:
        formula = f"{name}.backward(d{y})"
    for parameter, value in gradients.items():
        if "/" not in parameter:  # those of the layers inside it are listed there
            lines.append(Line(f"d{parameter}{number}", value))
    return [*lines, Line(f"d{x} = {formula}", step.dx, shapes)]


def _is_affine(layer: Layer) -> bool:
    """Return whether a layer computes ``x @ W + b``."""
    alone = isinstance(layer, Dense) and layer.activation is None and type(layer).forward is Dense.forward
    return alone or isinstance(layer, WeightedSums)


def _penalty(step: Step, name: str, number: str) -> str:
    regularizer = step.layer.declared[name].regularizer
    return "" if regularizer is None else f" + {regularizer!r}.gradient({name}{number})"


def _fused(step: Step, x: str, y: str, targets: Any) -> Line:
    """Say that training stops at the logits; give the notes' equation (0) where it holds as it stands."""
    targets = np.asarray(targets)
    if targets.size == len(step.y) and step.y.shape[1] > 1:
        targets = np.eye(step.y.shape[1])[targets.reshape(-1).astype(int)]
    notes = (step.y - targets.reshape(step.y.shape)) / len(step.y)
    formula = f"({y} - Y) / m" if np.allclose(notes, step.dx, rtol=1e-5, atol=1e-7) else f"dL/d{x}"
    return Line(f"d{x} = {formula}, the loss and {type(step.layer).__name__} together", step.dx)


def _shapes(line: Line) -> str:
    return str(np.shape(line.array)) if line.shapes is None else line.shapes


def _numbers(array: Array | float, digits: int) -> list[list[str]]:
    table = np.atleast_2d(array) if np.ndim(array) < 2 else np.reshape(array, (len(np.asarray(array)), -1))
    return [[f"{value:z.{digits}f}" for value in row] for row in table]


def _aligned(array: Array | float, digits: int) -> list[str]:
    table = _numbers(array, digits)
    width = max(len(cell) for row in table for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in table]


def _text(sections: Sections, digits: int) -> Iterator[str]:
    for title, lines in sections:
        yield title
        for line in lines:
            yield f"  {line.formula}    {_shapes(line)}".rstrip()
            yield from (f"    {row}" for row in _aligned(line.array, digits))


def _markdown(sections: Sections, digits: int) -> Iterator[str]:
    for title, lines in sections:
        yield f"**{title}**\n"
        for line in lines:
            yield f"`{line.formula}` — {_shapes(line)}\n".replace(" — \n", "\n")
            yield from ["```text", *_aligned(line.array, digits), "```\n"]


def _html(sections: Sections, digits: int) -> Iterator[str]:
    from html import escape

    for title, lines in sections:
        yield f"<h4>{escape(title)}</h4>"
        for line in lines:
            yield f"<p><code>{escape(line.formula)}</code> {escape(_shapes(line))}</p><table>"
            for row in _numbers(line.array, digits):
                yield "<tr>" + "".join(f"<td style='text-align:right'>{cell}</td>" for cell in row) + "</tr>"
            yield "</table>"


RENDERERS = {"text": _text, "markdown": _markdown, "html": _html}
