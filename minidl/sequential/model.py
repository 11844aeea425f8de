"""Sequential: a stack of layers that can be compiled, trained, evaluated, used and saved.

The names and defaults are Keras'; a model is a layer itself, so models nest.
"""

import sys
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

from minidl import checks
from minidl.config import resolve
from minidl.data import Table, check_features
from minidl.errors import ArgumentError, StateError
from minidl.losses import Loss, resolve_loss
from minidl.metrics import resolve_metrics
from minidl.optimizers import Optimizer
from minidl.sequential.contract import infer
from minidl.sequential.fitting import check_ends, make_table
from minidl.sequential.plan import Plan
from minidl.sequential.stack import Stack, owner_of
from minidl.sequential.summary import html, summary
from minidl.typing import Array

if TYPE_CHECKING:
    from minidl.callbacks import History
    from minidl.explain import Trace

PREDICT_ROWS = 1024  # rows that predict works on at a time


class Sequential(Stack):
    """Layers one after another: ``y = layers[-1](...layers[1](layers[0](x)))``.

    Parameters
    ----------
    layers : list of Layer, optional
        May begin with `Input`, which fixes the shapes at once.
    seed : int, optional
        Makes everything random repeatable: initial weights, shuffling, dropout. By default a fresh one
        is drawn and kept in ``model.seed``.
    dtype : {"float32", "float64"}
        Type of parameters, activations and gradients.

    Raises
    ------
    ArgumentError, ShapeError
        If something is no layer, stands in a model already, or the shapes do not fit.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    >>> model.predict([[0.0, 1.0], [2.0, 3.0]]).shape
    (2, 1)
    >>> model.count_params()
    13
    """

    optimizer: Optimizer = None  # type: ignore[assignment]  # until compile
    loss: Loss = None  # type: ignore[assignment]  # the same
    metrics: Any = None
    weighted_metrics: Any = None
    check_gradients: str | None = None
    _certified = False  # whether the first batch has been certified
    epoch = 0  # epochs begun in this model's life: they order the rows
    stop_training = False

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        *,
        check_gradients: str | None = None,
    ) -> None:
        """Choose how to train; the optimizer starts anew.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str or Loss
        metrics, weighted_metrics : list of str, Metric or function ``f(y_true, y_pred)``, optional
            The former ignore sample weights, the latter use them.
        check_gradients : {None, "first_batch"}
            "first_batch" certifies each layer on the first batch's real input and upstream gradient.

        Raises
        ------
        ArgumentError
            For an unknown name (with the nearest one), a class in place of an instance, or a loss that does
            not fit the last layer.
        """
        optimizer = resolve(optimizer, Optimizer, "compile: optimizer")
        loss = None if loss is None else resolve_loss(loss, "compile: loss")
        if check_gradients is not None:
            checks.choice(check_gradients, "compile: check_gradients", ("first_batch",))
        outputs = self.output_shape[-1] if self.output_shape else 1
        for specs in (metrics, weighted_metrics):
            resolve_metrics(specs, loss, outputs)
        if loss is not None and self.layers:
            check_ends(self, loss)
        if owner_of(optimizer) not in (None, self):
            raise ArgumentError(
                f"compile: optimizer: expected one for each model, got {optimizer!r} of another. Make a new one."
            )
        optimizer._model = weakref.ref(self)
        optimizer.iterations, optimizer.state = 0, {}
        self.optimizer = optimizer
        self.loss, self.metrics, self.weighted_metrics = loss, metrics, weighted_metrics
        self.check_gradients = check_gradients
        self._plan, self._certified = None, False

    # Training

    def fit(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: int | str = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        *,
        split: str = "shuffle",
        resume: Any = None,
    ) -> "History":
        """Train on ``x`` and ``y`` for ``epochs`` passes; return the `History` of losses and metrics.

        Parameters
        ----------
        x : array-like of shape (rows, ...), or iterable of batches (x, y) or (x, y, sample_weight)
            Memory-mapped files are read a batch at a time.
        y : array-like of shape (rows,) or (rows, outputs)
        batch_size : int, optional
            Rows a step, 32 by default; all rows for `LBFGS`.
        epochs : int
            Number of the last epoch; training begins at ``initial_epoch``.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 a progress bar, 2 a line an epoch; "auto" is 1 on a terminal or in a notebook, else 2.
        callbacks : list of Callback, optional
        validation_split : float
            Part of the rows kept for validation.
        validation_data : tuple (x, y) or (x, y, sample_weight), or iterable of batches, optional
        shuffle : bool
            Whether each epoch takes the rows in an order of its own, a function of the seed and the epoch.
        class_weight : dict of class to weight, or "balanced", optional
            A class that is missing counts 1.
        sample_weight : array-like of shape (rows,), optional
        initial_epoch : int
            Number of the first epoch in the history.
        steps_per_epoch : int, optional
            Batches an epoch; needed for an iterable without an end.
        split : {"shuffle", "stratify", "last"}
            Which rows ``validation_split`` takes.
        resume : path, optional
            A checkpoint, or a folder of them, to go on from exactly.

        Raises
        ------
        StateError
            Before `compile`.
        ArgumentError, DataError, ShapeError
            For anything that cannot be trained on, before anything has changed.
        NonFiniteError
            When a loss or gradient is NaN or infinite; the weights are those of the last finite step.
        """
        from minidl import training

        return training.fit(
            self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
            class_weight, sample_weight, initial_epoch, steps_per_epoch, split, resume,
        )  # fmt: skip

    def train_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Take one step on these rows; return the loss, or a list with the metrics, or a dict of all."""
        from minidl import training

        return training.train_on_batch(self, x, y, sample_weight, class_weight, return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss of these rows, or a list with the metrics, or a dict of all; nothing is changed."""
        return self.evaluate(x, y, sys.maxsize, 0, sample_weight, return_dict=return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the exact loss over the rows, or a list with the metrics, or a dict of all.

        The penalties of the regularizers are part of the loss; ``steps`` is the number of batches to take from an
        iterable. The other arguments are as in `fit`.
        """
        from minidl import training

        return training.evaluate(self, x, y, batch_size, sample_weight, verbose, return_dict, steps, callbacks)

    @np.errstate(all="ignore")
    def loss_and_gradients(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, Array]:
        """Return the loss of a batch in training mode, penalties included, and the flat gradients.

        A training loop of one's own is this and ``optimizer.step(model.parameters.values, gradients)``.
        """
        self._require_compiled("loss_and_gradients")
        self._require_built("loss_and_gradients")
        batch = self.table(x, y, sample_weight).batch(slice(None))
        return self.plan.backpropagate(*batch)[0], self.parameters.gradients

    def table(self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, who: str = "") -> Table:
        """Return the rows checked against this model and its loss, building the model if it is not built."""
        return make_table(self, x, y, sample_weight, class_weight, who)

    @property
    def plan(self) -> Plan:
        """How a training pass runs: the layers, the loss, and where the activation is left out."""
        if self._plan is None:
            check_ends(self, self.loss)  # layers may have come or gone since compile
            self._plan = Plan(self)
        return self._plan

    def _require_compiled(self, call: str) -> None:
        if self.optimizer is None or self.loss is None:  # type: ignore[redundant-expr]
            raise StateError(
                f"{self.label}: {call}: expected a compiled model with a loss. Call compile(optimizer, loss)."
            )

    # Use

    def predict(self, x: Any, batch_size: int | None = None, verbose: int | str = 0, callbacks: Any = None) -> Array:
        """Return the outputs for the rows of ``x``, as an array of shape (rows, ...).

        It runs on twins of the layers that share the parameters, so that it may run beside a training thread.
        """
        self._require_built("predict")
        size = PREDICT_ROWS if batch_size is None else checks.integer(batch_size, "predict: batch_size", minimum=1)
        x = check_features(x, self.input_shape, self._chain[0], self.dtype)  # type: ignore[arg-type]
        chain = [layer.detached() for layer in self._chain]
        if callbacks is not None or verbose:
            from minidl import training

            return training.predict(self, chain, x, size, callbacks, verbose)
        if len(x) <= size:
            return infer(chain, self.output_shape, x, self.dtype)
        y = np.empty((len(x), *self.output_shape), self.dtype)  # type: ignore[misc]
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            y[part] = infer(chain, self.output_shape, x[part], self.dtype)
        return y

    def save(self, path: Any) -> None:
        """Write the model to one file: architecture, values, optimizer, loss and metrics.

        Raises
        ------
        OSError
            With the path; an older file there is left as it was.
        """
        from minidl.saving import save_model

        save_model(self, path)

    def summary(self) -> None:
        """Print a table of the layers: output shape, parameters, and bytes kept a row for backward."""
        print(summary(self))  # noqa: T201 - as in Keras

    def trace(self, x: Any, y: Any) -> "Trace":
        """Return every layer's output and gradients for one batch, as arrays: `minidl.explain.trace`."""
        from minidl.explain import trace

        return trace(self, x, y)

    def explain(self, x: Any, y: Any, *, format: str = "text", digits: int = 4) -> str:
        """Write out one forward and backward step with its numbers: `minidl.explain.explain`."""
        from minidl.explain import explain

        return explain(self, x, y, format=format, digits=digits)

    def _repr_html_(self) -> str:
        if not self._built:
            return html(self)
        from minidl.plotting import plot_model

        return f"{html(self)}{plot_model(self)}"
