"""MinidlRegressor: a network that predicts numbers, as an estimator of scikit-learn."""

from typing import Any

from sklearn.base import RegressorMixin

from minidl.errors import DataError
from minidl.layers import Dense
from minidl.losses import Loss, MeanSquaredError, Poisson
from minidl.sequential import Sequential
from minidl.sklearn.estimator import MinidlEstimator
from minidl.typing import Array


class MinidlRegressor(RegressorMixin, MinidlEstimator):
    """Neural network regressor, for one or several targets per sample.

    Parameters
    ----------
    layers : list of Layer, function or Sequential, optional
        The hidden layers, or all of them: an output layer is added unless the last one is an output layer. A function
        ``layers(features, outputs)`` returns all of them. Copies are trained, so that nothing is shared between fits.
        Default: ``Dense`` layers of ``hidden_layer_sizes``.
    hidden_layer_sizes : tuple of int
        Units of each hidden layer, if ``layers`` is None.
    activation : str or Layer
        Activation of these layers.
    optimizer : str, Optimizer or Solver, optional
        Default: ``Adam(0.005)``. ``optimizer__learning_rate`` and the like can be tuned in searches.
    loss : str or Loss, optional
        Default: the mean squared error.
    metrics : list, optional
        As for `Sequential.compile`: more columns of ``history_``.
    epochs : int
        Maximum number of passes over the samples.
    batch_size : "auto" or int
        Samples per step; "auto" is 200, or all if there are fewer.
    shuffle : bool
        Whether to shuffle the samples before each epoch.
    l2 : float
        Penalty ``l2 * sum(W**2)`` for the layers of ``hidden_layer_sizes`` and the output layer.
    early_stopping : bool
        Whether to stop on the loss of held-out samples (a tenth, or ``validation_split``) and restore the best weights.
        Otherwise, training stops on the loss of the training samples.
    validation_split : float
        Fraction of the samples held out to measure ``history_["val_loss"]``.
    n_iter_no_change : int or None
        Epochs without an improvement by ``tol`` before training stops; None never stops.
    tol : float
        Smaller improvements do not count.
    callbacks : list of Callback, optional
        Copies are used. An `EarlyStopping` among them replaces ``n_iter_no_change`` and ``tol``.
    warm_start : bool
        Whether `fit` continues from the trained network.
    random_state : int, RandomState or None
        An int is the ``seed`` of the `Sequential`.
    verbose : int
        As for `Sequential.fit`.

    Attributes
    ----------
    model_ : Sequential
        The trained network, with ``model_.optimizer``, ``model_.loss``, ``model_.save`` and so on.
    history_ : dict of str to list
        ``"loss"``, the metrics and ``"val_loss"`` of every epoch.
    loss_curve_ : list of float
        ``history_["loss"]``.
    n_iter_ : int
        Number of epochs.
    columns_ : int
        Number of columns of the targets; 0 if they had one axis.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Raises
    ------
    ValueError
        For samples or arguments that cannot be used, with the reason.

    Notes
    -----
    The network computes in the dtype of ``X``; float32 takes about half the time of float64. With dropout or several
    batches, a fit with weighted samples differs from one with repeated samples.

    Examples
    --------
    >>> from minidl.sklearn import MinidlRegressor
    >>> x = np.linspace(-1, 1, 200).reshape(-1, 1)
    >>> regressor = MinidlRegressor(hidden_layer_sizes=(32, 32), random_state=0).fit(x, x[:, 0] ** 2)
    >>> regressor.predict([[0.5]]).shape, regressor.score(x, x[:, 0] ** 2) > 0.95
    ((1,), True)
    """

    columns_: int
    _numeric = True

    def predict(self, X: Any) -> Array:
        """Return the predictions, of shape (rows,), or (rows, outputs) for two-dimensional targets."""
        y = self._outputs(X)
        return y if self.columns_ else y[:, 0]

    def _learn_targets(self, y: Array, warm: bool, classes: Any) -> None:
        columns = y.shape[1] if y.ndim == 2 else 0
        if warm and columns != self.columns_:
            names = [f"{count} columns" if count else "one axis" for count in (self.columns_, columns)]
            raise DataError(f"MinidlRegressor: y: expected {names[0]}, as in the first call, got {names[1]}.")
        self.columns_ = columns

    def _encode(self, y: Array, model: Sequential) -> Array:
        return y

    def _output(self, loss: Loss | None) -> tuple[int, str | None]:
        return self.columns_ or 1, "softplus" if isinstance(loss, Poisson) else None

    def _ends(self, model: Sequential, outputs: int, activation: str | None) -> bool:
        return len(model) > 0 and model.output_shape == (outputs,) and isinstance(model.built("fit").layers[-1], Dense)

    def _default_loss(self, model: Sequential) -> Any:
        return MeanSquaredError()

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
