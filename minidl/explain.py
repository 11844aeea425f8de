"""Explain and trace: one forward and backward step of a model, with every matrix in it.

`explain` writes the step out to be read, `trace` returns its arrays.
"""

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from minidl import checks
from minidl.errors import ArgumentError
from minidl.layers import Dense, Layer, Softmax
from minidl.layers.activations import ActivationLayer
from minidl.layers.base import walk
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.sequential import Sequential

MOST_VALUES = 400  # of one array: more cannot be read


class Step(NamedTuple):
    """What one layer did: ``y = forward(x)``, ``dx = backward(dy)``.

    ``values`` and ``gradients`` hold its parameters by name; ``dy = dL/dy`` where L is the loss of the whole batch.
    """

    layer: Layer
    x: Array
    y: Array
    dy: Array
    dx: Array
    values: dict[str, Array]
    gradients: dict[str, Array]


class Trace(NamedTuple):
    """One pass through a model: the loss, and the `Step` of each layer by its name, from the lowest up."""

    loss: float
    steps: dict[str, Step]


def trace(model: "Sequential", x: Any, y: Any) -> Trace:
    """Return every layer's output and gradients for one batch; the model stays as it is.

    The layers run as in use, not as in training: dropout does nothing.

    Parameters
    ----------
    model : Sequential
        Built and compiled.
    x : array-like of shape (rows, ...)
    y : array-like of shape (rows,) or (rows, outputs)

    Returns
    -------
    Trace

    Raises
    ------
    StateError
        If the model is not built, or has no loss.
    ArgumentError, DataError, ShapeError
        For rows that cannot be trained on.

    Notes
    -----
    Where training stops at the logits, ``dx`` of the last layer is that exact gradient, ``(A - Y) / m``; its ``dy`` is
    the gradient at the probabilities, which training never uses.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Dense(1, activation="sigmoid")], seed=0, dtype="float64")
    >>> model.compile("sgd", "binary_crossentropy")
    >>> steps = trace(model, [[0.0, 1.0], [2.0, 3.0]], [0, 1]).steps
    >>> {name: step.y.shape for name, step in steps.items()}
    {'dense': (2, 1), 'sigmoid': (2, 1)}
    """
    model._require_compiled("trace")
    model._require_built("trace")
    rows, targets, _ = model.table(x, y).batch(slice(None))
    loss: Any = copy.copy(model.loss)
    twin = copy.copy(model)
    inputs = [rows]
    for layer in twin.layers:
        inputs.append(layer.forward(inputs[-1], False))
    value = loss.forward(inputs[-1], targets)
    dy = loss.backward()
    gradients = [dy]
    for layer in reversed(twin.layers):
        if layer is twin.layers[-1] and layer is twin.plan.final:  # training stops at the logits
            on_logits = loss.on_logits()
            on_logits.forward(inputs[-2], targets)
            dy = on_logits.backward()
        else:
            dy = layer.backward(dy)
        gradients.insert(0, dy)
    value += twin.plan.penalty(gradients=True)
    steps = {}
    for index, layer in enumerate(twin.layers):
        names = [(path, part, name) for path, part in walk({"": layer}) for name in part.parameter_names]
        steps[layer.name or ""] = Step(
            layer, inputs[index], inputs[index + 1], gradients[index + 1], gradients[index],
            {f"{path}/{name}".lstrip("/"): part.views[name] for path, part, name in names},
            {f"{path}/{name}".lstrip("/"): part.views[f"d{name}"] for path, part, name in names},
        )  # fmt: skip
    return Trace(float(value), steps)


class Line(NamedTuple):
    """One line of an explanation: a formula, its shapes, and the numbers."""

    formula: str
    shapes: str
    array: Array | float


class Symbols(NamedTuple):
    """How the notes call what goes through a layer: ``A[0]``, ``Z[1]`` and the number 1."""

    x: str
    y: str
    number: int


def explain(model: "Sequential", x: Any, y: Any, *, format: str = "text", digits: int = 4) -> str:
    r"""Write out one forward and backward step: symbols, shapes and the actual numbers.

    The symbols are those of the course notes: ``A[0]`` is x, ``Z[l]`` the output of the dense layer number l, ``A[l]``
    that of its activation, and a letter d stands before the gradients of the loss of the whole batch.

    Parameters
    ----------
    model : Sequential
        Built and compiled; small enough to be read.
    x : array-like of shape (rows, ...)
    y : array-like of shape (rows,) or (rows, outputs)
    format : {"text", "markdown", "html"}
    digits : int
        Digits after the point.

    Returns
    -------
    str

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
    >>> print("\n".join(lines[20:24]))
    Backward: Sigmoid 'sigmoid' (layer 1)
      dZ[1] = (A[1] - Y) / m, the loss and Sigmoid together    (2, 1)
         0.1345
        -0.1345
    """
    render = {"text": _as_text, "markdown": _as_markdown, "html": _as_html}
    checks.choice(format, "explain: format", render)
    checks.integer(digits, "explain: digits", minimum=0)
    model._require_built("explain")
    for name, view in ((name, model.parameters[name]) for name in model.parameters):
        _check_size(name, view)
    passed = trace(model, x, y)
    for name, step in passed.steps.items():
        _check_size(name, step.y)
    return render[format](_sections(model, passed, y), digits)


def _check_size(name: str, array: Array) -> None:
    if array.size > MOST_VALUES:
        raise ArgumentError(
            f"explain: expected arrays of at most {MOST_VALUES} values, got {array.size} in {name}. "
            "Take fewer rows, or use trace, which returns the arrays."
        )


def _sections(model: "Sequential", passed: Trace, y: Any) -> list[tuple[str, list[Line]]]:
    steps, symbols = list(passed.steps.values()), _symbols(passed)
    first = Line(f"A[0] = x, Y = y, m = {len(steps[0].x)}", str(steps[0].x.shape), steps[0].x)
    sections = [("Input", [first])]
    for step, names in zip(steps, symbols, strict=True):
        sections.append((f"Forward: {step.layer.label}", _forward(step, names)))
    sections.append(("Loss", [Line(f"L = {model.loss!r} of {symbols[-1].y}", "", passed.loss)]))
    for index in reversed(range(len(steps))):
        step, last = steps[index], index == len(steps) - 1
        fused = last and model.plan.final is not None and step.layer.name == model.layers[-1].name
        lines = _fused(step, symbols[index], y) if fused else _backward(step, symbols[index])
        if last and not fused:
            lines.insert(0, Line(f"d{symbols[index].y} = gradient of L", str(step.dy.shape), step.dy))
        sections.append((f"Backward: {step.layer.label}", lines))
    return sections


def _symbols(passed: Trace) -> list[Symbols]:
    found: list[Symbols] = []
    x, number = "A[0]", 0
    for step in passed.steps.values():
        if step.values:
            number += 1
            y = f"Z[{number}]"
        else:
            y = f"A[{number}]" if x.startswith("Z") else x + "'"
        found.append(Symbols(x, y, number))
        x = y
    return found


def _forward(step: Step, names: Symbols) -> list[Line]:
    x, y, number = names
    if isinstance(step.layer, Dense):
        bias, shape = (f" + b[{number}]", f" + {step.values['b'].shape}") if "b" in step.values else ("", "")
        shapes = f"{step.y.shape} = {step.x.shape} @ {step.values['W'].shape}{shape}"
        parameters = [Line(f"{name}[{number}]", str(value.shape), value) for name, value in step.values.items()]
        return [*parameters, Line(f"{y} = {x} @ W[{number}]{bias}", shapes, step.y)]
    return [Line(f"{y} = {_name(step.layer)}({x})", str(step.y.shape), step.y)]


def _backward(step: Step, names: Symbols) -> list[Line]:
    x, y, number = names
    if isinstance(step.layer, Dense):
        W = step.values["W"]
        shapes = f"{W.shape} = {step.x.shape[::-1]} @ {step.dy.shape}"
        lines = [Line(f"dW[{number}] = {x}.T @ d{y}", shapes, step.gradients["W"])]
        if "b" in step.values:
            bias = step.gradients["b"]
            lines.append(Line(f"db[{number}] = column sums of d{y}", str(bias.shape), bias))
        shapes = f"{step.dx.shape} = {step.dy.shape} @ {W.shape[::-1]}"
        return [*lines, Line(f"d{x} = d{y} @ W[{number}].T", shapes, step.dx)]
    if isinstance(step.layer, ActivationLayer) and not isinstance(step.layer, Softmax):
        formula = f"d{x} = d{y} * {_name(step.layer)}'({x})"
    else:
        formula = f"d{x} = {_name(step.layer)}.backward(d{y})"
    gradients = [Line(f"d{name}[{number}]", str(value.shape), value) for name, value in step.gradients.items()]
    return [*gradients, Line(formula, str(step.dx.shape), step.dx)]


def _fused(step: Step, names: Symbols, y: Any) -> list[Line]:
    """Say that training stops at the logits; give the notes' equation (0) where it holds as it stands."""
    targets = np.asarray(y)
    if targets.size == len(step.y) and step.y.shape[1] > 1:
        targets = np.eye(step.y.shape[1])[targets.reshape(-1).astype(int)]
    notes = (step.y - targets.reshape(step.y.shape)) / len(step.y)
    exact = np.allclose(notes, step.dx, rtol=1e-5, atol=1e-7)
    formula = f"({names.y} - Y) / m" if exact else f"dL/d{names.x}"
    return [Line(f"d{names.x} = {formula}, the loss and {_name(step.layer)} together", str(step.dx.shape), step.dx)]


def _name(layer: Layer) -> str:
    return type(layer).__name__


def _numbers(array: Array | float, digits: int) -> list[list[str]]:
    table = np.atleast_2d(array) if np.ndim(array) < 2 else np.reshape(array, (len(np.asarray(array)), -1))
    return [[f"{value:.{digits}f}" for value in row] for row in table]


def _lines(array: Array | float, digits: int) -> list[str]:
    table = _numbers(array, digits)
    width = max(len(cell) for row in table for cell in row)
    return ["  ".join(cell.rjust(width) for cell in row) for row in table]


def _as_text(sections: list[tuple[str, list[Line]]], digits: int) -> str:
    text = []
    for title, lines in sections:
        text.append(title)
        for formula, shapes, array in lines:
            text.append(f"  {formula}    {shapes}".rstrip())
            text += [f"    {line}" for line in _lines(array, digits)]
    return "\n".join(text)


def _as_markdown(sections: list[tuple[str, list[Line]]], digits: int) -> str:
    text = []
    for title, lines in sections:
        text.append(f"**{title}**\n")
        for formula, shapes, array in lines:
            text.append(f"`{formula}`" + (f" — {shapes}" if shapes else "") + "\n")
            text.append("\n".join(["```text", *_lines(array, digits), "```"]) + "\n")
    return "\n".join(text)


def _as_html(sections: list[tuple[str, list[Line]]], digits: int) -> str:
    from html import escape

    text = []
    for title, lines in sections:
        text.append(f"<h4>{escape(title)}</h4>")
        for formula, shapes, array in lines:
            rows = "".join(
                "<tr>" + "".join(f"<td style='text-align:right'>{cell}</td>" for cell in row) + "</tr>"
                for row in _numbers(array, digits)
            )
            text.append(f"<p><code>{escape(formula)}</code> {escape(shapes)}</p><table>{rows}</table>")
    return "\n".join(text)
