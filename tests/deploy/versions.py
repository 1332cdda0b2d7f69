"""A wheelhouse of another version of the server: the same wheels, with the programs built from these sources."""

import subprocess
import tarfile
from pathlib import Path

from tests.support.wheels import build

ROOT = Path(__file__).parents[2]


def wheelhouse(folder: Path, version: str) -> Path:
    """A folder with server-VERSION.tar, made from the one in build/deploy."""
    (present,) = (ROOT / "build/deploy").glob("server-*.tar")
    wheels, sources, made = folder / "wheels", folder / "sources", folder / "wheelhouse"
    for one in (wheels, sources, made):
        one.mkdir(parents=True)
    with tarfile.open(present) as archive:
        archive.extractall(wheels, filter="data")
    for old in wheels.glob("poste_public_manager-*.whl"):
        old.unlink()
    build(sources, version).rename(wheels / f"poste_public_manager-{version}-py3-none-any.whl")
    subprocess.run(["tar", "-C", str(wheels), "-cf", str(made / f"server-{version}.tar"), "."], check=True)
    return made
