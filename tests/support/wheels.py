"""Wheels of this software in other versions, built from these sources. Two of them do not come up."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("api", "controller", "fleet", "kiosk_agent", "mosquitto", "ppm", "protocol")
OLD, NEW, CRASHES, SILENT = "0.2.0", "0.3.0", "0.4.0", "0.5.0"
WITHIN_S = 12
_FAULTS = {
    CRASHES: ("kiosk_agent/agent.py", '        """Be the poste."""\n', "        raise SystemExit(3)\n"),
    SILENT: (
        "kiosk_agent/link.py",
        '        """Keep a connection for ever."""\n',
        "        await asyncio.sleep(3600)\n",
    ),
}


def build(folder: Path, version: str) -> Path:
    """The wheel of this version, made in this folder, which is there and empty."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "node_modules")
        )
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    project = (ROOT / "pyproject.toml").read_text()
    (folder / "pyproject.toml").write_text(project.replace('version = "0.1.0"', f'version = "{version}"', 1))
    if version in _FAULTS:
        name, place, fault = _FAULTS[version]
        text = (folder / name).read_text()
        assert place in text
        (folder / name).write_text(text.replace(place, place + fault, 1))
    # The time that a new version has is what the one that runs says: shorter here than anybody would wait.
    slots = folder / "kiosk_agent/updating/slots.py"
    slots.write_text(
        slots.read_text().replace("TRIES, WITHIN_S = 2, 120", f"TRIES, WITHIN_S = 2, {WITHIN_S}", 1)
    )
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel
