"""Sublayers: the inner layers that take part in forward but are left out of backward."""

from collections import Counter
from types import FrameType

from minidl.layers.base import Layer
from minidl.layers.tree import walk
from minidl.testing.diagnosis.evidence import Evidence
from minidl.testing.diagnosis.hypothesis import Claims, Hypothesis
from minidl.testing.diagnosis.where.source import profiled


def left_out(e: Evidence) -> Claims:
    """Claim that backward leaves out an inner layer whose forward is called more often than its backward."""
    if not e.context.layer.sublayers():
        return
    forward, backward = calls_inside(e)
    for path, count in forward.items():
        parent = path.rpartition("/")[0]
        if backward[path] < count and (not parent or backward[parent]):
            often = f"is called {count} times in forward" if count > 1 else "takes part in forward"
            never = f"its backward is called {backward[path]} times" if backward[path] else "its backward is not called"
            text = (
                f"self.{path.replace('/', '.')} {often}, and {never}: its derivative is left out, unless it is worked"
            )
            yield Hypothesis(f"{text} out otherwise")
            return


def calls_inside(e: Evidence) -> tuple[Counter[str], Counter[str]]:
    """Return how often forward and backward of each inner layer are called in one run, by path."""
    seen: list[tuple[str, Layer]] = []

    def note(frame: FrameType, event: str) -> None:
        name, owner = frame.f_code.co_name, frame.f_locals.get("self")
        if event == "call" and name in ("forward", "backward", "backward_parameters") and isinstance(owner, Layer):
            caller = frame.f_back.f_locals.get("self") if frame.f_back else None
            if owner is not caller:  # ignore calls from the same layer, such as super()
                seen.append((name, owner))

    with profiled(note):
        e.context.run()
    top = next((owner for _, owner in seen if type(owner) is type(e.context.layer)), e.context.layer)
    paths = {id(part): path for path, part in walk(top.sublayers())}
    forward = Counter(paths[id(owner)] for name, owner in seen if id(owner) in paths and name == "forward")
    return forward, Counter(paths[id(owner)] for name, owner in seen if id(owner) in paths and name != "forward")
