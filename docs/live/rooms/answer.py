"""Answer: the page calls a function of a room by name, with arguments and result encoded as JSON."""

import importlib
import json
import math
import traceback

from minidl.errors import MinidlError


def answer(room, name, arguments):
    """Print the result of ``room.name(**arguments)``, or the error that it raises, as JSON.

    NaN and infinity, which JSON does not support, become null.
    """
    try:
        result = {"value": getattr(importlib.import_module(room), name)(**json.loads(arguments))}
    except MinidlError as error:  # the message is for the user, who chose the arguments
        result = {"error": str(error)}
    except Exception:
        result = {"error": traceback.format_exc()}
    try:
        print(json.dumps(result, allow_nan=False))
    except ValueError:
        print(json.dumps(with_nulls(result)))


def with_nulls(value):
    """Return a result with NaN and infinity replaced by None."""
    if isinstance(value, dict):
        return {key: with_nulls(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [with_nulls(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
