"""layer_machine: hypothesis calls a layer in random order, and shrinks a failure to the fewest calls.

After any sequence of calls, each result must equal that of a fresh layer. This finds stale caches and shared buffers.
"""

import copy
import pickle
from contextlib import suppress
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from minidl.layers.allocation import allocate
from minidl.testing.points import draw_dy, draw_x, first_point
from minidl.testing.probe import Gradients, Probe
from minidl.testing.subject import Subject
from minidl.typing import Array, Shape

SEEDS = st.integers(0, 1000)
ROWS = st.sampled_from([3, 1])  # few, so that sizes recur: caches are often keyed by size


def layer_machine(layer: Any, input_shape: Shape | None = None) -> type[RuleBasedStateMachine]:
    """Return a state machine over forward, backward, predict, update, copy and pickle of ``layer``.

    Parameters
    ----------
    layer : Layer, Layer class or function without arguments that makes one
    input_shape : tuple of int, optional
        Shape of a row; by default it is found by trial.

    Examples
    --------
    >>> from minidl.testing.machine import layer_machine
    >>> TestDense = layer_machine(minidl.layers.Dense(3)).TestCase  # for pytest or unittest to run
    """
    subject = Subject(layer)
    point, _ = first_point(subject, np.random.default_rng(0), input_shape)
    shape = point.input_shape

    class LayerMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.live = subject.probe(shape).set(point.parameters, point.states)
            self.fresh: Probe | None = None  # a layer that has seen only the last forward
            self.outputs: list[tuple[Array, Array]] = []

        @rule(seed=SEEDS, rows=ROWS, training=st.booleans())
        def forward(self, seed: int, rows: int, training: bool) -> None:
            x = draw_x(subject.domain, np.random.default_rng(seed), (rows, *shape))
            self.fresh = subject.probe(shape).set(self.live.values, self.live.states)
            for generator, state in self.live.generators:
                generator.bit_generator.state = state
            y = self.live.forward(x.copy(), training, reset=False)
            expected = self.fresh.forward(x.copy(), training)
            same(y, expected, "forward: the output is not that of a fresh layer")
            same_arrays(self.live.states, self.fresh.states, "forward: the state {} is not that of a fresh layer")
            self.outputs.append((y, np.array(y)))

        @precondition(lambda self: self.fresh is not None)
        @rule(seed=SEEDS)
        def backward(self, seed: int) -> None:
            assert self.fresh is not None
            dy = draw_dy(np.random.default_rng(seed), self.outputs[-1][0].shape)
            gradients, expected = self.live.backward(dy.copy()), self.fresh.backward(dy.copy())
            same_arrays(gradients, expected, "backward: {} is not that of a fresh layer")

        @rule(seed=SEEDS, rows=ROWS)
        def step(self, seed: int, rows: int) -> None:
            self.forward(seed, rows, True)
            self.backward(seed)

        @rule(seed=SEEDS, rows=ROWS)
        def predict(self, seed: int, rows: int) -> None:
            x = draw_x(subject.domain, np.random.default_rng(seed), (rows, *shape))
            self.live.layer.inference_twin().forward(x, False)

        @rule(seed=SEEDS)
        def update(self, seed: int) -> None:
            rng = np.random.default_rng(seed)
            for value in self.live.values.values():
                value += 0.1 * rng.standard_normal(value.shape)
            self.fresh = None  # a backward pass belongs to the parameters of its forward pass

        @rule(by_pickle=st.booleans())
        def copied(self, by_pickle: bool) -> None:
            data = b""
            # A class defined inside a function can never be pickled.
            with suppress(pickle.PicklingError, AttributeError):
                data = pickle.dumps(self.live.layer) if by_pickle else b""
            self._replace(pickle.loads(data) if data else copy.deepcopy(self.live.layer))

        def _replace(self, twin: Any) -> None:
            rng = np.random.default_rng(1)
            probe = Probe(twin, rng, allocate({"layer": twin}, rng, float))
            same_arrays(probe.values, self.live.values, "copy: the parameter {} differs")
            for (generator, _), (_, state) in zip(probe.generators, self.live.generators, strict=False):
                generator.bit_generator.state = state
            self.live, self.fresh = Probe(twin, rng, probe.parameters), None

        @invariant()
        def outputs_stay(self) -> None:
            for y, kept in self.outputs:
                same(y, kept, "an output that was returned earlier has changed")

    LayerMachine.__name__ = LayerMachine.__qualname__ = f"{subject.cls.__name__}Machine"
    return LayerMachine


def same_arrays(values: Gradients, expected: Gradients, what: str) -> None:
    """Raise an AssertionError naming the first array that differs, if any."""
    for name, value in expected.items():
        same(values[name], value, what.format(name))


def same(value: Array, expected: Array, what: str) -> None:
    """Raise an AssertionError that begins with ``what`` unless both are equal up to rounding."""
    np.testing.assert_allclose(value, expected, rtol=1e-10, atol=1e-12, err_msg=what)
