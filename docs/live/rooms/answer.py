"""Answer: the page calls a function of a room by name; arguments and result travel as JSON."""

import importlib
import json
import traceback

from minidl.errors import MinidlError


def answer(room, name, arguments):
    """Print what ``room.name(**arguments)`` returns as JSON, or the error that it raises."""
    try:
        result = {"value": getattr(importlib.import_module(room), name)(**json.loads(arguments))}
    except MinidlError as error:  # written for the user, who chose the arguments
        result = {"error": str(error)}
    except Exception:
        result = {"error": traceback.format_exc()}
    print(json.dumps(result))
