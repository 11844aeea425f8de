"""A custom layer: written from its equations, certified, trained, saved and loaded again.

Run: ``python examples/custom_layer.py``. It classifies more than 90% of 600 new points correctly.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from scipy.special import expit  # the sigmoid, without overflow

from minidl import Dense, Input, Layer, Sequential, datasets, load_model, register
from minidl.errors import ShapeError
from minidl.optimizers import Adam
from minidl.testing import certify


@register  # so that load_model knows the class by its name
class Gate(Layer):
    """``y = a * sigmoid(b)``: one half of the features opens or closes the other.

    With s = sigmoid(b)::

        dL/da = dy * s      dL/db = dy * a * s * (1 - s)
    """

    certify_input_shape = (6,)  # it takes an even number of features, which certify could not know

    def build(self, input_shape):
        (features,) = input_shape
        if features % 2:
            raise ShapeError(f"{self.label}: expected an even number of features, got {features}.")
        return (features // 2,)

    def forward(self, x, training=False):
        half = self.output_shape[0]
        self._a, b = x[:, :half], x[:, half:]
        self._s = expit(b)
        return self._a * self._s

    def backward(self, dy):
        da = dy * self._s
        db = dy * self._a * self._s * (1 - self._s)
        return np.concatenate([da, db], axis=1)


def main():
    certificate = certify(Gate())
    print(f"certify: {certificate.outcome}")

    x, y = datasets.spirals(600, turns=1.0, seed=0)
    model = Sequential(
        [Input((2,)), Dense(64), Gate(), Dense(32), Gate(), Dense(1, activation="sigmoid")],
        seed=0,
    )
    model.compile(Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=60, verbose=0)
    _loss, accuracy = model.evaluate(*datasets.spirals(600, turns=1.0, seed=1), verbose=0)
    print(f"two spirals: {accuracy:.1%} of 600 new points classified correctly")

    with TemporaryDirectory() as folder:
        path = Path(folder) / "gated.safetensors"
        model.save(path)
        same = np.array_equal(load_model(path).predict(x), model.predict(x))
    print(f"saved and loaded again, the predictions are {'the same' if same else 'others'}")


if __name__ == "__main__":
    main()
