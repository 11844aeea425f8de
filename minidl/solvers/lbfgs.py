"""LBFGS: a quasi-Newton method on all samples at once, for small data and models."""

from typing import Any

import numpy as np

from minidl import checks
from minidl.solvers.base import Function, Listener, Solver
from minidl.typing import Array


class LBFGS(Solver):
    """``w -= H @ g``, with H an inverse Hessian estimated from the last steps, and a line search for the step length.

    In ``fit``, an epoch is one iteration of the solver, which may evaluate the loss several times; convergence ends
    ``fit``. Each ``fit`` starts with an empty history of steps.

    Parameters
    ----------
    history_size : int
        Number of steps from which H is estimated.
    gradient_tolerance : float
        Converged when no component of the gradient is larger.
    loss_tolerance : float
        Converged when an iteration lowers the loss by a smaller fraction.
    max_line_search : int
        Maximum number of loss evaluations in an iteration.

    Notes
    -----
    Byrd, Lu, Nocedal and Zhu (1995), A limited memory algorithm for bound constrained optimization: SciPy's L-BFGS-B
    without bounds, which works in float64 whatever the model's dtype. The loss of a float32 model is accurate only to
    1e-7, so the iterations end earlier. The rate, weight decay and clipping of other optimizers do not apply.
    """

    def __init__(
        self,
        history_size: int = 10,
        *,
        gradient_tolerance: float = 1e-9,
        loss_tolerance: float = 1e-15,
        max_line_search: int = 20,
    ) -> None:
        self.history_size = checks.integer(history_size, "LBFGS: history_size", minimum=1)
        self.gradient_tolerance = checks.number(gradient_tolerance, "LBFGS: gradient_tolerance", at_least=0)
        self.loss_tolerance = checks.number(loss_tolerance, "LBFGS: loss_tolerance", at_least=0)
        self.max_line_search = checks.integer(max_line_search, "LBFGS: max_line_search", minimum=1)

    def minimize(self, value_and_gradient: Function, values: Array, on_iteration: Listener, max_iterations: int) -> str:
        from scipy.optimize import minimize

        complete = values.copy()

        def evaluate(x: Array) -> tuple[float, Array]:
            loss, gradients = value_and_gradient(x)
            return float(loss), gradients.astype(np.float64)  # always a copy: SciPy keeps the array

        def finish_iteration(intermediate_result: Any) -> None:
            values[...] = complete[...] = intermediate_result.x
            self.iterations += 1
            if on_iteration(float(intermediate_result.fun)):
                raise StopIteration

        options = {
            "maxiter": max_iterations,
            "maxfun": np.iinfo(np.int32).max,
            "maxcor": self.history_size,
            "gtol": self.gradient_tolerance,
            "ftol": self.loss_tolerance,
            "maxls": self.max_line_search,
        }
        start = values.astype(np.float64)
        try:
            found = minimize(evaluate, start, jac=True, method="L-BFGS-B", callback=finish_iteration, options=options)
        finally:
            values[...] = complete
        return str(found.message)
