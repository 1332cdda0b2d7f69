"""A session goes on at another poste: no time is lost, and two machines measured it."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.database.sessions import to_session
from fleet.domain.actor import LECTEUR, Actor
from fleet.usecases import acks, endings, events, kiosk, sessions, transfers
from protocol import messages
from tests.support.rooms import BOOT, Room

HOUR_MS = 3_600_000


def _move(room: Room, session: int, to: int) -> None:
    transfers.transfer(room.fleet, room.actor, session, room.postes[to])


def _aged(room: Room, session: int, seconds: int) -> None:
    """Let so many seconds of a running session have passed."""
    with room.tx() as tx:
        mine = tables.session.c.id == session
        earlier = timedelta(seconds=seconds)
        row = tx.execute(select(tables.session).where(mine)).one()
        values = {"fin_prevue": row.fin_prevue - earlier, "debut_session": row.debut_session - earlier}
        tx.execute(update(tables.session).where(mine).values(**values))


def _moved_since(room: Room, seconds: int) -> None:
    with room.tx() as tx:
        known = tables.transfer.c
        row = tx.execute(select(tables.transfer)).one()
        tx.execute(
            update(tables.transfer).values({known.created_at: row.created_at - timedelta(seconds=seconds)})
        )


def _locked_and_says(room: Room, poste: int, session: int, left_ms: int, measured_rev: int) -> None:
    """The poste that was left has locked, and tells what it measured."""
    wanted = room.wanted(poste)
    ack = messages.Ack(
        id=acks.DESIRED, boot=BOOT, status="done", term=room.lease.term, rev=wanted.rev,
        session=str(session), remaining_ms=left_ms, measured_rev=measured_rev,
    )  # fmt: skip
    acks.applied(room.fleet, room.lease, [(poste, ack)])


def _left_ms(room: Room, session: int) -> int:
    with room.fleet.database.read() as tx:
        row = tx.execute(select(tables.session).where(tables.session.c.id == session)).one()
        return to_session(row).remaining_ms(tx.now)


def test_one_poste_is_freed_and_the_other_taken_with_all_the_time(room: Room) -> None:
    first, second, _ = room.postes
    session = room.running()
    _aged(room, session, 600)
    _move(room, session, 1)
    left, here = room.wanted(first), room.wanted(second)
    assert left.session is None
    assert (left.reason, here.reason) == ("transfert", "transfert_ici")
    assert here.session is not None
    assert (here.session.id, here.session.boot) == (session, BOOT)
    assert here.session.confirm_by is not None
    assert abs(_left_ms(room, session) - (HOUR_MS - 600_000)) < 5_000
    (line,) = room.log("transfert_session")
    assert (line.poste_id, line.metadata["de"], line.metadata["vers"]) == (second, left.slug, here.slug)
    room.done(second, session, here.session.left_ms or 0)
    assert room.row(session).confirmer_avant is None
    assert room.ledger(session) == [("initial", HOUR_MS)]


def test_the_poste_that_is_left_settles_nothing_when_it_agrees(room: Room) -> None:
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _aged(room, session, 600)
    _move(room, session, 1)
    rev, left = room.wanted(second).rev, _left_ms(room, session)
    _moved_since(room, 3)
    _locked_and_says(room, first, session, left - 2_000, before)
    assert (_left_ms(room, session), room.wanted(second).rev) == (left, rev)


def test_what_a_fault_had_locked_is_given_back_and_told(room: Room) -> None:
    """The server counted on while the first poste was locked by a fault: its own measure is right."""
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _aged(room, session, 600)
    _move(room, session, 1)
    left, rev = _left_ms(room, session), room.wanted(second).rev
    _locked_and_says(room, first, session, left + 120_000, before)
    assert _left_ms(room, session) == left + 120_000
    assert room.wanted(second).rev == rev + 1
    room.done(second, session, left, rev=rev)
    assert abs(_left_ms(room, session) - left - 120_000) < 5_000
    _locked_and_says(room, first, session, left + 500_000, before)
    assert abs(_left_ms(room, session) - left - 120_000) < 5_000


def test_what_was_used_before_is_used_though_the_server_thought_otherwise(room: Room) -> None:
    first, _, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _move(room, session, 1)
    left = _left_ms(room, session)
    _moved_since(room, 1)
    _locked_and_says(room, first, session, left - 61_000, before)
    assert abs(_left_ms(room, session) - (left - 60_000)) < 1_000


def test_time_that_the_first_poste_was_not_told_of_is_not_counted_twice(room: Room) -> None:
    first, second, _ = room.postes
    for _ in range(3):
        room.type(room.new(600).code, first)
        sessions.terminate(room.fleet, room.actor, _on(room, first))
    session = room.running()
    told = room.wanted(first).rev
    sessions.add_time(room.fleet, room.actor, session, 900)
    _move(room, session, 1)
    left = _left_ms(room, session)
    _locked_and_says(room, first, session, left - 900_000, told)
    assert _left_ms(room, session) == left
    room.done(second, session, left)
    assert abs(_left_ms(room, session) - left) < 1_000


def _on(room: Room, poste: int) -> int:
    here = room.wanted(poste).session
    assert here is not None
    return here.id


def test_a_move_that_is_not_confirmed_gives_all_the_time_back(room: Room) -> None:
    session = room.running()
    _move(room, session, 1)
    left = _left_ms(room, session)
    with room.tx() as tx:
        past = tx.now - timedelta(seconds=1)
        tx.execute(update(tables.session).values(confirmer_avant=past))
    endings.end_due(room.fleet, room.lease, [session])
    row = room.row(session)
    assert (row.statut, row.motif_fin, row.restant_ms) == ("suspendue", "demarrage_non_confirme", left)
    assert row.poste_id == room.postes[1]


def test_a_paused_session_stays_paused_and_its_code_opens_the_new_poste(room: Room) -> None:
    made = room.new()
    room.type(made.code, room.postes[0])
    room.done(room.postes[0], made.session_id, HOUR_MS)
    room.resync(room.postes[0], boot="boot-2")
    assert room.row(made.session_id).motif_fin == "redemarrage"
    room.presence(room.postes[0], online=False)
    _move(room, made.session_id, 1)
    assert room.refusal(room.type, made.code, room.postes[0]) == "code_autre_poste"
    room.type(made.code, room.postes[1])
    assert room.row(made.session_id).statut == "active"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ({"online": False}, "poste_hors_ligne"),
        ({"phase": "cleaning"}, "poste_en_nettoyage"),
    ],
)
def test_a_poste_that_is_absent_or_being_cleaned_is_no_place(
    room: Room, what: dict[str, object], reason: str
) -> None:
    session = room.running()
    room.presence(room.postes[1], **what)
    assert room.refusal(_move, room, session, 1) == reason
    assert room.wanted(room.postes[0]).session is not None


def test_a_taken_an_awaited_and_the_own_poste_are_no_place(room: Room) -> None:
    session = room.running()
    room.running(poste=room.postes[1])
    room.new(poste=room.postes[2])
    assert room.refusal(_move, room, session, 0) == "deja_sur_ce_poste"
    assert room.refusal(_move, room, session, 1) == "poste_occupe"
    assert room.refusal(_move, room, session, 2) == "poste_deja_reserve"
    assert room.log("transfert_session") == []
    assert len(room.log("refus")) == 3


def test_a_session_that_is_over_or_only_read_is_not_moved(room: Room) -> None:
    session = room.running()
    reader = Actor(role=LECTEUR)
    assert room.refusal(transfers.transfer, room.fleet, reader, session, room.postes[1]) == "role_insuffisant"
    sessions.terminate(room.fleet, room.actor, session)
    assert room.refusal(_move, room, session, 1) == "transition_interdite"


def test_two_sessions_change_places(room: Room) -> None:
    first, second, _ = room.postes
    one, other = room.running(), room.running(1800, poste=second)
    lefts = _left_ms(room, one), _left_ms(room, other)
    transfers.swap(room.fleet, room.actor, one, other)
    assert (_on(room, first), _on(room, second)) == (other, one)
    assert room.wanted(first).rev == room.wanted(second).rev
    now = _left_ms(room, one), _left_ms(room, other)
    assert all(0 <= was - is_ < 5_000 for was, is_ in zip(lefts, now, strict=True))
    assert len(room.log("transfert_session")) == 2
    assert room.refusal(transfers.swap, room.fleet, room.actor, one, one) == "meme_session"


def _refuses(room: Room, poste: int, session: int, measured_rev: int | None, left_ms: int = 0) -> None:
    """The poste wipes what that very session left there, and takes no more of it."""
    ack = messages.Ack(
        id=acks.DESIRED, boot=BOOT, status="refused", reason="ending", term=room.lease.term,
        rev=room.wanted(poste).rev, session=str(session), remaining_ms=left_ms, measured_rev=measured_rev,
    )  # fmt: skip
    acks.applied(room.fleet, room.lease, [(poste, ack)])


def _cleaned(room: Room, poste: int) -> None:
    events.happened(room.fleet, room.lease, [(poste, messages.Cleaned(n=1, boot=BOOT, ms=300))])


def test_a_poste_that_has_not_said_that_it_was_left_is_no_place_to_come_back_to(room: Room) -> None:
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _move(room, session, 1)
    room.done(second, session, _left_ms(room, session))
    assert room.refusal(_move, room, session, 0) == "poste_en_nettoyage"
    _locked_and_says(room, first, session, _left_ms(room, session), before)
    _move(room, session, 0)
    assert _on(room, first) == session


@pytest.mark.parametrize("names_rev", [True, False])
def test_a_session_that_comes_back_while_its_files_are_wiped_waits_for_the_end_of_that(
    room: Room, names_rev: bool
) -> None:
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _move(room, session, 1)
    _locked_and_says(room, first, session, _left_ms(room, session), before)
    room.done(second, session, _left_ms(room, session))
    _move(room, session, 0)
    left, rev = _left_ms(room, session), room.wanted(first).rev
    _refuses(room, first, session, before if names_rev else None)
    assert (_on(room, first), _left_ms(room, session), room.wanted(first).rev) == (session, left, rev)
    _cleaned(room, first)
    assert (room.wanted(first).rev, room.wanted(first).reason) == (rev + 1, "transfert_ici")
    room.done(first, session, left)
    assert room.row(session).confirmer_avant is None
    _cleaned(room, first)
    assert room.wanted(first).rev == rev + 1


def test_a_session_that_came_back_and_was_ended_by_its_visitor_is_over(room: Room) -> None:
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _move(room, session, 1)
    _locked_and_says(room, first, session, _left_ms(room, session), before)
    room.done(second, session, _left_ms(room, session))
    _move(room, session, 0)
    held = room.wanted(first).rev
    room.done(first, session, _left_ms(room, session))
    sessions.add_time(room.fleet, room.actor, session, 300)
    _refuses(room, first, session, held, HOUR_MS - 60_000)
    assert (room.row(session).statut, room.row(session).motif_fin) == ("terminee", "fin_visiteur")


def test_a_correction_of_a_session_that_is_over_survives_the_measure_of_its_last_poste(room: Room) -> None:
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _aged(room, session, 600)
    _move(room, session, 1)
    held, left = room.wanted(second).rev, _left_ms(room, session)
    room.done(second, session, left)
    sessions.terminate(room.fleet, room.actor, session)
    _locked_and_says(room, first, session, left + 120_000, before)
    _locked_and_says(room, second, session, left - 10_000, held)
    assert room.row(session).restant_ms == left + 110_000


def _came_back(room: Room) -> tuple[int, int, int]:
    """A session that was moved from the first poste to the second and back: with the rev of its first stay."""
    first, second, _ = room.postes
    session = room.running()
    before = room.wanted(first).rev
    _move(room, session, 1)
    _locked_and_says(room, first, session, _left_ms(room, session), before)
    room.done(second, session, _left_ms(room, session))
    _move(room, session, 0)
    room.done(first, session, _left_ms(room, session))
    return session, first, before


def test_an_end_that_was_told_before_the_session_left_and_came_back_ends_nothing(room: Room) -> None:
    session, first, before = _came_back(room)
    asked = messages.Ending(
        id="e-1", nonce="n", boot=BOOT, session=str(session), remaining_ms=60_000, rev=before
    )
    assert kiosk.ending(room.fleet, room.lease, first, asked).wanted.session is not None
    assert room.row(session).statut == "active"


def test_what_a_poste_measured_in_an_earlier_stay_is_not_what_was_left_in_the_last(room: Room) -> None:
    session, first, before = _came_back(room)
    sessions.terminate(room.fleet, room.actor, session)
    left = room.row(session).restant_ms
    _locked_and_says(room, first, session, 60_000, before)
    told = messages.Ended(
        n=7, boot=BOOT, session=str(session), reason="expired", remaining_ms=60_000, rev=before
    )
    events.happened(room.fleet, room.lease, [(first, told)])
    assert room.row(session).restant_ms == left
