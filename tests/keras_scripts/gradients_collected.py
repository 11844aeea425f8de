"""Gradients collected over batches. Stops: Multiply batch_size of fit by it."""

import keras

optimizer = keras.optimizers.SGD(1e-2, gradient_accumulation_steps=4)
