"""A poste that was away comes back: both sides agree on the session and its time, once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fleet.usecases import acks, endings, kiosk, sessions
from protocol import messages
from tests.support.rooms import Room

MINUTE = 60_000


def ago(**duration: float) -> datetime:
    return datetime.now(UTC) - timedelta(**duration)


def about(left_ms: int | None, minutes: float) -> bool:
    return left_ms is not None and abs(left_ms - minutes * MINUTE) < 3_000


def left(room: Room, session_id: int) -> int:
    """What remains now, by the server."""
    row = room.row(session_id)
    if row.statut == "active":
        return int((row.fin_prevue - datetime.now(UTC)) / timedelta(milliseconds=1))
    return int(row.restant_ms)


class TestANewBoot:
    def test_the_time_stops_when_the_poste_was_last_heard(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=20)
        yes = room.resync(room.postes[0], heard=ago(minutes=5), boot="boot-2", rev=0, why="boot")
        row = room.row(running)
        assert (row.statut, row.motif_fin) == ("suspendue", "redemarrage")
        assert about(row.restant_ms, 45)
        assert yes.wanted.reason == "redemarrage"
        assert len(room.log("suspension_session")) == 1

    def test_it_stays_paused_however_often_the_poste_asks(self, room: Room) -> None:
        running = room.running()
        answers = [room.resync(room.postes[0], heard=ago(seconds=5), boot="boot-2", rev=0) for _ in range(3)]
        assert room.row(running).statut == "suspendue"
        assert answers[-1].wanted.rev == room.wanted(room.postes[0]).rev
        assert len(room.log("suspension_session")) == 1

    def test_never_more_is_given_back_than_was_granted(self, room: Room) -> None:
        running = room.running()
        room.resync(room.postes[0], heard=ago(hours=3), boot="boot-2", rev=0)
        assert about(room.row(running).restant_ms, 60)

    def test_a_start_that_was_not_confirmed_gives_all_its_time_back(self, room: Room) -> None:
        made = room.new()
        room.type(made.code, room.postes[0])
        room.resync(room.postes[0], heard=ago(seconds=1), boot="boot-2", rev=0)
        assert room.row(made.session_id).restant_ms == 60 * MINUTE

    def test_a_site_may_have_it_resume_by_itself(self, room: Room) -> None:
        room.rules(resume_after_reboot="automatic")
        running = room.running()
        room.pass_time(running, minutes=20)
        yes = room.resync(room.postes[0], heard=ago(minutes=5), boot="boot-2", rev=0)
        assert yes.wanted.session is not None
        assert about(yes.wanted.session.remaining_ms(yes.now), 45)
        assert room.row(running).boot == "boot-2"

    def test_a_restart_seen_first_as_a_lost_link_resumes_by_itself_too(self, room: Room) -> None:
        room.rules(resume_after_reboot="automatic", offline="suspend")
        running = room.running()
        assert kiosk.offline(room.fleet, room.lease, room.postes[0], ago(seconds=1))
        room.resync(room.postes[0], heard=ago(seconds=30), boot="boot-2", rev=0)
        assert room.row(running).statut == "active"

    def test_in_the_grace_there_is_nothing_left_to_keep(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=60, seconds=20)
        room.resync(room.postes[0], heard=ago(seconds=5), boot="boot-2", rev=0)
        assert room.row(running).statut == "active"

    def test_a_session_id_that_outlived_the_boot_on_a_disk_changes_nothing(self, room: Room) -> None:
        running = room.running()
        room.resync(room.postes[0], heard=ago(seconds=1), boot="boot-2", session=str(running), phase="locked")
        assert room.row(running).statut == "suspendue"


class TestTheSameBoot:
    def test_a_poste_that_runs_what_it_should_changes_nothing(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        before = room.row(running)
        room.resync(poste, session=str(running), phase="active", remaining_ms=60 * MINUTE)
        assert room.row(running) == before

    def test_an_ack_that_was_lost_is_made_good(self, room: Room) -> None:
        made, poste = room.new(), room.postes[0]
        room.type(made.code, poste)
        rev = room.wanted(poste).rev
        room.resync(poste, session=str(made.session_id), phase="active", remaining_ms=59 * MINUTE)
        row = room.row(made.session_id)
        assert row.confirmer_avant is None
        assert about(left(room, made.session_id), 59)
        assert room.wanted(poste).rev == rev

    def test_an_ack_lost_for_longer_finds_the_session_paused_and_resumes_it(self, room: Room) -> None:
        made, poste = room.new(), room.postes[0]
        room.type(made.code, poste)
        room.pass_time(made.session_id, seconds=11)
        endings.end_due(room.fleet, room.lease, [made.session_id])
        assert room.row(made.session_id).motif_fin == "demarrage_non_confirme"
        held = room.wanted(poste).rev - 1
        room.resync(poste, session=str(made.session_id), phase="active", remaining_ms=58 * MINUTE, rev=held)
        assert room.row(made.session_id).statut == "active"
        assert about(left(room, made.session_id), 58)
        # It may have paused after it asked: it says under which rev it counts once it knows.
        _apply(room, poste, session=str(made.session_id), remaining_ms=58 * MINUTE, measured_rev=held)
        assert room.row(made.session_id).confirmer_avant is None
        assert about(left(room, made.session_id), 58)

    def test_time_added_before_the_ack_arrives_is_not_lost_by_it(self, room: Room) -> None:
        made, poste = room.new(), room.postes[0]
        room.type(made.code, poste)
        rev = room.wanted(poste).rev
        sessions.add_time(room.fleet, room.actor, made.session_id, 900)
        room.resync(poste, session=str(made.session_id), phase="active", remaining_ms=60 * MINUTE, rev=rev)
        assert about(left(room, made.session_id), 75)

    def test_a_desk_start_is_answered_to_the_poste_that_asks_for_it(self, room: Room) -> None:
        made, poste = room.new(poste=room.postes[0]), room.postes[0]
        sessions.start(room.fleet, room.actor, made.session_id)
        yes = room.resync(poste, heard=ago(seconds=0), why="unsolicited", rev=1)
        assert yes.wanted.session is not None
        assert yes.wanted.session.remaining_ms(yes.now) == 60 * MINUTE
        assert room.row(made.session_id).statut == "active"

    def test_an_agent_that_lost_its_memory_has_its_session_paused(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=20)
        room.resync(room.postes[0], heard=ago(minutes=5), rev=0, why="restarted")
        assert room.row(running).statut == "suspendue"
        assert about(room.row(running).restant_ms, 45)

    def test_a_resync_from_before_the_session_harms_nothing(self, room: Room) -> None:
        before = room.wanted(room.postes[0]).rev
        running = room.running()
        room.resync(room.postes[0], heard=ago(seconds=1), rev=before)
        assert room.row(running).statut == "active"

    def test_what_the_poste_has_ended_by_itself_stays_ended(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=61)
        room.resync(poste, heard=ago(minutes=30), phase="locked")
        row = room.row(running)
        assert (row.statut, row.motif_fin, row.restant_ms) == ("expiree", "duree_ecoulee", 0)

    @pytest.mark.parametrize("phase", ["locked", "cleaning"])
    def test_time_that_came_too_late_for_a_poste_that_ended_by_itself_is_taken_back(
        self, room: Room, phase: str
    ) -> None:
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=59)
        heard, rev = datetime.now(UTC), room.wanted(poste).rev
        sessions.add_time(room.fleet, room.actor, running, 900)
        room.pass_time(running, minutes=5)
        told: dict[str, Any] = {"session": str(running)} if phase == "cleaning" else {}
        room.resync(poste, heard=heard, phase=phase, rev=rev, **told)
        row = room.row(running)
        assert (row.statut, row.motif_fin) == ("expiree", "fin_nettoyage")
        assert (row.temps_ajoute_ms, row.restant_ms) == (0, 0)
        assert sum(amount for _, amount in room.ledger(running)) == 60 * MINUTE


class TestOutages:
    def _restarted(self, room: Room, session_id: int, outage_s: float, **more: Any) -> kiosk.Yes:
        told = {"why": "restarted", "connection": 2, "phase": "active", "remaining_ms": 1, **more}
        return room.resync(room.postes[0], session=str(session_id), outage_ms=int(outage_s * 1000), **told)

    def test_time_that_a_dead_agent_kept_locked_is_given_back_once_for_each_connection(
        self, room: Room
    ) -> None:
        running = room.running()
        room.pass_time(running, minutes=20)
        for _ in range(3):
            self._restarted(room, running, 60, heard=ago(minutes=2))
        assert about(left(room, running), 41)
        self._restarted(room, running, 60, heard=ago(minutes=2), connection=3)
        assert about(left(room, running), 42)
        row = room.row(running)
        assert (row.duree_initiale_ms, row.temps_ajoute_ms) == (60 * MINUTE, 0)
        assert [kind for kind, _ in room.ledger(running)] == ["initial", "credit_panne", "credit_panne"]

    def test_never_more_than_the_server_itself_measured(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=20)
        self._restarted(room, running, 600, heard=ago(seconds=30))
        assert about(left(room, running), 40.5)

    def test_never_more_than_the_policy_allows(self, room: Room) -> None:
        room.rules(outage_credit_max_s=60)
        running = room.running()
        room.pass_time(running, minutes=20)
        self._restarted(room, running, 600)
        assert about(left(room, running), 41)

    def test_never_past_closing_time(self, room: Room) -> None:
        running = room.running(1800)
        room.pass_time(running, minutes=20)
        closing = room.closes_in(700)
        self._restarted(room, running, 900)
        assert room.row(running).fin_prevue <= closing

    def test_an_outage_over_the_deadline_gives_back_what_it_took_and_no_more(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=60, seconds=20)
        self._restarted(room, running, 30, heard=ago(seconds=40))
        assert 7_000 < left(room, running) <= 10_000

    def test_nothing_is_given_back_to_a_session_that_is_over(self, room: Room) -> None:
        running = room.running()
        sessions.terminate(room.fleet, room.actor, running)
        before = room.row(running)
        assert self._restarted(room, running, 60).wanted.session is None
        assert room.row(running) == before

    def test_under_the_rule_suspend_a_lost_link_pauses_and_its_return_resumes(self, room: Room) -> None:
        room.rules(offline="suspend")
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=20)
        assert kiosk.offline(room.fleet, room.lease, poste, ago(minutes=5))
        assert about(room.row(running).restant_ms, 45)
        assert not kiosk.offline(room.fleet, room.lease, poste, ago(minutes=5))
        room.resync(
            poste,
            session=str(running),
            phase="suspended",
            outage_ms=4 * MINUTE,
            connection=2,
            remaining_ms=44 * MINUTE,
        )
        row = room.row(running)
        assert (row.statut, room.wanted(poste).reason) == ("active", "retour_reseau")
        assert row.restant_ms == 44 * MINUTE
        assert row.confirmer_avant is not None

    def test_a_credit_for_a_link_that_the_server_never_missed(self, room: Room) -> None:
        room.rules(offline="suspend")
        running = room.running()
        room.pass_time(running, minutes=20)
        self._restarted(room, running, 20, why="connected", phase="suspended", heard=ago(seconds=30))
        assert abs(left(room, running) - (40 * MINUTE + 20_000)) < 3_000

    @pytest.mark.parametrize(
        "told",
        [
            {"outage_ms": 60_000, "phase": "suspended", "remaining_ms": 55 * MINUTE},
            {"phase": "active", "remaining_ms": 55 * MINUTE},
            {"boot": "boot-2", "rev": 0},
        ],
    )
    def test_what_resumes_on_a_return_stops_at_closing_time(self, room: Room, told: dict[str, Any]) -> None:
        running = _cut(room)
        closing = room.closes_in(1200)
        room.resync(room.postes[0], **{"session": str(running), "connection": 2, **told})
        row = room.row(running)
        assert row.statut == "active"
        assert row.fin_prevue <= closing
        granted = row.duree_initiale_ms + row.temps_ajoute_ms
        assert sum(amount for _, amount in room.ledger(running)) == granted < 60 * MINUTE

    @pytest.mark.parametrize(
        "told",
        [
            {"outage_ms": 60_000, "phase": "suspended", "remaining_ms": 55 * MINUTE},
            {"phase": "active", "remaining_ms": 55 * MINUTE},
            {"boot": "boot-2", "rev": 0},
        ],
    )
    def test_nothing_resumes_on_a_return_to_a_closed_site(self, room: Room, told: dict[str, Any]) -> None:
        running = _cut(room)
        room.hours({"0": []})
        room.resync(room.postes[0], **{"session": str(running), "connection": 2, **told})
        assert room.row(running).statut == "suspendue"

    def test_a_restart_at_a_closed_site_pauses_whatever_the_rule(self, room: Room) -> None:
        room.rules(resume_after_reboot="automatic")
        running = room.running()
        room.hours({"0": []})
        room.resync(room.postes[0], heard=ago(seconds=5), boot="boot-2", rev=0)
        row = room.row(running)
        assert (row.statut, row.motif_fin) == ("suspendue", "redemarrage")

    def test_a_closed_site_gives_nothing_back(self, room: Room) -> None:
        running = room.running()
        room.pass_time(running, minutes=20)
        room.hours({"0": []})
        self._restarted(room, running, 600)
        assert about(left(room, running), 40)

    def test_under_the_rule_continue_a_lost_link_changes_nothing(self, room: Room) -> None:
        running = room.running()
        assert not kiosk.offline(room.fleet, room.lease, room.postes[0], ago(minutes=5))
        assert room.row(running).statut == "active"

    def test_what_the_desk_paused_is_not_resumed_by_a_poste(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        sessions.suspend(room.fleet, room.actor, running)
        claims: tuple[dict[str, Any], ...] = (
            {"outage_ms": 1000, "phase": "suspended"},
            {"phase": "active", "remaining_ms": MINUTE},
        )
        for told in claims:
            room.resync(poste, session=str(running), **told)
        assert room.row(running).statut == "suspendue"


def _cut(room: Room) -> int:
    room.rules(offline="suspend", resume_after_reboot="automatic")
    running = room.running()
    assert kiosk.offline(room.fleet, room.lease, room.postes[0], ago(seconds=1))
    return running


class TestManyAtOnce:
    def test_a_room_that_comes_back_is_answered_poste_by_poste(self, room: Room) -> None:
        running = room.running()
        told = [
            _resync(room, room.postes[0], session=str(running), phase="active", remaining_ms=1),
            _resync(room, room.postes[1]),
            _resync(room, 999_999),
        ]
        answers = kiosk.resync_all(room.fleet, room.lease, told)
        assert set(answers) == set(room.postes[:2])
        lost = kiosk.resync_all(room.fleet, room.lease, [_resync(room, room.postes[0], boot="boot-2")])
        assert lost[room.postes[0]].wanted.reason == "redemarrage"


def _resync(room: Room, poste: int, **told: Any) -> tuple[int, messages.Resync, datetime | None]:
    said = {"id": "r", "nonce": "n", "boot": "boot-1", "term": 1, "rev": 1, "phase": "locked", **told}
    return poste, messages.Resync(**said), ago(seconds=1)


class TestAcks:
    def test_the_first_ack_aligns_the_time_with_the_poste(self, room: Room) -> None:
        made, poste = room.new(), room.postes[0]
        room.type(made.code, poste)
        (told,) = room.done(poste, made.session_id, 60 * MINUTE - 300)
        assert told.session is not None
        assert told.session.confirm_by is None
        assert about(left(room, made.session_id), 60)
        deadline = room.row(made.session_id).fin_prevue
        room.done(poste, made.session_id, 10 * MINUTE)
        assert room.row(made.session_id).fin_prevue == deadline

    def test_every_poste_that_acked_is_in_the_answer(self, room: Room) -> None:
        made = room.new()
        room.type(made.code, room.postes[0])
        both = [
            _ack(room, room.postes[0], made.session_id, 60 * MINUTE),
            _ack(room, room.postes[1], None, None),
        ]
        assert {one.poste_id for one in acks.applied(room.fleet, room.lease, both)} == set(room.postes[:2])

    def test_an_ack_marks_what_is_applied_and_never_takes_it_back(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        rev = room.wanted(poste).rev
        room.done(poste, running, 0, rev=rev - 1)
        assert room.wanted(poste).applied_rev == rev
        room.done(poste, running, 0, rev=rev + 5)
        assert room.wanted(poste).applied_rev == rev

    def test_the_lock_is_settled_by_the_poste_s_measure(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        sessions.suspend(room.fleet, room.actor, running)
        room.done(poste, running, 55 * MINUTE)
        assert room.row(running).restant_ms == 55 * MINUTE

    def test_time_added_in_the_pause_survives_the_settlement(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        sessions.suspend(room.fleet, room.actor, running)
        sessions.add_time(room.fleet, room.actor, running, 900)
        room.done(poste, running, 59 * MINUTE)
        assert room.row(running).restant_ms == 74 * MINUTE

    def test_an_end_is_settled_too(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        sessions.terminate(room.fleet, room.actor, running)
        room.done(poste, running, 59 * MINUTE)
        assert room.row(running).restant_ms == 59 * MINUTE

    def test_a_poste_settles_its_own_sessions_only(self, room: Room) -> None:
        running = room.running(poste=room.postes[1])
        sessions.suspend(room.fleet, room.actor, running)
        before = room.row(running)
        for session in (str(running), "999999", "x"):
            _apply(room, room.postes[0], session=session, remaining_ms=0)
        assert room.row(running) == before

    def test_a_poste_that_was_already_cleaning_has_the_time_taken_back(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=60, seconds=50)
        rev = sessions.add_time(room.fleet, room.actor, running, 900)
        for _ in range(2):
            _apply(room, poste, session=str(running), status="refused", reason="ending", rev=rev)
        row = room.row(running)
        assert (row.statut, row.motif_fin, row.restant_ms) == ("expiree", "fin_nettoyage", 0)
        assert (
            sum(amount for _, amount in room.ledger(running)) == row.duree_initiale_ms + row.temps_ajoute_ms
        )
        assert abs(row.duree_initiale_ms + row.temps_ajoute_ms - 60 * MINUTE) < 1_000
        assert room.wanted(poste).session is None
        assert len(room.log("expiration")) == 1

    def test_a_refusal_for_another_session_takes_nothing(self, room: Room) -> None:
        running = room.running()
        _apply(room, room.postes[0], session="999", status="refused", reason="ending")
        assert room.row(running).statut == "active"


def _ack(room: Room, poste: int, session: int | None, left_ms: int | None) -> tuple[int, messages.Ack]:
    rev = room.wanted(poste).rev
    name = None if session is None else str(session)
    said = {"id": acks.DESIRED, "boot": "boot-1", "status": "done", "term": 1, "rev": rev}
    return poste, messages.Ack(**said, session=name, remaining_ms=left_ms)  # type: ignore[arg-type]


def _apply(room: Room, poste: int, **told: Any) -> None:
    said = {"id": acks.DESIRED, "boot": "boot-1", "status": "done", "term": 1, **told}
    said.setdefault("rev", room.wanted(poste).rev)
    acks.applied(room.fleet, room.lease, [(poste, messages.Ack(**said))])
