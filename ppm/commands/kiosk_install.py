"""`ppm kiosk install` and `uninstall`: a machine with Debian or Windows becomes a poste, or stops being one."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.setting import Setting, SettingError
from ppm.setting_values import Settings

if TYPE_CHECKING:
    from kiosk_agent.platform.linux.install import Installation, Step

VISITOR, WINDOW = "visiteur", "poste-window"
_FIXED = {
    table.WINDOW_SOCKET.name: "/run/poste-public/window.sock",
    table.STATE_DIR.name: "/var/lib/poste-public",
}
_TAKEN: tuple[Setting[Any], ...] = (
    table.SITE, table.POSTE, table.BROKER_URL, table.BROKER_PASSWORD, table.BROKER_CA_FILE, table.BROKER_CERT_FILE,
    table.BROKER_KEY_FILE, table.MQTT_ROOT, table.LANGUAGE, table.LOG_LEVEL,
    table.API_URL, table.POSTE_KEY, table.RELEASE_PUBLIC_KEY,
)  # fmt: skip
"""The settings that go from the environment of the command into the file of a new poste."""
_COLUMNS = {"state": "State", "what": "What", "name": "Name"}


@click.command()
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--no-packages", "packages", is_flag=True, flag_value=False, default=True,
              help="Leave Debian's packages as they are.")  # fmt: skip
@output.json_option
def install(dry: bool, packages: bool, as_json: bool) -> None:
    """Make this Debian 12 machine a poste, from its next start on: packages, accounts, screen, lock, services.

    As root, from an environment named a or b, which the agent then runs in. May be repeated: what is there
    stays. The PPM_* settings of a poste that the environment has go into /etc/poste-public/ppm.env if there is
    none yet. What visitors find is /etc/poste-public/visitor-session and the folder skeleton beside it, which are
    the site's own to change. The machine is a poste once it was restarted.
    """
    made = _installation(dry=dry, packages=packages)
    _print(made.put, as_json, dry)


@click.command()
@click.option("--dry-run", "dry", is_flag=True, help="Say what would be done, and do nothing.")
@output.json_option
def uninstall(dry: bool, as_json: bool) -> None:
    """Take off what `install` put on this machine, packages and the site's own files excepted. As root."""
    _print(_installation(dry=dry, packages=False).remove, as_json, dry)


def _installation(*, dry: bool, packages: bool) -> "Installation":
    """What this machine is to be. Raises SettingError."""
    settings = Settings.load()
    slot = Path(sys.prefix).resolve()
    if sys.platform == "win32":
        from ppm.windows_kiosk import installation

        return installation(slot, {**_given(settings), **_renewed(settings, slot.parent)}, dry=dry)
    from kiosk_agent.platform.linux.install import Installation, Poste

    visitor = settings.get(table.VISITOR_USER) or VISITOR
    window = settings.get(table.WINDOW_USER) or WINDOW
    poste = Poste(visitor, window, slot, _lines(settings, visitor, window, slot.parent))
    return Installation(poste, dry=dry, packages=packages)


def _lines(settings: Settings, visitor: str, window: str, slots: Path) -> dict[str, str]:
    return {
        **_given(settings), **_FIXED, **_renewed(settings, slots), table.VISITOR_USER.name: visitor,
        table.WINDOW_USER.name: window,
    }  # fmt: skip


def _renewed(settings: Settings, slots: Path) -> dict[str, str]:
    """Other versions come by an order once all is here that it takes: half of it would keep the agent from starting.

    Raises SettingError.
    """
    if not (settings.is_set(table.POSTE_KEY) or settings.is_set(table.RELEASE_PUBLIC_KEY)):
        return {}
    if not settings.is_set(table.API_URL):
        raise SettingError(table.API_URL.name, "is missing: a poste gets its releases there")
    settings[table.POSTE_KEY], settings[table.RELEASE_PUBLIC_KEY]  # raises where one is missing
    return {table.SLOTS_DIR.name: str(slots)}


def _given(settings: Settings) -> dict[str, str]:
    """What the settings file of a new poste takes over. A secret that is in a file of its own stays there."""
    for one in _TAKEN:
        settings.get(one)  # it must keep its rule
    words = [*(one.name for one in _TAKEN), *(f"{one.name}_FILE" for one in _TAKEN if one.secret)]
    return {word: os.environ[word] for word in words if os.environ.get(word)}


def _print(work: Callable[[], Iterator["Step"]], as_json: bool, dry: bool) -> None:
    from kiosk_agent.platform.base import PlatformError
    from kiosk_agent.platform.linux.install import InstallError

    if sys.platform != "win32" and not dry and os.getuid() != 0:
        raise CommandFailed("only root can do this; --dry-run says what it would be")
    steps: list[Step] = []
    try:
        steps.extend(work())
    except (InstallError, PlatformError) as error:
        raise CommandFailed(str(error)) from None
    output.rows(steps, _COLUMNS, as_json)
