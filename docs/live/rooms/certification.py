"""Certification: run `certify` on the layer in the editor, and mark the lines at fault."""

import contextlib
import io
import linecache
import re
import sys
import tempfile
import traceback
import types
from pathlib import Path

from minidl.layers import Layer
from minidl.losses import Loss
from minidl.testing import certify, certify_loss

NAME = "layer.py"  # file name for the editor's text, in tracebacks and reports
PLACE = re.compile(re.escape(NAME) + r":(\d+)")
FOLDER = Path(tempfile.mkdtemp())


def check(code, level):
    """Run the code and certify the last layer or loss that it defines.

    Returns ``outcome`` ("PASS", "FAIL", "UNVERIFIED" or "ERROR"), the ``report`` or traceback, ``printed`` output,
    ``marks`` (lines of code and what is wrong there), and ``checks`` (name, outcome and reason of each).
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            subject = last_subject(executed(code))
            certificate = certified(subject, level)
    except BaseException as error:  # includes SystemExit, so that Python keeps running
        return {"outcome": "ERROR", "checks": [], "printed": printed.getvalue(), **reported(error)}
    marks = [mark for finding in certificate.findings for mark in marks_of(finding)]
    return {
        "outcome": certificate.outcome,
        "report": str(certificate),
        "printed": printed.getvalue(),
        "marks": marks,
        "checks": [(name, verdict.outcome, verdict.reason) for name, verdict in certificate.verdicts.items()],
        "seconds": round(certificate.seconds, 2),
    }


def executed(code):
    """Return the module created by running the code, which is saved in a file so that its lines can be found."""
    path = FOLDER / NAME
    path.write_text(code)
    linecache.checkcache(str(path))
    module = types.ModuleType("layer")
    module.__file__ = str(path)
    sys.modules["layer"] = module
    exec(compile(code, str(path), "exec"), vars(module))
    return module


def last_subject(module):
    """Return the layer or loss that was defined last: a class, or an instance created by the code."""
    found = [thing for thing in vars(module).values() if is_a(thing, Layer | Loss) and from_module(thing, module)]
    if not found:
        raise LookupError("There is no layer in this code. Define a class that inherits from minidl's Layer or Loss.")
    return found[-1]


def certified(subject, level):
    """Return the certificate of a layer or loss."""
    if is_a(subject, Loss):
        return certify_loss(subject() if isinstance(subject, type) else subject, level=level, on_fail="return")
    return certify(subject, level=level, on_fail="return")


def is_a(thing, kind):
    """Return whether an object is a subclass or an instance of a class."""
    return isinstance(thing, kind) or (isinstance(thing, type) and issubclass(thing, kind))


def from_module(thing, module):
    """Return whether an object's class, or the object itself if it is a class, was defined in a module."""
    return (thing if isinstance(thing, type) else type(thing)).__module__ == module.__name__


def marks_of(finding):
    """Return the line of the user's code to which a finding refers, with its cause, or nothing."""
    place = PLACE.search(finding.where)
    return [{"line": int(place[1]), "text": finding.why or finding.message}] if place else []


def reported(error):
    """Return a traceback restricted to the user's code, and the line in which it ends."""
    path = str(FOLDER / NAME)
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename == path])
    line = error.lineno if isinstance(error, SyntaxError) else told.stack[-1].lineno if told.stack else None
    text = "".join(told.format()) if line else str(error)
    last = "".join(told.format_exception_only()).strip().splitlines()[-1]
    return {"report": text.replace(path, NAME), "marks": [{"line": line, "text": last}] if line else []}
