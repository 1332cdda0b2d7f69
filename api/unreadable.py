"""What is no HTTP, or an address of more than 64 KiB: refused before there is a call, and as a problem all the same."""

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.errors import MEDIA_TYPE, problem_of
from fleet.domain import reasons

RULE = "une demande HTTP, dont l’adresse tient en 64 Kio"


class Protocol(HttpToolsProtocol):
    """uvicorn's, with our words for what it cannot read."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (its words are English, and name its parser)
        """Answer and hang up: where the next call would begin is not known."""
        said = reasons.sentence("demande_invalide", "fr", {"regle": RULE})
        body = msgspec.json.encode(problem_of(400, "demande_invalide", said))
        told = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), "connection": "close"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        self.transport.write(STATUS_LINE[400] + lines.encode() + b"\r\n" + body)
        self.transport.close()
