"""Gradients as other projects write them: the right ones pass, the wrong ones are found."""

import pytest

from minidl.testing import certify_function
from tests.foreign.pairs import PAIRS


def certificate(pair, backward):
    return certify_function(pair.forward, backward, pair.inputs, pair.parameters, on_fail="return", **pair.options)


def test_there_are_twenty():
    assert len({pair.name for pair in PAIRS}) >= 20


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_right_gradient_is_not_blamed(pair):
    result = certificate(pair, pair.right)
    assert result.outcome == "PASS", str(result)


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_a_wrong_gradient_is_found(pair):
    assert certificate(pair, pair.wrong).outcome == "FAIL"
