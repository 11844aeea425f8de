"""Pictures turned and shifted. Stops: Write a generator of batches."""

from keras.preprocessing.image import ImageDataGenerator

datagen = ImageDataGenerator(rescale=1.0 / 255, horizontal_flip=True)
