"""Write the golden files of the format at hand: run `python -m tests.data.make` once a format and commit both files."""

from pathlib import Path

import numpy as np

from minidl.saving import format as file_format
from tests.faults.models import small_data, trained_model


def main():
    path = Path(__file__).parent / f"format-{file_format.FORMAT}.safetensors"
    model = trained_model()
    model.save(path)
    x, _ = small_data()
    np.savez(path.with_suffix(".npz"), x=x, y=model.predict(x))


if __name__ == "__main__":
    main()
