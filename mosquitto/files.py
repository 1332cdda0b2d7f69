"""The broker's files: `render` is pure, `write` puts them in their folder."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template

from mosquitto.acl import PosteAccount, ServiceAccount, password_file, postes_acl, services_acl

CONFIGURATION = "mosquitto.conf"
PID_FILE = "mosquitto.pid"
"""Where a broker writes which process it is, among its data."""
MESSAGE_BYTES = 16_384
"""The largest payload of the protocol."""
_PACKET_BYTES = MESSAGE_BYTES + 1_024  # a topic's name and properties come on top of the payload


@dataclass(frozen=True)
class Tls:
    """The certificates of a listener, in files that the broker's user can read."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Listener:
    """Where the broker listens. No address means every interface; -1 connections means no limit."""

    port: int
    address: str = ""
    tls: Tls | None = None
    max_connections: int = -1


@dataclass(frozen=True)
class Broker:
    """A broker's configuration.

    `folder` holds the files of `render`, `data` what the broker keeps. `user` is whom a broker started by
    root becomes; None leaves Mosquitto's own choice. `websockets` is a third listener, for the services'
    accounts; it has no address because Mosquitto 2.0 binds every interface for websockets, whatever it is
    told.
    """

    folder: Path
    data: Path
    postes: Listener
    services: Listener
    root: str = "ppm"
    user: str | None = None
    websockets: int | None = None


def render(
    broker: Broker, postes: Sequence[PosteAccount], services: Sequence[ServiceAccount]
) -> dict[str, str]:
    """Every file of the broker by its name. Raises ValueError for two accounts of one name."""
    _refuse_twins([account.poste for account in postes])
    _refuse_twins([account.name for account in services])
    return {
        CONFIGURATION: _configuration(broker),
        "postes.passwords": password_file(postes),
        "postes.acl": postes_acl(postes, broker.root),
        "services.passwords": password_file(services),
        "services.acl": services_acl(services, broker.root),
    }


def write(folder: Path, files: Mapping[str, str], mode: int = 0o600, group: str | None = None) -> None:
    """Replace each file whole, so that a broker that reloads never reads half of one.

    A broker that runs as another user needs `mode=0o640` and its `group`. Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        _replace(folder / name, text, mode, group)


def _replace(path: Path, text: str, mode: int, group: str | None) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        if group is not None:
            shutil.chown(draft, group=group)
        os.fchmod(file.fileno(), mode)
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _configuration(broker: Broker) -> str:
    websockets = ""
    if broker.websockets is not None:
        websockets = _listener(broker, Listener(broker.websockets), "services") + "protocol websockets"
    return _template("broker.conf").substitute(
        user=f"user {broker.user}" if broker.user else "",
        packet_bytes=_PACKET_BYTES,
        data=broker.data,
        pid_file=broker.data / PID_FILE,
        postes=_listener(broker, broker.postes, "postes"),
        services=_listener(broker, broker.services, "services"),
        websockets=websockets,
    )


def _listener(broker: Broker, listener: Listener, who: str) -> str:
    text = _template("listener.conf").substitute(
        port=listener.port,
        address=listener.address,
        max_connections=listener.max_connections,
        passwords=broker.folder / f"{who}.passwords",
        acl=broker.folder / f"{who}.acl",
    )
    if listener.tls is None:
        return text
    tls = listener.tls
    return text + _template("tls.conf").substitute(ca=tls.ca, certificate=tls.certificate, key=tls.key)


def _template(name: str) -> Template:
    return Template((resources.files("mosquitto") / "templates" / name).read_text(encoding="utf-8"))


def _refuse_twins(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        twins = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"two accounts of one name: {', '.join(twins)}")
