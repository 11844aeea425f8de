"""Logits, objects for loss and metrics, results as dictionaries, a top-k metric."""

import keras
import numpy as np

x, y = np.random.rand(60, 8).astype("float32"), np.random.randint(0, 10, 60)
model = keras.Sequential(
    [
        keras.layers.Input((8,)),
        keras.layers.Rescaling(1.0 / 255),
        keras.layers.Dense(16, activation=keras.layers.LeakyReLU(0.1)),
        keras.layers.LayerNormalization(),
        keras.layers.Dense(10),
    ]
)
model.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4, clipnorm=1.0),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="acc"),
        keras.metrics.SparseTopKCategoricalAccuracy(3, name="top-3-accuracy"),
    ],
)
model.fit(x, y, batch_size=16, epochs=2, validation_data=(x, y), validation_batch_size=8, validation_freq=2, verbose=0)
print(model.evaluate(x, y, return_dict=True))
probability_model = keras.Sequential([model, keras.layers.Softmax()])
print(probability_model.predict(x)[0])
