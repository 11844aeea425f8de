"""Texts as matrices of words. Stops: Use CountVectorizer."""

from keras.preprocessing.text import Tokenizer

t = Tokenizer(num_words=1000)
