"""How this machine becomes a poste: it makes sure of the server, then proves a token by a password of its own making.

Standard library and the wire only.

    EnrolError          it did not work; the message says what to do
    └── EnrolRefused    the server said no: asking again with the same words is no use
"""

import hashlib
import http.client
import ipaddress
import json
import socket
import ssl
import sys
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from kiosk_agent.platform import about
from protocol.enrolment import Enrol, Enrolled, Machine, Renew, fingerprint, first_certificate

_PATIENCE_S = 20.0
_LONGEST = 1 << 20
_INTERFACES = Path("/sys/class/net")
_MACHINE_ID = Path("/etc/machine-id")
_MOST_MACS = 16
_T = TypeVar("_T")


class EnrolError(Exception):
    """It did not work; the message says what to do."""


class EnrolRefused(EnrolError):
    """The server said no: asking again with the same words is no use."""


@dataclass(frozen=True)
class Server:
    """A server that is believed: by this authority (PEM), or where that is None by the system's."""

    url: str
    authority: str | None = None


def certain(url: str, digest: str | None) -> Server:
    """The server, once its authority has this fingerprint. Nothing of this machine is told to it meanwhile.

    What is fetched is public, and is believed only for its fingerprint. Raises EnrolError.
    """
    if digest is None or _is_plain(url):
        return known(url)
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    pem = _opened(urllib.request.Request(f"{url}/api/enrolement/ca"), context)  # noqa: S310 - https
    try:
        authority = first_certificate(pem.decode("ascii", errors="replace"))
        found = fingerprint(authority)
    except ValueError:
        raise EnrolError(f"{url}: what it says is its authority is no certificate") from None
    if found != digest:
        raise EnrolError(f"{url}: its authority has the fingerprint {found}, not the one that you gave")
    return Server(url, authority)


def known(url: str, authority: str | None = None) -> Server:
    """A server whose authority this machine has. Raises EnrolError for one that others can listen to."""
    _is_plain(url)
    return Server(url, authority)


def enrol(server: Server, token: str, password: str, machine: Machine) -> Enrolled:
    """Prove a token. The same again gets the same answer. Raises EnrolError."""
    body = Enrol(jeton=token, mot_de_passe=password, machine=machine)
    return _decoded(_posted(server, "/api/enrolement/", body), Enrolled)


def renew(server: Server, poste: str, password: str, new: str) -> None:
    """Be known by another password from now on. The same again is harmless. Raises EnrolError."""
    _posted(server, "/api/enrolement/renouvellement/", Renew(poste=poste, mot_de_passe=password, nouveau=new))


def announce(server: Server, machine: Machine) -> None:
    """Ask to be seen by whoever enrols postes. Raises EnrolError."""
    _posted(server, "/api/enrolement/demandes/", machine)


def this_machine() -> Machine:
    """What this machine tells of itself."""
    known = about.machine(())
    macs = _macs()
    told = "\n".join(["poste-public-manager", _machine_id(), *macs])
    digest = hashlib.sha256(told.encode()).hexdigest()
    return Machine(
        nom=known.hostname or "?", empreinte=digest, macs=macs, os=known.os, version=known.software[:64]
    )


def _posted(server: Server, path: str, body: msgspec.Struct) -> bytes:
    context = ssl.create_default_context(cadata=server.authority) if server.url.startswith("https:") else None
    request = urllib.request.Request(  # noqa: S310 - by the rule of `certain`
        server.url + path,
        data=msgspec.json.encode(body),
        headers={"Content-Type": "application/json"},
    )
    return _opened(request, context)


def _opened(request: urllib.request.Request, context: ssl.SSLContext | None) -> bytes:
    where = request.full_url.partition("/api/")[0]
    own = (
        [urllib.request.ProxyHandler({})] if request.type == "http" else []
    )  # what is plain stays in this machine
    opener = urllib.request.build_opener(_NoRedirection(), urllib.request.HTTPSHandler(context=context), *own)
    try:
        with opener.open(request, timeout=_PATIENCE_S) as answer:
            return bytes(answer.read(_LONGEST))
    except urllib.error.HTTPError as error:
        with error:
            kind = EnrolRefused if error.code in (403, 422) else EnrolError
            raise kind(f"{where}: {_said(error)}") from None
    except (OSError, http.client.HTTPException) as error:
        raise EnrolError(f"{where}: {getattr(error, 'reason', None) or error}") from None


class _NoRedirection(urllib.request.HTTPRedirectHandler):
    """What is sent here is sent nowhere else."""

    def redirect_request(self, *_: object) -> None:
        """Take the redirection for the answer, which is an error."""


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.loads(error.read(_LONGEST))["detail"])
    except (ValueError, KeyError, TypeError, OSError, http.client.HTTPException):
        return f"it answered {error.code}"


def _decoded(answer: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise EnrolError(f"the server's answer is not to be read: {error}") from None


def _is_plain(url: str) -> bool:
    """Whether it is spoken to without TLS, which only this machine itself is. Raises EnrolError."""
    parts = urlsplit(url)
    if parts.scheme == "http" and not _is_here(parts.hostname or ""):
        raise EnrolError(f"{url}: over a network it must be https://, or everybody there reads the password")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnrolError(f"{url}: a server is https://host or https://host:port")
    return parts.scheme == "http"


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _macs() -> tuple[str, ...]:
    """The addresses of the cards in this machine; what is made by software has no device and is none."""
    try:
        cards = sorted(one for one in _INTERFACES.iterdir() if (one / "device").exists())
        found = [(one / "address").read_text(encoding="ascii").strip().lower() for one in cards]
    except OSError:
        number = uuid.getnode()
        found = [number.to_bytes(6, "big").hex(":")] if not number >> 40 & 1 else []
    kept = dict.fromkeys(mac for mac in found if len(mac) == 17 and mac.strip("0:"))
    return tuple(kept)[:_MOST_MACS]


def _machine_id() -> str:
    if sys.platform == "win32":
        import winreg

        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Cryptography") as key:
            return str(winreg.QueryValueEx(key, "MachineGuid")[0])
    try:
        return _MACHINE_ID.read_text(encoding="ascii").strip()
    except OSError:
        return socket.gethostname()
