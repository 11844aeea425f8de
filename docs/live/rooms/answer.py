"""Answer: the page calls a function of a room by name; arguments and result travel as JSON."""

import importlib
import json
import math
import traceback

from minidl.errors import MinidlError


def answer(room, name, arguments):
    """Print what ``room.name(**arguments)`` returns as JSON, or the error that it raises.

    JSON has no NaN and no infinity: they become null.
    """
    try:
        result = {"value": getattr(importlib.import_module(room), name)(**json.loads(arguments))}
    except MinidlError as error:  # written for the user, who chose the arguments
        result = {"error": str(error)}
    except Exception:
        result = {"error": traceback.format_exc()}
    try:
        print(json.dumps(result, allow_nan=False))
    except ValueError:
        print(json.dumps(with_nulls(result)))


def with_nulls(value):
    """Return a result with None in place of NaN and infinity."""
    if isinstance(value, dict):
        return {key: with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
