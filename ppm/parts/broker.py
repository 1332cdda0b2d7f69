"""A private Mosquitto, on exactly the files that a deployment uses."""

import getpass
import signal
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from mosquitto.acl import PosteAccount, Role, ServiceAccount
from mosquitto.files import CONFIGURATION, Broker, Listener, Tls, render, write
from mosquitto.passwords import hash_password, new_password
from ppm.broker_files import takes_reloads
from ppm.parts.mosquitto_binary import Binary, find_mosquitto
from ppm.parts.process import LOOPBACK, Child, PartFailed, accepts, free_port

__all__ = ["Account", "Binary", "PrivateBroker", "find_mosquitto"]

_TAKEN = "Address already in use"
_RELOADED = b"Reloading config."
_START_S = 15
_RELOAD_S = 60
_ANONYMOUS = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00"  # a CONNECT of nobody, to be refused
_PORTS_TRIED = 5


@dataclass(frozen=True)
class Account:
    """A name and its password in clear, for whoever connects."""

    name: str
    password: str


class PrivateBroker:
    """A broker of one's own, bound to the loopback; a context manager.

    `controller` and `observer` are made with it; postes are added at any time, before the start or live.
    A port of 0 takes a free one and keeps it over restarts. Everything it keeps is in `folder`.
    """

    host = LOOPBACK

    def __init__(
        self,
        binary: Binary,
        folder: Path,
        *,
        postes_port: int = 0,
        services_port: int = 0,
        root: str = "ppm",
        max_connections: int = -1,
        tls: Tls | None = None,
    ) -> None:
        self.binary = binary
        self.folder = folder.resolve()
        self.root = root
        self.controller = Account("controller", new_password())
        self.observer = Account("observer", new_password())
        self._ports = (postes_port, services_port)
        self.postes_port, self.services_port = self._ports
        self._max_connections = max_connections
        self._tls = tls
        self._postes: dict[str, PosteAccount] = {}
        self._services: dict[str, ServiceAccount] = {}
        self._keep_service(self.controller, "controller")
        self._keep_service(self.observer, "observer")
        self._child = Child(
            [binary.broker, "-c", self.folder / CONFIGURATION],
            self.folder / "mosquitto.log",
            environment=binary.environment,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.running

    def start(self) -> None:
        """Write the files and return once both listeners accept. Raises PartFailed."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        for _ in range(_PORTS_TRIED):
            self._choose_ports()
            if self._start_once():
                return
        raise PartFailed(f"no free port for Mosquitto:\n{self.said()}")

    def stop(self) -> None:
        """SIGTERM: the wills of all are published, everything retained is saved."""
        self._child.stop()

    def kill9(self) -> None:
        """As when the power goes: what was not saved in the last minute is lost."""
        self._child.kill9()

    def restart(self) -> None:
        """The same broker again, on the same ports, with what it had saved."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Freeze it: connections stay open, nothing moves."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._child.signal(signal.SIGCONT)

    def reload(self) -> None:
        """Write the files and have the running broker read them. Connections stay.

        Returns once a new account can connect: Mosquitto reads its files in the loop that accepts.
        """
        self._write()
        if not self.running:
            return
        before = self._reloads()
        self._child.signal(signal.SIGHUP)
        self._child.wait_ready(lambda: self._reloads() > before, _START_S)
        if self._tls is None:
            _hear_from(self.services_port)

    def add_poste(self, site: str, poste: str, password: str | None = None) -> Account:
        """Let a poste in, live when the broker runs."""
        return self.add_postes(site, {poste: password or new_password()})[0]

    def add_postes(self, site: str, passwords: dict[str, str]) -> list[Account]:
        """Let many postes in with one reload; `passwords` by slug."""
        for poste, password in passwords.items():
            self._postes[poste] = PosteAccount(site, poste, hash_password(password))
        self.reload()
        return [Account(poste, password) for poste, password in passwords.items()]

    def remove_postes(self, postes: Iterable[str]) -> None:
        """Put postes out; their connections are closed."""
        for poste in postes:
            self._postes.pop(poste, None)
        self.reload()

    def add_service(self, name: str, password: str | None = None, role: Role = "controller") -> Account:
        """One more account of the services' listener."""
        account = Account(name, password or new_password())
        self._keep_service(account, role)
        self.reload()
        return account

    def add_stand_in(self, site: str, poste: str) -> Account:
        """An account of the services' listener that may speak for one poste, which must have been added."""
        plays = self._postes[poste]
        if plays.site != site:
            raise ValueError(f"{poste} is not a poste of {site}")
        account = Account(f"stand-in.{poste}", new_password())
        hashed = hash_password(account.password)
        self._services[account.name] = ServiceAccount(account.name, "stand_in", hashed, plays)
        self.reload()
        return account

    def said(self) -> str:
        """The end of the broker's log."""
        return self._child.said()

    def _keep_service(self, account: Account, role: Role) -> None:
        self._services[account.name] = ServiceAccount(account.name, role, hash_password(account.password))

    def _choose_ports(self) -> None:
        wanted_postes, wanted_services = self._ports
        self.postes_port = wanted_postes or free_port()
        self.services_port = wanted_services or free_port()

    def _start_once(self) -> bool:
        """False when somebody was quicker to take a port that we chose. Raises PartFailed."""
        self._write()
        self._child.start()
        try:
            self._child.wait_ready(self._listens, _START_S)
        except PartFailed:
            self._child.kill9()
            if 0 in self._ports and _TAKEN in self.said():
                return False
            raise
        self._ports = (self.postes_port, self.services_port)
        return True

    def _listens(self) -> bool:
        return (
            self.running
            and accepts(self.postes_port)
            and accepts(self.services_port)
            and takes_reloads(self.pid)
        )

    def _reloads(self) -> int:
        return self._child.log.read_bytes().count(_RELOADED)

    def _write(self) -> None:
        write(self.folder, render(self._broker(), [*self._postes.values()], [*self._services.values()]))

    def _broker(self) -> Broker:
        return Broker(
            folder=self.folder,
            data=self.folder / "data",
            postes=Listener(self.postes_port, LOOPBACK, self._tls, self._max_connections),
            services=Listener(self.services_port, LOOPBACK, self._tls),
            root=self.root,
            user=getpass.getuser(),  # else root's broker becomes `mosquitto`, who owns nothing here
        )


def _hear_from(port: int) -> None:
    """Return once the broker answers: reading the files of 10,000 accounts takes it seconds."""
    with socket.create_connection((LOOPBACK, port), timeout=_RELOAD_S) as caller:
        caller.sendall(_ANONYMOUS)
        try:
            caller.recv(4)
        except TimeoutError:
            raise PartFailed(f"Mosquitto did not answer {_RELOAD_S} s after a reload") from None
