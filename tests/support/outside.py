"""Real receivers of what leaves: a mail server and a web server, in threads of the test."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from fleet.outgoing.settings import MailServer

FROM, USER, PASSWORD = "postes@example.re", "postes", "the mail password"


class Mailbox:
    """What came: `refuses` (an SMTP answer) turns everything away while it is set."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.encrypted: list[bool] = []
        self.refuses: str | None = None

    async def handle_DATA(self, server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            return self.refuses
        assert server.transport is not None
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.recipients += envelope.rcpt_tos
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        return "250 OK"


@contextmanager
def mail_server(
    port: int, *, certificate: tuple[Path, Path] | None = None, tls: str = "plain"
) -> Iterator[tuple[MailServer, Mailbox]]:
    """A mail server that runs, as our settings name it; with a certificate it asks for TLS."""
    box, context = Mailbox(), None
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
    asked: dict[str, Any] = {}
    if tls == "smtp":  # it takes an account after STARTTLS only
        asked = {"tls_context": context, "require_starttls": True}
        asked |= {"auth_required": True, "authenticator": _knows}
    server = Controller(box, "127.0.0.1", port, ssl_context=context if tls == "smtps" else None, **asked)
    server.start()
    try:
        user, password = (USER, PASSWORD) if tls == "smtp" else (None, None)
        authority = certificate[0] if certificate else None
        yield MailServer("127.0.0.1", port, tls, FROM, user, password, authority), box
    finally:
        server.stop()


def _knows(_server: SMTP, _session: Session, _envelope: Envelope, _way: str, told: Any) -> AuthResult:
    good = isinstance(told, LoginPassword) and (told.login, told.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=good)


class Listener(ThreadingHTTPServer):
    """Takes what webhooks post; answers `status` to all of it."""

    status = 204
    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Taker)
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook?token=s3cret"

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that was told, in the order in which it came."""
        return [event for body in list(self.bodies) for event in json.loads(body)["evenements"]]


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Listener)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.server.status < 300:
            self.server.bodies.append(body)
            self.server.headers.append(dict(self.headers))
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def listener(port: int = 0) -> Iterator[Listener]:
    """A web server that runs."""
    with Listener(port) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
