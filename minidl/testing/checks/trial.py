"""trial: the gradients at one more point, which may be of another shape, of another layer or of unusual values."""

from collections.abc import Callable, Iterator

from minidl.errors import MinidlError
from minidl.testing.agreement import close, named
from minidl.testing.examination import Examination
from minidl.testing.findings import Finding, from_failure
from minidl.testing.points import Refused, WrongShape
from minidl.testing.probe import LayerFailure, Point

MOST_PARAMETERS = 20_000


def trial(
    examination: Examination, told: str, make: Callable[[], Point], *, covers: str = "regimes"
) -> Iterator[Finding]:
    """Yield a finding if a gradient is wrong at a point, or its backward pass raises; nothing if it is refused.

    Parameters
    ----------
    told : str
        What is special about the point.
    make : function
        Makes the point; it may raise `Refused` or a `LayerFailure`.
    covers : str
        Where the point is entered in the coverage.
    """
    try:
        point = make()
        if sum(value.size for value in point.parameters.values()) > MOST_PARAMETERS:
            return
        finding = None if _as_in_training(examination, point) else examination.screen(point, told)
    except WrongShape as wrong:
        if [length for length in wrong.found if length != 1] == [length for length in wrong.expected if length != 1]:
            yield examination.finding(str(wrong), "y", "an axis of length 1 is squeezed away, or added")
        return
    except Refused as refused:
        failure = refused.__cause__
        if not isinstance(failure, LayerFailure) or not _is_a_mistake(failure):
            return
        finding = from_failure(examination.check, failure, told)
    except LayerFailure as failure:
        if not _is_a_mistake(failure):
            return
        finding = from_failure(examination.check, failure, told)
    examination.certificate.cover(covers, told if covers != "shapes" else point.x.shape)
    if finding is not None:
        yield finding


def _as_in_training(examination: Examination, point: Point) -> bool:
    """Return whether a point is one of inference, at which training computes the same bits."""
    if point.training:
        return False
    here, there = (named(*examination.run(point.with_(training=training))) for training in (False, True))
    return all(close(there.get(name), value, 0.0) for name, value in here.items())


def _is_a_mistake(failure: LayerFailure) -> bool:
    """Return whether an exception is no refusal: what forward has taken, backward must take too."""
    if isinstance(failure.error, (MinidlError, NotImplementedError)) and failure.method != "backward":
        return False
    return failure.method == "backward" or isinstance(failure.error, (AttributeError, NameError))
