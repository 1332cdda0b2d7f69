"""Statements that wait for the next one: what fails is still told, and nothing of it is kept."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from fleet.database.listing import Page
from fleet.database.tables import slug_retired
from fleet.database.trips import LATER, Line
from fleet.usecases import endings, session_views, sessions
from fleet.usecases.session_views import SessionFilter
from fleet.usecases.sessions import NewSession
from tests.support.rooms import Room

_RETIRE = slug_retired.insert().execution_options(**LATER)


pytestmark = pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # SQLite makes no trips


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """What is sent, a line for each trip."""
    sent: list[bytes] = []
    together, run = Line.together, Line._run

    def noted_together(line: Line, text: bytes) -> bytes:
        sent.append(whole := together(line, text))
        return whole

    def noted_run(line: Line, texts: list[bytes]) -> str | None:
        sent.append(b";".join(texts))
        return run(line, texts)

    with monkeypatch.context() as patch:
        patch.setattr(Line, "together", noted_together)
        patch.setattr(Line, "_run", noted_run)
        yield sent


def test_a_code_and_added_time_take_three_trips_each(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    _visit(room, monkeypatch)  # prepares the statements
    for_code, for_time = _visit(room, monkeypatch)
    assert (len(for_code), len(for_time)) == (3, 3)
    assert for_code[0].startswith(b"BEGIN")
    assert for_code[-1].endswith(b"COMMIT")


def test_a_new_session_takes_three_trips_and_looking_at_sessions_one(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = _seen(room)  # prepares the statements
    with counted(monkeypatch) as trips:
        sessions.create(room.fleet, room.actor, NewSession(room.site_id, 3600))
    assert len(trips) == 3
    with counted(monkeypatch) as trips:
        session_views.one(room.fleet, room.actor, made)
        session_views.search(room.fleet, room.actor, SessionFilter(statuts=["en_attente"]), Page())
    assert len(trips) == 2


def test_sessions_that_end_take_two_trips(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    _ended(room, monkeypatch)  # prepares the statements
    assert len(_ended(room, monkeypatch)) == 2


def _ended(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    due = [room.running(poste=poste) for poste in room.postes]
    for session in due:
        room.pass_time(session, minutes=62)
    with counted(monkeypatch) as trips:
        endings.end_due(room.fleet, room.lease, due)
    assert {room.row(one).statut for one in due} == {"expiree"}
    return trips


def _seen(room: Room) -> int:
    made = sessions.create(room.fleet, room.actor, NewSession(room.site_id, 3600)).session_id
    session_views.one(room.fleet, room.actor, made)
    return made


def _visit(room: Room, monkeypatch: pytest.MonkeyPatch) -> tuple[list[bytes], list[bytes]]:
    new, sent = room.new(3600), []
    for work in (
        lambda: room.type(new.code, room.postes[0]),
        lambda: sessions.add_time(room.fleet, room.actor, new.session_id, 60),
    ):
        with counted(monkeypatch) as trips:
            work()
        sent.append(trips)
    sessions.terminate(room.fleet, room.actor, new.session_id)
    return sent[0], sent[1]


def test_what_waits_is_kept_with_the_commit(room: Room) -> None:
    with room.tx() as tx:
        tx.execute(_RETIRE, {"slug": "old"})
    with room.tx() as tx:
        assert tx.execute(select(slug_retired.c.slug)).scalars().all() == ["old"]


def test_what_waits_and_fails_is_told_and_nothing_is_kept(room: Room) -> None:
    with room.tx() as tx:
        tx.execute(_RETIRE, {"slug": "old"})

    def repeat() -> None:
        with room.tx() as tx:
            tx.execute(_RETIRE, {"slug": "other"})
            tx.execute(_RETIRE, {"slug": "old"})

    with pytest.raises(IntegrityError):
        repeat()
    with room.tx() as tx:
        assert tx.execute(select(slug_retired.c.slug)).scalars().all() == ["old"]


def test_a_transaction_that_has_failed_cannot_be_committed(room: Room) -> None:
    def swallow() -> None:
        with room.tx() as tx:
            tx.execute(_RETIRE, {"slug": "lost"})
            with pytest.raises(DBAPIError):
                tx.connection.exec_driver_sql("SELECT 1/0")

    with pytest.raises(DBAPIError, match="failed cannot be committed"):
        swallow()
    with room.tx() as tx:
        assert tx.execute(select(func.count()).select_from(slug_retired)).scalar_one() == 0


def test_a_connection_that_is_lost_while_something_waits_says_so(room: Room) -> None:
    def lose() -> None:
        with room.tx() as tx:
            pid = tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            tx.execute(_RETIRE, {"slug": "lost"})
            with room.tx() as other:
                other.connection.exec_driver_sql("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises(DBAPIError) as lost:
        lose()
    assert isinstance(lost.value.orig, psycopg2.OperationalError)
    with room.tx() as tx:
        assert tx.execute(select(func.count()).select_from(slug_retired)).scalar_one() == 0
