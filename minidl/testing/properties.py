"""gradient_property: a hypothesis test of all gradients of a layer, loss or regularizer, at readable numbers.

Each example is one call of `check_gradients`.
Importing this module imports hypothesis, so nothing else in the package does.
"""

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from minidl.errors import MinidlError
from minidl.layers.base import Layer
from minidl.losses import Loss
from minidl.regularizers import Regularizer
from minidl.testing.example import Example
from minidl.testing.losses import has_own_columns, input_domain, kinds_of_targets, outputs_of
from minidl.testing.points import Refused, draw_point, first_point
from minidl.testing.probe import LayerFailure
from minidl.testing.strategies import arguments, entries
from minidl.testing.subject import Subject, subject_of
from minidl.typing import Shape

MOST_ROWS = 3
SHAPES: tuple[Shape, ...] = ((1,), (2,), (3,), (4,), (6,), (1, 1), (2, 1), (1, 2), (3, 2), (2, 2), (2, 3), (2, 1, 2))


@st.composite
def _of_layer(draw: st.DrawFn, subjects: st.SearchStrategy[Subject], shapes: list[Shape]) -> Example:
    subject = draw(subjects)
    shape, training = draw(st.sampled_from(shapes)), draw(st.sampled_from([True, False]))
    rows = draw(st.integers(1, MOST_ROWS))
    x = draw(entries((MOST_ROWS, *shape), subject.domain))[-rows:]  # so that a smaller number drops rows of zeros
    try:
        probe = subject.probe(shape)
        parameters = {name: draw(entries(value.shape)) for name, value in probe.values.items()}
        with np.errstate(all="ignore"):
            y = probe.set(parameters, {}).forward(x.copy(), training)
    except LayerFailure:
        assume(False)
    assume(np.isfinite(np.asarray(y, float)).all())
    whole = np.shape(y)[:1] != (rows,)
    dy = draw(entries(np.shape(y) if whole else (MOST_ROWS, *np.shape(y)[1:])))
    return Example(subject, x, dy if whole else dy[-rows:], parameters, training)


def _others(subject: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for copies of ``subject`` made with other arguments, starting with ``subject`` itself."""
    return st.one_of(st.just(subject), arguments(subject).map(type(subject).from_config))


def _with_domain(layer: Layer, domain: Any) -> Subject:
    subject = Subject(layer)
    subject.domain = domain
    return subject


@st.composite
def _of_loss(draw: st.DrawFn, loss: Loss) -> Example:
    loss = draw(_others(loss))
    kind = draw(st.sampled_from(kinds_of_targets(loss)))
    rows = draw(st.integers(1, 3))
    outputs = outputs_of(loss) if has_own_columns(loss) else draw(st.integers(1, 3))
    domain = "simplex" if loss.link == "softmax" and not loss.from_logits else input_domain(loss, kind)
    x = draw(entries((rows, outputs), domain))
    targets = {"probability": "simplex", "soft": "probability"}.get(kind, kind)
    constants = {"y_true": draw(entries((rows, loss.columns(outputs)), targets))}
    if draw(st.booleans()):
        constants["sample_weight"] = draw(entries((rows,), "positive"))
    try:
        with np.errstate(all="ignore"):
            loss.check_targets(constants["y_true"], outputs)
            assume(np.isfinite(loss.forward(x, *constants.values())))
    except MinidlError:
        assume(False)
    return Example(loss, x, draw(entries((), "positive")), constants=constants)


def _shapes(subject: Subject, input_shape: Shape | None) -> list[Shape]:
    """Return the row shapes that a layer accepts, smallest first."""
    rng = np.random.default_rng(0)
    point, _ = first_point(subject, rng, input_shape)
    if input_shape is not None or "square" in subject.excluded:
        return [point.input_shape]
    found = []
    for shape in {*SHAPES, point.input_shape}:
        with suppress(Refused, LayerFailure):
            other = draw_point(subject, rng, shape)
            if subject.whole_batch or other.dy.shape[1:] == subject.probe(shape).layer.output_shape:
                found.append(shape)
    return sorted(found, key=lambda shape: (math.prod(shape), shape))


def examples(subject: Any, input_shape: Shape | None = None) -> st.SearchStrategy[Example]:
    """Return a strategy for calls of `check_gradients` for a layer, loss or regularizer."""
    if isinstance(subject, Loss):
        return _of_loss(subject)
    if isinstance(subject, Regularizer):
        return st.builds(Example, st.just(subject), st.sampled_from(SHAPES).flatmap(entries), entries((), "positive"))
    given, subject = subject, subject_of(subject)
    shapes = _shapes(subject, input_shape)
    if isinstance(given, Layer) and not given.sublayers():
        return _of_layer(_others(given).map(partial(_with_domain, domain=subject.domain)), shapes)
    return _of_layer(st.just(subject), shapes)


def gradient_property(subject: Any, *, input_shape: Shape | None = None, **options: Any) -> Callable[[], None]:
    """Return a hypothesis test that ``dx`` and each parameter's gradient agree with finite differences.

    Parameters
    ----------
    subject : Layer, Loss, Regularizer or Subject
        A network is a layer; `FunctionSubject` makes a subject from plain functions.
    input_shape : tuple of int, optional
        Shape of a row. Default: all small shapes that the layer accepts.
    **options
        Passed to ``hypothesis.settings``; by default, 100 examples and no deadline.

    Returns
    -------
    function without arguments
        The test; assign it to a name that begins with ``test_``.

    Examples
    --------
    >>> from minidl.testing import gradient_property
    >>> test_gelu = gradient_property(minidl.layers.GELU(), max_examples=10)
    >>> test_gelu()
    """
    lazily = st.deferred(lambda: examples(subject, input_shape))
    options = {"max_examples": 100, "deadline": None, "suppress_health_check": list(HealthCheck), **options}
    options = {"phases": set(Phase) - {Phase.explain}, **options}  # the diagnosis is more helpful

    @settings(**options)
    @given(example=lazily)
    def test(example: Example) -> None:
        example.check()

    return test


def gradient_properties(subjects: Iterable[Any], **options: Any) -> Any:
    """Return one pytest test that runs `gradient_property` for each of ``subjects``.

    An item may be a pair ``(subject, input_shape)``; the options are those of `gradient_property`.

    Examples
    --------
    >>> from minidl.testing import gradient_properties
    >>> test_gradients = gradient_properties([minidl.layers.Tanh(), (minidl.layers.Dense(2), (3,))])
    """
    import pytest

    cases = []
    for given_ in subjects:
        subject, shape = given_ if isinstance(given_, tuple) else (given_, None)
        name = subject.name if isinstance(subject, Subject) else repr(subject)
        cases.append(pytest.param(gradient_property(subject, input_shape=shape, **options), id=name))

    @pytest.mark.parametrize("gradients_are_right", cases)
    def test(gradients_are_right: Callable[[], None]) -> None:
        gradients_are_right()

    return test
