"""Certification: the layer in the editor, put to the test by `certify`, and where its code is wrong."""

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

NAME = "layer.py"  # of the editor's text, in tracebacks and reports
PLACE = re.compile(re.escape(NAME) + r":(\d+)")
FOLDER = Path(tempfile.mkdtemp())


def check(code, level):
    """Run the code and certify the last layer or loss in it.

    Returns ``outcome`` ("PASS", "FAIL", "UNVERIFIED" or "ERROR"), the ``report`` or traceback, what was ``printed``,
    ``marks``: lines of the code, each with what is wrong there, and ``checks``: name, outcome and reason of each.
    """
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            subject = last_subject(executed(code))
            certificate = certified(subject, level)
    except BaseException as error:  # SystemExit of the code, too: Python has to go on
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
    """Return the module that the code makes; it lies in a file, so that its lines can be found."""
    path = FOLDER / NAME
    path.write_text(code)
    linecache.checkcache(str(path))
    module = types.ModuleType("layer")
    module.__file__ = str(path)
    sys.modules["layer"] = module
    exec(compile(code, str(path), "exec"), vars(module))
    return module


def last_subject(module):
    """Return the layer or loss that was defined last: a class, or an instance that the code made."""
    found = [thing for thing in vars(module).values() if is_a(thing, Layer | Loss) and from_module(thing, module)]
    if not found:
        raise LookupError("There is no layer in this code. Define a class that inherits from minidl's Layer or Loss.")
    return found[-1]


def certified(subject, level):
    """Return the certificate of a layer or a loss."""
    if is_a(subject, Loss):
        return certify_loss(subject() if isinstance(subject, type) else subject, level=level, on_fail="return")
    return certify(subject, level=level, on_fail="return")


def is_a(thing, kind):
    """Return whether a thing is a class of a kind, or an instance of one."""
    return isinstance(thing, kind) or (isinstance(thing, type) and issubclass(thing, kind))


def from_module(thing, module):
    """Return whether the class of a thing, or the class that it is, was defined in a module."""
    return (thing if isinstance(thing, type) else type(thing)).__module__ == module.__name__


def marks_of(finding):
    """Return the line that a finding is about, with its cause, if it lies in the user's code."""
    place = PLACE.search(finding.where)
    return [{"line": int(place[1]), "text": finding.why or finding.message}] if place else []


def reported(error):
    """Return a traceback as Python prints it, of the user's code alone, and the line that it ends in."""
    path = str(FOLDER / NAME)
    told = traceback.TracebackException.from_exception(error)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if frame.filename == path])
    line = error.lineno if isinstance(error, SyntaxError) else told.stack[-1].lineno if told.stack else None
    text = "".join(told.format()) if line else str(error)
    last = "".join(told.format_exception_only()).strip().splitlines()[-1]
    return {"report": text.replace(path, NAME), "marks": [{"line": line, "text": last}] if line else []}
