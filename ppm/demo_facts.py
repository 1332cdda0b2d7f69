"""Where a running demo says what it is, for tools that join it."""

import json
from pathlib import Path
from typing import Any

from ppm import settings as table
from ppm.homes import cache_home, state_home
from ppm.setting_values import Settings

FACTS = "demo.json"


def folder(settings: Settings) -> Path:
    """Where the demo lives: as told, else in the checkout's cache, else in the user's state. Raises SettingError."""
    checkout = cache_home()
    usual = checkout if (checkout.parent / "pyproject.toml").exists() else state_home()
    return (settings.get(table.DATA_DIR) or usual / "demo").resolve()


def read(settings: Settings) -> dict[str, Any] | None:
    """What `demo.json` of a demo that runs says; None when there is none."""
    path = folder(settings) / FACTS
    if not path.exists():
        return None
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts
