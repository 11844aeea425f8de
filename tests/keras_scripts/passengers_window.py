"""A series cut into windows, a network for the next value, the error by hand."""

import math

import numpy
from keras.layers import Dense
from keras.models import Sequential


def create_dataset(dataset, look_back=1):
    dataX, dataY = [], []
    for i in range(len(dataset) - look_back - 1):
        dataX.append(dataset[i : (i + look_back), 0])
        dataY.append(dataset[i + look_back, 0])
    return numpy.array(dataX), numpy.array(dataY)


dataset = (100 + 50 * numpy.sin(numpy.arange(80) / 4)).reshape(-1, 1).astype("float32")
look_back = 3
trainX, trainY = create_dataset(dataset[:60], look_back)
testX, testY = create_dataset(dataset[60:], look_back)
model = Sequential()
model.add(Dense(12, input_dim=look_back, activation="relu"))
model.add(Dense(8, activation="relu"))
model.add(Dense(1))
model.compile(loss="mean_squared_error", optimizer="adam")
model.fit(trainX, trainY, epochs=2, batch_size=2, verbose=2)
trainScore = model.evaluate(trainX, trainY, verbose=0)
print("Train Score: %.2f MSE (%.2f RMSE)" % (trainScore, math.sqrt(trainScore)))
trainPredict = model.predict(trainX)
plotted = numpy.empty_like(dataset)
plotted[:, :] = numpy.nan
plotted[look_back : len(trainPredict) + look_back, :] = trainPredict
