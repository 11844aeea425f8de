"""Every public name of Keras 3 for dense networks is here with its arguments, or minidl/names.txt says what differs.

tests/keras_names.json holds Keras' names and signatures; benchmarks/keras_names.py writes it.
"""

import importlib
import inspect
import json
from pathlib import Path

import keras_page
import pytest

import minidl
from minidl.names import table
from minidl.typing import LayerOptions

KERAS = json.loads((Path(__file__).parent / "keras_names.json").read_text(encoding="utf-8"))
MODULES = [name for name in KERAS["names"] if name != "activations"]
BASES = {
    "Sequential": minidl.Sequential,
    "Layer": minidl.Layer,
    "Loss": minidl.Loss,
    "Metric": minidl.Metric,
    "Optimizer": minidl.Optimizer,
    "Callback": minidl.callbacks.Callback,
    "LearningRateSchedule": minidl.schedules.Schedule,
}


def listed(section, *names):
    """Return whether the table tells about one of the names."""
    known = {name for entry in table().get(section, ()) for name in entry.names}
    return any(name in known for name in names)


def module(name):
    return importlib.import_module(f"minidl.{name}" if name else "minidl")


def there(section, name):
    """Return what a module has under a name, itself; None if it has nothing."""
    return vars(module(section)).get(name)


def parameters(thing):
    """Return the arguments of a class or function by name, with default and position; None where keyword-only."""
    try:
        signature = inspect.signature(thing)
    except (TypeError, ValueError):
        return {}
    found = {}
    for position, parameter in enumerate(p for p in signature.parameters.values() if p.name != "self"):
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            keyword = parameter.kind is parameter.KEYWORD_ONLY
            default = None if parameter.default is parameter.empty else repr(parameter.default)
            found[parameter.name] = (default, None if keyword else position)
    if inspect.isclass(thing) and issubclass(thing, minidl.Layer):
        found |= dict.fromkeys(LayerOptions.__annotations__, (None, None))
    return found


def equal(ours, keras):
    """Return whether two written defaults are the same, 0 and 0.0 as well."""
    try:
        return float(ours) == float(keras)
    except ValueError:
        return ours.lower() == keras.lower()  # 'Zeros' is 'zeros'


def differences(thing, arguments):
    """Yield the arguments of Keras that ``thing`` has not, or has with another default or position."""
    ours = parameters(thing)
    for position, argument in enumerate(arguments):
        name, _, default = argument.partition("=")
        if name.startswith("*"):
            continue
        if name not in ours or (
            name not in ("name", "trainable")
            and (not equal(ours[name][0] or "", default) or ours[name][1] not in (None, position))
        ):
            yield name


CALLABLES = [
    (section, name, arguments)
    for section in MODULES
    if section  # what is on the top is in the modules too
    for name, arguments in KERAS["names"][section].items()
    if arguments is not None and callable(there(section, name)) and not isinstance(there(section, name), type(pytest))
]


@pytest.mark.parametrize("section", MODULES)
def test_every_name_of_keras_is_here_or_in_the_table(section):
    missing = [
        name for name in KERAS["names"][section] if there(section, name) is None and not listed(section, name, "*")
    ]
    assert not missing, f"add {missing} to [{section}] of minidl/names.txt"


@pytest.mark.parametrize(("section", "name", "arguments"), CALLABLES, ids=lambda value: str(value)[:40])
def test_every_argument_of_keras_is_here_or_in_the_table(section, name, arguments):
    if type(there(section, name)).__name__ in ("LossFunction", "MetricFunction"):
        return  # they take the arguments of the class
    different = list(differences(there(section, name), arguments))
    home = section
    untold = [one for one in different if not listed(home, f"{name}({one})", f"*({one})")]
    assert not untold, f"add {[f'{name}({one})' for one in untold]} to [{home}] of minidl/names.txt"


@pytest.mark.parametrize("base", BASES)
def test_every_method_of_keras_is_here_or_in_the_table(base):
    names = {name for cls in BASES[base].__mro__ for name in [*vars(cls), *getattr(cls, "__annotations__", {})]}
    names |= {"weights", "trainable_weights", "non_trainable_weights", "iterations"}  # which objects have
    sections = ("Sequential", "Layer") if base == "Sequential" else (base,)
    missing = [
        name
        for name in KERAS["members"][base]
        if name not in names and not any(listed(section, name) for section in sections)
    ]
    assert not missing, f"add {missing} to [{base}] of minidl/names.txt"


@pytest.mark.parametrize("name", [name for name, given in KERAS["members"]["Sequential"].items() if given])
def test_every_argument_of_a_models_methods_is_here_or_in_the_table(name):
    method = getattr(minidl.Sequential, name, None)
    if method is None:
        return  # the test of the methods tells
    arguments = KERAS["members"]["Sequential"][name]
    bound = isinstance(inspect.getattr_static(minidl.Sequential, name), classmethod)
    different = list(differences(method if bound else inspect.unwrap(method), arguments))
    untold = [one for one in different if not listed("Sequential", f"{name}({one})")]
    assert not untold, f"add {[f'{name}({one})' for one in untold]} to [Sequential] of minidl/names.txt"


def test_the_page_for_keras_users_is_made_from_the_table():
    page = keras_page.PAGE.read_text(encoding="utf-8")
    assert page == keras_page.renewed(page), "run python benchmarks/keras_page.py"
    assert keras_page.tables() in page
