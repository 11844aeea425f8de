"""special: inputs and parameters that are special as a whole, in both modes."""

from collections.abc import Iterator

from minidl.testing.constants import mentioned
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, Skipped
from minidl.testing.probe import LayerFailure, Point
from minidl.testing.registry import register_check
from minidl.testing.situations import inputs, parameters


@register_check("special", after=("numeric", "mode", "batch", "subgradient", "path-integral"), level="standard")
def special(examination: Examination) -> Iterator[Finding]:
    """Equal, sorted, one-signed, tiny, large inputs and parameters, and those near constants of the code."""
    if examination.surrogate:
        raise Skipped("the gradient is declared to be no derivative")
    for told, point in _points(examination):
        for training in (True, False):
            yield from seen(examination, point.with_(training=training), told if training else f"{told}, inference")


def seen(examination: Examination, point: Point, told: str) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong at a point that the layer takes."""
    try:
        finding = examination.glance(point, told)
    except LayerFailure:  # such as a refusal of the input
        return
    examination.certificate.cover("regimes", told)
    if finding is not None:
        yield finding


def _points(examination: Examination) -> Iterator[tuple[str, Point]]:
    point, subject, rng = examination.point, examination.subject, examination.rng
    code = mentioned(subject.example)
    for told, x in inputs(subject.domain, rng, point.x.shape, code):
        yield told, point.with_(x=x)
    for told, x in subject.own_inputs(rng, point.x.shape):
        yield told, point.with_(x=x)
    initial = subject.probe(point.input_shape, float, point.arguments).values
    for told, values in parameters(point.parameters, initial, rng, code):
        yield told, point.with_(parameters=values)
