"""Deployment with ONNX: a classifier trained here, run by onnxruntime without minidl.

Needs ``pip install 'minidl[onnx]' onnxruntime``.
"""

import numpy as np
import onnxruntime

import minidl.onnx
from minidl import Dense, Dropout, Input, Sequential, datasets


def main():
    (x, y), (x_test, y_test) = datasets.digits()
    model = Sequential(
        [Input((64,)), Dense(64, activation="relu"), Dropout(0.2), Dense(10, activation="softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=15, verbose=0)

    minidl.onnx.export(model, "digits.onnx")
    session = onnxruntime.InferenceSession("digits.onnx")
    (probabilities,) = session.run(None, {"input": x_test.astype(np.float32)})

    print(f"accuracy in onnxruntime: {(probabilities.argmax(axis=1) == y_test).mean():.1%}")
    difference = np.abs(probabilities - model.predict(x_test)).max()
    print(f"largest difference of a probability: {difference:.0e}")


if __name__ == "__main__":
    main()
