"""One training run on several processes: the digits, with a part of each batch on every rank.

``mpiexec -n 4 python -m mpi4py distributed_digits.py`` needs ``pip install 'minidl[mpi]' mpich``.
``python distributed_digits.py --threads 2`` does the same with threads, without MPI.
"""

import argparse

from minidl import Dense, Input, Sequential, datasets
from minidl.callbacks import EarlyStopping, ModelCheckpoint
from minidl.distributed import distributed, run_in_threads


def train(comm):
    (x, y), (x_test, y_test) = datasets.digits()  # every rank has all data
    model = Sequential([Input((64,)), Dense(128, activation="relu"), Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [EarlyStopping(patience=5), ModelCheckpoint("best.safetensors", save_best_only=True)]
    with distributed(model, comm, shards=4):  # the same bits on 1, 2 and 4 ranks
        model.fit(x, y, batch_size=128, epochs=20, validation_split=0.2, callbacks=callbacks, verbose=0)
    if comm.Get_rank() == 0:
        accuracy = model.evaluate(x_test, y_test, verbose=0)[1]
        print(f"{comm.Get_size()} ranks: test accuracy {accuracy:.1%}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, help="ranks as threads, without MPI")
    threads = parser.parse_args().threads
    if threads:
        run_in_threads(train, threads)
    else:
        from mpi4py import MPI

        train(MPI.COMM_WORLD)


if __name__ == "__main__":
    main()
