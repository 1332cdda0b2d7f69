"""Gets a release from the server, by the poste's own credential. What was begun is gone on with."""

import hashlib
import http.client
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kiosk_agent.updating.release import UpdateRefused
from protocol.release import Release, Releases

_PATIENCE_S = 20.0
_PIECE = 1 << 16
_LONGEST_LIST = 1 << 20


class Interrupted(Exception):
    """The server or the network went away, or somebody needs the machine: what is there is kept for later."""


@dataclass(frozen=True)
class Server:
    """Where releases are: the address of the API, and who we are there. `ca` besides the system's authorities."""

    url: str
    key: str
    ca: Path | None = None


def find(server: Server, version: str, sha256: str) -> Release:
    """The release of this version and digest. Raises UpdateRefused, or Interrupted."""
    with _opened(server, "/api/agent/releases/") as answer:
        try:
            listed = msgspec.json.decode(_read(answer, _LONGEST_LIST), type=Releases)
        except msgspec.DecodeError as error:
            raise UpdateRefused("bad_server", str(error)[:100]) from None
    for one in listed.resultats:
        if (one.version, one.sha256) == (version, sha256):
            return one
    raise UpdateRefused("no_release", version)


def download(server: Server, release: Release, folder: Path, may_go_on: Callable[[], bool]) -> Path:
    """The wheel, whole and of the right digest. Raises UpdateRefused, or Interrupted with what came kept."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    whole, part = folder / release.file, folder / f"{release.sha256}.part"
    if not (whole.exists() and digest(whole) == release.sha256):
        _fetch(server, release, part, may_go_on)
        if digest(part) != release.sha256:
            part.unlink()
            raise UpdateRefused("wrong_digest", release.file)
        part.replace(whole)
    return whole


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(server: Server, release: Release, part: Path, may_go_on: Callable[[], bool]) -> None:
    have = part.stat().st_size if part.exists() else 0
    if have >= release.size:
        return
    with _opened(server, f"/api/agent/releases/{release.sha256}", have) as answer:
        resumed = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        with part.open("ab" if resumed else "wb") as file:
            size = have if resumed else 0
            while piece := _read(answer, _PIECE):
                size += len(piece)
                if size > release.size:
                    raise UpdateRefused("wrong_digest", "longer than it was said to be")
                file.write(piece)
                if not may_go_on():
                    raise Interrupted("the machine is needed")
    if size < release.size:
        raise Interrupted(f"{size} of {release.size} bytes came")


def _opened(server: Server, path: str, begin: int = 0) -> http.client.HTTPResponse:
    headers = {"Authorization": f"Bearer {server.key}"} | ({"Range": f"bytes={begin}-"} if begin else {})
    request = urllib.request.Request(server.url + path, headers=headers)  # noqa: S310 - http or https, by its rule
    context = ssl.create_default_context() if server.url.startswith("https:") else None
    try:
        if context is not None and server.ca is not None:
            context.load_verify_locations(server.ca)
        answer: http.client.HTTPResponse = urllib.request.urlopen(  # noqa: S310
            request, timeout=_PATIENCE_S, context=context
        )
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (401, 403):
            raise UpdateRefused("bad_credential", str(error.code)) from None
        if error.code == http.HTTPStatus.NOT_FOUND:
            raise UpdateRefused("no_release", path) from None
        raise Interrupted(str(error)) from None
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(str(error)) from error
    return answer


def _read(answer: http.client.HTTPResponse, most: int) -> bytes:
    try:
        return answer.read(most)
    except (OSError, http.client.HTTPException) as error:
        raise Interrupted(str(error)) from error
