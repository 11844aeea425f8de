"""Repairs: single edits of the source that make the gradient correct, tried on copies of the code.

A small edit that makes the gradient correct is the clearest pointer to a cause. Hundreds of typical mistakes are undone
one at a time, and the first edit that makes the gradient correct in every sample is reported.
"""

import warnings
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis.evidence import Evidence, attempt
from minidl.testing.diagnosis.hypothesis import OPEN, Hypothesis, bits_of
from minidl.testing.diagnosis.sample import EXACT, Sample, floats, largest
from minidl.testing.diagnosis.where.alterations import alterations
from minidl.testing.diagnosis.where.edits import Edit, sites
from minidl.testing.diagnosis.where.source import functions_behind, watch
from minidl.typing import Array

TRIALS = 900  # edits tried per diagnosis
WORK = 500_000  # limit on events and numbers over all trials: fewer trials for layers with many calls or large arrays
# Beginnings of causes that no line of backward is to blame for.
ELSEWHERE = ("two identical", "forward", "the output does not depend", "self.")
SHORT = 160  # characters: a longer formula is probably a coincidence


class Call(NamedTuple):
    """A sample, and the changes of the failing call that lead to it."""

    sample: Sample
    changes: dict[str, Any]


def with_repair(found: list[Hypothesis], analytic: Array, numeric: Array, context: Context) -> list[Hypothesis]:
    """Return the causes found so far, preceded by the edit that makes the gradient correct, if there is one.

    Parameters
    ----------
    found : list of Hypothesis
        What `diagnose` returned for the same arguments.
    analytic, numeric : array
    context : Context
        Its ``wrong`` names all gradients that are wrong: an edit for them all is preferred.
    """
    evidence = Evidence(analytic, numeric, context)
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
    where, source = edit.function.place(edit.statement)
    return [Hypothesis(told, min(best.bits, bits_of(rank) / 3), where, source), *found]


def first_repair(e: Evidence) -> tuple[Edit | None, int]:
    """Return the most likely edit that makes the gradients correct on every sample, and its rank."""
    functions = functions_behind(e.context.layer)
    events = watch(e.context, functions)
    trials = min(TRIALS, WORK // (events + sum(v.size for v in (e.first.x, e.first.y, *e.first.parameters.values()))))
    calls = calls_of(e) if trials else []  # before any edit
    places = [site for function in functions if function.values for site in sites(function, e.target)]
    edits = sorted((edit for site in places for edit in alterations(site)), key=lambda edit: edit.cost)
    second: tuple[Edit | None, int] = None, 0
    for rank, edit in enumerate(edits[:trials]):
        code = code_of(edit)
        if code is None:
            continue
        with edit.function.replaced(code):
            if not all(attempt(is_right, e, call) for call in calls) or not attempt(leaves_right, e):
                continue
            if attempt(others_are_right, e):
                return edit, rank
        second = second if second[0] else (edit, rank)
    return second


def code_of(edit: Edit) -> CodeType | None:
    """Return the code of the edited function, or None if it does not compile."""
    old = edit.swap(edit.new)
    try:
        return edit.function.compiled()
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        edit.swap(old)


def calls_of(e: Evidence) -> list[Call]:
    """Return the samples, with other values and other arguments, and the changes of the failing call."""
    calls = [Call(s, {"x": s.x, "dy": s.dy, "parameters": s.parameters}) for s in e.samples]
    more = [{"x": 0.1 * e.first.x}] if e.first.x.dtype.kind == "f" else []  # an edit may suit only special points
    for name, setting in list(e.settings.items())[:3]:
        other = setting.value + 1 if isinstance(setting.value, int) else 0.8 * setting.value
        more.append(setting.changed(name, other))
    drawn = [(attempt(e.run, **changes), changes) for changes in more]
    return [*calls, *(Call(sample, changes) for sample, changes in drawn if sample is not None)]


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


def is_right(e: Evidence, call: Call) -> bool:
    """Return whether the layer now returns the correct gradient and an unchanged output."""
    s = call.sample
    y, gradients = e.context.run(**call.changes)
    found = floats(gradients[e.target])
    if y.shape != s.y.shape or not np.allclose(y, s.y, rtol=1e-12, atol=0) or found.shape != s.numeric.shape:
        return False
    # Where the error does not show, the gradient must not change.
    if s.fits(found, s.numeric if s.shows or s is e.first else s.analytic):
        return True
    # The quick numeric gradient may be inaccurate near a kink.
    return s is not e.first and largest(found - e.numeric_at(**call.changes)) <= EXACT * s.scale
