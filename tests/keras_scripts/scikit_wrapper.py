"""The wrapper for scikit-learn. Stops: Use minidl.sklearn."""

from keras.layers import Dense
from keras.models import Sequential
from keras.wrappers.scikit_learn import KerasClassifier

KerasClassifier(build_fn=lambda: Sequential([Dense(1, input_dim=2)]), epochs=2)
