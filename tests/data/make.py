"""Write the golden files of the format at hand: run `python -m tests.data.make` once a format and commit them all."""

import os
from pathlib import Path

import numpy as np

from minidl.callbacks import ModelCheckpoint
from minidl.optimizers import LBFGS
from minidl.saving import format as file_format
from tests.faults.models import small_data, small_model, trained_model


def main():
    x, y = small_data()
    os.chdir(Path(__file__).parent)  # a checkpoint holds the paths of its callback: relative ones
    path = Path(f"format-{file_format.FORMAT}.safetensors")
    model = trained_model()
    model.save(path)
    solved = small_model()
    solved.compile(LBFGS(), "sparse_categorical_crossentropy")
    solved.fit(x, y, epochs=2, verbose=0)
    solved.save(path.with_stem(f"{path.stem}-lbfgs"))
    run = small_model()
    run.fit(x, y, verbose=0, callbacks=ModelCheckpoint(path.with_stem(f"{path.stem}-run")))
    for each, kind in ((model, ""), (solved, "-lbfgs"), (run, "-run")):
        np.savez(path.with_name(f"{path.stem}{kind}.npz"), x=x, y=each.predict(x))


if __name__ == "__main__":
    main()
