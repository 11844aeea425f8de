"""A series cut into windows by Keras. Stops: sliding_window_view(series[:-1], n)."""

import keras
import numpy as np

data = np.arange(20)
dataset = keras.utils.timeseries_dataset_from_array(data[:-3], data[3:], sequence_length=3)
