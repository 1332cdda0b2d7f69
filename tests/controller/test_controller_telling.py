"""What is told to postes is told for sure: a refusal until the broker has it, an event noted only when it is kept.
Nothing of it is about who sits there."""

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from controller.noting import TRIES, Unkept
from fleet.database import tables
from fleet.domain.actor import SYSTEM
from fleet.usecases import bookings, extensions, kiosk, queue, sessions
from fleet.usecases.bookings import NewBooking
from fleet.usecases.queue import NewTicket
from protocol import messages
from tests.controller.conftest import Driven, Poste
from tests.support.mqtt import Wire
from tests.support.rooms import BOOT, Room
from tests.support.waiting import wait_until


def _trouble(n: int, detail: str = "", boot: str = BOOT) -> messages.Trouble:
    return messages.Trouble(n=n, boot=boot, what="tampering", detail=detail)


def _kept(room: Room) -> int:
    with room.fleet.database.read() as tx:
        return tx.execute(select(func.count()).select_from(tables.poste_event)).scalar_one()


def test_a_refusal_of_more_time_outlives_a_broker_that_is_away(driven: Driven) -> None:
    room = driven.room
    asked = messages.Extend(id="e1", nonce="n1", boot=BOOT, session=str(room.running()))
    kiosk.extend(room.fleet, room.lease, room.postes[0], asked)
    driven.broker.stop()
    with driven.controller(linked=False) as running:
        extensions.refuse(room.fleet, room.actor, int(asked.session))
        wait_until(lambda: running.driver and not running.driver.inbox.time_refused, 5, "tried")
        assert len(extensions.untold(room.fleet, room.site_id)) == 1
        listening = threading.Event()
        running.do(listening.wait, 10)  # a controller that was back first would tell nobody
        driven.broker.start()
        with driven.poste() as poste:
            listening.set()
            no = poste.hears(messages.Refused)
            assert (no.id, no.nonce, no.reason) == ("e1", "n1", extensions.REFUSED)
            wait_until(lambda: not extensions.untold(room.fleet, room.site_id), 5, "marked as told")


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_an_event_that_cannot_be_kept_is_not_noted_by_a_higher_one(driven: Driven) -> None:
    with driven.controller() as running, driven.poste() as poste:
        driver = running.driver
        assert driver is not None

        def tell(*events: messages.Event) -> None:
            for event in events:
                driver.inbox.events.append((poste.slug, event))
            driver.inbox.woken.set()

        unstorable = _trouble(2, "\0")  # PostgreSQL keeps no NUL; the codec would have refused it
        running.do(tell, _trouble(1), unstorable, _trouble(3))
        wait_until(lambda: _kept(driven.room) == 2, 10, "those that can be kept are kept")
        assert poste.hears(messages.Noted).n == 1
        running.do(tell, _trouble(4))
        wait_until(lambda: _kept(driven.room) == 3, 10, "a later one is kept")
        for _ in range(TRIES - 1):
            running.do(tell, unstorable)
        running.do(tell, _trouble(5))
        wait_until(
            lambda: poste.heard(messages.Noted)[-1].n == 5, 10, "given up, so that the others are noted"
        )
        assert {one.n for one in poste.heard(messages.Noted)} <= {1, 2, 5}


def test_what_failed_once_and_is_kept_later_holds_up_nothing() -> None:
    unkept, place = Unkept(), ("p1", BOOT)
    assert not unkept.failed("p1", _trouble(3))
    seen: dict[str, Any] = {
        "below": unkept.notable("p1", _trouble(2)),
        "above": unkept.notable("p1", _trouble(4)),
        "of another boot": unkept.notable("p1", _trouble(4, boot="boot-2")),
        "of another poste": unkept.notable("p2", _trouble(4)),
    }
    assert seen == {"below": True, "above": False, "of another boot": True, "of another poste": True}
    unkept.settled(place[0], _trouble(3))
    assert unkept.notable("p1", _trouble(4))


def test_what_fails_is_logged_without_the_words_of_the_error(
    driven: Driven, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: Any) -> None:
        raise ValueError("Marie Payet")

    with driven.controller(), driven.poste() as poste:
        monkeypatch.setattr(kiosk, "resync_all", failing)
        poste.appear()
        (line,) = wait_until(lambda: [one for one in caplog.records if one.message == "service_failed"], 10)
    assert vars(line)["error"] == "ValueError"
    assert "failing" in vars(line)["at"][0]
    assert "Marie" not in caplog.text


def test_nothing_about_a_person_travels(driven: Driven) -> None:
    room, broker = driven.room, driven.broker
    fields = {"nom": "Zitte", "prenom": "Ursule", "email": "u.zitte@exemple.re", "telephone": "+262692998877"}
    person = room.person(**fields, notes="vient avec sa canne", categorie="retraite")
    start = datetime.now(UTC) + timedelta(minutes=5)
    later = NewBooking(room.postes[1], start, start + timedelta(hours=1), person, notes="pour Ursule")
    bookings.create(room.fleet, room.actor, later)
    with Wire(broker.services_port, broker.observer, client_id="observer") as observer:
        observer.subscribe("ppm/#")
        with driven.controller(), driven.poste() as poste:
            poste.appear()
            made = room.new(600, poste=room.postes[0], person=person)
            sessions.start(room.fleet, SYSTEM, made.session_id)
            queue.join(room.fleet, room.actor, NewTicket(room.site_id, 600, prenom="Ursule"))
            for act in (sessions.suspend, sessions.resume, sessions.terminate):
                act(room.fleet, SYSTEM, made.session_id)
                rev = room.wanted(room.postes[0]).rev
                wait_until(lambda rev=rev: rev in _revs(poste), 10, f"rev {rev} told")  # type: ignore[misc]
    said = [*observer.messages, *poste.wire.messages]
    assert any(str(made.session_id) in _words(one.payload) for one in said)
    personal = (*fields.values(), "canne", "retraite")
    assert [
        one for one in said if any(word in f"{one.topic} {_words(one.payload)}" for word in personal)
    ] == []


def _revs(poste: Poste) -> set[int]:
    return {one.rev for one in poste.heard(messages.Desired)}


def _words(payload: bytes) -> str:
    """Without the escapes of JSON, which would hide an accent."""
    return json.dumps(json.loads(payload), ensure_ascii=False) if payload else ""
