"""Starts the agent of the slot that is current, and goes back to the other one when a new version does not come up.

It stands outside the slots, as `start.py` beside them, and is the only thing that a unit starts: nothing of what is on
trial is needed to leave it again. Standard library only, and it runs with the system's own Python.

    start.py FOLDER WORDS...      becomes FOLDER/current/bin/python -m ppm WORDS...

`update.json` has the trial: `slot` and `before` (the slots), `tries` and `most` (starts), `within_s`. A version on
trial that hangs is ended by an alarm, which survives the change of program; the agent turns it off once it is up.
"""

import json
import os
import signal
import sys
from pathlib import Path

TRIAL = "update.json"
SLOTS = ("a", "b")


def settle(folder: Path) -> int:
    """Count this start if a version is on trial, go back if it had its tries. The seconds that it has; 0: no end."""
    try:
        trial = json.loads((folder / TRIAL).read_text(encoding="utf-8"))
        on_trial = trial.get("stage") == "trial"
        tries, most, within = (
            int(trial.get("tries", 0)),
            int(trial.get("most", 1)),
            int(trial.get("within_s", 60)),
        )
        slots = set(SLOTS) >= {trial.get("slot"), trial.get("before")}
    except (OSError, ValueError, AttributeError, TypeError):
        return 0
    if not on_trial or not slots:
        return 0
    try:
        if tries >= most:
            point(folder, trial["before"])
            write(folder, trial | {"stage": "rolled_back"})
            return 0
        write(folder, trial | {"tries": tries + 1})
    except OSError:
        pass  # a full disk: what is current is better than nothing
    return max(1, within)


def point(folder: Path, slot: str) -> None:
    """Make this slot the current one, in one step."""
    new = folder / "current.new"
    new.unlink(missing_ok=True)
    new.symlink_to(slot)
    new.replace(folder / "current")


def write(folder: Path, trial: dict[str, object]) -> None:
    """Keep it so that a power cut leaves the old one or the new one."""
    new = folder / f"{TRIAL}.new"
    with new.open("w", encoding="utf-8") as file:
        json.dump(trial, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / TRIAL)


def main(words: list[str]) -> None:
    """Become the agent."""
    folder = Path(words[0]).resolve()
    if seconds := settle(folder):
        signal.alarm(seconds)
    python = str(folder / "current" / "bin" / "python")
    os.execv(python, [python, "-m", "ppm", *words[1:]])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
