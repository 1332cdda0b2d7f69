"""What is told to postes is told for sure: a refusal until the broker has it, an event noted only when it is kept."""

from typing import Any

import pytest
from sqlalchemy import func, select

from controller.noting import TRIES, Unkept
from fleet.database import tables
from fleet.usecases import extensions, kiosk
from protocol import messages
from tests.controller.conftest import Driven
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
        driven.broker.start()
        with driven.poste() as poste:
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
