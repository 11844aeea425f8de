"""Every public class has an example: in its docstring, or on its page of the reference."""

import importlib
import inspect
import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parent.parent / "docs" / "reference"
NAMES = "layers losses metrics optimizers solvers initializers regularizers constraints schedules callbacks datasets"
PAGE_OF = {"solvers": "optimizers"}
# They come by themselves: the list, the logs and the bar from `fit`, the metric from a function in `compile`.
NEVER_WRITTEN = {"BatchLogs", "CallbackList", "FunctionMetric", "MonitorCallback", "ProgressBar"}
ABSTRACT = {"FixedScaling", "RandomInitializer"}


@pytest.mark.parametrize("name", NAMES.split())
def test_every_public_class_has_an_example(name):
    module = importlib.import_module(f"minidl.{name}")
    page = (PAGES / f"{PAGE_OF.get(name, name)}.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"(?ms)^```python\n(.*?)^```$", page))))
    public = getattr(module, "__all__", [name for name in vars(module) if name[0] != "_"])
    classes = [thing for thing in (getattr(module, name) for name in public) if inspect.isclass(thing)]
    own = [cls for cls in classes if cls.__module__.startswith(f"minidl.{name}")]
    missing = {cls.__name__ for cls in own if ">>>" not in (cls.__doc__ or "")} - shown - NEVER_WRITTEN - ABSTRACT
    assert not missing
