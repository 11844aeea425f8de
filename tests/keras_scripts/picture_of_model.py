"""A picture of the network in a file. Stops: Use one in .svg."""

from keras.layers import Dense
from keras.models import Sequential
from keras.utils.vis_utils import plot_model

model = Sequential([Dense(2, input_dim=1, activation="relu"), Dense(1, activation="sigmoid")])
plot_model(model, to_file="model_plot.png", show_shapes=True, show_layer_names=True)
