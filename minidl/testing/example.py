"""Example: a layer, loss or regularizer at one point, whose gradients are compared with finite differences.

Its repr is the call that reproduces it.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from minidl.losses import Loss
from minidl.regularizers import Regularizer
from minidl.testing.certification import examine
from minidl.testing.checks.trial import looks_wrong
from minidl.testing.comparison import compare
from minidl.testing.examination import Examination
from minidl.testing.functions import FunctionSubject
from minidl.testing.loss_layer import OwnLossSubject, has_own_losses, own_loss_point
from minidl.testing.points import settle_states
from minidl.testing.probe import Gradients, LayerFailure, Misconduct, Point
from minidl.testing.subject import Subject, subject_of
from minidl.typing import Array

MOST = 8  # entries compared per array


class WrongGradient(AssertionError):
    """A gradient that is wrong at one example; the diagnosis is computed when its text is requested."""

    def __init__(self, subject: Subject, point: Point, example: "Example") -> None:
        super().__init__(example)
        self.subject, self.point, self.example = subject, point, example

    def __str__(self) -> str:
        return self._text

    @cached_property
    def _text(self) -> str:
        here = examine(Examination(self.subject, "quick"), self.point, checks=["here"])
        # Zeros hide causes: if the gradient is wrong at a generic point too, the diagnosis is made there.
        generic = examine(Examination(self.subject, "quick"), checks=["linear-in-u", "numeric"])
        for finding, other in zip(here.findings, generic.findings, strict=False):
            if other.target == finding.target and other.why:
                finding.why, finding.hypotheses = other.why, other.hypotheses
        lines = [line for line in str(here).splitlines()[1:] if not line.startswith("   again")]
        return "\n".join([f"wrong gradient of {self.subject.name}", *lines, f"   again   {self.example!r}"])


@dataclass(repr=False)
class Example:
    """One call of `check_gradients`, which is also its repr; omitted parameters are zero."""

    subject: Any
    x: Any
    dy: Any = 1.0
    parameters: Gradients = field(default_factory=dict)
    training: bool = True
    constants: Gradients = field(default_factory=dict)

    def __repr__(self) -> str:
        name = self.subject.name if isinstance(self.subject, Subject) else repr(self.subject)
        shown = {"x": _literal(self.x), "dy": _literal(self.dy)} | {n: _literal(a) for n, a in self.constants.items()}
        parameters = {name: _literal(value) for name, value in self.parameters.items() if np.any(value)}
        if parameters:
            shown["parameters"] = "{" + ", ".join(f'"{name}": {text}' for name, text in parameters.items()) + "}"
        if not self.training:
            shown["training"] = "False"
        return f"check_gradients({name}, {', '.join(f'{name}={text}' for name, text in shown.items())})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # printed by hypothesis

    def check(self) -> None:
        """Raise `WrongGradient` if a gradient is wrong here."""
        x = np.asarray(self.x, float if isinstance(self.subject, (Loss, Regularizer)) else None)
        subject = subject_with(self.subject, x, self.constants)
        subject.longest_refused = True  # float64 is sufficient, and faster
        probe = subject.probe(x.shape[1:])
        states = settle_states(probe, subject.domain, x.shape[1:], np.random.default_rng(0))
        values = {name: np.zeros(value.shape) + self.parameters.get(name, 0.0) for name, value in probe.values.items()}
        dy = np.asarray(self.dy, float).reshape(1) if np.ndim(self.dy) == 0 else np.asarray(self.dy, float)
        point = Point(x, dy, values, states, self.training)
        self._compare(subject, point)
        if has_own_losses(subject):
            self._compare(OwnLossSubject(subject), own_loss_point(point))

    def _compare(self, subject: Subject, point: Point) -> None:
        try:
            with np.errstate(all="ignore"):
                probe = subject.at(point)
                passes = probe.run(point)
                if not looks_wrong(probe, point, *passes, np.random.default_rng(0), subject.rounding):
                    return  # along a direction all gradients agree
                result = compare(subject, point, np.random.default_rng(0), most=MOST, hard=True)
        except (LayerFailure, Misconduct) as failure:
            failure.add_note(f"in {self!r}")
            raise
        if result.mismatches:
            raise WrongGradient(subject, point, self)


def _literal(array: Any) -> str:
    return repr(np.asarray(array).tolist())


def check_gradients(
    subject: Any, x: Any, dy: Any = 1.0, parameters: Gradients | None = None, training: bool = True, **constants: Any
) -> None:
    """Compare all gradients at one point with finite differences, by the kit's rules for errors and kinks.

    Parameters
    ----------
    subject : Layer, Loss, Regularizer or Subject
    x, dy : array
        Input (for a loss, the predictions) and upstream gradient.
    parameters : dict of str to array, optional
        Omitted parameters are zero.
    training : bool
    **constants
        For a loss: ``y_true`` and, optionally, ``sample_weight``.

    Raises
    ------
    WrongGradient
        An `AssertionError` with the diagnosis.

    Examples
    --------
    >>> from minidl.testing import check_gradients
    >>> check_gradients(minidl.layers.Tanh(), x=[[0.5, -1]], dy=[[1, 2]])
    """
    Example(subject, np.asarray(x), np.asarray(dy, float), parameters or {}, training, constants).check()


def subject_with(given: Any, x: Array, constants: Gradients) -> Subject:
    """Return the subject to test: a loss becomes a function of its predictions, a regularizer one of its parameter."""
    if isinstance(given, Loss):
        constants = {name: np.asarray(value) for name, value in constants.items()}
        return FunctionSubject(
            lambda *arrays: (given.forward(*arrays), None),
            lambda _, dy: dy * given.backward(),
            {"y_pred": x, **constants},
            constants=tuple(constants),
            name=repr(given),
            domain="real",
        )
    if isinstance(given, Regularizer):
        return FunctionSubject(given.penalty, given.gradient, x, name=repr(given), domain="real")
    return subject_of(given)
