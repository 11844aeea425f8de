"""Branches merged by the module of old. Stops: Use Concatenate(*branches)."""

from keras.layers.merge import concatenate
