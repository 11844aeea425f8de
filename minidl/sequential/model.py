"""Sequential: a sequence of layers that can be compiled, trained, evaluated, used and saved.

The names and defaults are Keras'; a model is itself a layer, so models can be nested.
"""

import functools
import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Unpack

import numpy as np

from minidl import checks
from minidl.callbacks import Callback, CallbackList, History, backup_folder, check_callbacks, progress_bar
from minidl.data import check_features, is_stream
from minidl.errors import StateError
from minidl.explain import Trace, explain, html, summary, trace
from minidl.names import refuse
from minidl.saving import Checkpoint, save_checkpoint, save_model, text_of_model
from minidl.sequential.compiled import Compiled
from minidl.sequential.transaction import prepared
from minidl.training import Data, Epochs, Run, SolverRun, Trainer, evaluate, in_keras_form, predict, predict_batches
from minidl.typing import Array, NoOptions


class Sequential(Compiled):
    """A sequence of layers: ``y = layers[-1](...layers[1](layers[0](x)))``.

    Parameters
    ----------
    layers : list of Layer, optional
        May begin with `Input`, which fixes the shapes at once.
    seed : int, optional
        Makes initial weights, shuffling and dropout reproducible. By default a new seed is drawn
        and stored in ``model.seed``.
    dtype : {"float32", "float64"}
        Type of parameters, activations and gradients.

    Raises
    ------
    ArgumentError, ShapeError
        If an item is not a layer or already belongs to a model, or the shapes do not fit.

    Examples
    --------
    >>> model = Sequential([Input((2,)), Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    >>> model.predict([[0.0, 1.0], [2.0, 3.0]]).shape
    (2, 1)
    >>> model.count_params()
    13
    """

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
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        *,
        split: str = "shuffle",
        resume: Any = None,
        **others: Unpack[NoOptions],
    ) -> "History":
        """Train on ``x`` and ``y`` for ``epochs`` passes; return the `History` of losses and metrics.

        Parameters
        ----------
        x : array-like of shape (rows, ...), or iterable of batches (x, y) or (x, y, sample_weight)
            Arrays on disk (memory-mapped, HDF5, Zarr, anything with a shape and slices) are read a batch at a time.
            The model remembers the columns of a data frame, and rejects others from then on.
        y : array-like of shape (rows,) or (rows, outputs)
        batch_size : int, optional
            Samples per step, 32 by default; all rows for `LBFGS`.
        epochs : int
            Epoch at which training ends; it begins at ``initial_epoch``.
        verbose : {"auto", 0, 1, 2}
            0 is silent, 1 a progress bar, 2 one line per epoch; "auto" is 1 on a terminal or in a notebook, else 2.
        callbacks : list of Callback, optional
        validation_split : float
            Fraction of samples held out for validation: ``floor(rows * (1 - validation_split))`` remain for training.
        validation_data : tuple (x, y) or (x, y, sample_weight), or iterable of batches, optional
        shuffle : bool
            Whether each epoch uses the samples in a different order, which depends on the seed and the epoch.
        class_weight : dict of class to weight, or "balanced", optional
            Weights of the training samples by class; validation samples are not weighted. A missing class has weight 1.
        sample_weight : array-like of shape (rows,), optional
        initial_epoch : int
            Number of the first epoch in the history.
        steps_per_epoch : int, optional
            Batches per epoch; required for an endless iterable.
        validation_steps : int, optional
            Batches per validation; required for an endless iterable.
        validation_batch_size : int, optional
            Samples per batch in validation; by default ``batch_size``.
        validation_freq : int or list of int
            Validate every this many epochs, or after the listed epochs, counted from 1.
        split : {"shuffle", "stratify", "last"}
            How ``validation_split`` selects the rows: at random, in proportion to the classes, or the last ones.
        resume : path, optional
            A checkpoint or a folder of checkpoints to resume from exactly. A missing or empty folder starts a new run.

        Raises
        ------
        StateError
            Before `compile`, or if all parameters are frozen.
        ArgumentError, DataError, ShapeError
            For arguments or data that cannot be used; the model is unchanged.
        NonFiniteError
            When a loss or gradient is NaN or infinite; the weights are those of the last finite step.
        """
        if others:
            refuse(self.fit, others)
        where = resume if resume is not None or callbacks is None else backup_folder(callbacks)
        checkpoint = None if where is None else Checkpoint.find(where, tell=verbose != 0)
        with self.ready_for(x, y, trains=True) as x:
            data = Data(x, y, sample_weight, class_weight, batch_size, shuffle, steps_per_epoch, validation_split,
                        validation_data, split, validation_steps, validation_batch_size, validation_freq)  # fmt: skip
            trainer, history = self.connected("fit"), History()
            seed = self.randomness.seed if checkpoint is None else checkpoint.seed
            run = (SolverRun if trainer.optimizer.full_batch else Run)(
                trainer, data, Epochs(epochs, initial_epoch, self._hooks(callbacks, verbose, history), history), seed
            )
            if checkpoint is not None:
                checkpoint.check(self, run)
        return run.train(None if checkpoint is None else functools.partial(checkpoint.apply, self, run))

    def train_on_batch(
        self, x: Any, y: Any, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Take one training step on a batch; return the loss, or a list of the loss and metrics, or a dict of them."""
        with self.ready_for(x, y, trains=True):
            trainer = self.connected("train_on_batch")
            batch = trainer.inputs.batch(x, y, sample_weight, class_weight, first=trainer.checked is not None)
        return trainer.train_on_batch(batch, return_dict=return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Return the loss of a batch, or a list of the loss and metrics, or a dict of them; the model is unchanged."""
        return self.evaluate(x, y, sys.maxsize, 0, sample_weight, return_dict=return_dict)

    def evaluate(
        self,
        x: Any,
        y: Any = None,
        batch_size: int | None = 32,
        verbose: int | str = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **others: Unpack[NoOptions],
    ) -> Any:
        """Return the exact loss over the samples, or a list of the loss and metrics, or a dict of them.

        The loss includes the regularizers' penalties; ``steps`` is the number of batches to take from an iterable. The
        other arguments are as in `fit`.
        """
        refuse(self.evaluate, others)
        size = checks.integer(32 if batch_size is None else batch_size, "evaluate: batch_size", minimum=1)
        with self.ready_for(x, y) as x:
            trainer = self.connected("evaluate")
            source = trainer.inputs.for_evaluate((x, y, sample_weight), size, steps)
        hooks = self._hooks(callbacks, verbose).set_params({"steps": source.steps()})
        logs = evaluate(trainer.objective, trainer.new_scores(), source, hooks)
        return in_keras_form(logs, return_dict)

    @np.errstate(all="ignore")
    def loss_and_gradients(self, x: Any, y: Any, sample_weight: Any = None) -> tuple[float, Array]:
        """Return the loss of a batch in training mode, penalties included, and the flat gradients.

        For a custom training loop, follow this with ``optimizer.step(model.parameters.values, gradients)``.
        """
        with self.ready_for(x, y):
            trainer = self.connected("loss_and_gradients")
            batch = trainer.inputs.batch(x, y, sample_weight)
        loss, _ = trainer.objective.loss_and_gradients(*batch)
        return loss, trainer.network.parameters.gradients

    def connected(self, call: str) -> Trainer:
        """Return the trainer, connected to the network."""
        trainer = self.trainer
        if trainer is None or trainer.loss is None:
            expected = "expected a compiled model with a loss. Call compile(optimizer, loss)."
            raise StateError(f"{self.label}: {call}: {expected}")
        trainer.connect(self.network or self.built(call))
        return trainer

    def _hooks(self, callbacks: Any, verbose: Any, *first: Callback) -> CallbackList:
        bar = [] if type(verbose) is int and verbose == 0 else progress_bar(verbose)
        return CallbackList([*first, *check_callbacks(callbacks), *bar], self)

    def ready_for(self, x: Any, y: Any = None, *, trains: bool = False) -> AbstractContextManager[Any]:
        """Return a context that yields ``x``, with the model built and, if it ``trains``, the column names set."""
        plain = self.network is not None and (not trains or type(x) is np.ndarray)
        return nullcontext(x) if plain else prepared(self, x, y, trains)

    # Prediction and saving

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: int | str = 0,
        steps: int | None = None,
        callbacks: Any = None,
        **others: Unpack[NoOptions],
    ) -> Array:
        """Return the outputs for the samples ``x``, as an array of shape (rows, ...).

        ``x`` may be an iterable of batches ``x`` or ``(x, y)``, of which ``steps`` are used. Prediction runs on twins
        of the layers that share the parameters, so another thread can train at the same time.
        """
        if others:
            refuse(self.predict, others)
        size = None if batch_size is None else checks.integer(batch_size, "predict: batch_size", minimum=1)
        network = self.network
        if network is None:
            with self.ready_for(x) as x:
                return self.predict(x, size, verbose, steps, callbacks)
        if callbacks is None and not verbose and steps is None and not is_stream(x, None):
            return predict(network, check_features(x, network, on_disk=True), size)
        return predict_batches(network, x, size, steps, self._hooks(callbacks, verbose))

    def save(self, filepath: Any, *, include_optimizer: bool = True, **others: Unpack[NoOptions]) -> None:
        """Write the model to one file: architecture, values and, by default, optimizer, loss and metrics.

        Raises
        ------
        OSError
            If the file cannot be written; it names the path, and an existing file is unchanged.
        """
        refuse(self.save, others)
        save_model(self, filepath, include_optimizer=include_optimizer)

    def to_json(self) -> str:
        """Return the layers and their arguments, without weights, as JSON for `minidl.models.model_from_json`."""
        return text_of_model(self)

    def save_checkpoint(self, path: Any) -> None:
        """Write the model and the `fit` in progress to a file, from which ``fit(resume=path)`` resumes exactly."""
        save_checkpoint(self, path)

    def summary(self, **others: Unpack[NoOptions]) -> None:
        """Print a table of the layers: output shape, parameters, and bytes cached per sample for backward."""
        refuse(self.summary, others)
        print(summary(self))  # noqa: T201 - as in Keras

    def trace(self, x: Any, y: Any) -> Trace:
        """Return every layer's output and gradients for one batch, as arrays: `minidl.explain.trace`."""
        return trace(self, x, y)

    def explain(self, x: Any, y: Any, *, format: str = "text", digits: int = 4) -> str:
        """Write out one forward and backward step with its numbers: `minidl.explain.explain`."""
        return explain(self, x, y, format=format, digits=digits)

    def _repr_html_(self) -> str:
        if self.network is None:
            return html(self)
        from minidl.plotting import plot_model

        return f"{html(self)}{plot_model(self)}"
