"""`ppm kiosk unlock`, `lock` and `secret`: a technician at the machine itself."""

import sys
from pathlib import Path
from typing import IO

import click

from kiosk_agent.local import by_hand
from kiosk_agent.local import secret as secrets
from kiosk_agent.local.by_hand import Answer, Asked, Close, Unlock
from kiosk_agent.platform.windows.real.pipes import name
from ppm import settings as table
from ppm.cli import CommandFailed
from ppm.commands import output
from ppm.homes import state_home
from ppm.setting_values import Settings

_MOST_MINUTES = by_hand.MOST_S // 60
_REFUSED = {
    "forbidden": "be root, or give the secret of this poste with --ask",
    "wait": "too many wrong secrets",
    "session_here": "a visitor's session is here: end it at the desk, or at the screen",
    "cleaning": "it is being cleaned; try again in a moment",
    "open_already": "it is open already",
    "failed": "the machine did not open; see the log of the agent",
}
_ask_secret = click.option("--ask", "ask_secret", is_flag=True, help="Ask for the secret of this poste.")
_socket = click.option(
    "--socket", "socket_path", type=click.Path(path_type=Path), help="Where the agent listens, if not by the settings."
)  # fmt: skip


@click.command()
@click.option("--reason", required=True, help="Why, in a few words, for the journal; name nobody.")
@click.option(
    "--minutes", type=click.IntRange(1, _MOST_MINUTES), default=15, show_default=True, help="For how long at most."
)  # fmt: skip
@_ask_secret
@_socket
@output.json_option
def unlock(reason: str, minutes: int, ask_secret: bool, socket_path: Path | None, as_json: bool) -> None:
    """Open this machine without the server, for a technician, for a while.

    Refused while a visitor's session is here. It locks by itself, is cleaned, and both are told in the journal once
    the link is back.
    """
    if not 3 <= len(reason) <= 300:
        raise CommandFailed("--reason: from 3 to 300 characters")
    answer = _asked(socket_path, Unlock(reason=reason, seconds=60 * minutes, secret=_secret(ask_secret)))
    output.done(f"open for {minutes} min; ppm kiosk lock ends it", {"phase": answer.phase}, as_json)


@click.command()
@_ask_secret
@_socket
@output.json_option
def lock(ask_secret: bool, socket_path: Path | None, as_json: bool) -> None:
    """Lock this machine again, which a technician opened. A visitor's session is left alone."""
    answer = _asked(socket_path, Close(secret=_secret(ask_secret)))
    output.done(f"now: {answer.phase}", {"phase": answer.phase}, as_json)


@click.command()
@click.option("--from-file", type=click.File(), help="The first line of this file; - is the standard input.")
@output.json_option
def secret(from_file: IO[str] | None, as_json: bool) -> None:
    """Choose the secret by which a technician who is not root opens this poste. There is none by default."""
    settings = Settings.load()
    folder = (settings.get(table.STATE_DIR) or state_home()) / settings[table.POSTE]
    typed = (
        from_file.readline().rstrip("\r\n")
        if from_file is not None
        else click.prompt("secret", hide_input=True, confirmation_prompt=True)
    )
    try:
        secrets.write(folder, typed)
    except ValueError as error:
        raise CommandFailed(str(error)) from None
    output.done("the secret is set", {"file": str(folder / secrets.FILE)}, as_json)


def socket_of(settings: Settings) -> Path:
    """Where the agent of this machine listens for technicians. Raises SettingError."""
    if sys.platform == "win32":
        return by_hand.beside(Path(name(settings[table.POSTE])))
    window = settings.get(table.WINDOW_SOCKET)
    return by_hand.beside(
        window or (settings.get(table.STATE_DIR) or state_home()) / settings[table.POSTE] / "window"
    )


def _secret(ask: bool) -> str:
    return str(click.prompt("secret", hide_input=True)) if ask else ""


def _asked(path: Path | None, asked: Asked) -> Answer:
    where = path or socket_of(Settings.load())
    try:
        answer = by_hand.ask(where, asked)
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{where}: no agent answers there ({error})") from None
    if answer.refused is not None:
        wait = f"; wait {answer.wait_s} s" if answer.wait_s else ""
        raise CommandFailed(f"refused: {_REFUSED.get(answer.refused, answer.refused)}{wait}")
    return answer
