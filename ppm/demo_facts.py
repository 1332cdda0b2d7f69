"""Where a running demo says what it is, for tools that join it."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ppm import settings as table
from ppm.homes import cache_home, state_home
from ppm.reachable import reachable
from ppm.setting import Setting
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
    from ppm.demo_folder import is_held  # Where there is a demo's folder, there are locks.

    if not is_held(path.parent):
        return None
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts


def joined(settings: Settings, *wanted: Setting[Any]) -> Settings:
    """The settings, and for those `wanted` that nobody gave what a demo that runs here says of itself.

    The same object where nothing is taken from a demo. Raises SettingError.
    """
    missing = [one.name for one in wanted if not settings.is_set(one)]
    facts = read(settings) if missing else None
    said = {} if facts is None else _said(facts)
    taken = {name: value for one in missing for name, value in said.get(one, {}).items()}
    return settings.with_values(taken) if taken else settings


def _said(facts: dict[str, Any]) -> dict[str, dict[str, str]]:
    """What a demo says in the place of each setting, by its word, with what belongs to it."""
    mqtt, api, database = facts["mqtt"], urlsplit(facts["api"]), facts["database"]
    who = ":".join(quote(word, safe="") for word in (mqtt["username"], mqtt["password"]) if word)
    at = f"{reachable(mqtt['host'])}:{mqtt['port']}"
    return {
        "PPM_DATABASE_URL": {"PPM_DATABASE_URL": database} if database else {},
        "PPM_BROKER_URL": {
            "PPM_BROKER_URL": f"mqtt://{who}@{at}" if who else f"mqtt://{at}",
            "PPM_MQTT_ROOT": mqtt["root"],
        },
        "PPM_HTTP_PORT": {"PPM_HTTP_PORT": str(api.port), "PPM_HTTP_HOST": str(api.hostname)},
    }
