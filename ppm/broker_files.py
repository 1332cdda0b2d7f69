"""A broker's files: hashes of passwords are kept nowhere else, rules are made from the database.

Mosquitto reads the accounts again at SIGHUP; who is known there keeps the hash.
"""

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mosquitto.acl import PosteAccount, Role, ServiceAccount, password_file, postes_acl
from mosquitto.files import Broker, render, write

PASSWORDS, ACL, SERVICES = "postes.passwords", "postes.acl", "services.passwords"
ROLES: Mapping[str, Role] = {"controller": "controller", "observer": "observer"}
"""The services' accounts: any number of controllers and observers share one each."""


def hashes(folder: Path, name: str = PASSWORDS) -> dict[str, str]:
    """The hash of each account in a file; none where there is no file. Raises OSError."""
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    pairs = (line.partition(":") for line in lines)
    return {who: kept for who, colon, kept in pairs if colon}


def known(folder: Path) -> set[str]:
    """Who has an account, services and postes. Raises OSError."""
    return hashes(folder).keys() | hashes(folder, SERVICES).keys()


def rewrite(folder: Path, places: Mapping[str, str], new: Mapping[str, str], root: str) -> list[str]:
    """Write the postes' files: `places` is the site of every poste, `new` the hashes that change. Who is in them.

    Accounts of postes that are in the database no more are left out. Raises OSError.
    """
    accounts = _postes(folder, places, new)
    _write_as_before(folder, {PASSWORDS: password_file(accounts), ACL: postes_acl(accounts, root)})
    return [account.poste for account in accounts]


def write_all(
    broker: Broker, places: Mapping[str, str], new: Mapping[str, str], group: str | None = None
) -> None:
    """Write every file of a broker; `new` has the hashes that change or are missing. Raises OSError.

    With a `group`, that of the broker's user, it may read them; else the writer alone.
    """
    kept = {**hashes(broker.folder, SERVICES), **new}
    services = [ServiceAccount(name, role, kept[name]) for name, role in ROLES.items()]
    files = render(broker, _postes(broker.folder, places, new), services)
    write(broker.folder, files, 0o600 if group is None else 0o640, group)
    if not broker.data.is_dir():
        broker.data.mkdir(parents=True, mode=0o700)
        if broker.user is not None and group is not None:
            shutil.chown(broker.data, broker.user)


def group_of(user: str) -> str:
    """The name of a user's own group. Raises LookupError."""
    import grp
    import pwd

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _postes(folder: Path, places: Mapping[str, str], new: Mapping[str, str]) -> Sequence[PosteAccount]:
    kept = {**hashes(folder), **new}
    return [PosteAccount(places[poste], poste, kept[poste]) for poste in sorted(kept) if poste in places]


def _write_as_before(folder: Path, files: Mapping[str, str]) -> None:
    """Replaced files keep the mode and the owners that an installer gave them: the broker must read them."""
    for name, text in files.items():
        path = folder / name
        before = path.stat() if path.exists() else None
        write(folder, {name: text}, mode=0o600 if before is None else before.st_mode & 0o777)
        if before is not None and (before.st_uid, before.st_gid) != _owners(path):
            os.chown(path, before.st_uid, before.st_gid)


def _owners(path: Path) -> tuple[int, int]:
    now = path.stat()
    return now.st_uid, now.st_gid


def without_account(folder: Path, postes: Iterable[str]) -> list[str]:
    """Which of these postes cannot connect: they have no account there. Raises OSError."""
    known_there = hashes(folder)
    return [poste for poste in postes if poste not in known_there]
