"""House prices with few samples: k folds, the mean absolute error of every epoch averaged over them."""

import numpy as np
from keras import layers, models

train_data, train_targets = np.random.rand(60, 13), np.random.rand(60) * 50
mean, std = train_data.mean(axis=0), train_data.std(axis=0)
train_data -= mean
train_data /= std


def build_model():
    model = models.Sequential()
    model.add(layers.Dense(64, activation="relu", input_shape=(train_data.shape[1],)))
    model.add(layers.Dense(64, activation="relu"))
    model.add(layers.Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


k = 3
num_val_samples = len(train_data) // k
all_mae_histories = []
for i in range(k):
    fold = slice(i * num_val_samples, (i + 1) * num_val_samples)
    val_data, val_targets = train_data[fold], train_targets[fold]
    rest_data = np.concatenate([train_data[: fold.start], train_data[fold.stop :]], axis=0)
    rest_targets = np.concatenate([train_targets[: fold.start], train_targets[fold.stop :]], axis=0)
    model = build_model()
    history = model.fit(
        rest_data, rest_targets, validation_data=(val_data, val_targets), epochs=3, batch_size=16, verbose=0
    )
    all_mae_histories.append(history.history["val_mae"])
    val_mse, val_mae = model.evaluate(val_data, val_targets, verbose=0)
print([np.mean([x[i] for x in all_mae_histories]) for i in range(3)])
