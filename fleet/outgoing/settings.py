"""Who is told, and through what."""

import ssl
from dataclasses import dataclass
from pathlib import Path

from fleet.domain.errors import FleetError

PATIENCE_S = 10.0
"""For each answer of a server."""


class NotDelivered(FleetError):
    """It did not get through; the message says why, without an address."""


@dataclass(frozen=True)
class MailServer:
    """`tls`: from the first byte (`smtps`), by STARTTLS (`smtp`), or none, for a relay on this machine (`plain`)."""

    host: str
    port: int
    tls: str
    sender: str
    user: str | None = None
    password: str | None = None
    ca_file: Path | None = None


@dataclass(frozen=True)
class Outgoing:
    """The settings of all that leaves. Without an address nothing does."""

    mail: MailServer | None = None
    alert_mails: tuple[str, ...] = ()
    report_mails: tuple[str, ...] = ()
    webhooks: tuple[str, ...] = ()
    webhook_secret: str = ""
    ca_file: Path | None = None


def checked(ca_file: Path | None) -> ssl.SSLContext:
    """TLS whose certificates are checked, with an authority of one's own beside the system's.

    Raises NotDelivered for a file that cannot be used.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if ca_file is not None:
            context.load_verify_locations(ca_file)
    except OSError as error:
        raise NotDelivered(f"{ca_file}: {error.strerror or error}") from error
    return context
