"""Build the live page: one folder with its files and the wheel of this checkout, for any web server."""

import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


def build(folder: Path) -> None:
    """Build the page in ``folder``, replacing what was there before."""
    from hatchling.builders.wheel import WheelBuilder

    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(HERE, folder, ignore=shutil.ignore_patterns("*.pyc", "__pycache__", "page.py"))
    shutil.copy(HERE.parent / "_static" / "favicon.svg", folder)
    with tempfile.TemporaryDirectory() as wheels:
        (wheel,) = WheelBuilder(str(ROOT)).build(directory=wheels, versions=["standard"])
        shutil.copy(wheel, folder / "minidl.whl")


if __name__ == "__main__":
    build(Path(sys.argv[1]))
