"""`ppm`: one word per program. Each is imported when it is called, so that a poste needs nothing of the server.

Exit codes: 0 done, 1 it failed, 2 the command line is wrong, 130 stopped by Ctrl-C before it
began. What fails on purpose is told in one line.
"""

import importlib
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import click
from click.shell_completion import CompletionItem

from ppm.setting import SettingError
from ppm.words import language

_PARTS = re.compile(r"\S+", re.ASCII)
"""What the spaces and line ends of a message part; the no-break spaces of French stay."""
_EXTRAS = {"paho": "kiosk", "PySide6": "kiosk-ui"}
"""Which extra brings a module that is not the server's."""
_OURS = (
    ("fleet.domain.errors", "FleetError"),
    ("ppm.parts.process", "PartError"),
    ("sqlalchemy.exc", "SQLAlchemyError"),
    ("aiomqtt", "MqttError"),
    ("httpx", "HTTPError"),
)
"""What programs raise on purpose. A module that was not imported has raised nothing."""


class CommandFailed(Exception):
    """The command could not do it; the message is the line that people read."""


@dataclass(frozen=True)
class Word:
    """A command: the module in `ppm.commands`, the name in it, and what the list of commands says of it."""

    module: str
    name: str
    help: str


WORDS = {
    "demo": Word("demo", "demo", "A whole room on this machine, until Ctrl-C."),
    "controller": Word("controller", "controller", "Own the time of every session, over MQTT."),
    "api": Word("api", "api", "Serve the REST API."),
    "kiosk": Word("kiosk", "kiosk", "Be a poste, with a face in this terminal."),
    "simulate": Word("simulate", "simulate", "Be many postes at once, with visitors if asked."),
    "migrate": Word("migrate", "migrate", "Wait for the database and bring it to this version."),
    "operator": Word("operator", "operator", "Members of staff with an account."),
    "site": Word("site", "site", "Places that have postes."),
    "poste": Word("poste", "poste", "Public computers, and their accounts at the broker."),
    "release": Word("release", "release", "Signed versions of the agent, for postes to install."),
    "broker": Word("broker", "broker", "The broker's own files."),
    "session": Word("session", "session", "Visitors' turns: create, extend, pause, end."),
    "watch": Word("watch", "watch", "The traffic on MQTT in plain words, live."),
    "doctor": Word("doctor", "doctor", "What is wrong here, and its remedy."),
    "audit": Word("audit", "audit", "The audit trail and its chain."),
    "job": Word("job", "job", "What is done by the clock: list it, run it by hand."),
    "backup": Word("backup", "backup", "Back up the whole deployment now."),
    "restore": Word("restore", "restore", "Put a backup in the place of all that is there."),
}


class Lazy(click.Group):
    """A group that imports a command when it is called, and not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(WORDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in WORDS:
            return None
        word = WORDS[cmd_name]
        with _ended_at_once():
            found = getattr(importlib.import_module(f"ppm.commands.{word.module}"), word.name)
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, word.help) for name, word in WORDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        words = [
            CompletionItem(name, help=word.help)
            for name, word in WORDS.items()
            if name.startswith(incomplete)
        ]
        return words or super().shell_complete(ctx, incomplete)


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="poste-public-manager", message="%(version)s")
def ppm() -> None:
    """Poste Public Manager: lends public computers by the minute.

    Settings are PPM_* variables, or lines of the file that PPM_SETTINGS_FILE names: see docs/settings.md. Tables, the
    demo, and what was done to sites, postes, sessions, operators and jobs are told in French where LC_ALL,
    LC_MESSAGES or LANG begins with fr, else in English.
    """


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """Ctrl-C ends the process while nothing is open yet: some modules lose a KeyboardInterrupt as they load."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def run(words: Sequence[str] | None = None) -> int:
    """Do what these words say (those of the process by default). The exit code."""
    try:
        result = ppm.main(args=None if words is None else list(words), prog_name="ppm", standalone_mode=False)
    except click.Abort:
        return _failed("stopped", 130)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ModuleNotFoundError as error:
        return _missing(error)
    except BrokenPipeError:
        return _unread()
    except known_errors() as error:
        return _failed(explain(error))
    return result if isinstance(result, int) else 0


def known_errors() -> tuple[type[BaseException], ...]:
    """What is told in one line; anything else is a fault of ours and shows its trace."""
    loaded = ((sys.modules.get(module), name) for module, name in _OURS)
    return (
        CommandFailed,
        SettingError,
        OSError,
        *(getattr(module, name) for module, name in loaded if module),
    )


def explain(error: BaseException) -> str:
    """One line that says what went wrong."""
    if type(error).__name__ == "SchemaOutdated":
        return f"{error}; type: ppm migrate"
    said = str(getattr(error, "orig", None) or getattr(error, language(), None) or error)
    field = getattr(error, "field", None)
    line = " ".join(_PARTS.findall(said)) or type(error).__name__
    return f"{field}: {line}" if isinstance(field, str) else line


def _missing(error: ModuleNotFoundError) -> int:
    module = (error.name or "").partition(".")[0]
    if not module or module in ("ppm", "fleet", "api", "controller", "kiosk_agent", "mosquitto", "protocol"):
        raise error
    extra = _EXTRAS.get(module, "server")
    return _failed(f"{module} is not installed; type: pip install 'poste-public-manager[{extra}]'")


def _failed(line: str, code: int = 1) -> int:
    click.echo(f"ppm: {line}", err=True)
    return code


def main() -> None:
    """The console script.

    A reader of our output that leaves early (`ppm ... | head`) ends a command quietly. The signal that says so stays
    ignored, as Python has it: it is sent for every connection too, and a server would die of a caller that went.
    """
    code = run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _unread()
    sys.exit(code)


def _unread() -> int:
    """Nobody reads any more: what is still to be written goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1
