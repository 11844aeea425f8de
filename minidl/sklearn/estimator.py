"""MinidlEstimator: what the classifier and the regressor share, from the arguments to a trained `Sequential`."""

import copy
import math
import numbers
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from minidl import checks
from minidl.callbacks import EarlyStopping, check_callbacks
from minidl.config import resolve
from minidl.constructor import accepts
from minidl.errors import ArgumentError
from minidl.initializers import RandomUniform
from minidl.layers import Dense, Input, Layer
from minidl.losses import Loss
from minidl.optimizers import Adam, Optimizer
from minidl.regularizers import L2
from minidl.sequential import Sequential
from minidl.solvers import Solver
from minidl.typing import Array

FLOATS = (np.float64, np.float32)  # dtypes of networks; other inputs are converted to the first
LEARNING_RATE = 0.005  # of the default: a network this small needs no smaller steps (docs/scikit-learn.md)
FAMILIES: dict[str, Any] = {"optimizer": (Optimizer, Solver), "loss": Loss}  # arguments that may be names of objects


def takes_batches(estimator: "MinidlEstimator") -> bool:
    """Return whether the optimizer trains batch by batch; a solver does not."""
    try:
        return not isinstance(estimator._resolve("optimizer", estimator.optimizer), Solver)
    except ArgumentError:  # `fit` reports it
        return True


class MinidlEstimator(BaseEstimator):
    """Abstract base of `MinidlClassifier` and `MinidlRegressor`, which document the parameters."""

    model_: Sequential
    history_: dict[str, list[Any]]
    _numeric = False  # whether the targets must be numeric

    def __init__(
        self,
        layers: Any = None,
        *,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        epochs: int = 100,
        batch_size: Any = "auto",
        shuffle: bool = True,
        l2: float = 0.001,
        early_stopping: bool = False,
        validation_split: float = 0.0,
        n_iter_no_change: int | None = 10,
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.layers = layers
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.epochs = epochs
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.l2 = l2
        self.early_stopping = early_stopping
        self.validation_split = validation_split
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.callbacks = callbacks
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose

    # Arguments

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also nested ones such as ``optimizer__learning_rate``; names like "adam" become objects."""
        for key in [key for key in params if "__" in key]:
            name = key.partition("__")[0]
            value = params.get(name, getattr(self, name, self))
            if name in FAMILIES and (isinstance(value, str) or (value is None and name == "optimizer")):
                params[name] = self._resolve(name, value)
            elif not hasattr(value, "set_params"):
                raise self._error(f"set_params: {key}: expected an object as {name}, got {value!r}. Pass an instance.")
        super().set_params(**params)
        return self

    def _resolve(self, name: str, value: Any) -> Any:
        """Return the object for ``value``, an instance or a name passed as the argument ``name``."""
        if value is None and name == "optimizer":
            return Adam(LEARNING_RATE)
        return resolve(value, FAMILIES[name], f"{type(self).__name__}: {name}")

    # Training

    @abstractmethod
    def _learn_targets(self, y: Array, warm: bool, classes: Any) -> None:
        """Remember the form of the targets; for a ``warm`` start, check that it has not changed."""

    @abstractmethod
    def _encode(self, y: Array, model: Sequential) -> Array:
        """Return the targets in the form that the model's loss takes."""

    @abstractmethod
    def _output(self, loss: Loss | None) -> tuple[int, str | None]:
        """Return the number of outputs and the activation of an output layer for the loss."""

    @abstractmethod
    def _ends(self, model: Sequential, outputs: int, activation: str | None) -> bool:
        """Return whether the last layer of the model is already an output layer."""

    @abstractmethod
    def _default_loss(self, model: Sequential) -> Any:
        """Return the default loss for a model."""

    def _split(self, model: Sequential) -> str:
        """Return how to draw the validation samples: "shuffle" or "stratify"."""
        return "shuffle"

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on the samples ``X`` and their targets ``y``.

        Parameters
        ----------
        X : array-like of shape (rows, features)
            The network computes in float32 if ``X`` is float32, otherwise in float64.
        y : array-like of shape (rows,) or (rows, outputs)
        sample_weight : array-like of shape (rows,), optional
            Scaled to a mean of 1.
        """
        return self._train(X, y, sample_weight, warm=self.warm_start and hasattr(self, "model_"))

    @available_if(takes_batches)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one more epoch on these samples; solvers such as L-BFGS are refused, as they need all samples."""
        return self._train(X, y, sample_weight, warm=hasattr(self, "model_"), epochs=1)

    def _train(
        self, X: Any, y: Any, weight: Any, *, warm: bool, epochs: int | None = None, classes: Any = None
    ) -> Self:
        X, y = validate_data(self, X, y, reset=not warm, dtype=FLOATS, multi_output=True, y_numeric=self._numeric)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._learn_targets(y, warm, classes)
        weight = self._weigh(X, y, weight)
        for name in ("early_stopping", "warm_start"):
            checks.flag(getattr(self, name), f"{type(self).__name__}: {name}")
        model = self.model_ if warm else self._model(X)
        y, rows = self._encode(y, model), len(X)
        size = min(200, rows) if self.batch_size == "auto" else self.batch_size
        checks.integer(size, f"{type(self).__name__}: batch_size (or 'auto')", minimum=1)
        validation_split, hooks = self._stopping() if epochs is None else (0.0, [])
        history = model.fit(
            X, y, None if model.optimizer.full_batch else min(size, rows), self.epochs if epochs is None else epochs,
            verbose=self.verbose, callbacks=[*copy.deepcopy(check_callbacks(self.callbacks)), *hooks],
            validation_split=validation_split, split=self._split(model), shuffle=self.shuffle, sample_weight=weight,
        ).history  # fmt: skip
        before = self.history_ if warm else {}
        self.model_ = model
        self.history_ = {name: [*before.get(name, []), *values] for name, values in history.items()}
        self.loss_curve_ = self.history_.setdefault("loss", [])  # empty after 0 epochs
        self.n_iter_ = len(self.loss_curve_)
        return self

    def _stopping(self) -> tuple[float, list[Any]]:
        """Return the fraction of the samples for validation, and the callbacks that stop training."""
        part = self.validation_split or (0.1 if self.early_stopping else 0.0)
        own = any(isinstance(callback, EarlyStopping) for callback in check_callbacks(self.callbacks))
        if self.n_iter_no_change is None or own or not (self.early_stopping or takes_batches(self)):
            return part, []
        monitor = "val_loss" if self.early_stopping else "loss"
        return part, [
            EarlyStopping(
                monitor, patience=self.n_iter_no_change, min_delta=self.tol, verbose=int(self.verbose != 0),
                restore_best_weights=self.early_stopping,
            )
        ]  # fmt: skip

    def _weigh(self, X: Array, y: Array, weight: Any) -> Any:
        """Return the sample weights scaled to a mean of 1, or None."""
        if weight is None:
            return None
        weight = _check_sample_weight(weight, X, dtype=X.dtype, ensure_non_negative=True)
        if not weight.any():
            return weight
        weight = weight / weight.max()  # the sum of large weights could overflow
        # a weight of 2 then equals repeating the sample, because the loss divides by the number of samples
        return weight * (len(X) / weight.sum())

    # The model

    def _model(self, X: Array) -> Sequential:
        """Return a new compiled model for samples like ``X``."""
        loss = None if self.loss is None else copy.deepcopy(self._resolve("loss", self.loss))
        outputs, activation = self._output(loss)
        state = self.random_state
        if not (state is None or isinstance(state, numbers.Integral)):
            state = check_random_state(state).randint(2**31 - 1)
        model = Sequential([Input((X.shape[1],))], seed=state, dtype=X.dtype.name)
        names = getattr(self, "feature_names_in_", None)
        model.feature_names = None if names is None else list(names)
        given, whole = self._given_layers(X.shape[1], outputs)
        if given is None:
            for size in np.atleast_1d(np.asarray(self.hidden_layer_sizes, object)):
                self._add_dense(model, size, self.activation)
            given = []
        for layer in given:
            if not isinstance(layer, Input):
                model.add(copy.deepcopy(layer))
            elif layer.shape != X.shape[1:]:
                raise self._error(f"layers: expected Input({X.shape[1:]}) for the columns of X, got {layer!r}.")
        ends = self._ends(model, outputs, activation)
        if not (whole or ends):
            self._add_dense(model, outputs, activation)
        elif not ends and model.output_shape != (outputs,):
            raise self._error(f"layers: expected {outputs} outputs of the last layer, got {model.output_shape}.")
        model.compile(
            copy.deepcopy(self._resolve("optimizer", self.optimizer)),
            self._default_loss(model) if loss is None else loss,
            copy.deepcopy(self.metrics),
        )
        return model

    def _given_layers(self, features: int, outputs: int) -> tuple[Any, bool]:
        """Return the layers passed by the user, or None, and whether they are the whole network."""
        given, whole = self.layers, callable(self.layers) and not isinstance(self.layers, Layer)
        if isinstance(given, type):
            fix = f"Write {given.__name__}(...)."
            raise self._error(f"layers: expected an instance, got the class {given.__name__}. {fix}")
        if whole:
            if not accepts(given, "features", "outputs"):
                raise self._error(f"layers: expected a function of (features, outputs), got {given!r}.")
            given = given(features, outputs)
        if isinstance(given, Layer) and not isinstance(given, Sequential):
            given = [given]
        used_up = isinstance(given, Iterator) and not whole  # by the first fit
        if given is not None and (isinstance(given, str) or not isinstance(given, Iterable) or used_up):
            raise self._error(f"layers: expected a list of layers, a function or a Sequential, got {given!r}.")
        return given, whole

    def _add_dense(self, model: Sequential, units: int, activation: Any) -> None:
        inputs = (model.output_shape or model.input_shape or (1,))[-1]
        checks.integer(units, f"{type(self).__name__}: hidden_layer_sizes", minimum=1)
        bound = math.sqrt(6 / (inputs + units))  # the bound of the weights; different biases spread the kinks of ReLU
        model.add(
            Dense(
                units, activation=copy.deepcopy(activation), bias_initializer=RandomUniform(-bound, bound),
                kernel_regularizer=L2(self.l2) if self.l2 else None,
            )
        )  # fmt: skip

    def _error(self, text: str) -> ArgumentError:
        """Return an error that begins with the name of the class."""
        return ArgumentError(f"{type(self).__name__}: {text}")

    def _outputs(self, X: Any) -> Array:
        """Return the outputs of the network for the samples, (rows, outputs)."""
        check_is_fitted(self, "model_")
        X = validate_data(self, X, reset=False, dtype=FLOATS)
        return self.model_.predict(X)
