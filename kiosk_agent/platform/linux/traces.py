"""Files that tell of a visitor and are not the visitor's: root made them, with the account in their name."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

from kiosk_agent.platform.linux.account import Account
from kiosk_agent.platform.linux.wiping import Opened, Tally, remove

_OF_NAME = (
    "/var/lib/systemd/linger/{name}", "/var/spool/cron/crontabs/{name}", "/var/spool/cron/{name}",
    "/var/mail/{name}", "/run/sudo/ts/{name}", "/var/lib/sudo/ts/{name}", "/var/lib/sudo/lectured/{name}",
    "/run/sudo/ts/{uid}", "/run/faillock/{name}", "/var/cache/cups-pdf/{name}", "/var/spool/cups-pdf/{name}",
)  # fmt: skip
_OF_PATTERN = (
    ("/var/lib/systemd/coredump", "core.*.{uid}.*"),
    ("/var/log/journal", "*/user-{uid}.journal"),
    ("/var/log/journal", "*/user-{uid}@*.journal*"),
    ("/run/log/journal", "*/user-{uid}.journal"),
    ("/run/log/journal", "*/user-{uid}@*.journal*"),
)
_SYSTEMD = Path("/run/systemd/system")
_PATIENCE_S = 10


def traces(account: Account) -> Iterator[Path]:
    """Those that there are."""
    words = {"name": account.name, "uid": account.uid}
    for path in _OF_NAME:
        one = Path(path.format(**words))
        if one.is_symlink() or one.exists():
            yield one
    for folder, pattern in _OF_PATTERN:
        yield from Path(folder).glob(pattern.format(**words))


def remove_traces(account: Account) -> Tally:
    """Remove them. The journal first closes what it writes of this visitor."""
    done = Tally()
    _ask("journalctl", "--rotate")
    for one in list(traces(account)):
        with contextlib.suppress(OSError), Opened(None, str(one.parent)) as folder:
            remove(folder, one.name, done)
    return done


def end_sessions(account: Account) -> None:
    """Let the login manager forget the account: it makes a new folder in /run/user for the next visitor."""
    _ask("loginctl", "terminate-user", account.name)


def _ask(*words: str) -> None:
    """Ask systemd, where it runs. What it did is seen by looking."""
    if not _SYSTEMD.exists():
        return
    with contextlib.suppress(FileNotFoundError, subprocess.TimeoutExpired):
        subprocess.run(words, check=False, timeout=_PATIENCE_S, stdin=subprocess.DEVNULL, capture_output=True)
