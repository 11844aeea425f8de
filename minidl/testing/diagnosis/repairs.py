"""Repairs: the gradient becomes right when one line of its source is altered, which is tried on copies of the code.

Nothing points at a cause as well as a small change that mends it: thousands of slips of the pen are undone, one at
a time, and the first for which the gradient is right in every sample is told.
"""

import time
import warnings
from types import CodeType
from typing import Any, NamedTuple

import numpy as np

from minidl.testing.context import Context
from minidl.testing.diagnosis.alterations import alterations
from minidl.testing.diagnosis.edits import Edit, sites
from minidl.testing.diagnosis.evidence import NAMED, SURE, Evidence, Hypothesis
from minidl.testing.diagnosis.sample import EXACT, Sample, floats, largest
from minidl.testing.diagnosis.source import functions_behind, watch
from minidl.typing import Array

MENDED = 0.95  # how much an alteration says
SECONDS = 0.5  # of the processor, for all trials of one diagnosis
TELLING = 0.9  # the score from which a cause is told beside an alteration
# How causes begin that say what the numbers are, and those that only say where the gradient would be right.
FACTS = ("analytic", "equals", "numeric", "ratio", "error", "gradient")
GUESSES = ("right when", "right for", "right at", "right where", "right while", "no hypothesis")
BROAD = ("gradient is identically zero", "every entry")  # causes that are sure, but leave open where
SHORT = 160  # characters: a longer formula is fitted rather than meant
SLOW = 5e-3  # seconds a call, beyond which too few trials are possible


class Call(NamedTuple):
    """A sample, and the changes of the failing call that lead to it."""

    sample: Sample
    changes: dict[str, Any]


def with_repair(found: list[Hypothesis], analytic: Array, numeric: Array, context: Context) -> list[Hypothesis]:
    """Return the causes found so far, headed by the alteration that mends the gradient, if there is one.

    Parameters
    ----------
    found : list of Hypothesis
        What `diagnose` returned for the same arguments.
    analytic, numeric : array
    context : Context
        Its ``facts["wrong"]`` names all gradients that are wrong: what mends them all is preferred.
    """
    evidence = Evidence(analytic, numeric, context)
    settled = found[0].score >= SURE and not found[0].text.startswith(BROAD)
    if settled or evidence.first.gap <= evidence.first.noise:
        return found
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        edit = mending_edit(evidence)
    if edit is None:
        return found
    best, told = found[0], f"becomes right when {edit.shown()}"
    enough = NAMED - 0.01 if best.text.startswith("error") else TELLING
    if best.score >= enough and len(best.text) <= SHORT and not best.text.startswith(GUESSES):
        told = f"{best.text}; {told}" if best.text.startswith(FACTS) else f"{told}; {best.text}"
    return [Hypothesis(told, max(best.score, MENDED)), *found]


def mending_edit(e: Evidence) -> Edit | None:
    """Return the likeliest edit under which the gradient is right on every sample, and so are the other wrong ones."""
    assert e.context is not None
    functions = functions_behind(e.context.layer)
    began = time.process_time()
    watch(e.context, functions)
    if time.process_time() - began > SLOW:
        return None
    calls = calls_of(e)  # before anything is altered
    places = [site for function in functions if function.values for site in sites(function, e.target)]
    edits = sorted((edit for site in places for edit in alterations(site)), key=lambda edit: edit.cost)
    second, end = None, time.process_time() + SECONDS
    for edit in edits:
        if time.process_time() > end:
            break
        code = altered(edit)
        if code is None or not mends(e, edit, code, calls):
            continue
        others = gradients_with(e, edit, code)
        if not keeps_what_is_right(e, others):
            continue
        if mends_the_others(e, others):
            return edit
        second = second or edit
    return second


def altered(edit: Edit) -> CodeType | None:
    """Return the code of the edited function, if there is such a function."""
    old = edit.swap(edit.new)
    try:
        return edit.function.compiled()
    except (SyntaxError, ValueError, TypeError):
        return None
    finally:
        edit.swap(old)


def calls_of(e: Evidence) -> list[Call]:
    """Return the samples with the changes of the failing call that lead to them: other values, other arguments."""
    calls = [Call(s, {"x": s.x, "dy": s.dy, "parameters": s.parameters}) for s in e.samples]
    if e.first.x.dtype.kind == "f":
        changes = {"x": 0.1 * e.first.x}  # what mends a special point may spoil the ordinary ones
        sample = e.run(**changes)
        calls += [] if sample is None else [Call(sample, changes)]
    for name, setting in list(e.settings.items())[:3]:
        sample = e.with_argument(name, setting)
        if sample is not None:
            calls.append(Call(sample, setting.changed(name, type(setting.value)(sample.arguments[name]))))
    return calls


def mends(e: Evidence, edit: Edit, code: CodeType, calls: list[Call]) -> bool:
    """Return whether the gradient of the edited layer is right in every call."""
    with edit.function.replaced(code):
        return all(is_mended(e, call) for call in calls)


def gradients_with(e: Evidence, edit: Edit, code: CodeType) -> dict[str, Array]:
    """Return the other gradients of the edited layer in the failing call."""
    assert e.context is not None
    with edit.function.replaced(code):
        return {name: floats(value) for name, value in e.context.run()[1].items() if name != e.target}


def keeps_what_is_right(e: Evidence, others: dict[str, Array]) -> bool:
    """Return whether the gradients that were right are what they were."""
    assert e.context is not None
    known, wrong = e.context.gradients, e.context.facts.get("wrong", ())
    right = [name for name in others if name not in wrong and name in known]
    return all(largest(others[name] - known[name]) <= 1e-9 * largest(known[name]) for name in right)


def mends_the_others(e: Evidence, others: dict[str, Array]) -> bool:
    """Return whether the other gradients that were wrong are right."""
    assert e.context is not None
    wrong = [name for name in e.context.facts.get("wrong", ()) if name in others]
    return all(e.equals_numeric(others[name], name) for name in wrong)


def is_mended(e: Evidence, call: Call) -> bool:
    """Return whether the layer, as it is now, gives the right gradient and the same output."""
    assert e.context is not None
    s = call.sample
    try:
        y, gradients = e.context.run(**call.changes)
        found = floats(gradients[e.target])
    except Exception:  # whatever altered code may raise
        return False
    if y.shape != s.y.shape or not np.allclose(y, s.y, rtol=1e-12, atol=0) or found.shape != s.numeric.shape:
        return False
    wanted = (
        s.numeric if s.shows or s is e.first else s.analytic
    )  # where the error does not show, the gradient has to stay as it was
    if s.fits(found, wanted):
        return True
    precise = None if s is e.first else e.numeric_at(**call.changes)  # a quick one may be wrong near a kink
    return precise is not None and largest(found - precise) <= EXACT * s.scale
