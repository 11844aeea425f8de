"""certify_function and gradient_check: certify plain pairs of functions like layers.

Rules for minidl's own layers, such as float32 output for float32 input, get a separate verdict and do not count.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from minidl.checks import choice
from minidl.errors import ArgumentError
from minidl.testing.certificate import Certificate, CertificationError
from minidl.testing.certification import Options, certify
from minidl.testing.diagnosis.evidence import attempt
from minidl.testing.findings import Finding
from minidl.testing.function_layer import FunctionLayer, FunctionPair
from minidl.testing.points import BATCH, between_rows, draw_x
from minidl.testing.probe import LayerFailure
from minidl.testing.subject import Subject
from minidl.typing import Array

HOUSE_RULES = ("dtype", "empty-batch")
TRIALS = 8  # of a domain
LONGEST = 40  # rows of a function without a batch axis: its time may grow with a power of their length
SHARED_CACHE = ("two instances influence each other", "predict between forward and backward")
BY_SHAPE = ("square", "shapes")
# What to pass instead of a backward function f, and the call that it makes. Without one, the cache holds gradients.
CONVENTIONS: dict[str, Callable[..., Any]] = {
    "{f}(dy, {cache})": lambda f, *cache, dy: f(dy, *cache),
    "{f}(*{cache}, dy)": lambda f, cache, dy: f(*cache, dy),
    "{f}(dy, *{cache})": lambda f, cache, dy: f(dy, *cache),
    "{f}(dy)": lambda f, *_, dy: f(dy),
    "dy * {f}({cache})": lambda f, *cache, dy: dy * f(*cache),
    "[dy * g for g in {f}({cache})]": lambda f, *cache, dy: [dy * g for g in f(*cache)],
    "[dy * g for g in {f}({cache}).values()]": lambda f, *cache, dy: [dy * g for g in f(*cache).values()],
    "[*{f}({cache}, dy).values()]": lambda f, *cache, dy: [*f(*cache, dy).values()],
}
BY_BATCH = ("batch", "empty-batch")


class FunctionSubject(Subject):
    """A forward and a backward function under test, for `certify` and `parametrize_with_checks`.

    Parameters
    ----------
    forward, backward, inputs, parameters, constants, gradients, batched
        As in `certify_function`.
    training : bool, optional
        The only mode to certify.
    seeded : function, optional
        ``with seeded(n)`` seeds the random generators that ``forward`` draws from, and restores them. Default: those
        of NumPy and Python.
    source : function, optional
        The function whose source a finding points to. Default: ``backward``.
    domain : str, tuple or function, optional
        Valid values of ``x``, like ``input_domain`` of a layer. Default: measured at the given inputs.
    house_rules : bool
        Whether the rules for minidl's own layers count.
    few_shapes : bool
        Whether to test only the given array shapes, for functions that are compiled for each shape.
    excluded : dict of str to str, optional
        Checks that do not apply, each with the reason.
    name, call : str, optional
        Name in the report, and the function to which the subject was passed.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        inputs: Any = None,
        parameters: dict[str, Any] | None = None,
        *,
        domain: Any = None,
        house_rules: bool = False,
        few_shapes: bool = False,
        excluded: dict[str, str] | None = None,
        name: str = "",
        call: str = "certify",
        **options: Any,
    ) -> None:
        pair = FunctionPair(forward, backward, inputs, parameters, **options)
        super().__init__(FunctionLayer(pair))
        if pair.batched and not self._takes_other_batches(pair.inputs[pair.x]):
            pair.batched = pair.whole = False
            self._molds.clear()
        x = pair.inputs[pair.x] if pair.batched else pair.inputs[pair.x][None]
        # One batch for a whole path would be another shape.
        declared = {"certify_input_shape": x.shape[1:], **({"rows_coupled": True} if few_shapes else {})}
        self.cls = type("FunctionLayer", (FunctionLayer,), declared)
        self.arguments, self.call = {}, call
        self.name = name or ", ".join([*(getattr(f, "__name__", str(f)) for f in (forward, backward) if f), "..."])
        self.whole_batch, self.modes = pair.whole, (True, False) if pair.has_mode else (True,)
        self.house_rules, self.longest = house_rules, self.longest if pair.batched else LONGEST
        self.domain = self._measured(x) if domain is None else domain
        self.excluded = {**_excluded(pair, few_shapes), **(excluded or {})}

    def is_house_rule(self, finding: Finding) -> bool:
        """Return whether a finding concerns a rule for minidl's own layers and not a gradient.

        An output may overflow at extreme inputs; a function may reject arrays that are not contiguous; a cache may be
        kept in one place for all calls.
        """
        allowed = {"extreme": finding.target == "y", "layout": not finding.target}
        allowed |= {finding.check: True} if any(told in finding.message for told in SHARED_CACHE) else {}
        return not self.house_rules and allowed.get(finding.check, finding.check in HOUSE_RULES)

    def _takes_other_batches(self, x: Array) -> bool:
        """Return whether forward accepts other numbers of rows; if not, the first axis is not a batch axis."""
        with suppress(LayerFailure):
            self.probe(x.shape[1:]).forward(np.resize(x, (BATCH, *x.shape[1:])))
            return True
        return False

    def _measured(self, x: Array) -> Any:
        """Return the widest domain that seems to include ``x`` and on which forward is finite."""
        if x.dtype.kind in "iu" and x.min() >= 0:
            return "integer", int(x.max()) + 1
        guess = "real" if x.min() < 0 else "probability" if x.max() <= 1 else "positive"
        rng, probe = np.random.default_rng(0), self.probe(x.shape[1:])
        with suppress(Exception):  # forward may raise anything outside its domain
            drawn = (draw_x(guess, rng, (BATCH, *x.shape[1:])) for _ in range(TRIALS))
            if x.dtype.kind == "f" and all(np.isfinite(probe.forward(each)).all() for each in drawn):
                return guess
        return between_rows(x)


def _excluded(pair: FunctionPair, few_shapes: bool) -> dict[str, str]:
    """Return the checks that do not apply to a pair of functions, with the reasons."""
    found = dict.fromkeys(("copies", "arguments"), "a function has no constructor")
    if not pair.has_mode:
        found.update(dict.fromkeys(("mode", "running", "random"), "forward takes no argument training"))
    if len(pair.inputs) + len(pair.parameters) > 1:
        found.update(dict.fromkeys(BY_SHAPE, "the shapes of the arguments belong together"))
    if not pair.batched:
        found.update(dict.fromkeys(BY_BATCH, "there is no batch axis"))
    if few_shapes:
        found.update(dict.fromkeys((*BY_SHAPE, *BY_BATCH, "state"), "each further shape takes too long"))
    return found


def certify_function(
    forward: Callable[..., Any],
    backward: Callable[..., Any] | None,
    inputs: Any = None,
    parameters: dict[str, Any] | None = None,
    **options: Any,
) -> Certificate:
    """Test ``backward`` as the gradient of ``forward``; if something is wrong, raise an error that reports it.

    Parameters
    ----------
    forward : function
        ``forward(*inputs, *parameters)`` returns ``(y, cache)``, or ``y`` alone. If it takes an argument
        ``training``, both modes are certified.
    backward : function or None
        ``backward(cache, dy)`` returns ``dx``, or the gradients of all arguments that have one, in order. If
        ``forward`` returns ``y`` alone, it is called as ``backward(*arguments, dy)``; if ``y`` is a number, ``dy`` may
        be omitted. None: the cache is a function ``backprop(dy)``.
    inputs : array, tuple or dict of arrays, optional
        Rows along the first axis. Integers have no gradient. Default: one array of a shape found by trial.
    parameters : dict of str to array, optional
        Further arguments: floating-point arrays have a gradient, anything else does not.
    constants : tuple of str
        Names of arguments that have no gradient, in addition to integers.
    gradients : dict of str to array
        The arrays to which ``backward`` adds the gradients of these arguments instead of returning them.
    batched : bool
        Whether the first axis is a batch axis.
    training : bool, optional
        The only mode to certify, if ``forward`` takes ``training``.
    domain, house_rules, few_shapes, seeded, excluded
        See `FunctionSubject`.
    level, seed, checks, exclude, expected_failures, on_fail
        As in `certify`.

    Raises
    ------
    CertificationError
        As in `certify`.

    Examples
    --------
    >>> from minidl.testing import certify_function
    >>> def forward(x, W):
    ...     return x @ W, (x, W)
    >>> def backward(cache, dy):
    ...     x, W = cache
    ...     return dy @ W.T, x.T @ dy
    >>> certify_function(forward, backward, np.ones((3, 4)), {"W": np.ones((4, 2))}).outcome
    'PASS'
    """
    __tracebackhide__ = True
    on_fail = choice(options.pop("on_fail", "raise"), "certify_function: on_fail", ("raise", "return"))
    of_certify = {name: options.pop(name) for name in Options.__annotations__ if name in options}
    options = {"call": "certify_function", **options}
    subject = FunctionSubject(forward, backward, inputs, parameters, **options)
    certificate = certify(subject, **of_certify, on_fail="return")
    if not certificate.passed:
        check_convention(subject, backward, (inputs, parameters), options)
        if on_fail == "raise":
            raise CertificationError(certificate)
    return certificate


def check_convention(subject: FunctionSubject, backward: Any, arrays: tuple[Any, Any], options: dict[str, Any]) -> None:
    """Raise an ArgumentError that says what to pass, if a backward function is right when it is called otherwise."""
    pair = subject.example.pair
    cache = pair.call(pair.arguments, training=True)[1]
    names = ", ".join(f"cache{k}" for k in range(len(cache))) if len(cache) > 1 else "cache"
    name = getattr(backward, "__name__", "backward").replace("<lambda>", "backward") if backward else ""
    function = backward or (lambda *cache: cache if len(cache) > 1 else cache[0])
    expected = f"{subject.call}: expected backward(cache, dy), or (y, backprop) from forward"
    checks: Any = {"level": "quick", "checks": ("contract", "linear-in-u", "numeric"), "on_fail": "return"}
    for told, call in () if attempt(certify, subject, **checks) else CONVENTIONS.items():
        given = partial(lambda call, *all: call(function, *all[:-1], dy=all[-1]), call)
        if attempt(certify, FunctionSubject(pair.forward, given, *arrays, **options), **checks):
            got = f"{name} with other arguments or results" if backward else "a forward that returns gradients"
            raise ArgumentError(f"{expected}, got {got}. Pass lambda {names}, dy: {told.format(f=name, cache=names)}.")
    if backward is None and not callable(cache[0]):
        raise ArgumentError(f"{expected}, got None and {type(cache[0]).__name__}. Pass backward.")


def gradient_check(f: Callable[..., Any], gradient: Callable[..., Any], x: Any, **options: Any) -> Certificate:
    """Certify ``gradient`` as the gradient of ``f`` around ``x``, without a batch axis, and return the certificate.

    Parameters
    ----------
    f : function
        Returns a number or an array: ``f(x)``.
    gradient : function
        ``gradient(x)`` if ``f`` returns a number; else ``gradient(x, dy)``, the gradient of ``sum(dy * f(x))``.
    x : array
        Left unchanged.
    **options
        As in `certify_function`, including ``parameters``. Default of ``on_fail``: "return".

    Returns
    -------
    Certificate
        True if the gradient is correct. Its ``str()`` is the report.

    Examples
    --------
    >>> from minidl.testing import gradient_check
    >>> bool(gradient_check(lambda x: (x**3).sum(), lambda x: 3 * x**2, np.array([1.0, -2.0])))
    True
    >>> bool(gradient_check(np.sin, lambda x, dy: dy * np.sin(x), np.array([1.0, -2.0])))
    False
    """
    options = {"call": "gradient_check", "batched": False, "on_fail": "return", **options}
    return certify_function(f, gradient, np.asarray(x, float), **options)
