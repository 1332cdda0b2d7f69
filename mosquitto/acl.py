"""Who may read and write which topic.

Every rule is literal. A pattern such as `+/%u/up/#` would be shorter, and would let a poste write into the
tree of another site. Mosquitto refuses what no rule allows.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

VERSION = "v1"
UP = ("status", "info", "state", "heartbeat", "request", "ack", "event")
DOWN = ("session", "config", "reply", "command")
SECRET = ("up/request", "down/reply")
"""Codes and nonces travel here: an observer does not read them."""

_SLUG = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
_ROOT = re.compile(r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$")
_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")

Role = Literal["controller", "observer", "stand_in"]


@dataclass(frozen=True)
class PosteAccount:
    """A poste: its slug is its user name and its client id. Raises ValueError for what is no slug."""

    site: str
    poste: str
    password_hash: str

    def __post_init__(self) -> None:
        for slug in (self.site, self.poste):
            if not _SLUG.fullmatch(slug):
                raise ValueError(f"not a slug: {slug!r}")


@dataclass(frozen=True)
class ServiceAccount:
    """A controller (the whole tree), an observer (reads, without codes and nonces), or a poste's stand-in.

    A stand-in may speak for the one poste that `plays` names. Raises ValueError for what is no name, or for a
    stand-in of nobody.
    """

    name: str
    role: Role
    password_hash: str
    plays: PosteAccount | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"not the name of an account: {self.name!r}")
        if (self.role == "stand_in") != (self.plays is not None):
            raise ValueError(f"{self.name}: a stand-in plays one poste, and nobody else does")


def checked_root(root: str) -> str:
    """The root of the topics. Raises ValueError for one with wildcards, spaces or empty levels."""
    if not _ROOT.fullmatch(root):
        raise ValueError(f"not a root of topics: {root!r}")
    return root


def postes_acl(accounts: Iterable[PosteAccount], root: str) -> str:
    """The access list of the postes' listener."""
    tree = f"{checked_root(root)}/{VERSION}"
    return "\n".join(_poste_rules(account, tree) for account in accounts)


def services_acl(accounts: Iterable[ServiceAccount], root: str) -> str:
    """The access list of the services' listener."""
    root = checked_root(root)
    return "\n".join(_service_rules(account, root) for account in accounts)


def password_file(accounts: Iterable[PosteAccount | ServiceAccount]) -> str:
    """One line per account: its name and the hash of its password."""
    return "".join(f"{_name(account)}:{account.password_hash}\n" for account in accounts)


def _name(account: PosteAccount | ServiceAccount) -> str:
    return account.poste if isinstance(account, PosteAccount) else account.name


def _poste_rules(account: PosteAccount, tree: str) -> str:
    own = f"{tree}/{account.site}/{account.poste}"
    lines = [f"user {account.poste}"]
    lines += [f"topic write {own}/up/{name}" for name in UP]
    lines.append(f"topic read {own}/up/status")  # to contradict a late will
    lines += [f"topic read {own}/down/{name}" for name in DOWN]
    lines.append(f"topic read {tree}/{account.site}/_all/down/command")
    lines.append(f"topic read {tree}/_controller/{account.site}/status")
    return "\n".join(lines) + "\n"


def _service_rules(account: ServiceAccount, root: str) -> str:
    if account.plays is not None:
        own = f"{root}/{VERSION}/{account.plays.site}/{account.plays.poste}"
        return "\n".join([f"user {account.name}", *(f"topic write {own}/up/{name}" for name in UP)]) + "\n"
    lines = [f"user {account.name}", "topic read $SYS/#"]
    if account.role == "controller":
        lines.append(f"topic readwrite {root}/#")
    else:
        lines += [f"topic read {topic}" for topic in _observed(f"{root}/{VERSION}")]
    return "\n".join(lines) + "\n"


def _observed(tree: str) -> list[str]:
    names = [f"up/{name}" for name in UP] + [f"down/{name}" for name in DOWN]
    readable = [f"{tree}/+/+/{name}" for name in names if name not in SECRET]
    return [*readable, f"{tree}/_controller/+/status"]
