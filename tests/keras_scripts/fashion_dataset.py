"""Pictures of clothes by an import of the data set. Stops: Use minidl.datasets.fashion_mnist()."""

from keras.datasets import cifar10

(x_train, y_train), (x_test, y_test) = cifar10.load_data()
