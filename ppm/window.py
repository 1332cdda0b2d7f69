"""The window of a poste, kept by its agent: which program it is, under which account, and where they meet."""

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kiosk_agent.agent import Agent
from kiosk_agent.local.door import Door
from kiosk_agent.local.keeper import Keeper
from kiosk_agent.local.programs import Launch
from ppm import settings as table
from ppm.setting import SettingError
from ppm.setting_values import Settings

_PASSED = (
    "DISPLAY", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH", "SYSTEMROOT", "TZ",
    "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR",
)  # fmt: skip
"""What of our environment a window is given: no setting, and so no secret."""


@dataclass(frozen=True)
class Account:
    """Who a window runs as. `gid` None: as ourselves."""

    uid: int
    gid: int | None = None
    home: str | None = None


@dataclass(frozen=True)
class WindowPlan:
    """Where the window of a poste comes from."""

    account: Account
    socket: Path
    launch: Launch
    pid_file: Path


def is_installed() -> bool:
    """Whether Qt is here."""
    return importlib.util.find_spec("PySide6") is not None


def plan(settings: Settings, folder: Path, language: str, logo: Path | None) -> WindowPlan:
    """How this poste's window is started. Raises SettingError."""
    account = _account(settings.get(table.WINDOW_USER))
    socket = settings.get(table.WINDOW_SOCKET) or folder / "window.sock"
    command = [sys.executable, "-m", "kiosk_agent.ui.qt", str(socket), "--language", language]
    if picture := logo or settings.get(table.LOGO_FILE):
        command += ["--logo", str(picture)]
    other = account.gid is not None
    launch = Launch(
        command, _environment(os.environ, account),
        uid=account.uid if other else None, gid=account.gid, log=folder / "window.log",
    )  # fmt: skip
    return WindowPlan(account, socket, launch, folder / "window.pid")


async def keep(agent: Agent, door: Door, made: WindowPlan) -> None:
    """Keep a window before the visitor of this agent, until cancelled. Raises OSError."""
    await agent.begun.wait()
    async with door.open(made.socket):
        await Keeper(
            door, made.launch, made.pid_file,
            lost=agent.window_lost, back=agent.window_back, failed=agent.window_failed,
        ).run()  # fmt: skip


def _environment(ours: Mapping[str, str], account: Account) -> dict[str, str]:
    kept = {name: value for name, value in ours.items() if name in _PASSED or name.startswith("QT_")}
    return kept | {"HOME": account.home} if account.home else kept


def _account(name: str | None) -> Account:
    if sys.platform == "win32":
        return Account(0)
    if name is None:
        return Account(os.getuid())
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise SettingError(table.WINDOW_USER.name, f"there is no account {name!r} on this machine") from None
    if os.getuid() not in (0, found.pw_uid):
        raise SettingError(table.WINDOW_USER.name, "only root can start a window under another account")
    return Account(found.pw_uid, found.pw_gid, found.pw_dir)
