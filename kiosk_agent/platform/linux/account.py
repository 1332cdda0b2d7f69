"""Whose things are wiped: the visitor's account, with the further ids that containers may use for it."""

import pwd
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kiosk_agent.platform.base import PlatformError

LOWEST_UID = 1000
"""Below are accounts of the system, which own what no visitor left."""
_SUBUID = Path("/etc/subuid")


@dataclass(frozen=True)
class Account:
    """The account that visitors use. `ranges` are (first, how many) uids of its user namespaces."""

    name: str
    uid: int
    gid: int
    home: Path
    ranges: tuple[tuple[int, int], ...] = ()

    def owns(self, uid: int) -> bool:
        """Whether what belongs to this uid is the visitor's."""
        return uid == self.uid or any(first <= uid < first + many for first, many in self.ranges)


def account_of(name: str, home: Path) -> Account:
    """The account of this name. Raises PlatformError when to wipe it would harm the machine."""
    try:
        found = pwd.getpwnam(name)
    except KeyError:
        raise PlatformError(f"there is no account {name}", "no_account") from None
    if found.pw_uid < LOWEST_UID:
        raise PlatformError(f"{name} is an account of the system", "system_account")
    if Path(found.pw_dir) != home or home.is_symlink() or len(home.parts) < 3:
        raise PlatformError(f"{home} is not the home of {name}", "not_its_home")
    return Account(name, found.pw_uid, found.pw_gid, home, tuple(_ranges(name, found.pw_uid)))


def _ranges(name: str, uid: int) -> Iterator[tuple[int, int]]:
    if not _SUBUID.exists():
        return
    for line in _SUBUID.read_text().splitlines():
        match line.split(":"):
            case [owner, first, many] if owner in (name, str(uid)) and int(first) >= LOWEST_UID:
                yield int(first), int(many)
