"""A broker's files: the postes' are made from the database, services' hashes of passwords are kept nowhere else.

Mosquitto reads the accounts again at SIGHUP, and closes the connections of who is not let in any more.
"""

import os
import shutil
import signal
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mosquitto.acl import PosteAccount, Role, ServiceAccount, password_file, postes_acl
from mosquitto.files import PID_FILE, Broker, render, write

PASSWORDS, ACL, SERVICES = "postes.passwords", "postes.acl", "services.passwords"
ROLES: Mapping[str, Role] = {"controller": "controller", "observer": "observer"}
"""The services' accounts: any number of controllers and observers share one each."""


def hashes(folder: Path, name: str = PASSWORDS) -> dict[str, str]:
    """The hash of each account in a file; none where there is no file. Raises OSError."""
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {who: kept for who, colon, kept in pairs if colon}


def rewrite(folder: Path, accounts: Sequence[PosteAccount], root: str) -> bool:
    """Have the postes' files let in these and nobody else; whether that changed them. Raises OSError.

    Rules come before passwords: a broker that reads them in between lets nobody in who has no rules.
    """
    wanted = {ACL: postes_acl(accounts, root), PASSWORDS: password_file(accounts)}
    changed = {name: text for name, text in wanted.items() if _text_of(folder / name) != text}
    _write_as_before(folder, changed)
    return bool(changed)


def write_all(
    broker: Broker, accounts: Sequence[PosteAccount], new: Mapping[str, str], group: str | None = None
) -> None:
    """Write every file of a broker; `new` has the hashes of services that change or are missing. Raises OSError.

    With a `group`, that of the broker's user, it may read them; else the writer alone.
    """
    kept = {**hashes(broker.folder, SERVICES), **new}
    services = [ServiceAccount(name, role, kept[name]) for name, role in ROLES.items()]
    files = render(broker, accounts, services)
    write(broker.folder, files, 0o600 if group is None else 0o640, group)
    if not broker.data.is_dir():
        broker.data.mkdir(parents=True, mode=0o700)
        if broker.user is not None and group is not None:
            shutil.chown(broker.data, broker.user)


def reload(data: Path) -> bool:
    """Have the broker with this folder of data read its files again; False where none runs yet. Raises OSError."""
    try:
        pid = int((data / PID_FILE).read_text(encoding="ascii"))
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (FileNotFoundError, ValueError):
        return False
    if name != "mosquitto" or not takes_reloads(pid):
        return False  # the number is another process's by now, or it still starts: the signal would end it
    os.kill(pid, signal.SIGHUP)
    return True


def takes_reloads(pid: int) -> bool:
    """Whether a process handles SIGHUP: Mosquitto does some time after it listens, until then it ends by it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    handled = next((line.split()[1] for line in lines if line.startswith("SigCgt:")), "0")
    return bool(int(handled, 16) & 1 << signal.SIGHUP - 1)


def group_of(user: str) -> str:
    """The name of a user's own group. Raises LookupError."""
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _write_as_before(folder: Path, files: Mapping[str, str]) -> None:
    """Replaced files keep the mode and the owners that an installer gave them: the broker must read them."""
    for name, text in files.items():
        path = folder / name
        before = path.stat() if path.exists() else None
        write(folder, {name: text}, mode=0o600 if before is None else before.st_mode & 0o777)
        if before is not None:
            _give_back(path, before)


def _give_back(path: Path, before: os.stat_result) -> None:
    """To its group, and by root to its owner: nobody else may give files away."""
    now, is_root = path.stat(), os.geteuid() == 0
    if now.st_gid != before.st_gid or (is_root and now.st_uid != before.st_uid):
        os.chown(path, before.st_uid if is_root else -1, before.st_gid)


def without_account(folder: Path, postes: Iterable[str]) -> list[str]:
    """Which of these postes cannot connect: they have no account there. Raises OSError."""
    known_there = hashes(folder)
    return [poste for poste in postes if poste not in known_there]
