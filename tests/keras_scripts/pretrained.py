"""A pretrained network. Stops: There are no pretrained networks."""

from keras.applications.vgg16 import VGG16

VGG16()
