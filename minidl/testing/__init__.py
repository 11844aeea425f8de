"""The certification kit: one line puts a hand-written layer to the test, and says what is wrong with it and where.

>>> from minidl.testing import certify
>>> certify(minidl.layers.Tanh()).outcome
'PASS'

A layer class may declare, as class attributes, what the kit cannot know. All are optional:

input_domain
    The inputs that make sense: ``"real"``, ``"positive"``, ``"probability"``, ``(low, high)``,
    ``("integer", count)`` for ids below ``count``, or a function ``(rng, shape) -> x``. By default it is found by
    trial.
rows_coupled : bool
    That rows of a batch influence each other, as in batch normalisation. By default it is measured.
stochastic : bool
    That training draws random numbers: then each batch must be given others.
surrogate_gradient : bool
    That backward is not the derivative on purpose, as of a rounding with a straight-through gradient: nothing is
    compared with numbers then, everything else is.
certify_input_shape : tuple of int
    Shape of a row, without the batch axis.
certify_other_shapes : bool
    Whether rows of other lengths are tried too, as far as the layer accepts them; by default they are.
certify_arguments : dict of str to list
    Values of constructor arguments that are tried first, before the numbers, flags and words varied by rule.
certify_with : dict of str to object
    Constructor arguments for a class that is certified without an instance.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from minidl.testing.certificate import Certificate, CertificationError, Verdict
    from minidl.testing.certification import certify
    from minidl.testing.context import Context
    from minidl.testing.derivative import numerical_gradient
    from minidl.testing.examination import Examination
    from minidl.testing.example import check_gradients
    from minidl.testing.findings import Finding, Skipped, Unverified
    from minidl.testing.functions import FunctionSubject, certify_function, gradient_check
    from minidl.testing.losses import certify_loss
    from minidl.testing.machine import layer_machine
    from minidl.testing.models import certify_model
    from minidl.testing.paths import path_integral_test, taylor_test
    from minidl.testing.properties import gradient_properties, gradient_property
    from minidl.testing.registry import register_check
    from minidl.testing.suite import parametrize_with_checks

# Loaded at first use, so that importing minidl stays light.
_HOMES = {
    "Certificate": "certificate",
    "CertificationError": "certificate",
    "Context": "context",
    "Examination": "examination",
    "Finding": "findings",
    "FunctionSubject": "functions",
    "Skipped": "findings",
    "Unverified": "findings",
    "Verdict": "certificate",
    "certify": "certification",
    "certify_function": "functions",
    "diagnose": "diagnosis",
    "layer_machine": "machine",
    "certify_loss": "losses",
    "certify_model": "models",
    "check_gradients": "example",
    "gradient_check": "functions",
    "gradient_properties": "properties",
    "gradient_property": "properties",
    "numerical_gradient": "derivative",
    "parametrize_with_checks": "suite",
    "path_integral_test": "paths",
    "register_check": "registry",
    "taylor_test": "paths",
}

__all__ = [
    "Certificate",
    "CertificationError",
    "Context",
    "Examination",
    "Finding",
    "FunctionSubject",
    "Skipped",
    "Unverified",
    "Verdict",
    "certify",
    "certify_function",
    "certify_loss",
    "certify_model",
    "check_gradients",
    "diagnose",
    "gradient_check",
    "gradient_properties",
    "gradient_property",
    "layer_machine",
    "numerical_gradient",
    "parametrize_with_checks",
    "path_integral_test",
    "register_check",
    "taylor_test",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
