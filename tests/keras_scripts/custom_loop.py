"""A training loop with running metrics. Stops: Write optimizer.step."""

import keras
import numpy as np

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
optimizer = keras.optimizers.SGD(learning_rate=1e-3)
loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_acc_metric = keras.metrics.SparseCategoricalAccuracy()
running = keras.metrics.Mean(name="loss")
x, y = np.random.rand(8, 3), np.random.randint(0, 2, 8)
logits = model(x, training=True)
running.update_state(loss_fn(y, logits))
train_acc_metric.update_state(y, logits)
print(float(train_acc_metric.result()), running.result())
train_acc_metric.reset_state()
optimizer.apply_gradients(zip([], model.trainable_weights))
