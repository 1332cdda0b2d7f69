"""Documents of a visitor that wait for paper, or were printed and are still there."""

import contextlib
import re
import socket
import struct
import subprocess
from pathlib import Path

from kiosk_agent.platform.linux.wiping import Tally

SPOOL = Path("/var/spool/cups")
_SERVICE = "/run/cups/cups.sock"
_OWNER = b"job-originating-user-name"
_PATIENCE_S = 10


def cancel(account: str, spool: Path = SPOOL) -> Tally:
    """Purge the jobs of an account, then remove the files that are left where no print service answers."""
    done = Tally()
    for name in jobs(account):
        _purge(account, name.rpartition("-")[2])
        done.count += 1
    for file in job_files(account, spool):
        with contextlib.suppress(FileNotFoundError):
            done.add(file.lstat())
            file.unlink()
    return done


def jobs(account: str) -> list[str]:
    """What the print service has of an account, told under its name: to others it may not say whose a job is."""
    return [line.split()[0] for line in _ask("lpstat", "-U", account, "-W", "all", "-u", account)]


def job_files(account: str, spool: Path) -> list[Path]:
    """The files of an account's jobs. They are root's: whose they are is written in the first of each, as IPP.

    The service writes that one half a minute late, so that it has to be asked first.
    """
    name = account.encode()
    theirs = re.compile(re.escape(_OWNER + len(name).to_bytes(2, "big") + name), re.DOTALL)
    found: list[Path] = []
    for control in spool.glob("c[0-9]*") if spool.exists() else ():
        with contextlib.suppress(FileNotFoundError):
            if theirs.search(control.read_bytes()):
                found += [control, *spool.glob(f"d{control.name[1:]}-*")]
    return found


def _purge(account: str, number: str) -> None:
    """Ask the service to forget a job, document and title. What it did is seen by looking.

    Of Debian 12's programs, `cancel -x` with a job leaves all of it in the spool, with a user it takes root's jobs.
    """
    words = (
        (0x47, "attributes-charset", b"utf-8"), (0x48, "attributes-natural-language", b"en"),
        (0x45, "job-uri", f"ipp://localhost/jobs/{number}".encode()),
        (0x42, "requesting-user-name", account.encode()), (0x22, "purge-job", b"\1"),
    )  # fmt: skip
    body = b"\2\0\0\x08\0\0\0\1\1" + b"".join(_attribute(*word) for word in words) + b"\3"
    head = (
        "POST /jobs/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/ipp\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as service:
        service.settimeout(_PATIENCE_S)
        service.connect(_SERVICE)
        service.sendall(head.encode() + body)
        while service.recv(65536):
            pass


def _attribute(tag: int, name: str, value: bytes) -> bytes:
    """As IPP writes it (RFC 8010)."""
    return struct.pack(f">BH{len(name)}sH", tag, len(name), name.encode(), len(value)) + value


def _ask(*words: str) -> list[str]:
    """The lines that a program of the print service says; none where there is no such service."""
    try:
        told = subprocess.run(
            words, check=False, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL, capture_output=True
        )
    except FileNotFoundError:
        return []
    return [line for line in told.stdout.decode(errors="replace").splitlines() if line.strip()]
