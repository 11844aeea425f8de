"""Fuel consumption: a layer that normalises, adapted to the data, under two dense layers."""

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

train_features, train_labels = np.random.rand(60, 9) * 100, np.random.rand(60) * 40
normalizer = tf.keras.layers.Normalization(axis=-1)
normalizer.adapt(np.array(train_features))
print(normalizer.mean, normalizer(train_features[:1]))


def build_and_compile_model(norm):
    model = keras.Sequential(
        [norm, layers.Dense(64, activation="relu"), layers.Dense(64, activation="relu"), layers.Dense(1)]
    )
    model.compile(loss="mean_absolute_error", optimizer=tf.keras.optimizers.Adam(0.001))
    return model


dnn_model = build_and_compile_model(normalizer)
dnn_model.summary()
history = dnn_model.fit(train_features, train_labels, validation_split=0.2, verbose=0, epochs=2)
print(dnn_model.evaluate(train_features, train_labels, verbose=0), dnn_model.predict(train_features).flatten().shape)
horsepower = train_features[:, 0]
horsepower_normalizer = layers.Normalization(input_shape=[1], axis=None)
horsepower_normalizer.adapt(horsepower)
horsepower_model = tf.keras.Sequential([horsepower_normalizer, layers.Dense(units=1)])
print(horsepower_model.predict(horsepower[:10]))
horsepower_model.compile(optimizer=tf.keras.optimizers.Adam(learning_rate=0.1), loss="mean_absolute_error")
horsepower_model.fit(horsepower, train_labels, epochs=2, verbose=0, validation_split=0.2)
