"""E-mail: one message to one address, through a server whose certificate is checked."""

import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from fleet.outgoing.settings import PATIENCE_S, MailServer, NotDelivered, checked


@contextmanager
def connected(server: MailServer) -> Iterator[smtplib.SMTP]:
    """A conversation with the server, logged in. Raises NotDelivered for whatever goes wrong in it."""
    try:
        with _reached(server) as smtp:
            if server.tls == "smtp":
                smtp.starttls(context=checked(server.ca_file))
            if server.user is not None:
                smtp.login(server.user, server.password or "")
            yield smtp
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise NotDelivered(f"le destinataire est refusé ({code})") from error
    except smtplib.SMTPResponseException as error:
        raise NotDelivered(f"le serveur de courriel refuse ({error.smtp_code})") from error
    except OSError as error:  # that of smtplib too
        raise NotDelivered(error.strerror or str(error) or type(error).__name__) from error


def _reached(server: MailServer) -> smtplib.SMTP:
    # A name of one's own is asked of the DNS else, which takes its time where there is none.
    name = socket.gethostname()
    if server.tls == "smtps":
        return smtplib.SMTP_SSL(
            server.host, server.port, name, timeout=PATIENCE_S, context=checked(server.ca_file)
        )
    return smtplib.SMTP(server.host, server.port, name, timeout=PATIENCE_S)


def send(server: MailServer, to: str, message: EmailMessage) -> None:
    """Raises NotDelivered."""
    message["From"], message["To"] = server.sender, to
    with connected(server) as smtp:
        smtp.send_message(message)
