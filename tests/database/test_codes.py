"""A visitor types a code: who gets in, who waits, and what is told to whom."""

import threading
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.domain.errors import Refused
from fleet.usecases import endings, kiosk, sessions
from fleet.usecases.agreement import RESUMABLE
from protocol import messages
from tests.support.rooms import Room, make_room


def test_a_code_unlocks_with_the_whole_time_until_the_poste_confirms(room: Room) -> None:
    made, poste = room.new(1800), room.postes[0]
    yes = room.type(made.code.lower(), poste, request="q")
    assert yes.wanted.session is not None
    assert yes.wanted.session.remaining_ms(yes.now) == 1_800_000
    room.pass_time(made.session_id, seconds=5)
    again = room.type(made.code, poste, request="q")
    assert again.wanted.session is not None
    assert again.wanted.session.remaining_ms(again.now) == 1_800_000
    assert again.wanted.rev == yes.wanted.rev
    assert room.row(made.session_id).code_scelle is None
    assert [entry.metadata["par"] for entry in room.log("demarrage_session")] == ["code"]


def test_a_repeated_request_gets_the_same_answer_and_counts_once(room: Room) -> None:
    poste, code = room.postes[0], room.new().code
    assert room.refusal(room.type, "QQQQQQ", poste, request="a") == "code_inconnu"
    # Even when the world has changed: the request was answered.
    assert room.refusal(room.type, code, poste, request="a") == "code_inconnu"
    assert _failures(room, poste) == 1
    assert len(room.log("echec_code")) == 1
    room.type(code, poste, request="b")
    assert room.type("QQQQQQ", poste, request="b").wanted.session is not None


def test_a_code_opens_one_poste_only(room: Room) -> None:
    code = room.new().code
    room.type(code, room.postes[0])
    assert room.refusal(room.type, code, room.postes[1]) == "code_deja_utilise"
    assert room.refusal(room.type, code, room.postes[0]) == "code_deja_utilise"


def test_a_code_of_a_session_that_is_over_has_been_used(room: Room) -> None:
    made = room.new()
    room.type(made.code, room.postes[0])
    sessions.terminate(room.fleet, room.actor, made.session_id)
    assert room.refusal(room.type, made.code, room.postes[1]) == "code_deja_utilise"


def test_a_code_that_is_too_old_says_so_before_and_after_it_was_swept(room: Room) -> None:
    made = room.new()
    room.pass_time(made.session_id, hours=25)
    assert room.refusal(room.type, made.code, room.postes[0]) == "code_perime"
    assert endings.expire_codes(room.fleet, room.lease) == 1
    assert room.refusal(room.type, made.code, room.postes[0]) == "code_perime"


def test_a_code_names_its_poste_when_it_is_meant_for_another(room: Room) -> None:
    made = room.new(poste=room.postes[1])
    with pytest.raises(Refused, match="autre poste") as refused:
        room.type(made.code, room.postes[0])
    assert room.wanted(room.postes[1]).slug in refused.value.fr
    assert room.type(made.code, room.postes[1]).wanted.session is not None


def test_a_reserved_poste_takes_only_its_own_code(room: Room) -> None:
    room.new(poste=room.postes[0])
    assert room.refusal(room.type, room.new().code, room.postes[0]) == "poste_deja_reserve"


def test_each_code_that_names_a_reserved_poste_opens_it(room: Room) -> None:
    room.new(poste=room.postes[0])
    second = room.new(poste=room.postes[0])
    assert room.type(second.code, room.postes[0]).wanted.session is not None


def test_who_has_withdrawn_consent_starts_nothing_by_either_door(room: Room) -> None:
    person = room.person()
    typed, named = room.new(person=person), room.new(person=person, poste=room.postes[1])
    with room.tx() as tx:
        tx.execute(update(tables.utilisateur).values(consentement_rgpd=False))
    assert room.refusal(room.type, typed.code, room.postes[0]) == "consentement_absent"
    reason = room.refusal(sessions.start, room.fleet, room.actor, named.session_id)
    assert reason == "consentement_absent"


def test_a_visitor_reads_when_it_opens_as_people_say_it(room: Room) -> None:
    made, day = room.new(), (datetime.now(ZoneInfo("Indian/Reunion")) + timedelta(days=1)).date()
    room.hours({"0": []}, {day.isoformat(): [["09:00", "18:00"]]}, zone="Indian/Reunion")
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            room.type(made.code, room.postes[0], request="q")
        assert refused.value.fr == "C’est fermé. Réouverture\u202f: demain à 9\u00a0h."
        assert refused.value.en == "We are closed. Next opening: tomorrow at 9:00."


def test_a_code_of_another_site_is_refused(room: Room) -> None:
    other = make_room(room.fleet.database)
    assert room.refusal(room.type, other.new().code, room.postes[0]) == "code_autre_site"


def test_a_poste_in_use_takes_no_second_visitor(room: Room) -> None:
    room.running()
    assert room.refusal(room.type, room.new().code, room.postes[0]) == "poste_occupe"


def test_a_person_sits_at_one_poste_only(room: Room) -> None:
    person = room.person()
    codes = [room.new(person=person).code for _ in range(2)]
    room.type(codes[0], room.postes[0])
    assert room.refusal(room.type, codes[1], room.postes[1]) == "utilisateur_deja_en_session"


@pytest.mark.parametrize(
    ("poste", "care", "reason"),
    [
        ("maintenance", None, "poste_en_maintenance"),
        ("en_service", "restes", "poste_en_maintenance"),
        ("hors_ligne", None, "poste_hors_service"),
    ],
)
def test_a_poste_that_is_not_in_service_says_so(
    room: Room, poste: str, care: str | None, reason: str
) -> None:
    here = room.postes[0]
    with room.tx() as tx:
        tx.execute(update(tables.poste).where(tables.poste.c.id == here).values(statut_voulu=poste))
        tx.execute(update(tables.desired).where(tables.desired.c.poste_id == here).values(needs_care=care))
    assert room.refusal(room.type, room.new().code, here) == reason


def test_a_closed_site_says_when_it_opens_and_keeps_the_code(room: Room) -> None:
    code = room.new().code
    room.hours({"0": []})
    assert room.refusal(room.type, code, room.postes[0]) == "ferme"
    room.hours({})
    assert room.type(code, room.postes[0]).wanted.session is not None


def test_closing_time_cuts_a_session_that_starts_before_it(room: Room) -> None:
    made = room.new(4 * 3600)
    closing = room.closes_in(1800)
    room.type(made.code, room.postes[0])
    row = room.row(made.session_id)
    assert row.fin_prevue <= closing
    assert (
        sum(amount for _, amount in room.ledger(made.session_id))
        == row.duree_initiale_ms + row.temps_ajoute_ms
    )


class TestWrongCodes:
    def test_five_wrong_codes_make_this_poste_wait_and_no_other(self, room: Room) -> None:
        for n in range(4):
            assert _wait(room, room.postes[0], "QQQQQQ", f"w{n}") is None
        assert _wait(room, room.postes[0], "QQQQQQ", "w4") == 30
        code = room.new().code
        with pytest.raises(Refused) as refused:
            room.type(code, room.postes[0])
        assert refused.value.reason == "trop_d_essais"
        assert str(refused.value.retry_after_s) in refused.value.fr
        assert room.type(code, room.postes[1]).wanted.session is not None

    def test_the_right_code_after_the_wait_forgets_the_wrong_ones(self, room: Room) -> None:
        for n in range(5):
            _wait(room, room.postes[0], "QQQQQQ", f"w{n}")
        _forget_wait(room)
        room.type(room.new().code, room.postes[0])
        assert _failures(room, room.postes[0]) == 0

    def test_tries_that_come_at_once_all_count(self, room: Room) -> None:
        together = threading.Barrier(5)

        def guess(n: int) -> None:
            together.wait(10)
            room.refusal(room.type, "QQQQQQ", room.postes[0], request=f"p{n}")

        threads = [threading.Thread(target=guess, args=(n,)) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert _failures(room, room.postes[0]) == 5
        assert room.refusal(room.type, "QQQQQQ", room.postes[0]) == "trop_d_essais"

    def test_a_flood_of_tries_is_counted_not_written(self, room: Room) -> None:
        for n in range(5):
            _wait(room, room.postes[0], "QQQQQQ", f"w{n}")
        for n in range(40):
            assert room.refusal(room.type, "QQQQQQ", room.postes[0], request=f"f{n}") == "trop_d_essais"
        assert len(room.log("echec_code")) == 5
        _forget_wait(room)
        _wait(room, room.postes[0], "QQQQQQ", "last")
        assert room.log("echec_code")[-1].metadata["essais_ignores"] == 40
        with room.fleet.database.read() as tx:
            assert len(tx.execute(select(tables.request)).all()) == 6

    def test_a_code_is_never_in_the_audit_trail(self, room: Room) -> None:
        made = room.new()
        room.refusal(room.type, made.code, make_room(room.fleet.database).postes[0])
        room.type(made.code, room.postes[0])
        assert made.code not in str(room.log())


class TestResumingByCode:
    @pytest.mark.parametrize("reason", RESUMABLE)
    def test_what_a_fault_has_paused_resumes_with_the_same_code_at_the_same_poste(
        self, room: Room, reason: str
    ) -> None:
        code, session_id = _paused(room, reason)
        assert room.refusal(room.type, code, room.postes[1]) == "code_autre_poste"
        yes = room.type(code, room.postes[0], boot="boot-2")
        assert yes.wanted.session is not None
        assert (yes.wanted.session.id, yes.wanted.session.boot) == (session_id, "boot-2")
        assert [entry.metadata["motif"] for entry in room.log("reprise_session")] == ["reprise"]

    def test_what_the_desk_has_paused_is_the_desk_s_to_resume(self, room: Room) -> None:
        code, _ = _paused(room, "suspension_operateur")
        assert room.refusal(room.type, code, room.postes[0]) == "code_suspendu"

    def test_a_closed_site_resumes_nothing(self, room: Room) -> None:
        code, _ = _paused(room, "redemarrage")
        room.hours({"0": []})
        assert room.refusal(room.type, code, room.postes[0]) == "ferme"


class TestAskingForMore:
    def test_a_visitor_asks_once_until_the_desk_has_answered(self, room: Room) -> None:
        running = room.running()
        for request in ("e1", "e1", "e2"):
            _extend(room, running, request)
        assert _extensions(room) == [("ouverte", 900)]
        with room.tx() as tx:
            tx.execute(update(tables.extension).values(statut="refusee"))
        _extend(room, running, "e1")
        assert _extensions(room) == [("refusee", 900)]
        _extend(room, running, "e3")
        assert _extensions(room) == [("refusee", 900), ("ouverte", 900)]

    def test_a_request_that_nobody_answered_dies(self, room: Room) -> None:
        running = room.running()
        _extend(room, running, "e1")
        with room.tx() as tx:
            tx.execute(update(tables.extension).values(expire_a=tx.now))
        _extend(room, running, "e2")
        assert _extensions(room) == [("perimee", 900), ("ouverte", 900)]

    @pytest.mark.parametrize("session", ["999", "not-a-number"])
    def test_only_the_session_of_the_poste_is_extended(self, room: Room, session: str) -> None:
        room.running()
        assert room.refusal(_extend, room, session, "e") == "session_inconnue"


class TestTheVisitorEnds:
    def test_the_visitor_s_end_keeps_the_poste_s_own_measure(self, room: Room) -> None:
        running = room.running(3600)
        room.pass_time(running, minutes=20)
        _end(room, running, 2_405_000)
        _end(room, running, 2_405_000)
        row = room.row(running)
        assert (row.statut, row.motif_fin, row.restant_ms) == ("terminee", "fin_visiteur", 2_405_000)
        assert len(room.log("fermeture")) == 1

    def test_an_end_without_network_is_believed_when_it_is_told_after_the_deadline(self, room: Room) -> None:
        running = room.running(3600)
        room.pass_time(running, minutes=70)
        endings.end_due(room.fleet, room.lease, [running])
        _end(room, running, 1_800_000)
        row = room.row(running)
        assert (row.statut, row.restant_ms) == ("expiree", 1_800_000)

    @pytest.mark.parametrize("session", ["x", "999999"])
    def test_the_end_of_what_is_unknown_is_answered_with_what_to_do(self, room: Room, session: str) -> None:
        running = room.running()
        assert _end(room, session, 0).wanted.session is not None
        assert room.row(running).statut == "active"

    def test_a_poste_cannot_end_the_session_of_another(self, room: Room) -> None:
        elsewhere = room.running(poste=room.postes[1])
        _end(room, elsewhere, 0)
        assert room.row(elsewhere).statut == "active"


def _wait(room: Room, poste: int, code: str, request: str) -> int | None:
    with pytest.raises(Refused) as refused:
        room.type(code, poste, request=request)
    return refused.value.retry_after_s


def _failures(room: Room, poste: int) -> int:
    wanted = select(tables.tries.c.failures).where(tables.tries.c.poste_id == poste)
    with room.fleet.database.read() as tx:
        return tx.execute(wanted).scalar_one_or_none() or 0


def _forget_wait(room: Room) -> None:
    with room.tx() as tx:
        tx.execute(update(tables.tries).values(blocked_until=tx.now))


def _paused(room: Room, reason: str) -> tuple[str, int]:
    made = room.new()
    room.type(made.code, room.postes[0])
    room.done(room.postes[0], made.session_id, 3_600_000)
    sessions.suspend(room.fleet, room.actor, made.session_id)
    with room.tx() as tx:
        mine = tables.session.c.id == made.session_id
        tx.execute(update(tables.session).where(mine).values(motif_fin=reason))
    return made.code, made.session_id


def _extend(room: Room, session: Any, request: str) -> None:
    asked = messages.Extend(id=request, nonce="n", boot="boot-1", session=str(session))
    kiosk.extend(room.fleet, room.lease, room.postes[0], asked)


def _extensions(room: Room) -> list[tuple[str, int]]:
    kept = tables.extension
    with room.fleet.database.read() as tx:
        rows = tx.execute(select(kept.c.statut, kept.c.secondes).order_by(kept.c.id))
        return [(row.statut, row.secondes) for row in rows]


def _end(room: Room, session: Any, left_ms: int) -> kiosk.Yes:
    asked = messages.Ending(id="v", nonce="n", boot="boot-1", session=str(session), remaining_ms=left_ms)
    return kiosk.ending(room.fleet, room.lease, room.postes[0], asked)
