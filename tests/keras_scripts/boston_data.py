"""House prices from Keras' own data sets. Stops: Use sklearn.datasets.fetch_california_housing()."""

from keras.datasets import boston_housing

(train_data, train_targets), (test_data, test_targets) = boston_housing.load_data()
