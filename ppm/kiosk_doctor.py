"""What is wrong with a poste, seen from the poste itself, each with its remedy. Needs nothing of the server."""

import ctypes
import email.utils
import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from kiosk_agent.broker import Broker
from kiosk_agent.local import by_hand, secret
from kiosk_agent.updating.release import UpdateRefused
from kiosk_agent.updating.slots import Slots
from ppm import addresses, window
from ppm import settings as table
from ppm.commands.kiosk_technician import socket_of
from ppm.doctor import Check, Finding, State, owner, secret_file, values, versions
from ppm.homes import state_home
from ppm.setting_values import Settings

CLOCK_S = 60.0
"""The poste keeps its time by another clock: this one only has to be right enough for certificates."""
SOON_DAYS = 30
LEAST_FREE = 100 << 20
PATIENCE_S = 5.0
_LIBRARIES = {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libEGL.so.1": "libegl1",
}
"""What Qt loads for X, and the package of Debian that has it."""
_POWERFUL = {"root", "sudo", "wheel", "adm", "disk", "shadow", "docker", "lpadmin", "netdev"}


def broker(settings: Settings) -> Iterator[Finding]:
    """It is there, and its certificate is good for its name. Nobody logs in: that would cut off the agent."""
    where = addresses.for_poste(settings, settings[table.POSTE])
    try:
        connection = socket.create_connection((where.host, where.port), timeout=PATIENCE_S)
    except OSError as error:
        remedy = "look at the cable, the switch and the server; set PPM_BROKER_URL right"
        yield Finding("broker", "failed", f"{where.host}:{where.port}: {error}", remedy)
        return
    with connection:
        yield Finding(
            "broker",
            "ok",
            f"{where.host}:{where.port} accepts connections from {connection.getsockname()[0]}",
        )
        yield _certificate(where, connection)


def _certificate(where: Broker, connection: socket.socket) -> Finding:
    if where.tls is None:
        return Finding("tls", "absent", "the way to the broker is not encrypted (mqtt://)")
    try:
        context = ssl.create_default_context(cafile=where.tls.ca)
        if where.tls.certificate is not None:
            context.load_cert_chain(where.tls.certificate, where.tls.key)
        with context.wrap_socket(connection, server_hostname=where.host) as secured:
            until = str((secured.getpeercert() or {}).get("notAfter", ""))
    except (OSError, ValueError) as error:
        remedy = "give the right PPM_BROKER_CA_FILE, a certificate for this name, and look at the clock"
        return Finding("tls", "failed", f"{where.host}: {error}", remedy)
    days = int((ssl.cert_time_to_seconds(until) - time.time()) // 86_400)
    state: State = "ok" if days >= SOON_DAYS else "failed"
    return Finding(
        "tls", state, f"the broker's certificate ends in {days} days", "renew the broker's certificate"
    )


def agent(settings: Settings) -> Iterator[Finding]:
    """It runs, and has reached the broker with its account."""
    path = socket_of(settings)
    try:
        answer = by_hand.ask(path, by_hand.Look())
    except (OSError, ValueError) as error:
        remedy = "systemctl start the poste's unit, and look at its journal"
        yield Finding("agent", "failed", f"{path}: {error}", remedy)
        return
    if answer.refused is not None:
        yield Finding("agent", "absent", "it runs; root sees more", "")
        return
    state: State = "ok" if answer.online else "failed"
    said = f"{answer.software}, {answer.phase}, {'connected' if answer.online else 'not connected to the broker'}"
    remedy = "if the broker is there: the account (PPM_POSTE, PPM_BROKER_PASSWORD) is wrong, or used twice"
    yield Finding("agent", state, said, remedy)


def files(settings: Settings) -> Iterator[Finding]:
    """Secrets are closed to others, and the poste's own folder is its own, writable, with room."""
    for name, path in settings.secret_files():
        yield secret_file(name, path)
    folder = (settings.get(table.STATE_DIR) or state_home()) / settings[table.POSTE]
    if not folder.is_dir():
        yield Finding(
            "folder",
            "failed",
            f"{folder} is not there",
            f"start the agent once, or: mkdir -m 700 -p {folder}",
        )
        return
    mode, free = folder.stat().st_mode & 0o777, shutil.disk_usage(folder).free
    if mode & 0o077:
        yield Finding("folder", "failed", f"{folder} is open to others ({mode:04o})", f"chmod 700 {folder}")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield Finding(
            "folder", "failed", f"{folder} of {owner(folder)} is not writable here", "be root, or chown it"
        )
    else:
        yield Finding("folder", "ok", f"{folder}, of {owner(folder)}, {mode:04o}")
    state: State = "ok" if free >= LEAST_FREE else "failed"
    yield Finding(
        "disk",
        state,
        f"{free >> 20} MB free for {folder}",
        "make room: a poste on a full disk opens for nobody",
    )
    set_here = secret.is_set(folder)
    yield Finding(
        "technician", "ok" if set_here else "absent",
        "a secret is set" if set_here else "no secret is set: only root opens this poste by hand (ppm kiosk secret)",
    )  # fmt: skip


def clock(settings: Settings) -> Iterator[Finding]:
    """This clock and the server's agree well enough for certificates."""
    if not settings.is_set(table.API_URL):
        yield Finding("clock", "absent", "PPM_API_URL is not set: there is nothing to compare with")
        return
    url = settings[table.API_URL]
    try:
        there = _date_of(url, settings.get(table.BROKER_CA_FILE))
    except (OSError, ValueError, TypeError, http.client.HTTPException) as error:
        yield Finding("server", "failed", f"{url}: {error}", "start the API, or set PPM_API_URL right")
        return
    yield Finding("server", "ok", f"{url} answers")
    offset = time.time() - there
    state: State = "ok" if abs(offset) <= CLOCK_S else "failed"
    yield Finding(
        "clock", state, f"{offset:+.0f} s from the server", "keep it right: apt-get install systemd-timesyncd"
    )


def _date_of(url: str, ca: Path | None) -> float:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https":
        context = ssl.create_default_context()
        if ca is not None:
            context.load_verify_locations(ca)
        caller: http.client.HTTPConnection = http.client.HTTPSConnection(
            host, parts.port, timeout=PATIENCE_S, context=context
        )
    else:
        caller = http.client.HTTPConnection(host, parts.port, timeout=PATIENCE_S)
    try:
        caller.request("GET", f"{parts.path}/api/health/live")
        return email.utils.parsedate_to_datetime(caller.getresponse().headers["Date"]).timestamp()
    finally:
        caller.close()


def account(settings: Settings) -> Iterator[Finding]:
    """The window runs under an account that can do nothing."""
    name = settings.get(table.WINDOW_USER)
    if name is None or sys.platform == "win32":
        yield Finding("account", "absent", "PPM_WINDOW_USER is not set: a window runs as the agent does")
        return
    import grp
    import pwd

    try:
        found = pwd.getpwnam(name)
    except KeyError:
        yield Finding(
            "account", "failed", f"there is no account {name!r}", f"adduser --system --group {name}"
        )
        return
    ids = os.getgrouplist(name, found.pw_gid)
    strong = sorted({one.gr_name for one in grp.getgrall() if one.gr_gid in ids} & _POWERFUL)
    if found.pw_uid == 0 or strong:
        what = f"{name} may too much: {', '.join(strong) or 'it is root'}"
        yield Finding("account", "failed", what, f"take it out of these groups: gpasswd -d {name} GROUP")
    else:
        yield Finding("account", "ok", f"{name}, without any right")


def libraries(_settings: Settings) -> Iterator[Finding]:
    """What Qt needs of X, where there is Qt."""
    if not window.is_installed():
        yield Finding("window", "absent", "PySide6 is not installed: this poste has no window")
        return
    missing = [package for library, package in _LIBRARIES.items() if not _loads(library)]
    state: State = "failed" if missing else "ok"
    said = f"missing: {', '.join(missing)}" if missing else "Qt finds its libraries"
    yield Finding("libraries", state, said, f"apt-get install {' '.join(missing)}")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def units(_settings: Settings) -> Iterator[Finding]:
    """The services of this poste run."""
    systemctl = shutil.which("systemctl")
    if systemctl is None or not Path("/run/systemd/system").is_dir():
        yield Finding("units", "absent", "systemd does not run here")
        return
    listed = subprocess.run(
        [systemctl, "list-units", "--all", "--plain", "--no-legend", "ppm-*.service"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    ).stdout.splitlines()  # fmt: skip
    found = {line.split()[0]: line.split()[2] for line in listed if len(line.split()) > 2}
    if not found:
        yield Finding("units", "absent", "no unit ppm-*.service is here")
    for name, state in found.items():
        failed = state == "failed" or (name == "ppm-kiosk.service" and state != "active")
        yield Finding("units", "failed" if failed else "ok", f"{name}: {state}", f"journalctl -u {name}")


def updates(settings: Settings) -> Iterator[Finding]:
    """Another version could be installed when that is ordered."""
    folder = settings.get(table.SLOTS_DIR)
    if folder is None:
        yield Finding(
            "updates", "absent", "PPM_SLOTS_DIR is not set: no version is ever installed by an order"
        )
        return
    slots = Slots(folder)
    try:
        current = slots.current
    except UpdateRefused as error:
        yield Finding("updates", "failed", f"{folder}: {error}", "make the slots: docs/updates.md")
        return
    missing = [
        name for name in ("start.py", f"{current}/{slots.layout.python}") if not (folder / name).exists()
    ]
    if missing:
        yield Finding(
            "updates", "failed", f"{folder} lacks {', '.join(missing)}", "make the slots: docs/updates.md"
        )
        return
    unset = [one.name for one in (table.RELEASE_PUBLIC_KEY, table.POSTE_KEY) if not settings.is_set(one)]
    if unset:
        yield Finding("updates", "failed", f"not set: {', '.join(unset)}", "set them; see docs/settings.md")
        return
    under_way = slots.update()
    said = f"slot {current} runs" + (f", {under_way.version} is {under_way.stage}" if under_way else "")
    yield Finding("updates", "ok", said)


CHECKS: tuple[Check, ...] = (
    values, versions, broker, agent, files, clock, account, libraries, units, updates,
)  # fmt: skip
