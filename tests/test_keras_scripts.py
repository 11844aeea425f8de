"""Scripts for Keras run with ``keras`` changed to ``minidl`` in the import lines, or stop with the change to make.

Each is written after the pattern of public scripts. The first lines of those that stop end in the words of the message
that say what to write instead: ``Stops: Use minidl.sklearn.``
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = sorted((Path(__file__).parent / "keras_scripts").glob("*.py"))
ROOT = Path(__file__).parent.parent


def translated(text: str) -> str:
    """Return a script with minidl in its import lines, and as the module that ``tf.keras`` is."""
    text = re.sub(r"^from tensorflow import keras$", "import minidl as keras", text, flags=re.M)
    text = re.sub(r"^import keras$", "import minidl as keras", text, flags=re.M)
    text = re.sub(r"^import tensorflow as tf$", "import minidl as tf", text, flags=re.M)
    text = re.sub(r"^(from|import) (tensorflow\.)?keras\b", r"\1 minidl", text, flags=re.M)
    return text.replace("tf.keras.", "tf.")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_for_keras_runs_or_says_what_to_change(path, tmp_path):
    script = tmp_path / path.name
    script.write_text(translated(path.read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, "-W", "error", str(script)]
    environment = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "PATH": ""}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    last = (ran.stderr.strip().splitlines() or [""])[-1]
    stops = re.search(r"Stops: (.+?)\.?\"{3}", script.read_text(encoding="utf-8"), flags=re.S)
    if "pip install 'minidl[keras]'" in last:
        pytest.skip("needs h5py")
    if stops:
        assert " ".join(stops[1].split()) in last, ran.stderr
    else:
        assert ran.returncode == 0, ran.stderr
