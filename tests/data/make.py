"""Write the golden files of the format at hand: run `python -m tests.data.make` once a format and commit them all."""

from pathlib import Path

import numpy as np

from minidl.callbacks import ModelCheckpoint
from minidl.saving import format as file_format
from tests.faults.models import small_data, small_model, trained_model


def main():
    folder, name = Path(__file__).parent, f"format-{file_format.FORMAT}"
    x, y = small_data()
    model, run = trained_model(), small_model()
    model.save(folder / f"{name}.safetensors")
    run.fit(x, y, verbose=0, callbacks=ModelCheckpoint(folder / f"{name}-run.safetensors"))
    for each, path in ((model, folder / f"{name}.npz"), (run, folder / f"{name}-run.npz")):
        np.savez(path, x=x, y=each.predict(x))


if __name__ == "__main__":
    main()
