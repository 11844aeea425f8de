"""Texts as ids by hashing. Stops: Use CountVectorizer."""

from keras.preprocessing.text import one_hot
