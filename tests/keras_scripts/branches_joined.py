"""Wide and deep parts joined. Stops: Stack the two: Sequential."""

import keras

input_a = keras.layers.Input(shape=[5], name="wide_input")
input_b = keras.layers.Input(shape=[6], name="deep_input")
hidden = keras.layers.Dense(30, activation="relu")(input_b)
concat = keras.layers.concatenate([input_a, hidden])
