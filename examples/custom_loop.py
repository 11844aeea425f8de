"""A custom training loop: gradients of a batch, a step, and anything in between.

It accumulates the gradients of four small batches before each step, as for a large batch that does not fit into memory.
Run: ``python examples/custom_loop.py``. It classifies more than 90% of the test digits correctly.
"""

import numpy as np

from minidl import Dense, Input, Sequential, datasets

ROWS, TOGETHER = 16, 4  # rows of a small batch, and how many of them make a step


def train(model, x, y, epochs, seed=0):
    """Yield the mean loss of each epoch."""
    rng = np.random.default_rng(seed)
    values = model.parameters.values
    collected = np.zeros_like(values)
    number = 0
    for _ in range(epochs):
        losses = []
        order = rng.permutation(len(x))
        for start in range(0, len(x), ROWS):
            rows = order[start : start + ROWS]
            loss, gradients = model.loss_and_gradients(x[rows], y[rows])
            losses.append(loss)
            collected += gradients / TOGETHER
            number += 1
            if number % TOGETHER == 0:
                model.optimizer.step(values, collected)
                collected[:] = 0
        yield float(np.mean(losses))


def main():
    (x, y), (x_test, y_test) = datasets.digits()
    model = Sequential([Input((64,)), Dense(64, activation="relu"), Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    for epoch, loss in enumerate(train(model, x, y, epochs=30), start=1):
        if epoch % 10 == 0:
            print(f"epoch {epoch}: loss {loss:.4f}")
    print(f"test accuracy {model.evaluate(x_test, y_test, verbose=0)[1]:.1%}")


if __name__ == "__main__":
    main()
