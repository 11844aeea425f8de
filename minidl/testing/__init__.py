"""The certification kit: one call tests a hand-written layer and reports what is wrong with it and where.

>>> from minidl.testing import certify
>>> certify(minidl.layers.Tanh()).outcome
'PASS'

A layer class may declare, as class attributes, what the kit cannot infer. All are optional:

input_domain
    The valid inputs: ``"real"``, ``"positive"``, ``"probability"``, ``(low, high)``,
    ``("integer", count)`` for ids below ``count``, or a function ``(rng, shape) -> x``. By default it is found by
    trial.
rows_coupled : bool
    Whether the rows of a batch influence each other, as in batch normalisation. By default this is measured.
stochastic : bool
    Whether training draws random numbers, which must then be new for each batch.
surrogate_gradient : bool
    Whether backward deliberately is not the derivative, as for rounding with a straight-through gradient. The
    gradients are then not compared with numerical ones; all other checks still run.
certify_input_shape : tuple of int
    Shape of a row, without the batch axis.
certify_other_shapes : bool
    Whether rows of other lengths are tried too, if the layer accepts them; by default they are.
certify_arguments : dict of str to list
    Values of constructor arguments to try first, before numbers, flags and strings are varied by rule.
certify_with : dict of str to object
    Constructor arguments for a class that is certified without an instance.
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from minidl.packages import import_package

if TYPE_CHECKING:
    from minidl.testing.certificate import Certificate as Certificate
    from minidl.testing.certificate import CertificationError as CertificationError
    from minidl.testing.certificate import Verdict as Verdict
    from minidl.testing.certification import certify as certify
    from minidl.testing.context import Context as Context
    from minidl.testing.derivative import numerical_gradient as numerical_gradient
    from minidl.testing.examination import Examination as Examination
    from minidl.testing.example import check_gradients as check_gradients
    from minidl.testing.findings import Finding as Finding
    from minidl.testing.findings import Skipped as Skipped
    from minidl.testing.findings import Unverified as Unverified
    from minidl.testing.functions import FunctionSubject as FunctionSubject
    from minidl.testing.functions import certify_function as certify_function
    from minidl.testing.functions import gradient_check as gradient_check
    from minidl.testing.losses import certify_loss as certify_loss
    from minidl.testing.machine import layer_machine as layer_machine
    from minidl.testing.models import certify_model as certify_model
    from minidl.testing.paths import path_integral_test as path_integral_test
    from minidl.testing.paths import taylor_test as taylor_test
    from minidl.testing.properties import gradient_properties as gradient_properties
    from minidl.testing.properties import gradient_property as gradient_property
    from minidl.testing.registry import register_check as register_check
    from minidl.testing.suite import parametrize_with_checks as parametrize_with_checks

# Loaded on first use, so that importing minidl stays fast.
_HOMES = {
    "certificate": ("Certificate", "CertificationError", "Verdict"), "certification": ("certify",),
    "context": ("Context",), "derivative": ("numerical_gradient",), "diagnosis": ("diagnose",),
    "examination": ("Examination",), "example": ("check_gradients",), "findings": ("Finding", "Skipped", "Unverified"),
    "functions": ("FunctionSubject", "certify_function", "gradient_check"), "losses": ("certify_loss",),
    "machine": ("layer_machine",), "models": ("certify_model",), "paths": ("path_integral_test", "taylor_test"),
    "properties": ("gradient_properties", "gradient_property"), "registry": ("register_check",),
    "suite": ("parametrize_with_checks",),
}  # fmt: skip
# What needs hypothesis; a star import leaves it out where that is not installed.
_OPTIONAL = ("layer_machine", "gradient_properties", "gradient_property", "strategies")
_LEFT_OUT = () if importlib.util.find_spec("hypothesis") else _OPTIONAL
__all__ = [name for names in _HOMES.values() for name in names if name not in _LEFT_OUT]


def __getattr__(name: str) -> Any:
    if name in _OPTIONAL:
        import_package("hypothesis", f"{__name__}.{name}", "test")
    for module, names in _HOMES.items():
        if name in names:
            globals()[name] = getattr(importlib.import_module(f"{__name__}.{module}"), name)
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
