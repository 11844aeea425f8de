"""Weights, shapes and names of a model, layer by layer."""

import keras
import numpy as np
from keras import layers

model = keras.Sequential(name="my_sequential")
model.add(keras.Input(shape=(4,)))
model.add(layers.Dense(2, activation="relu", name="layer1"))
model.add(layers.Dense(3, name="layer2"))
print(model.input_shape, model.output_shape, model.count_params(), len(model.layers), model.name)
for layer in model.layers:
    weights, biases = layer.get_weights()
    print(layer.name, layer.trainable, layer.units, weights.shape, biases.shape, layer.count_params())
    print(layer.input_shape, layer.output_shape, [w.shape for w in layer.weights])
hidden1 = model.layers[0]
assert model.get_layer("layer1") is hidden1
assert model.get_layer(index=1).name == "layer2"
print(model.layers[1].get_config(), model.get_config().keys())
model.layers[0].set_weights([np.ones((4, 2)), np.zeros(2)])
print(model.layers[0].kernel, model.layers[0].bias, len(model.trainable_variables))
copy = keras.models.clone_model(model)
copy.set_weights(model.get_weights())
again = keras.Sequential.from_config(model.get_config())
print(np.abs(copy.predict(np.ones((1, 4))) - model.predict(np.ones((1, 4)))).max())
model.pop()
print(len(model.layers), model(np.ones((1, 4))))
