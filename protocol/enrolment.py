"""What a machine says and is told on its way to being a poste. It travels over HTTP, not MQTT."""

import base64
import hashlib
import re
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from msgspec import Meta, Struct

_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s+([A-Za-z0-9+/=\s]+?)-----END CERTIFICATE-----", re.ASCII
)
_SCHEME = "ppm-enrol:"
_PLAIN = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""A text that does nothing to the terminal on which it is read."""

Fingerprint = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}$",
        examples=["2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"],
    ),
]
Token = Annotated[str, Meta(min_length=1, max_length=64, examples=["K7MW-PAQ2-9HTR-4XCD-EFGH-JKLM-NPQR"])]
Password = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{32,128}$",
        description="choisi au hasard par la machine",
        examples=["q3Zt0m8uYy4nF7cX2wVb6sKd1pLh5rGa"],
    ),
]
Mac = Annotated[str, Meta(pattern=r"^[0-9a-f]{2}(:[0-9a-f]{2}){5}$", examples=["aa:bb:cc:dd:ee:ff"])]
Slug = Annotated[str, Meta(min_length=1, max_length=63, examples=["poste-01"])]


class Machine(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a machine tells of itself. `empreinte`: SHA-256 of what tells it from all others."""

    nom: Annotated[str, Meta(min_length=1, max_length=255, pattern=_PLAIN, examples=["pc-salle-3"])]
    empreinte: Fingerprint
    macs: Annotated[tuple[Mac, ...], Meta(max_length=16)] = ()
    os: Annotated[str, Meta(max_length=200, pattern=_PLAIN)] = ""
    version: Annotated[str, Meta(max_length=64, pattern=_PLAIN)] = ""


class Enrol(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A machine proves a token, by the password that it chose. The same again gets the same answer."""

    jeton: Token
    mot_de_passe: Password
    machine: Machine


class Enrolled(Struct, frozen=True, kw_only=True):
    """Which poste a machine is now, where its broker is, and the authorities that it is to believe (PEM; none: the
    system's)."""

    site: str
    poste: str
    nom: str
    courtier: str
    racine: str
    autorite: str | None


class Renew(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A poste proves its password and is known by the new one from now on. The same again gets the same answer."""

    poste: Slug
    mot_de_passe: Password
    nouveau: Password


def certificates(pem: str) -> str:
    """The certificates of a PEM file, and nothing else of it. Raises ValueError where there is none."""
    found = [one[0] for one in _CERTIFICATE.finditer(pem)]
    if not found:
        raise ValueError("no certificate in PEM")
    return "\n".join([*found, ""])


def first_certificate(pem: str) -> str:
    """The first certificate of a PEM file, and nothing else of it. Raises ValueError where there is none."""
    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("no certificate in PEM")
    return found[0] + "\n"


def fingerprint(pem: str) -> str:
    """SHA-256 of the first certificate, in hexadecimal. Raises ValueError where there is none."""
    found = _CERTIFICATE.search(pem)
    if found is None:
        raise ValueError("no certificate in PEM")
    return hashlib.sha256(base64.b64decode("".join(found[1].split()), validate=True)).hexdigest()


def command(server: str, digest: str | None) -> str:
    """What to type at the machine; the token is asked for."""
    return f"ppm kiosk enrol {server}" + (f" --ca-sha256 {digest}" if digest else "")


def label(server: str, digest: str | None, token: str) -> str:
    """All that a machine needs, in one line: for a QR code, and for a reader that types what it reads."""
    return _SCHEME + urlencode({"s": server, "f": digest or "", "j": token})


def read_label(text: str) -> tuple[str, str | None, str]:
    """The server, the fingerprint of its authority and the token. Raises ValueError for what is no label."""
    words = parse_qs(text.strip().removeprefix(_SCHEME), keep_blank_values=True)
    if not text.strip().startswith(_SCHEME) or not {"s", "f", "j"} <= words.keys():
        raise ValueError("not what an enrolment shows")
    return words["s"][0], words["f"][0] or None, words["j"][0]
