"""The losses as functions, as in Keras: ``mean_squared_error(y_true, y_pred)`` returns the loss of each sample."""

from minidl.losses import binary, categorical, divergence, focal, regression, sparse_categorical
from minidl.losses.resolution import LossFunction

__all__ = [
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy",
    "categorical_focal_crossentropy", "categorical_hinge", "hinge", "huber", "kl_divergence", "log_cosh",
    "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error",
    "poisson", "sparse_categorical_crossentropy", "squared_hinge",
]  # fmt: skip

binary_crossentropy = LossFunction(binary.BinaryCrossentropy)
binary_focal_crossentropy = LossFunction(focal.BinaryFocalCrossentropy)
categorical_crossentropy = LossFunction(categorical.CategoricalCrossentropy)
categorical_focal_crossentropy = LossFunction(focal.CategoricalFocalCrossentropy)
categorical_hinge = LossFunction(divergence.CategoricalHinge)
hinge = LossFunction(divergence.Hinge)
huber = LossFunction(regression.Huber)
kl_divergence = LossFunction(divergence.KLDivergence)
log_cosh = LossFunction(regression.LogCosh)
mean_absolute_error = LossFunction(regression.MeanAbsoluteError)
mean_absolute_percentage_error = LossFunction(regression.MeanAbsolutePercentageError)
mean_squared_error = LossFunction(regression.MeanSquaredError)
mean_squared_logarithmic_error = LossFunction(regression.MeanSquaredLogarithmicError)
poisson = LossFunction(regression.Poisson)
sparse_categorical_crossentropy = LossFunction(sparse_categorical.SparseCategoricalCrossentropy)
squared_hinge = LossFunction(divergence.SquaredHinge)
