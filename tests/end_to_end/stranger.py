"""The stranger's script as a process."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ppm.parts.broker import Account, PrivateBroker

SCRIPT = Path(__file__).with_name("stranger.sh")


class Stranger:
    """The running script; `lines` are what it has said."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def lines(self) -> list[str]:
        return self._log.read_text(encoding="utf-8").splitlines()

    def said(self, line: str) -> bool:
        """Whether one of its lines begins so."""
        return any(one.startswith(line) for one in self.lines)

    def exit_code(self, timeout_s: float = 10) -> int:
        return self.process.wait(timeout_s)

    def vanish(self) -> None:
        """As when the power goes."""
        os.killpg(self.process.pid, signal.SIGKILL)


@contextmanager
def stranger(
    broker: PrivateBroker, site: str, listen: Account, speak: Account, code: str, folder: Path
) -> Iterator[Stranger]:
    """A stranger's poste that types a code; it is gone afterwards."""
    log = folder / "stranger.log"
    path = f"{broker.binary.sub.parent}:{os.environ['PATH']}"
    settings = {
        "PATH": path, "HOST": broker.host, "SITE": site, "POSTE": listen.name, "ROOT": broker.root,
        "LISTEN_PORT": str(broker.postes_port), "LISTEN_PASSWORD": listen.password,
        "SPEAK_PORT": str(broker.services_port), "SPEAK_USER": speak.name, "SPEAK_PASSWORD": speak.password,
        "HEARTBEAT_MS": "1000", "PATIENCE_S": "30", "TMPDIR": str(folder),
    }  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", str(SCRIPT), code], stdout=output, stderr=output, start_new_session=True,
            env={**broker.binary.environment, **settings},
        )  # fmt: skip
    try:
        yield Stranger(process, log)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(5)
