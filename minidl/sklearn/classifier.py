"""MinidlClassifier: a network for classification, as an estimator of scikit-learn."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from minidl.errors import DataError
from minidl.layers import Sigmoid, Softmax
from minidl.losses import BinaryCrossentropy, Loss, SparseCategoricalCrossentropy
from minidl.numeric import one_hot, sigmoid, softmax
from minidl.sequential import Sequential
from minidl.sklearn.estimator import MinidlEstimator, takes_batches
from minidl.typing import Array


class MinidlClassifier(ClassifierMixin, MinidlEstimator):
    """Neural network classifier, for labels of any kind, or an indicator matrix for several labels per sample.

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
        Default: the cross-entropy that fits the output layer.
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
    class_weight : dict of label to weight, or "balanced", optional
        Weights of the samples by their class.
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
    classes_ : array
        The labels in order, one for each column of `predict_proba`; the column numbers for an indicator matrix.
    multilabel_ : bool
        Whether the targets were an indicator matrix.
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
    >>> from minidl.sklearn import MinidlClassifier
    >>> x, y = minidl.datasets.moons(200, seed=0)
    >>> labels = np.where(y, "right", "left")
    >>> classifier = MinidlClassifier([minidl.Dense(32, activation="relu")], batch_size=32, random_state=0)
    >>> classifier.fit(x, labels).predict(x[:2]).tolist(), classifier.score(x, labels) > 0.95
    (['right', 'left'], True)
    """

    classes_: Array
    multilabel_: bool

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
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_split: float = 0.0,
        n_iter_no_change: int | None = 10,
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            layers, hidden_layer_sizes=hidden_layer_sizes, activation=activation, optimizer=optimizer, loss=loss,
            metrics=metrics, epochs=epochs, batch_size=batch_size, shuffle=shuffle, l2=l2,
            early_stopping=early_stopping, validation_split=validation_split, n_iter_no_change=n_iter_no_change,
            tol=tol, callbacks=callbacks, warm_start=warm_start, random_state=random_state, verbose=verbose,
        )  # fmt: skip
        self.class_weight = class_weight

    @available_if(takes_batches)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one more epoch, on these samples; the first call needs all ``classes``.

        Solvers such as L-BFGS are refused, since they need all samples at once.
        """
        warm = hasattr(self, "model_")
        if classes is None and not warm:
            raise self._error("partial_fit: classes: expected all classes in the first call, got None. Pass them.")
        if isinstance(self.class_weight, str):
            raise self._error("partial_fit: class_weight: expected a dict, got 'balanced', which needs all samples.")
        return self._train(X, y, sample_weight, warm=warm, epochs=1, classes=classes)

    def predict(self, X: Any) -> Array:
        """Return the class of each sample, or a row of 0 and 1 for an indicator matrix."""
        probabilities = self.predict_proba(X)
        if self.multilabel_:
            return (probabilities > 0.5).astype(int)
        return self.classes_[probabilities.argmax(axis=1)]

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, (rows, classes); for an indicator matrix, the probability of each 1."""
        p = self._outputs(X)
        if self.model_.loss.from_logits:
            p = sigmoid(p) if self.model_.loss.binary else softmax(p)
        if p.shape[1] < len(self.classes_):
            return np.hstack([1 - p, p])
        if self.multilabel_ or not self.model_.loss.binary:
            return p
        total = p.sum(axis=1, keepdims=True)
        return np.divide(p, total, out=np.full_like(p, 1 / p.shape[1]), where=total > 0)  # all may be too small

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _learn_targets(self, y: Array, warm: bool, classes: Any) -> None:
        check_classification_targets(y)
        kind = type_of_target(y)
        multilabel = kind == "multilabel-indicator"
        if y.ndim == 2 and not multilabel:
            raise DataError(f"MinidlClassifier: y: expected labels, or columns of 0 and 1, got {kind} targets.")
        known = np.arange(y.shape[1]) if multilabel else np.unique(y if classes is None else classes)
        if warm and classes is None and not multilabel:
            known = self.classes_
        if warm and (multilabel != self.multilabel_ or not np.array_equal(known, self.classes_)):
            expected = f"the classes of the first call, {self.classes_}"
            raise DataError(f"MinidlClassifier: y: expected {expected}, got others.")
        new = [] if multilabel else np.unique(y[~np.isin(y, known)]).tolist()
        if new:
            origin = "of the first call" if classes is None else "in `classes`"
            raise DataError(f"MinidlClassifier: y: expected the classes {origin}, {known}, got {new[0]!r}.")
        if len(known) < 2 and not multilabel:
            raise DataError(f"MinidlClassifier: y: expected at least 2 classes, got 1 class, {known.tolist()[0]!r}.")
        self.classes_, self.multilabel_ = known, multilabel

    def _weigh(self, X: Array, y: Array, weight: Any) -> Any:
        if self.class_weight is not None:
            factors = compute_sample_weight(self.class_weight, y)
            weight = factors if weight is None else np.asarray(weight) * factors
        return super()._weigh(X, y, weight)

    def _encode(self, y: Array, model: Sequential) -> Array:
        if self.multilabel_:
            return y
        labels = np.searchsorted(self.classes_, y)
        outputs = model.built("fit").output_shape[-1]
        return labels if model.loss.sparse or outputs == 1 else one_hot(labels, outputs)

    def _split(self, model: Sequential) -> str:
        return "shuffle" if self.multilabel_ or model.loss.link is None else "stratify"

    def _output(self, loss: Loss | None) -> tuple[int, str | None]:
        count = len(self.classes_)
        if loss is None:
            return count, "sigmoid" if self.multilabel_ else "softmax"
        one = loss.binary and count == 2 and not self.multilabel_
        independent = loss.binary or self.multilabel_  # a softmax would share out a probability of 1
        return 1 if one else count, None if loss.from_logits else "sigmoid" if independent else "softmax"

    def _ends(self, model: Sequential, outputs: int, activation: str | None) -> bool:
        if not len(model):
            return False
        last, shape = model.built("fit").layers[-1], model.output_shape
        if isinstance(last, Sigmoid) and shape == (1,) and len(self.classes_) == 2:
            return True
        return shape == (outputs,) and (activation is None or isinstance(last, (Sigmoid, Softmax)))

    def _default_loss(self, model: Sequential) -> Any:
        last = model.built("fit").layers[-1]
        if isinstance(last, Sigmoid) or self.multilabel_:
            return BinaryCrossentropy()
        return SparseCategoricalCrossentropy(from_logits=not isinstance(last, Softmax))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
