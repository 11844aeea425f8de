"""The kit inside pytest: the fixture, ``--certify``, ``parametrize_with_checks``, and the state machine."""

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test

import minidl.testing.suite  # noqa: F401 - so that it stays loaded between the runs inside this process
from minidl import Dense, Dropout, Layer, Sequential
from minidl.testing import layer_machine, strategies

LAYERS = """
import numpy as np
from minidl import Layer

class Square(Layer):
    def forward(self, x, training=False):
        self._x = x
        return x**2
    def backward(self, dy):
        return 2 * self._x * dy

class Cube(Layer):
    def forward(self, x, training=False):
        self._x = x
        return x**3
    def backward(self, dy):
        return 2 * self._x**2 * dy
"""


@pytest.fixture
def project(pytester):
    pytester.makepyfile(mylayers=LAYERS)
    pytester.syspathinsert()
    return pytester


def run(project, *arguments):
    return project.runpytest_inprocess("-p", "minidl.testing.plugin", "-p", "no:cacheprovider", *arguments)


def test_the_option_certifies_every_layer_of_a_module(project):
    result = run(project, "--certify=mylayers", "--certify-level=quick", "-v")
    result.stdout.fnmatch_lines(["*Square[[]]::numeric PASSED*", "*Cube[[]]::numeric FAILED*"])
    result.stdout.fnmatch_lines(["*certified layers*", "Square()*", "Cube()*"])
    outcomes = result.parseoutcomes()
    assert outcomes["failed"] == 1
    assert outcomes["passed"] > 10


def test_the_report_of_a_failure_names_the_cause(project):
    result = run(project, "--certify=mylayers", "--certify-level=quick")
    result.stdout.fnmatch_lines(["*certify(Cube())*FAIL*1 finding*", "*x numeric*dx*", "*mylayers.py:*"])


def test_the_fixture_is_certify(project):
    project.makepyfile(
        test_mine="""
        from mylayers import Square
        def test_square(certify):
            assert certify(Square(), level="quick").passed
        """
    )
    run(project).assert_outcomes(passed=1)


def test_parametrize_with_checks_makes_a_test_of_each_check(project):
    project.makepyfile(
        test_mine="""
        from minidl.testing import parametrize_with_checks
        from mylayers import Cube, Square

        @parametrize_with_checks([Square(), Cube()], level="quick",
            expected_failures=lambda layer: {"numeric": "known"} if isinstance(layer, Cube) else {})
        def test_gradients(layer, check):
            check(layer)
        """
    )
    result = run(project, "-v")
    result.stdout.fnmatch_lines(["*test_gradients[[]Square()-numeric[]] PASSED*", "*[[]Cube()-numeric[]] XFAIL*"])
    assert "failed" not in result.parseoutcomes()


class Doubler(Layer):
    """Right; writes its result into a buffer of its own each time if told to."""

    def __init__(self, keep_buffer=False):
        self.keep_buffer = keep_buffer

    def forward(self, x, training=False):
        if not self.keep_buffer:
            return 2 * x
        if "_y" not in vars(self) or self._y.shape != x.shape:
            self._y = np.empty_like(x)
        return np.multiply(x, 2, out=self._y)

    def backward(self, dy):
        return 2 * dy


class Forgetful(Layer):
    """Keeps the first mask that it made for a batch of some size."""

    def forward(self, x, training=False):
        masks = vars(self).setdefault("_masks", {})
        self._mask = masks.setdefault(len(x), x > 0)
        return x * (x > 0)

    def backward(self, dy):
        return dy * self._mask


QUICK = settings(max_examples=15, stateful_step_count=20, deadline=None, derandomize=True)


@pytest.mark.parametrize("layer", [Dense(3), Dropout(0.4), Doubler()], ids=repr)
def test_right_layers_survive_the_machine(layer):
    run_state_machine_as_test(layer_machine(layer), settings=QUICK)


@pytest.mark.parametrize(
    ("layer", "words"),
    [(Doubler(keep_buffer=True), "returned earlier has changed"), (Forgetful(), "dx is not that of a fresh layer")],
    ids=["buffer", "mask"],
)
def test_the_machine_finds_cache_bugs(layer, words):
    with pytest.raises(AssertionError, match=words):
        run_state_machine_as_test(
            layer_machine(layer), settings=settings(QUICK, max_examples=100, phases=[Phase.generate])
        )


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_layouts_change_the_memory_and_not_the_values(data):
    x = data.draw(strategies.inputs((3,)))
    moved = data.draw(strategies.layouts(x))
    assert np.array_equal(x, moved)


@given(strategies.networks())
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_small_networks_have_right_gradients(network):
    model, x, y = network
    state = model.randomness.get_state()

    def loss_at(values):
        model.parameters.values[:] = values
        model.randomness.set_state(state)  # the same dropout mask each time
        return model.loss_and_gradients(x, y)[0]

    values = model.parameters.values.copy()
    model.randomness.set_state(state)
    gradients = model.loss_and_gradients(x, y)[1].copy()
    direction = np.random.default_rng(0).standard_normal(values.size)
    slopes = [(loss_at(values + h * direction) - loss_at(values - h * direction)) / (2 * h) for h in (1e-4, 1e-5, 1e-6)]
    error = min(abs(slope - gradients @ direction) for slope in slopes)
    assert error <= 1e-6 * max(1.0, np.abs(gradients).sum())


@given(st.data())
@settings(max_examples=20, deadline=None)
def test_drawn_arguments_and_parameters_fit_the_layer(data):
    layer = Dense(4, use_bias=True)
    config = data.draw(strategies.arguments(layer))
    made = Dense.from_config(config)
    drawn = data.draw(strategies.parameters(made, (3,)))
    assert drawn["W"].shape == (3, made.units)
    assert ("b" in drawn) == made.use_bias
    assert isinstance(Sequential([made]), Sequential)
