"""Losses for regression and classes, one after another, by name and by object."""

import keras
import numpy as np

x, y = np.random.rand(40, 20), np.random.rand(40)
labels, signs = np.random.randint(0, 3, 40), np.where(np.random.rand(40) > 0.5, 1, -1)


def fitted(activation, units, loss, target):
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(25, input_dim=20, activation="relu", kernel_initializer="he_uniform"))
    model.add(keras.layers.Dense(units, activation=activation))
    opt = keras.optimizers.SGD(learning_rate=0.01, momentum=0.9)
    model.compile(loss=loss, optimizer=opt, metrics=["mse"])
    return model.fit(x, target, validation_split=0.5, epochs=1, verbose=0).history["loss"]


for loss in (
    "mean_squared_error", "mean_squared_logarithmic_error", "mean_absolute_error", "mean_absolute_percentage_error",
    "log_cosh", "huber", "poisson", "MSE", "mae", keras.losses.Huber(delta=1.0), keras.losses.LogCosh(),
    keras.losses.mean_squared_error,
):  # fmt: skip
    fitted("softplus" if loss == "poisson" else "linear", 1, loss, y)
for loss in ("hinge", "squared_hinge", keras.losses.Hinge()):
    fitted("tanh", 1, loss, signs)
for loss in ("categorical_crossentropy", "kl_divergence", "categorical_hinge"):
    fitted("softmax", 3, loss, keras.utils.to_categorical(labels, num_classes=3))
fitted("softmax", 3, keras.losses.SparseCategoricalCrossentropy(), labels)
fitted("sigmoid", 1, keras.losses.BinaryCrossentropy(label_smoothing=0.1), (signs + 1) / 2)
fitted(None, 1, keras.losses.BinaryFocalCrossentropy(from_logits=True), (signs + 1) / 2)
