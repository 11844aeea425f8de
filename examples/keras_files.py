"""A model in a file of Keras 3, written and read without Keras; training continues from it.

Needs ``pip install 'minidl[keras]'``. ``keras.models.load_model("digits.keras")`` reads the file too.
"""

import minidl
from minidl import Dense, Dropout, Input, Sequential, datasets


def main():
    (x, y), (x_test, y_test) = datasets.digits()
    model = Sequential(
        [Input((64,)), Dense(64, activation="relu"), Dropout(0.2), Dense(10, activation="softmax")], seed=0
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=5, verbose=0)
    model.save("digits.keras")
    print(f"test accuracy after 5 epochs: {model.evaluate(x_test, y_test, verbose=0)[1]:.1%}")

    again = minidl.load_model("digits.keras")
    again.fit(x, y, initial_epoch=5, epochs=15, verbose=0)
    print(f"after 10 more from the file: {again.evaluate(x_test, y_test, verbose=0)[1]:.1%}")


if __name__ == "__main__":
    main()
