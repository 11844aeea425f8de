"""Dropout on the inputs, weights of bounded length, a seeded run of ten folds."""

import numpy
from keras.constraints import maxnorm
from keras.layers import Dense, Dropout
from keras.models import Sequential
from keras.optimizers import SGD

X, Y = numpy.random.rand(60, 60), numpy.random.randint(0, 2, 60)


def create_model():
    model = Sequential()
    model.add(Dropout(0.2, input_shape=(60,)))
    model.add(Dense(60, kernel_initializer="normal", activation="relu", kernel_constraint=maxnorm(3)))
    model.add(Dense(30, kernel_initializer="normal", activation="relu", kernel_constraint=maxnorm(3)))
    model.add(Dense(1, kernel_initializer="normal", activation="sigmoid"))
    sgd = SGD(lr=0.1, momentum=0.9)
    model.compile(loss="binary_crossentropy", optimizer=sgd, metrics=["accuracy"])
    return model


cvscores = []
for fold in range(3):
    test = numpy.arange(fold, 60, 3)
    train = numpy.setdiff1d(numpy.arange(60), test)
    model = create_model()
    model.fit(X[train], Y[train], epochs=2, batch_size=16, verbose=0)
    cvscores.append(model.evaluate(X[test], Y[test], verbose=0)[1] * 100)
print("%.2f%% (+/- %.2f%%)" % (numpy.mean(cvscores), numpy.std(cvscores)))
