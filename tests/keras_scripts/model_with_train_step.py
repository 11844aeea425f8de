"""A training step of the user's. Stops: Use Sequential."""

import keras


class CustomModel(keras.Model):
    def train_step(self, data):
        x, y = data
        loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        self.zero_grad()
        return {"loss": loss}
