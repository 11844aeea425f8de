"""The adapters: gradients written for torch, JAX and Thinc, where the library is installed."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minidl.testing import certify, parametrize_with_checks
from minidl.testing.__main__ import main

ROOT = Path(__file__).parent.parent
W = np.random.default_rng(0).normal(size=(4, 2))


def needs(library):
    """Return the mark of tests that need a library."""
    installed = importlib.util.find_spec(library) is not None
    return pytest.mark.skipif(not installed, reason=f"{library} is not installed")


def findings(subject):
    return certify(subject, on_fail="return").findings


@pytest.mark.parametrize("name", ["torch", "jax", "thinc"])
def test_an_adapter_imports_no_library(name):
    code = f"import sys, minidl.testing.adapters.{name}; print({name!r} in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"


def torch_function(factor=1.0, keep=False):
    """Return ``y = x @ w`` as the apply of an autograd.Function, its gradient of w times a factor."""
    import torch

    class Product(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            return x @ w

        @staticmethod
        def backward(ctx, dy):
            x, w = ctx.saved_tensors
            return dy @ w.T, factor * x.T @ dy

    return Product.apply


def torch_dropout(scale):
    import torch

    class Dropout(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.mask = (torch.rand_like(x) > 0.3) / 0.7
            return x * ctx.mask

        @staticmethod
        def backward(ctx, dy):
            return dy * ctx.mask * scale

    return Dropout.apply


@needs("torch")
def test_a_right_torch_function_passes():
    from minidl.testing.adapters import torch

    assert certify(torch.function(torch_function(), parameters={"w": W})).outcome == "PASS"


@needs("torch")
def test_a_wrong_torch_function_is_found_with_its_name():
    from minidl.testing.adapters import torch

    finding = findings(torch.function(torch_function(2.0), parameters={"w": W}))[0]
    assert (finding.target, finding.check) == ("dw", "numeric")
    assert "constant 2" in finding.why
    assert finding.where.startswith("backward, test_adapters.py")


@needs("torch")
def test_the_generator_of_torch_is_seeded_and_restored():
    import torch as library

    from minidl.testing.adapters import torch

    state = library.get_rng_state()
    assert certify(torch.function(torch_dropout(1.0))).outcome == "PASS"
    assert findings(torch.function(torch_dropout(0.7)))[0].target == "dx"
    assert library.equal(library.get_rng_state(), state)


@needs("torch")
def test_a_gradient_that_torch_is_not_given_is_missing():
    import torch as library

    from minidl.testing.adapters import torch

    class Forgetful(library.autograd.Function):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(w)
            return x @ w

        @staticmethod
        def backward(ctx, dy):
            return dy @ ctx.saved_tensors[0].T, None

    assert findings(torch.function(Forgetful.apply, parameters={"w": W}))[0].message == "dw is never set"


def jax_function(sign=1.0):
    """Return a softplus of ``x @ w`` with a hand-written gradient."""
    import jax

    @jax.custom_vjp
    def softplus(x, w):
        return jax.numpy.logaddexp(x @ w, 0.0)

    def forward(x, w):
        return softplus(x, w), (x, w)

    def backward(kept, dy):
        x, w = kept
        dz = dy * jax.nn.sigmoid(x @ w)
        return dz @ w.T, sign * x.T @ dz

    softplus.defvjp(forward, backward)
    return softplus


@needs("jax")
def test_a_right_jax_function_passes_in_float64():
    from minidl.testing.adapters import jax

    certificate = certify(jax.function(jax_function(), parameters={"w": W}))
    assert certificate.outcome == "PASS"
    assert max(certificate.sensitivity.values()) < 1e-7


@needs("jax")
def test_a_wrong_jax_function_is_found():
    from minidl.testing.adapters import jax

    finding = findings(jax.function(jax_function(-1.0), parameters={"w": W}))[0]
    assert finding.target == "dw"
    assert "wrong sign" in finding.why


@needs("jax")
def test_integers_of_a_jax_function_have_no_gradient():
    import jax as library

    from minidl.testing.adapters import jax

    ids = np.array([2, 0, 1])
    subject = jax.function(lambda x, ids: library.numpy.take(x, ids, axis=1), (np.ones((3, 4)), ids), batched=True)
    assert certify(jax.function(lambda x, w, ids: x @ w[ids], np.eye(3), {"w": W, "ids": ids})).outcome == "PASS"
    assert subject.whole_batch is False


@needs("thinc")
def test_a_right_thinc_model_passes():
    from thinc import api

    from minidl.testing.adapters import thinc

    def make():
        return api.chain(api.Linear(3), api.Relu(5), api.LayerNorm())

    certificate = certify(thinc.model(make, shape=(4,)))
    assert certificate.outcome == "PASS"
    assert set(certificate.sensitivity) == {"dx", "dW", "db1", "dW2", "db3", "dG4", "db5"}


@needs("thinc")
def test_a_wrong_thinc_model_is_found():
    from thinc import api

    from minidl.testing.adapters import thinc

    def forward(model, X, is_train):
        W = model.get_param("W")

        def backprop(dY):
            model.inc_grad("W", 2 * dY.T @ X)
            return dY @ W

        return X @ W.T, backprop

    def make():
        return api.Model("doubled", forward, params={"W": W.T.astype("float32")})

    finding = findings(thinc.model(make))[0]
    assert finding.target == "dW"
    assert finding.where.startswith("forward, test_adapters.py")


@needs("thinc")
def test_dropout_of_thinc_is_certified_in_both_modes():
    from thinc import api

    from minidl.testing.adapters import thinc

    certificate = certify(thinc.model(lambda: api.Dropout(0.3)))
    assert {"mode", "random"} <= set(certificate.names("PASS"))


SUBJECTS = []
if importlib.util.find_spec("torch"):
    from minidl.testing.adapters import torch

    SUBJECTS.append(torch.function(torch_function(), parameters={"w": W}))


@parametrize_with_checks(SUBJECTS)
def test_an_adapter_takes_part_in_the_tests_of_a_suite(layer, check):
    check(layer)


@needs("torch")
def test_the_command_line_takes_an_adapter(monkeypatch, tmp_path, capsys):
    (tmp_path / "mine.py").write_text(
        "import torch as library\nfrom minidl.testing.adapters import torch\nsine = torch.function(library.sin)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["mine:sine"]) == 0
    assert main(["mine"]) == 0
    assert capsys.readouterr().out.count("certify(torch.function(sin))   PASS") == 2
