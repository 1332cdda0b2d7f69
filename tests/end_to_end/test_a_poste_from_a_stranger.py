"""docs/protocol.md is enough to write a poste: a shell script that knows nothing else lives a whole visit.

It talks to the real controller, over the database, as any poste does.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ppm.parts.broker import Binary
from ppm.parts.postgres import PrivatePostgres
from protocol import codec, topics
from protocol.messages import Status
from tests.end_to_end.stage import Room, Stage
from tests.end_to_end.stranger import Stranger, stranger
from tests.support.mqtt import Wire
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(90)

VISIT = """\
connected
subscribed
online
asked resync
asked start
unlocked
warned 10 s
grace 1000 ms
locked locked
free
bye""".splitlines()


@dataclass
class Place:
    """A site that the real controller drives, and an account for the stranger's poste."""

    stage: Stage
    room: Room

    def stranger(self, code: str, folder: Path) -> AbstractContextManager[Stranger]:
        broker, listen = self.room.broker, self.room.accounts[0]
        speak = broker.add_stand_in(self.room.slug, listen.name)
        return stranger(broker, self.room.slug, listen, speak, code, folder)

    def statut(self, session: int) -> tuple[str, str | None]:
        return self.stage.rows("SELECT statut, motif_fin FROM session WHERE id = :id", id=session)[0]

    def wait_statut(self, session: int, *wanted: str | None) -> None:
        wait_until(lambda: self.statut(session) == wanted, 15, f"{wanted}")


@pytest.fixture
def place(mosquitto_binary: Binary, postgres: PrivatePostgres, tmp_path: Path) -> Iterator[Place]:
    with Stage(tmp_path, mosquitto_binary, postgres) as stage:
        room = stage.room("ailleurs")
        stage.open_desk()
        stage.controller("controller", room).start()
        yield Place(stage, room)


def test_a_stranger_lives_a_whole_visit(place: Place, tmp_path: Path) -> None:
    session, code = place.stage.create(place.room, 12)
    with place.stranger(code.lower(), tmp_path) as poste:
        place.wait_statut(session, "active", None)
        assert poste.exit_code(40) == 0
    assert _steps(poste) == VISIT
    told = [line.split()[-1] for line in poste.lines if line.startswith("event")]
    assert told in (
        ["warned", "ended", "cleaned"],
        ["warned", "cleaned"],
    )  # the controller may be quicker to end it
    assert poste.said(f"noted {len(told)}")
    assert place.statut(session) == ("expiree", "duree_ecoulee")
    place.stage.wait_kept(place.room, "avertissement", 1)
    place.stage.wait_kept(place.room, "nettoyage_poste", 1)
    assert place.stage.wrong([]) == []


def _steps(poste: Stranger) -> list[str]:
    """What it did, in order. What it said to and heard from the controller meanwhile may come in another one.

    The retained state may come before the reply to a code, at which a poste asks what it should do: then twice.
    """
    told = ("heartbeat", "config", "holds", "acked", "event", "noted", "changed")
    lines = [re.sub(r"^unlocked .*", "unlocked", line) for line in poste.lines if not line.startswith(told)]
    first = lines.index("asked resync") if "asked resync" in lines else len(lines)
    return [line for at, line in enumerate(lines) if line != "asked resync" or at == first]


def test_a_stranger_shows_why_its_code_was_refused(place: Place, tmp_path: Path) -> None:
    with place.stranger("ZZZZZZ", tmp_path) as poste:
        assert poste.exit_code(20) == 2
    assert poste.said("refused start code_inconnu: Ce code")


def test_the_desk_extends_pauses_resumes_and_ends_the_session_of_a_stranger(
    place: Place, tmp_path: Path
) -> None:
    session, code = place.stage.create(place.room, 600)
    with place.stranger(code, tmp_path) as poste:
        place.wait_statut(session, "active", None)
        assert place.stage.act("add_time", session, seconds=900).ok
        wait_until(lambda: poste.said("changed by"), 20)
        assert place.stage.act("suspend", session).ok
        wait_until(lambda: poste.said("locked suspended"), 20)
        assert place.stage.act("resume", session).ok
        wait_until(lambda: sum(line.startswith("unlocked") for line in poste.lines) == 2, 20)
        assert place.stage.act("terminate", session).ok
        assert poste.exit_code(20) == 0
    assert place.statut(session) == ("terminee", "fin_operateur")
    rows = place.stage.rows(
        "SELECT rev, applied_rev FROM desired WHERE site_id = :site", site=place.room.site_id
    )
    assert all(rev == applied for rev, applied in rows)


def test_a_session_resumed_at_the_desk_makes_a_stranger_ask(place: Place, tmp_path: Path) -> None:
    session, code = place.stage.create(place.room, 600)
    with place.stranger(code, tmp_path) as poste:
        place.wait_statut(session, "active", None)
        assert place.stage.act("suspend", session).ok
        wait_until(lambda: poste.said("locked suspended"), 20)
        before = poste.lines.count("asked resync")
        assert place.stage.act("resume", session).ok
        wait_until(lambda: poste.lines.count("asked resync") == before + 1, 20)
        place.wait_statut(session, "active", None)


def test_a_stranger_that_vanishes_leaves_its_will(place: Place, tmp_path: Path) -> None:
    broker, slug = place.room.broker, place.room[0].slug
    _, code = place.stage.create(place.room, 600)
    with Wire(broker.services_port, broker.observer) as ear, place.stranger(code, tmp_path) as poste:
        ear.subscribe(topics.STATUS.path(place.room.slug, slug))
        wait_until(lambda: place.stage.is_seen(place.room[0]), 10)
        poste.vanish()
        told: list[Status] = wait_until(
            lambda: [
                status
                for message in ear.messages
                if not (status := codec.decode(topics.STATUS, message.payload)).online
            ]
        )
        assert (told[0].connection, told[0].reason) == (1, "lost")
        wait_until(lambda: not place.stage.is_seen(place.room[0]), 10)
