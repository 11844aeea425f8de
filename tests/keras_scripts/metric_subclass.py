"""A metric as a subclass with weights. Stops: In place of update_state: update."""

import keras


class BinaryTruePositives(keras.metrics.Metric):
    def __init__(self, name="binary_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_weight(name="tp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.true_positives.assign_add((y_true * y_pred).sum())

    def result(self):
        return self.true_positives


BinaryTruePositives()
