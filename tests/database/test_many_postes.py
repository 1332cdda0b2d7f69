"""Many postes speak in one batch: what one of them says or runs into costs no other anything."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError

from fleet.database import outbox
from fleet.database import sessions as rows
from fleet.usecases import acks, events, kiosk, sessions
from protocol import messages
from tests.support.rooms import BOOT, Room

FAR = "9" * 30
"""More digits than a row has."""


def _ack(room: Room, poste: int, session: str, left_ms: int, **more: Any) -> tuple[int, messages.Ack]:
    said = {"id": acks.DESIRED, "boot": BOOT, "status": "done", "rev": room.wanted(poste).rev, **more}
    return poste, messages.Ack(term=1, session=session, remaining_ms=left_ms, **said)


class TestSessionsThatCannotBe:
    def test_an_ack_for_one_does_not_cost_another_poste_its_confirmation(self, room: Room) -> None:
        made = room.new()
        room.type(made.code, room.postes[0])
        bad = _ack(room, room.postes[1], FAR, 0)
        acks.applied(
            room.fleet, room.lease, [bad, _ack(room, room.postes[0], str(made.session_id), 3_600_000)]
        )
        assert room.row(made.session_id).confirmer_avant is None

    def test_an_event_of_one_is_kept_without_it(self, room: Room) -> None:
        told = messages.Warned(n=1, boot=BOOT, left_s=300, session=FAR)
        assert events.happened(room.fleet, room.lease, [(room.postes[0], told)]) == 1
        assert [entry.session_id for entry in room.log("avertissement")] == [None]

    def test_its_end_is_answered_with_what_to_do(self, room: Room) -> None:
        asked = messages.Ending(id="e", nonce="n", boot=BOOT, session=FAR)
        assert kiosk.ending(room.fleet, room.lease, room.postes[0], asked).wanted.session is None

    def test_more_time_for_one_is_refused(self, room: Room) -> None:
        asked = messages.Extend(id="e", nonce="n", boot=BOOT, session=FAR)
        reason = room.refusal(kiosk.extend, room.fleet, room.lease, room.postes[0], asked)
        assert reason == "session_inconnue"


class TestResyncsAtOnce:
    def test_one_that_fails_does_not_cost_the_others_their_answer(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _break(monkeypatch, room.postes[0], _failure("40P01"))
        answers = kiosk.resync_all(room.fleet, room.lease, _restarts(room))
        assert set(answers) == set(room.postes[1:])

    def test_a_database_that_is_gone_is_told_at_once(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        _break(monkeypatch, room.postes[0], _failure("57P01"))
        with pytest.raises(OperationalError):
            kiosk.resync_all(room.fleet, room.lease, _restarts(room))


def _restarts(room: Room) -> list[tuple[int, messages.Resync, datetime | None]]:
    for poste in room.postes:
        room.running(poste=poste)
    said: dict[str, Any] = {"nonce": "n", "boot": "boot-2", "term": 1, "rev": 0, "phase": "locked"}
    return [(poste, messages.Resync(id=f"r{poste}", **said), datetime.now(UTC)) for poste in room.postes]


class _Said(Exception):
    pgcode = ""


def _failure(state: str) -> DBAPIError:
    said = _Said()
    said.pgcode = state
    return OperationalError("SELECT", {}, said)


def _break(monkeypatch: pytest.MonkeyPatch, poste: int, error: Exception) -> None:
    resync = kiosk.resync

    def broken(fleet: Any, lease: Any, poste_id: int, *told: Any) -> kiosk.Yes:
        if poste_id == poste:
            raise error
        return resync(fleet, lease, poste_id, *told)

    monkeypatch.setattr(kiosk, "resync", broken)


class TestEvents:
    def test_one_that_comes_twice_in_a_batch_is_acted_on_once(self, room: Room) -> None:
        told = (room.postes[0], messages.Warned(n=1, boot=BOOT, left_s=300))
        assert events.happened(room.fleet, room.lease, [told, told]) == 1
        assert len(room.log("avertissement")) == 1


class TestOrder:
    def test_two_batches_that_meet_wait_for_each_other_and_never_both(self, room: Room) -> None:
        """Each in the order in which it was told, they would hold what the other waits for."""
        running = [room.running(poste=poste) for poste in room.postes]
        for session_id in running:
            room.pass_time(session_id, minutes=60, seconds=20)
            sessions.add_time(room.fleet, room.actor, session_id, 60)
        together, failures = threading.Barrier(2), list[BaseException]()

        def work(step: int) -> None:
            told = [
                _ack(room, poste, str(session_id), 0, status="refused", reason="ending")
                for session_id, poste in list(zip(running, room.postes, strict=True))[::step]
            ]
            for n in range(20):
                together.wait(10)
                try:
                    acks.applied(room.fleet, room.lease, told)
                    with room.tx() as tx:
                        outbox.mark_sent(tx, [(poste, n + 10) for poste in room.postes[::step]])
                except DBAPIError as error:
                    failures.append(error)

        threads = [threading.Thread(target=work, args=(step,)) for step in (1, -1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert failures == []
        assert [room.row(session_id).statut for session_id in running] == ["expiree"] * 3
        assert [room.wanted(poste).session for poste in room.postes] == [None] * 3
        assert len(room.log("expiration")) == 3

    def test_acks_lock_sessions_and_postes_in_the_order_of_their_ids(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = [room.new() for _ in room.postes]
        for one, poste in zip(made, room.postes, strict=True):
            room.type(one.code, poste)
        locked: list[int] = []
        look = rows.locked

        def noted(tx: Any, session_id: int) -> Any:
            locked.append(session_id)
            return look(tx, session_id)

        monkeypatch.setattr(rows, "locked", noted)
        told = [
            _ack(room, poste, str(one.session_id), 3_600_000)
            for one, poste in reversed(list(zip(made, room.postes, strict=True)))
        ]
        acks.applied(room.fleet, room.lease, told)
        assert locked == sorted(one.session_id for one in made)
