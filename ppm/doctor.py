"""What is wrong here, each with its remedy. A check that has nothing to look at says so and fails nothing."""

import asyncio
import http.client
import json
import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from ppm import compose, demo_facts
from ppm import settings as table
from ppm.reachable import reachable
from ppm.setting import Setting, SettingError
from ppm.setting_values import Settings
from ppm.settings import FILE_NAMES, NAMES
from protocol.version import MAJOR, PROTOCOL

State = Literal["ok", "failed", "absent"]
CLOCK_S = 2.0
_PYTHON = (3, 11)
_LIBRARIES = ("paho-mqtt", "aiomqtt", "sqlalchemy", "psycopg2-binary", "litestar", "uvicorn")


@dataclass(frozen=True)
class Finding:
    """What one check found. `absent`: there is nothing here to check. `remedy` is for what failed."""

    check: str
    state: State
    found: str
    remedy: str = ""


Check = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, checks: Sequence[Check] | None = None) -> Iterator[Finding]:
    """Every finding, one check after the other; those of a server unless others are given."""
    told: set[str] = set()
    for check in CHECKS if checks is None else checks:
        for one in _examined(check, settings):
            if one.found not in told:  # a wrong value is met by every check that needs it
                yield one
            told.add(one.found)


def _examined(check: Check, settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except SettingError as error:
        yield Finding(check.__name__, "failed", str(error), "set it right; see docs/settings.md")


def values(settings: Settings) -> Iterator[Finding]:
    """Every value keeps its rule, and no PPM_ word of the environment is misspelt."""
    wrong = [str(error) for one in table.TABLE if (error := _broken(settings, one))]
    for said in wrong:
        yield Finding("settings", "failed", said, "set it right; see docs/settings.md")
    for name in sorted(set(os.environ) - NAMES - FILE_NAMES):
        if name.startswith("PPM_"):
            yield Finding("settings", "failed", f"{name} is no setting", "see docs/settings.md for its name")
    if not wrong:
        given = sum(settings.is_set(one) for one in table.TABLE)
        yield Finding("settings", "ok", f"{given} given, the rest by default")


def _broken(settings: Settings, one: "Setting[object]") -> SettingError | None:
    try:
        settings.get(one)
    except SettingError as error:
        return error
    return None


def kept(settings: Settings) -> Iterator[Finding]:
    """How long people are known: a controller does not start with what contradicts itself."""
    compose.check_kept(settings)
    people, sessions = settings[table.KEEP_PEOPLE_DAYS], settings[table.KEEP_SESSIONS_DAYS]
    yield Finding(
        "kept", "ok", f"people for {people} days after their last visit, whose it was for {sessions}"
    )


def versions(_settings: Settings) -> Iterator[Finding]:
    """What is installed here."""
    running = ".".join(map(str, sys.version_info[:3]))
    python: State = "ok" if sys.version_info >= _PYTHON else "failed"
    yield Finding("python", python, f"{running} on {platform.platform()}", "install Python 3.11 or newer")
    known = {name: _version(name) for name in ("poste-public-manager", *_LIBRARIES)}
    words = [f"{name} {number}" for name, number in known.items() if number]
    yield Finding("versions", "ok", ", ".join([*words, f"protocol {MAJOR}.{PROTOCOL}"]))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def demo(settings: Settings) -> Iterator[Finding]:
    """Whether one runs here: the checks that follow look at it for what is not set."""
    if demo_facts.read(settings) is not None:
        where = demo_facts.folder(settings)
        yield Finding("demo", "ok", f"one runs in {where}; it is looked at for what is not set")


def database(settings: Settings) -> Iterator[Finding]:
    """It answers, has the schema of this version, and agrees with this machine about the time."""
    settings = demo_facts.joined(settings, table.DATABASE_URL)
    if not settings.is_set(table.DATABASE_URL):
        yield Finding("database", "absent", "PPM_DATABASE_URL is not set, and no demo here tells of one")
        return
    from fleet.database import schema
    from fleet.database.engine import Database, DatabaseDown

    opened = Database(settings[table.DATABASE_URL], pool_size=1)
    shown = opened.url.render_as_string(hide_password=True)
    try:
        began = time.monotonic()
        revision = schema.current(opened)
        yield Finding("database", "ok", f"{shown} answers in {(time.monotonic() - began) * 1000:.0f} ms")
        yield _schema(revision, schema.head())
        yield _clock(opened)
    except DatabaseDown as error:
        said = " ".join(str(error).split())
        yield Finding("database", "failed", f"{shown}: {said}", _database_remedy(opened.url.database, shown))
    finally:
        opened.close()


def _database_remedy(name: str | None, shown: str) -> str:
    if not shown.startswith("sqlite"):
        return "start it, or set PPM_DATABASE_URL right"
    folder = Path(name or "").resolve().parent
    if not folder.is_dir():
        return f"mkdir -p {folder}, then: ppm migrate"
    return f"let {owner_name(os.getuid())} read and write {name} and its folder"


def _schema(found: str | None, wanted: str) -> Finding:
    if found == wanted:
        return Finding("schema", "ok", f"revision {found}")
    said = f"it is at {found}" if found else "the database is empty"
    return Finding("schema", "failed", f"{said}; this version needs {wanted}", "ppm migrate")


def _clock(opened: "object") -> Finding:
    from fleet.database.engine import Database, clock

    assert isinstance(opened, Database)
    with opened.read() as tx:
        before = datetime.now(UTC)
        there = clock(tx.connection)
        after = datetime.now(UTC)
    offset_s = (there - (before + (after - before) / 2)).total_seconds()
    state: State = "ok" if abs(offset_s) <= CLOCK_S else "failed"
    remedy = "keep both clocks right: apt-get install chrony, on both machines"
    return Finding("clock", state, f"the database is {offset_s:+.3f} s from here", remedy)


def broker(settings: Settings) -> Iterator[Finding]:
    """It is there, lets us in, and answers without the wait that Nagle's algorithm makes."""
    settings = demo_facts.joined(settings, table.BROKER_URL)
    where = settings.get(table.BROKER_URL)
    if where is None:
        yield Finding("broker", "absent", "PPM_BROKER_URL is not set, and no demo here tells of one")
        return
    try:
        socket.create_connection((where.host, where.port), timeout=5).close()
    except OSError as error:
        yield Finding("broker", "failed", f"{where.text}: {error}", "start it, or set PPM_BROKER_URL right")
        return
    yield Finding("broker", "ok", f"{where.text} accepts connections")
    from ppm.doctor_broker import talk

    yield from asyncio.run(talk(settings))


def mail(settings: Settings) -> Iterator[Finding]:
    """The mail server that is set answers and lets us in."""
    from ppm.doctor_mail import greeted

    yield from greeted(settings)


def ports(settings: Settings) -> Iterator[Finding]:
    """The API's port is free or is the API's."""
    settings = demo_facts.joined(settings, table.HTTP_PORT)
    host, port = settings[table.HTTP_HOST], settings[table.HTTP_PORT]
    if not _is_of_this_machine(host):
        yield Finding(
            "port", "failed", f"PPM_HTTP_HOST: {host} is no address here", "ip address, then set it"
        )
        return
    yield _http_port(host, port)
    if settings.is_set(table.MQTT_PORT):
        yield _mqtt_port(settings[table.MQTT_PORT])


def _mqtt_port(port: int) -> Finding:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) != 0:
            return Finding("port", "ok", f"PPM_MQTT_PORT: {port} is free for the demo's broker")
    return Finding("port", "absent", f"PPM_MQTT_PORT: {port} is in use; a demo that runs may be what has it")


def _is_of_this_machine(host: str) -> bool:
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return any(_binds(family, address) for family, _, _, _, address in found)


def _binds(family: int, address: tuple[Any, ...]) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address[0], 0))
        except OSError:
            return False
    return True


def _http_port(host: str, port: int) -> Finding:
    match _who_listens(reachable(host), port):
        case "nobody":
            return Finding("port", "ok", f"{port} is free for the API")
        case "api":
            return Finding("port", "ok", f"{port}: the API answers")
        case _:
            remedy = f"stop that program (ss -ltnp 'sport = :{port}' names it), or set PPM_HTTP_PORT"
            return Finding("port", "failed", f"{port} is taken by another program", remedy)


def _who_listens(host: str, port: int) -> Literal["nobody", "api", "another"]:
    caller = http.client.HTTPConnection(host.strip("[]"), port, timeout=3)
    try:
        caller.request("GET", "/api/health/live")
        return "api" if json.load(caller.getresponse()).get("statut") == "ok" else "another"
    except ConnectionRefusedError:
        return "nobody"
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return "another"
    finally:
        caller.close()


def folders(settings: Settings) -> Iterator[Finding]:
    """What we write is ours and writable; what is secret is closed to others."""
    for setting in (table.STATE_DIR, table.DATA_DIR, table.BROKER_DIR, table.BACKUP_DIR):
        folder = settings.get(setting)
        if folder is not None and setting is table.DATA_DIR and not folder.exists():
            yield Finding(
                "folders", "ok", f"{setting.name}: {folder} is not there yet; the demo will make it"
            )
        elif folder is not None:
            yield _folder(setting.name, folder)
    for name, path in settings.secret_files():
        yield secret_file(name, path)
    for setting in (table.BROKER_CA_FILE, table.BROKER_CERT_FILE, table.BROKER_KEY_FILE):
        file = settings.get(setting)
        if file is not None and not os.access(file, os.R_OK):
            yield Finding(
                "files", "failed", f"{setting.name}: {file} cannot be read", "put it there, readable"
            )


def _folder(name: str, folder: Path) -> Finding:
    if not folder.is_dir():
        return Finding("folders", "failed", f"{name}: {folder} is not there", f"mkdir -p {folder}")
    whose = owner(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        remedy = f"chown {owner_name(os.getuid())} {folder}"
        return Finding("folders", "failed", f"{name}: {folder} of {whose} is not writable here", remedy)
    return Finding("folders", "ok", f"{name}: {folder}, of {whose}")


def secret_file(name: str, path: Path) -> Finding:
    try:
        mode = path.stat().st_mode & 0o777
    except OSError as error:
        return Finding("secrets", "failed", f"{name}: {path}: {error.strerror}", "put it there, readable")
    if mode & 0o007:
        what = f"{name}: {path} of {owner(path)} is open to everybody ({mode:04o})"
        return Finding("secrets", "failed", what, f"chmod o-rwx {path}")
    return Finding("secrets", "ok", f"{name}: {path}, of {owner(path)}, {mode:04o}")


def owner(path: Path) -> str:
    return owner_name(path.stat().st_uid)


def owner_name(uid: int) -> str:
    try:
        import pwd

        return pwd.getpwuid(uid).pw_name
    except (ImportError, KeyError):
        return str(uid)


def accounts(settings: Settings) -> Iterator[Finding]:
    """Every poste of the database has an account at the broker whose files are here."""
    folder = settings.get(table.BROKER_DIR)
    if folder is None or not settings.is_set(table.DATABASE_URL):
        return
    from sqlalchemy import select
    from sqlalchemy.exc import SQLAlchemyError

    from fleet.database.engine import Database
    from fleet.database.tables import poste
    from ppm.broker_files import without_account

    opened = Database(settings[table.DATABASE_URL], pool_size=1)
    try:
        with opened.read() as tx:
            slugs = sorted(tx.execute(select(poste.c.slug)).scalars())
        missing = without_account(folder, slugs)
    except (SQLAlchemyError, OSError):
        return  # Told by the checks of the database and of the folders.
    finally:
        opened.close()
    if missing:
        remedy = f"ppm poste credential {' '.join(missing[:3])} --write, then reload the broker"
        yield Finding("accounts", "failed", f"no account at the broker: {', '.join(missing[:10])}", remedy)
    else:
        yield Finding(
            "accounts",
            "ok",
            f"{len(slugs)} {'poste has' if len(slugs) == 1 else 'postes have'} an account at the broker",
        )


CHECKS: tuple[Check, ...] = (values, kept, versions, demo, database, broker, mail, ports, folders, accounts)
