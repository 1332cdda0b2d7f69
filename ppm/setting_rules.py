"""What a setting may be: each rule gives the value of a text, or raises ValueError that says the rule.

Standard library only: a poste has nothing else.
"""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

SHORTEST_SECRET = 32
_SMTP_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True)
class BrokerUrl:
    """Where a broker is and as whom one connects; `text` is the URL without its password."""

    host: str
    port: int
    username: str | None
    password: str | None
    tls: bool

    @property
    def text(self) -> str:
        who = f"{self.username}@" if self.username else ""
        return f"{'mqtts' if self.tls else 'mqtt'}://{who}{self.host}:{self.port}"


@dataclass(frozen=True)
class MailUrl:
    """Where the mail server is and as whom one logs in. `tls`: smtps, smtp (STARTTLS) or plain."""

    host: str
    port: int
    user: str | None
    tls: str


def text(value: str) -> str:
    """Any text."""
    return value


def path(value: str) -> Path:
    """A file or a folder; ~ is the home."""
    return Path(value).expanduser()


def port(value: str) -> int:
    """A TCP port."""
    if not value.isascii() or not value.isdigit() or not 1 <= int(value) <= 65_535:
        raise ValueError(f"a port is a whole number from 1 to 65535, not {value!r}")
    return int(value)


def count(value: str) -> int:
    """How many of something; 0 is none."""
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise ValueError(f"a whole number from 0, not {value!r}")
    return int(value)


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number between two others."""

    def read(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
            raise ValueError(f"a whole number from {least} to {most}, not {value!r}")
        return int(value)

    return read


def choice(*allowed: str) -> Callable[[str], str]:
    """One of a few words."""

    def read(value: str) -> str:
        if value not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}, not {value!r}")
        return value

    return read


def secret(value: str) -> str:
    """What signs or seals: long enough not to be guessed."""
    if len(value.encode()) < SHORTEST_SECRET:
        raise ValueError(f"at least {SHORTEST_SECRET} characters; make one with: openssl rand -base64 48")
    return value


def key(value: str) -> bytes:
    """A key of Ed25519, public or private: 32 bytes in base64."""
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) != 32:
        raise ValueError("a key is 32 bytes in base64; make one with: ppm release key")
    return found


def database(value: str) -> str:
    """The URL of a database."""
    scheme = value.partition(":")[0]
    if scheme not in ("postgresql", "postgresql+psycopg2", "sqlite") or "://" not in value:
        raise ValueError("a database is named postgresql://user:password@host/name or sqlite:///file")
    return value.replace("postgresql:", "postgresql+psycopg2:", 1)


def broker(value: str) -> BrokerUrl:
    """The URL of a broker."""
    rule = "a broker is named mqtt://user@host:port or mqtts://user@host:port"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(rule) from None
    if parts.scheme not in _MQTT_PORTS or not parts.hostname or parts.path.strip("/"):
        raise ValueError(rule)
    return BrokerUrl(
        parts.hostname,
        port or _MQTT_PORTS[parts.scheme],
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
        parts.scheme == "mqtts",
    )


def mail(value: str) -> MailUrl:
    """The URL of a mail server. An account needs TLS: its password is not to be read on the way."""
    rule = "a mail server is named smtps://user@host, smtp://user@host:587 or smtp+plain://localhost"
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(rule) from None
    if parts.scheme not in _SMTP_PORTS or not parts.hostname or parts.path.strip("/") or parts.password:
        raise ValueError(rule)
    tls = parts.scheme.removeprefix("smtp+")
    if parts.username and tls == "plain":
        raise ValueError("an account needs smtps:// or smtp://, which speak TLS")
    user = unquote(parts.username) if parts.username else None
    return MailUrl(parts.hostname, port or _SMTP_PORTS[parts.scheme], user, tls)


def email(value: str) -> str:
    """An e-mail address."""
    name, _, host = value.strip().rpartition("@")
    plain = value.isascii() and value.isprintable() and not set(value.strip()) & set(' <>,;:"()[]\\')
    if not (name and host and plain):
        raise ValueError(f"an e-mail address, not {value!r}")
    return value.strip()


def emails(value: str) -> tuple[str, ...]:
    """E-mail addresses with commas between."""
    return tuple(email(word) for word in value.split(","))


def http_urls(value: str) -> tuple[str, ...]:
    """Addresses of web services with commas between, kept to the letter."""
    words = tuple(word.strip() for word in value.split(","))
    for word in words:
        http_url(word)
    return words


def http_url(value: str) -> str:
    """The address of a web service, without a last slash."""
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
        raise ValueError("an address begins with http:// or https://")
    return value.rstrip("/")


def origins(value: str) -> tuple[str, ...]:
    """Addresses of web services with commas between, as browsers name them: without a path."""
    words = tuple(http_url(word.strip()) for word in value.split(","))
    if any(urlsplit(word).path for word in words):
        raise ValueError("an origin is https://host or https://host:port, without a path")
    return words


def address(value: str) -> str:
    """An IP address of this machine; 0.0.0.0 and :: are all of them."""
    try:
        return str(ip_address(value.strip()))
    except ValueError:
        raise ValueError(f"an IP address, not {value!r}") from None


def addresses(value: str) -> tuple[str, ...]:
    """IP addresses with commas between."""
    words = tuple(word.strip() for word in value.split(","))
    try:
        return tuple(str(ip_address(word)) for word in words)
    except ValueError:
        raise ValueError(f"IP addresses with commas between, not {value!r}") from None


def slug(value: str) -> str:
    """The name of a site or a poste on MQTT."""
    plain = value.replace("-", "").isalnum() and value.isascii() and value == value.lower()
    if not plain or len(value) > 63 or value[0] == "-" or value[-1] == "-":
        raise ValueError(f"a slug is a-z, 0-9 and - inside, not {value!r}")
    return value


def root(value: str) -> str:
    """The first level or levels of a topic."""
    levels = value.split("/")
    if not all(level.replace("-", "").replace("_", "").isalnum() and level.isascii() for level in levels):
        raise ValueError(f"levels of A-Z, a-z, 0-9, - and _ with / between, not {value!r}")
    return value


def zone(value: str) -> str:
    """The name of a time zone."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"a time zone such as Indian/Reunion, not {value!r}") from None
    return value
