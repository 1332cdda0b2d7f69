"""`ppm kiosk enrol`, `renew` and `announce`: how a machine becomes a poste, stays one, and asks to be one."""

import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

import click

from kiosk_agent import enrolling
from kiosk_agent.broker import next_to
from kiosk_agent.enrolling import EnrolError, EnrolRefused, Server
from ppm import kept_lines
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.setting_values import Settings
from protocol.enrolment import Enrolled, read_label

PASSWORD, AUTHORITY = "broker.password", "ca.pem"
_ca = click.option(
    "--ca-sha256", "digest", metavar="HEX",
    help="The fingerprint of the server's authority, as the enrolment shows it; without it the system's are believed.",
)  # fmt: skip
_file = click.option(
    "--settings", "file", type=click.Path(dir_okay=False, path_type=Path),
    help="The poste's settings file, if not that of PPM_SETTINGS_FILE or of `ppm kiosk install`.",
)  # fmt: skip


@click.command()
@click.argument("server", required=False)
@_ca
@_file
@output.json_option
def enrol(server: str | None, digest: str | None, file: Path | None, as_json: bool) -> None:
    """Become the poste that an enrolment was opened for, and write that into the settings file.

    The token is asked for, or read from the standard input. Without SERVER, what is asked for is the line of the
    enrolment's QR code, which a reader may type. The server is made sure of before anything is told to it. The
    password, in a file of its own (0600), and the server's authority go beside the settings. Start the agent after it.
    """
    where = _settings_file(file)
    server, digest, token = _wanted(server, digest)
    sure = _sure(server, digest)
    kept = where.parent / PASSWORD
    password, is_new = _next_password(kept)
    try:
        made = enrolling.enrol(sure, token, password, enrolling.this_machine())
    except EnrolRefused as error:
        _forget_if(kept, is_new)
        raise CommandFailed(str(error)) from None
    except EnrolError as error:
        raise CommandFailed(f"{error}; the same command may be given again") from None
    _keep(where, sure, made)
    output.done(
        f"this machine is {made.poste} now, at {made.site}", {"poste": made.poste, "site": made.site}, as_json
    )


@click.command()
@output.json_option
def renew(as_json: bool) -> None:
    """Change this poste's password at the broker. The agent comes back with the new one by itself, within a second.

    Both are on the disk until the server has answered; if it does not, give the same command again.
    """
    settings = Settings.load()
    kept, poste = settings.file_of(table.BROKER_PASSWORD), settings[table.POSTE]
    if kept is None:
        raise CommandFailed(
            "PPM_BROKER_PASSWORD_FILE is not set: a password that is not in a file cannot be renewed"
        )
    authority = settings.get(table.BROKER_CA_FILE)
    old, (new, is_new) = kept.read_text(encoding="utf-8").strip(), _next_password(kept)
    try:
        server = enrolling.known(settings[table.API_URL], authority.read_text("ascii") if authority else None)
        enrolling.renew(server, poste, old, new)
    except EnrolRefused as error:
        _forget_if(kept, is_new)
        raise CommandFailed(str(error)) from None
    except EnrolError as error:
        raise CommandFailed(f"{error}; the same command may be given again") from None
    next_to(kept).replace(kept)
    output.done(f"{poste} has another password now", {"poste": poste}, as_json)


@click.command()
@click.argument("server")
@_ca
@output.json_option
def announce(server: str, digest: str | None, as_json: bool) -> None:
    """Have this machine listed among those that ask to be enrolled. It joins nothing by that."""
    sure, machine = _sure(server, digest), enrolling.this_machine()
    try:
        enrolling.announce(sure, machine)
    except EnrolError as error:
        raise CommandFailed(str(error)) from None
    output.done(
        f"{machine.nom} is on the list ({machine.empreinte[:12]})", {"empreinte": machine.empreinte}, as_json
    )


def _settings_file(given: Path | None) -> Path:
    named = os.environ.get(table.SETTINGS_FILE.name)
    if given is not None or named:
        return given or Path(str(named))
    if sys.platform == "win32":
        from kiosk_agent.platform.windows.places import Places

        return Places.here().program_data / "Poste Public Manager" / "ppm.env"
    return Path("/etc/poste-public/ppm.env")


def _wanted(server: str | None, digest: str | None) -> tuple[str, str | None, str]:
    """The server, the fingerprint of its authority, and the token. Raises CommandFailed."""
    what = "token" if server else "line of the enrolment"
    typed = click.prompt(what, hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    token = str(typed).strip()
    if server is None:
        try:
            server, shown, token = read_label(token)
        except ValueError as error:
            raise CommandFailed(
                f"{error}: give the server's address, or the whole line of its QR code"
            ) from None
        if digest is not None and _plain(digest) != shown:
            raise CommandFailed("--ca-sha256: the line of the enrolment names another fingerprint")
        digest = shown
    if not token:
        raise CommandFailed("no token was given")
    return server.rstrip("/"), digest, token


def _sure(server: str, digest: str | None) -> Server:
    """The server, made sure of. Raises CommandFailed."""
    plain = _plain(digest) if digest else None
    if plain is not None and not re.fullmatch(r"[0-9a-f]{64}", plain):
        raise CommandFailed("--ca-sha256: a fingerprint is 64 hexadecimal digits")
    try:
        return enrolling.certain(server.rstrip("/"), plain)
    except EnrolError as error:
        raise CommandFailed(str(error)) from None


def _plain(digest: str) -> str:
    return re.sub(r"[:\s]", "", digest).lower()


def _next_password(kept: Path) -> tuple[str, bool]:
    """The one that is on the disk since an answer was lost, else a new one, which is there before anybody is told; and
    whether it is new.
    """
    path = next_to(kept)
    if path.exists():
        return path.read_text(encoding="utf-8").strip(), False
    made = secrets.token_urlsafe(24)
    path.parent.mkdir(parents=True, exist_ok=True)
    kept_lines.replace(path, f"{made}\n", 0o600)
    return made, True


def _forget_if(kept: Path, is_new: bool) -> None:
    """One that was told before may be the one that the server knows, whatever was wrong this time."""
    if is_new:
        next_to(kept).unlink()


def _keep(where: Path, server: Server, made: Enrolled) -> None:
    folder = where.parent
    if made.autorite is not None:
        kept_lines.replace(folder / AUTHORITY, made.autorite, 0o644)
    kept_lines.set_lines(where, _lines(folder, server, made))
    next_to(folder / PASSWORD).replace(
        folder / PASSWORD
    )  # last: until then the same command does all of it again


def _lines(folder: Path, server: Server, made: Enrolled) -> Mapping[str, str | None]:
    password = table.BROKER_PASSWORD.name
    return {
        table.SITE.name: made.site,
        table.POSTE.name: made.poste,
        table.BROKER_URL.name: made.courtier,
        password: None,
        f"{password}_FILE": str(folder / PASSWORD),
        table.BROKER_CA_FILE.name: str(folder / AUTHORITY) if made.autorite is not None else None,
        table.MQTT_ROOT.name: made.racine,
        table.API_URL.name: server.url,
    }
