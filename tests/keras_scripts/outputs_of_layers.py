"""What the inner layers give, by a function of the backend. Stops: Use minidl.explain.trace(model, x, y).steps."""

from keras import backend as K
from keras.layers import Dense
from keras.models import Sequential

model = Sequential([Dense(4, input_dim=2), Dense(1)])
get_3rd_layer_output = K.function([model.layers[0].input], [model.layers[1].output])
