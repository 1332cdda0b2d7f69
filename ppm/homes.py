"""Where programs keep what is theirs. Standard library only."""

import os
import sys
from pathlib import Path


def state_home() -> Path:
    """Where programs of this user keep their state."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or base
    return Path(base).expanduser() / "poste-public-manager"


def cache_home() -> Path:
    """Where downloads are kept: `.cache` of the checkout, else the user's cache."""
    checkout = Path(__file__).resolve().parent.parent
    if (checkout / "pyproject.toml").exists():
        return checkout / ".cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "poste-public-manager"
