"""Newswires from Keras' own data sets. Stops: Use sklearn.datasets.fetch_20newsgroups_vectorized()."""

from tensorflow.keras.datasets import reuters

(train_data, train_labels), (test_data, test_labels) = reuters.load_data(num_words=10000)
