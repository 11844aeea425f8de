"""Repairs: single edits of the source that make the gradient correct, tried on copies of the code.

A small edit that makes the gradient correct is the clearest pointer to a cause. Hundreds of typical mistakes are undone
one at a time, and the first edit that makes the gradient correct in every sample is reported.
"""

import warnings
from contextlib import suppress
from types import CodeType

import numpy as np

from minidl.testing.diagnosis.evidence import Evidence, attempt
from minidl.testing.diagnosis.hypothesis import OPEN, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import EXACT, Sample, floats, largest
from minidl.testing.diagnosis.where.alterations import alterations
from minidl.testing.diagnosis.where.edits import Edit, repeated, sites
from minidl.testing.probe import Probe

TRIALS = 900  # edits tried per diagnosis
WORK = 700_000  # limit on events and numbers over all trials: fewer trials for layers with many calls or large arrays
UNSAFE = "as_strided"  # an edit of its arguments may read foreign memory: nothing is edited where it is called
# Beginnings of causes that no line of backward is to blame for.
ELSEWHERE = ("two identical", "forward", "the output does not depend", "self.")
SHORT = 160  # characters: a longer formula is probably a coincidence


def with_repair(found: list[Hypothesis], evidence: Evidence) -> list[Hypothesis]:
    """Return the causes found so far, preceded by the edit that makes the gradient correct, if there is one.

    An edit that corrects all wrong gradients of the call is preferred.
    """
    if evidence.first.gap <= evidence.first.noise or found[0].text.startswith(ELSEWHERE):
        return found
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edit, rank = first_repair(evidence)
    if edit is None:
        return found
    best, told = found[0], f"becomes right when {edit.shown()}"
    if best.bits < OPEN and len(best.text) <= SHORT:
        told = f"{best.text}; {told}"
    where, source = edit.site.function.place(edit.site.statement)
    return [Hypothesis(told, min(best.bits, bits_of(rank) / 3), where, source), *found]


def first_repair(e: Evidence) -> tuple[Edit | None, int]:
    """Return the most likely edit that makes the gradients correct on every sample, and its rank."""
    functions = e.functions
    sizes = sum(v.size for v in (e.first.x, e.first.y, *e.first.parameters.values()))
    trials = 0 if UNSAFE in e.events else min(TRIALS, WORK // (len(e.events) + sizes))
    samples = [*e.samples, *(other_samples(e) if e.has_room else ())] if trials else []  # before any edit
    places = [site for function in functions if function.values for site in sites(function, e.target)]
    single = [edit for site in places for edit in alterations(site)]
    edits = sorted([*single, *repeated(single)], key=lambda edit: edit.cost)
    probe = e.context.subject.at(e.context.point)
    second: tuple[Edit | None, int] = None, 0
    for rank, edit in enumerate(edits[:trials]):
        code = None if e.is_spent else code_of(edit)
        if code is None:
            continue
        with edit.site.function.replaced(code):
            found = attempt(looks_right, e, probe)
            if found is None:  # the clone may be spoilt by an earlier trial
                probe = e.context.subject.at(e.context.point)
                found = attempt(looks_right, e, probe)
            if not found:
                continue
            if all(attempt(is_right, e, s) for s in samples) and attempt(leaves_right, e):
                if attempt(others_are_right, e):
                    return edit, rank
                second = second if second[0] else (edit, rank)
    return second


def code_of(edit: Edit) -> CodeType | None:
    """Return the code of the edited function, or None if it does not compile."""
    with edit.applied(), suppress(SyntaxError, ValueError, TypeError):
        return edit.site.function.compiled()
    return None


def other_samples(e: Evidence) -> list[Sample]:
    """Return samples with small and large values and with other arguments: an edit may suit only some of them."""
    more = [{"x": size * e.first.x} for size in (0.1, 3.0)] if e.first.x.dtype.kind == "f" else []
    for setting in list(e.settings.values())[:3]:
        other = setting.value + 1 if isinstance(setting.value, int) else 0.8 * setting.value
        more.append(setting.changed(other))
    return [sample for changes in more if (sample := attempt(e.run, **changes)) is not None]


def looks_right(e: Evidence, probe: Probe) -> bool:
    """Return whether the gradient of the failing call is now correct, on a clone that is used for all trials."""
    point = e.context.point
    if e.context.parameters_only:
        return e.first.fits(probe.run_parameters(point)[e.target], e.first.numeric)
    probe.forward(point.x.copy(), point.training)
    return e.first.fits(probe.backward(point.dy.copy())[e.target], e.first.numeric)


def leaves_right(e: Evidence) -> bool:
    """Return whether the edited layer leaves the correct gradients unchanged."""
    known, found = e.context.gradients, e.context.run()[1]
    right = [name for name in found if name not in (*e.context.wrong, e.target) and name in known]
    return all(largest(floats(found[name]) - known[name]) <= 1e-9 * largest(known[name]) for name in right)


def others_are_right(e: Evidence) -> bool:
    """Return whether the edit also corrects the other wrong gradients of the layer."""
    found = e.context.run()[1]
    wrong = [name for name in e.context.wrong if name in found and name != e.target]
    return all(e.equals_numeric(floats(found[name]), name) for name in wrong)


def is_right(e: Evidence, s: Sample) -> bool:
    """Return whether the layer now returns the correct gradient and an unchanged output."""
    y, gradients = e.context.run(**s.changes)
    found = floats(gradients[e.target])
    if y.shape != s.y.shape or not np.allclose(y, s.y, rtol=1e-12, atol=0) or found.shape != s.numeric.shape:
        return False
    # Where the error does not show, the gradient must not change.
    if s.fits(found, s.numeric if s.shows or s is e.first else s.analytic):
        return True
    # The quick numeric gradient may be inaccurate near a kink.
    return s is not e.first and largest(found - e.numeric_at(**s.changes)) <= EXACT * s.scale
