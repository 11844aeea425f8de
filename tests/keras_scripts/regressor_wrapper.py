"""Cross-validation of a wrapped regression. Stops: Use minidl.sklearn."""

from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasRegressor


def baseline_model():
    model = Sequential()
    model.add(Dense(13, input_dim=13, kernel_initializer="normal", activation="relu"))
    model.add(Dense(1, kernel_initializer="normal"))
    model.compile(loss="mean_squared_error", optimizer="adam")
    return model


estimator = KerasRegressor(build_fn=baseline_model, epochs=100, batch_size=5, verbose=0)
