"""An endless generator with steps."""

import numpy as np
from keras.layers import Dense
from keras.models import Sequential


def generate(batch_size):
    while True:
        x = np.random.rand(batch_size, 4)
        yield x, x.sum(axis=1)


model = Sequential([Dense(4, input_shape=(4,)), Dense(1)])
model.compile(loss="mse", optimizer="adam")
model.fit(generate(16), steps_per_epoch=4, epochs=2, validation_data=generate(8), validation_steps=2, verbose=0)
print(model.evaluate(generate(8), steps=2, verbose=0), model.predict(generate(8), steps=2).shape)
