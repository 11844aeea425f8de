"""Compiled: a list of layers with an optimizer, a loss and metrics."""

import copy
import functools
from typing import Any, Unpack

from minidl import checks
from minidl.config import resolve
from minidl.errors import ArgumentError, StateError
from minidl.losses import Loss, resolve_loss
from minidl.metrics import Metric, resolve_metrics
from minidl.names import refuse
from minidl.optimizers import Optimizer
from minidl.ownership import give, owner_of
from minidl.saving import load_weights, save_model
from minidl.sequential.layer_list import LayerList
from minidl.settings import fix_settings
from minidl.solvers import Solver
from minidl.training import Trainer, check_accuracy, check_end
from minidl.typing import NoOptions

# what to do instead of assigning these attributes of a model
FIXES = dict.fromkeys(("optimizer", "loss", "metrics", "weighted_metrics"), "Call compile(...), which sets them all.")
FIXES |= dict.fromkeys(("seed", "dtype"), "Pass it to the constructor of a new model.")
FIXES |= dict.fromkeys(("network", "trainer", "randomness", "check_gradients"), "Call build or compile, which set it.")
FIXES |= LayerList.unassignable | {
    "layers": "Call add and pop.",
    "parameters": "Copy into parameters.values, or call set_weights.",
    "history": "It is what the last fit has returned.",
    "epoch": "It counts the epochs of this model's life.",
}

COPIED = "expected to be set before compile, which copies the object. Compile with a new one."


def of_trainer(name: str, doc: str, of: Any = lambda value: value) -> Any:
    """Return a property for ``of`` the attribute ``name`` of the trainer; it is None without a trainer."""
    return property(lambda model: of(getattr(model.trainer, name, None)), doc=doc)


class Compiled(LayerList):
    """Abstract base of `Sequential`: `compile`, and the attributes that it sets.

    Attributes
    ----------
    trainer : Trainer or None
        None until `compile`.
    """

    open_to_names = True
    unassignable = FIXES
    trainer: Trainer | None = None
    check_gradients: str | None = None

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        *,
        check_gradients: str | None = None,
        **others: Unpack[NoOptions],
    ) -> None:
        """Configure training: optimizer, loss and metrics. The optimizer starts from scratch.

        Parameters
        ----------
        optimizer : str, Optimizer or Solver
        loss : str or Loss
        metrics, weighted_metrics : list of str, Metric or function ``f(y_true, y_pred)``, optional
            ``metrics`` ignore sample weights, ``weighted_metrics`` use them.
        check_gradients : {None, "first_batch"}
            "first_batch" certifies each layer on the first batch's real input and upstream gradient.

        Raises
        ------
        ArgumentError
            For an unknown name (with the nearest one), a class in place of an instance, or a loss that does
            not fit the last layer.
        """
        refuse(self.compile, others)
        if self.trainer is not None:
            self.trainer.check_idle("compile")
        optimizer = resolve(optimizer, (Optimizer, Solver), "compile: optimizer")
        loss = None if loss is None else _own_copy(resolve_loss(loss, "compile: loss"))
        certify = None
        if check_gradients is not None:
            checks.choice(check_gradients, "compile: check_gradients", ("first_batch",))
            from minidl.testing.models import certify_model  # minidl.testing imports models

            certify = functools.partial(certify_model, level="quick")
        self._check_end(loss, metrics, weighted_metrics)
        if owner_of(optimizer) not in (None, self):
            got = f"{optimizer!r} of another. Make a new one."
            raise ArgumentError(f"compile: optimizer: expected one for each model, got {got}")
        for metric in (*(metrics or ()), *(weighted_metrics or ())):
            if isinstance(metric, Metric):
                fix_settings(metric, COPIED)
        give(optimizer, self)
        optimizer.reset()
        trainer = Trainer(optimizer, loss, copy.copy(metrics), copy.copy(weighted_metrics), certify)
        trainer.history = self.history
        self.set_derived(trainer=trainer, check_gradients=check_gradients)
        if loss is not None and self.network is not None:
            trainer.connect(self.network)

    def _check_end(self, loss: Loss | None, *metrics: Any) -> None:
        """Raise an `ArgumentError` if the loss or a metric does not fit the last layer."""
        steps = tuple(self.expand().values())
        if loss is not None:
            check_end(steps, self.output_shape, loss)
        for specs in metrics:
            resolve_metrics(specs, loss, self.output_shape[-1] if self.output_shape else 1)
            if loss is not None and steps:
                check_accuracy(specs, loss, steps[-1])

    def stored_arguments(self) -> dict[str, Any]:
        """Return an empty dict: the arguments of a model cannot be assigned, or change with the model."""
        return {}

    # Weights only

    def save_weights(self, filepath: Any) -> None:
        """Write all parameters and states to a model file, without optimizer, loss and metrics."""
        save_model(self, filepath, include_optimizer=False, who="save_weights")

    def load_weights(self, filepath: Any) -> None:
        """Load the values from a model file whose arrays have the same names and shapes as this model's.

        Raises
        ------
        ModelFileError
            If arrays are missing, unexpected or of a different shape; it lists all of them, and the model is unchanged.
        StateError
            If the model is not built.
        """
        load_weights(self, filepath)

    # Results of compile and fit

    optimizer = of_trainer("optimizer", "What `compile` was given, or None before.")
    loss = of_trainer("loss", "A copy of what `compile` was given, or None before.")
    metrics = of_trainer("metrics", "A copy of what `compile` was given, or None before.", copy.copy)
    weighted_metrics = of_trainer("weighted_metrics", "A copy of what `compile` was given, or None before.", copy.copy)
    history = of_trainer("history", "The `History` of the last `fit`, or None before.")

    @property
    def metrics_names(self) -> list[str]:
        """Names of the values that `evaluate` and `train_on_batch` return, in order."""
        trainer = self.trainer
        return [] if trainer is None else ["loss", *(trainer.scores.metrics if "scores" in vars(trainer) else ())]

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """Columns of the frame that the model was fitted on, expected in this order; assign None to forget them."""
        return self.__dict__.get("feature_names")

    @feature_names.setter
    def feature_names(self, names: Any) -> None:
        if names is not None and not (isinstance(names, (list, tuple)) and all(isinstance(n, str) for n in names)):
            raise ArgumentError(f"{self.label}: feature_names: expected a list of strings or None, got {names!r:.100}.")
        self.__dict__["feature_names"] = None if names is None else tuple(names)

    @property
    def epoch(self) -> int:
        """Number of epochs that this model has been trained for."""
        return self.randomness.epochs

    @property
    def stop_training(self) -> bool:
        """Set by callbacks: training ends after the epoch, or after the batch if set in a batch hook."""
        return self.trainer is not None and self.trainer.stop_training

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        if self.trainer is None:
            raise StateError(f"{self.label}: stop_training: expected a compiled model.")
        self.trainer.stop_training = checks.flag(value, f"{self.label}: stop_training")


def _own_copy(loss: Loss) -> Loss:
    """Return a copy of the loss for one model; arguments that would no longer have an effect become read-only."""
    own = copy.copy(loss)
    fix_settings(loss, COPIED)
    if own.link is not None:  # training may use another copy, which takes logits
        fix_settings(own, "expected to be set before compile. Compile with a new loss.")
    return own
