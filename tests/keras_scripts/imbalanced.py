"""Rare events: counts of the confusion matrix, AUC of both curves, class weights and an initial bias."""

import numpy as np
import tensorflow as tf
from tensorflow import keras

METRICS = [
    keras.metrics.BinaryCrossentropy(name="cross entropy"),
    keras.metrics.MeanSquaredError(name="Brier score"),
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.FalsePositives(name="fp"),
    keras.metrics.TrueNegatives(name="tn"),
    keras.metrics.FalseNegatives(name="fn"),
    keras.metrics.BinaryAccuracy(name="accuracy"),
    keras.metrics.Precision(name="precision"),
    keras.metrics.Recall(name="recall"),
    keras.metrics.AUC(name="auc"),
    keras.metrics.AUC(name="prc", curve="PR"),
]
rng = np.random.default_rng(3)
features = rng.normal(size=(200, 6))
labels = (features[:, 0] > 1.0).astype(int)
neg, pos = np.bincount(labels)

model = keras.Sequential(
    [
        keras.layers.Dense(16, activation="relu", input_shape=(features.shape[-1],)),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(
            1, activation="sigmoid", bias_initializer=tf.keras.initializers.Constant(np.log([pos / neg])[0])
        ),
    ]
)
model.compile(
    optimizer=keras.optimizers.Adam(learning_rate=1e-3), loss=keras.losses.BinaryCrossentropy(), metrics=METRICS
)
stopping = tf.keras.callbacks.EarlyStopping(
    monitor="val_prc", verbose=1, patience=2, mode="max", restore_best_weights=True
)
weights = {0: (1 / neg) * (len(labels) / 2.0), 1: (1 / pos) * (len(labels) / 2.0)}
model.fit(
    features, labels, batch_size=64, epochs=3, callbacks=[stopping], validation_data=(features, labels),
    class_weight=weights, verbose=0,
)  # fmt: skip
for name, value in zip(model.metrics_names, model.evaluate(features, labels, verbose=0), strict=True):
    print(name, ": ", value)
