"""Reviews as ids, the embeddings averaged. Stops: Use Flatten() and Dense."""

import keras

model = keras.Sequential(
    [
        keras.layers.Embedding(10000, 16),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ]
)
