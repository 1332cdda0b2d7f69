"""An ending that was a mistake is taken back within a minute."""

from datetime import timedelta

from sqlalchemy import update

from fleet.database import tables
from fleet.usecases import acks, events, sessions, undo
from protocol import messages
from tests.support.rooms import BOOT, Room


def _ended(room: Room) -> tuple[int, str]:
    """A session of an hour that was ended by mistake, and its code."""
    made = room.new()
    room.type(made.code, room.postes[0])
    room.done(room.postes[0], made.session_id, 3_600_000)
    sessions.terminate(room.fleet, room.actor, made.session_id)
    return made.session_id, made.code


def _cleaned(room: Room, session: int) -> None:
    told = messages.Cleaned(n=1, boot=BOOT, session=str(session), ms=10, items=(), leftovers=())
    events.happened(room.fleet, room.lease, [(room.postes[0], told)])


def _ack(room: Room, status: messages.AckStatus, session: int, reason: str | None = None) -> None:
    poste = room.postes[0]
    ack = messages.Ack(
        id=acks.DESIRED, boot=BOOT, status=status, term=room.lease.term, rev=room.wanted(poste).rev,
        reason=reason, session=str(session),
    )  # fmt: skip
    acks.applied(room.fleet, room.lease, [(poste, ack)])


def test_it_is_paused_with_all_that_was_left_and_its_code_works_again(room: Room) -> None:
    session, code = _ended(room)
    assert undo.undo(room.fleet, room.actor, session) is None
    row = room.row(session)
    assert (row.statut, row.motif_fin, row.fin_session) == ("suspendue", "fin_annulee", None)
    assert 3_590_000 < row.restant_ms <= 3_600_000
    (line,) = room.log("annulation_fin")
    assert (line.session_id, line.metadata["fin"]) == (session, "fin_operateur")
    room.type(code, room.postes[0])
    assert room.row(session).statut == "active"


def test_the_desk_resumes_it_once_the_poste_is_clean(room: Room) -> None:
    """Resumed in the middle of its clean-up the poste would refuse, and the session would be over again."""
    session, _ = _ended(room)
    undo.undo(room.fleet, room.actor, session)
    _ack(room, "refused", session, "ending")
    assert room.row(session).statut == "suspendue"
    assert room.refusal(sessions.resume, room.fleet, room.actor, session) == "poste_en_nettoyage"
    rev = room.wanted(room.postes[0]).rev
    _cleaned(room, session)
    assert room.wanted(room.postes[0]).rev == rev + 1
    _ack(room, "done", session)
    sessions.resume(room.fleet, room.actor, session)
    assert room.row(session).statut == "active"


def test_a_poste_that_has_said_that_it_locked_was_wiped(room: Room) -> None:
    session, _ = _ended(room)
    room.done(room.postes[0], session, 3_000_000)
    assert undo.undo(room.fleet, room.actor, session) is True
    assert room.row(session).restant_ms == 3_000_000


def test_after_a_minute_it_is_too_late(room: Room) -> None:
    session, _ = _ended(room)
    with room.tx() as tx:
        tx.execute(update(tables.session).values(fin_session=tx.now - timedelta(seconds=61)))
    assert room.refusal(undo.undo, room.fleet, room.actor, session) == "trop_tard"


def test_a_poste_that_has_another_visitor_keeps_it(room: Room) -> None:
    session, _ = _ended(room)
    room.running(poste=room.postes[0])
    assert room.refusal(undo.undo, room.fleet, room.actor, session) == "poste_occupe"


def test_what_never_began_runs_still_or_ran_out_is_not_undone(room: Room) -> None:
    waiting = room.new().session_id
    running = room.running()
    assert room.refusal(undo.undo, room.fleet, room.actor, running) == "transition_interdite"
    sessions.cancel(room.fleet, room.actor, waiting)
    assert room.refusal(undo.undo, room.fleet, room.actor, waiting) == "transition_interdite"
    sessions.terminate(room.fleet, room.actor, running)
    with room.tx() as tx:
        mine = tables.session.c.id == running
        tx.execute(update(tables.session).where(mine).values(motif_fin="duree_ecoulee"))
    assert room.refusal(undo.undo, room.fleet, room.actor, running) == "fin_definitive"
    with room.tx() as tx:
        tx.execute(update(tables.session).where(mine).values(motif_fin="fin_visiteur", restant_ms=0))
    assert room.refusal(undo.undo, room.fleet, room.actor, running) == "rien_a_reprendre"
