"""A whole visit at a screen: broker, controller, agent, window; fingers type the code, the screen does the rest."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest

from kiosk_agent.local import secret as secrets
from ppm.parts.broker import Binary
from tests.end_to_end.stage import Room, Stage
from tests.support.waiting import wait_until
from tests.support.x import Display

pytestmark = pytest.mark.timeout(180)
LONG_S = 60
LOCK = "Poste Public Manager"


@contextmanager
def kiosk(room: Room, display: Display, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The program of a poste, as a service starts it."""
    account = room.accounts[0]
    environment = display.environment | {
        "PPM_BROKER_URL": f"mqtt://127.0.0.1:{room.broker.postes_port}", "PPM_BROKER_PASSWORD": account.password,
        "PPM_SITE": room.slug, "PPM_POSTE": account.name, "PPM_STATE_DIR": str(folder), "PPM_LOG_FORMAT": "json",
    }  # fmt: skip
    with (folder / "kiosk.log").open("ab") as log:
        running = subprocess.Popen(
            [sys.executable, "-m", "ppm", "kiosk", "--window"], env=environment, stderr=log
        )
        try:
            yield running
        finally:
            with suppress(ProcessLookupError):
                running.terminate()
            running.wait(20)


def window_of(room: Room, folder: Path) -> int:
    told = folder / room.accounts[0].name / "window.pid"
    return int(told.read_text()) if told.exists() and told.read_text() else 0


def locked(display: Display) -> bool:
    return bool(display.windows(LOCK))


def test_a_code_typed_at_the_window_opens_it_and_the_end_of_the_grace_locks_it(
    mosquitto_binary: Binary, tmp_path: Path
) -> None:
    with Stage(tmp_path, mosquitto_binary) as stage, Display(tmp_path) as display:
        room = stage.room("accueil", politique={"grace_s": 3})
        stage.controller("one", room).start()
        session, code = stage.create(room, 6)
        with kiosk(room, display, tmp_path) as agent:
            wait_until(lambda: stage.is_seen(room[0]), LONG_S, "seen by the desk")
            wait_until(lambda: locked(display), LONG_S, "a lock")
            assert (tmp_path / "kiosk.log").exists()
            _type_until_open(display, code)
            wait_until(lambda: locked(display), LONG_S, "the lock is back")
            ended = "SELECT statut, motif_fin FROM session WHERE id = :id"
            wait_until(
                lambda: stage.rows(ended, id=session) == [("expiree", "duree_ecoulee")], LONG_S, "expired"
            )
            assert agent.poll() is None
        assert not display.windows(LOCK), "a service that is stopped takes its window with it"
        assert code.encode() not in (tmp_path / "kiosk.log").read_bytes()


def test_a_killed_agent_leaves_the_lock_and_the_next_one_goes_on_with_the_session(
    mosquitto_binary: Binary, tmp_path: Path
) -> None:
    with Stage(tmp_path, mosquitto_binary) as stage, Display(tmp_path) as display:
        room = stage.room("accueil")
        stage.controller("one", room).start()
        _, code = stage.create(room, 600)
        with kiosk(room, display, tmp_path) as agent:
            wait_until(lambda: stage.is_seen(room[0]), LONG_S, "seen by the desk")
            _type_until_open(display, code)
            window = window_of(room, tmp_path)
            agent.send_signal(signal.SIGKILL)
            wait_until(lambda: locked(display), LONG_S, "the window locks by itself")
            os.kill(window, 0)
            display.type(code)
            display.press("Return")
        assert locked(display), "without an agent it is a lock and stays one"
        with kiosk(room, display, tmp_path):
            wait_until(lambda: not locked(display), LONG_S, "the session goes on")
            assert window_of(room, tmp_path) == window, "at the same window"


def test_a_window_is_told_no_secret_of_the_agent(mosquitto_binary: Binary, tmp_path: Path) -> None:
    with Stage(tmp_path, mosquitto_binary) as stage, Display(tmp_path) as display:
        room = stage.room("accueil")
        with kiosk(room, display, tmp_path):
            window = wait_until(lambda: window_of(room, tmp_path), LONG_S, "a window")
            environment = Path(f"/proc/{window}/environ").read_bytes()
            assert room.accounts[0].password.encode() not in environment
            assert not re.search(rb"(^|\0)PPM_", environment)


def test_a_technician_opens_a_poste_with_no_server_at_its_lock_screen(
    mosquitto_binary: Binary, tmp_path: Path
) -> None:
    secret = "une lampe verte"
    with Stage(tmp_path, mosquitto_binary) as stage, Display(tmp_path) as display:
        room = stage.room("accueil")
        room.broker.stop()
        secrets.write(tmp_path / room.accounts[0].name, secret)
        with kiosk(room, display, tmp_path):
            wait_until(lambda: locked(display), LONG_S, "a lock")
            for typed in ("une lampe rouge", ""):
                _ask_to_open(display, typed, "serveur en panne")
                with suppress(AssertionError):
                    wait_until(lambda: not locked(display), 2)
                assert locked(display), "the account of the window proves nothing"

            def opened() -> bool:
                _ask_to_open(display, secret, "serveur en panne")
                with suppress(AssertionError):
                    wait_until(lambda: not locked(display), 5)
                return not locked(display)

            wait_until(opened, LONG_S, "the secret opens it")
            kept = msgspec.json.decode((tmp_path / room.accounts[0].name / "state.json").read_bytes())
            assert kept["by_hand"], kept


def _ask_to_open(display: Display, secret: str, reason: str) -> None:
    """Ctrl+Alt+O, and what its page asks."""
    display.press("Escape", "ctrl+alt+o")
    display.type(secret)
    display.press("Return")
    display.type(reason)
    display.press("Return")


def _type_until_open(display: Display, code: str) -> None:
    """Type as a visitor does; who sees that nothing came of it types it again."""

    def opened() -> bool:
        display.press("Escape")
        display.type(code.lower())
        display.press("Return")
        with suppress(AssertionError):
            wait_until(lambda: not locked(display), 5)
        return not locked(display)

    wait_until(lambda: locked(display), LONG_S, "a lock")
    wait_until(opened, LONG_S, "the code opens it")
