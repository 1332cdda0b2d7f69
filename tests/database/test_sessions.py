"""What the desk does with sessions, and every reason why it may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from fleet.database import sessions as rows
from fleet.database import tables
from fleet.domain import access_code
from fleet.domain.actor import LECTEUR, Actor
from fleet.domain.errors import Forbidden, Invalid, NotFound, Refused
from fleet.usecases import sessions
from tests.support.rooms import KEYS, Room, make_room


def _facts(room: Room, action: str) -> list[dict[str, Any]]:
    return [row.metadata for row in room.log(action)]


class TestCreating:
    def test_a_new_session_waits_with_its_time_and_a_code_that_the_database_does_not_tell(
        self, room: Room
    ) -> None:
        made = room.new(1800)
        row = room.row(made.session_id)
        assert (row.statut, row.duree_initiale_ms, row.poste_id) == ("en_attente", 1_800_000, None)
        assert access_code.normalise(made.code) == made.code
        assert made.code.encode() not in bytes(row.code_index) + bytes(row.code_scelle)
        assert KEYS.unseal(bytes(row.code_scelle)) == made.code
        assert room.ledger(made.session_id) == [("initial", 1_800_000)]
        assert _facts(room, "generation_code") == [{"duree_s": 1800}]

    @pytest.mark.parametrize("seconds", [0, 59, 4 * 3600 + 1, -60])
    def test_its_duration_is_within_the_bounds_of_the_site(self, room: Room, seconds: int) -> None:
        with pytest.raises(Invalid) as invalid:
            room.new(seconds)
        assert (invalid.value.field, invalid.value.reason) == ("duree_initiale", "duree_invalide")

    def test_a_poste_out_of_service_gets_no_session(self, room: Room) -> None:
        for wanted, reason in (("maintenance", "poste_en_maintenance"), ("hors_ligne", "poste_hors_service")):
            with room.tx() as tx:
                mine = tables.poste.c.id == room.postes[0]
                tx.execute(update(tables.poste).where(mine).values(statut_voulu=wanted))
            assert room.refusal(room.new, poste=room.postes[0]) == reason

    def test_a_poste_or_a_site_of_others_does_not_exist(self, room: Room) -> None:
        other = make_room(room.fleet.database)
        with pytest.raises(NotFound):
            room.new(poste=other.postes[0])
        stranger = Actor(role="operateur", sites=frozenset({other.site_id}))
        with pytest.raises(NotFound):
            sessions.create(room.fleet, stranger, sessions.NewSession(room.site_id, 600))

    def test_a_reader_creates_nothing(self, room: Room) -> None:
        with pytest.raises(Forbidden):
            sessions.create(room.fleet, Actor(role=LECTEUR), sessions.NewSession(room.site_id, 600))

    def test_a_person_who_has_not_consented_gets_no_session(self, room: Room) -> None:
        silent = room.person(consentement_rgpd=False)
        assert room.refusal(room.new, person=silent) == "consentement_absent"

    def test_a_fourth_code_of_the_day_is_refused_even_if_none_was_used(self, room: Room) -> None:
        person = room.person()
        for _ in range(3):
            room.new(person=person)
        assert room.refusal(room.new, person=person) == "quota_sessions_jour"

    def test_a_code_in_use_is_never_given_twice(self, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        taken = room.new()
        draws = iter([taken.code, taken.code, "QQQQQQ"])
        monkeypatch.setattr(access_code, "generate", lambda: next(draws))
        assert room.new().code == "QQQQQQ"
        monkeypatch.setattr(access_code, "generate", lambda: taken.code)
        assert room.refusal(room.new) == "code_sature"

    def test_a_code_may_be_given_again_once_its_session_is_over(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = room.new()
        sessions.cancel(room.fleet, room.actor, first.session_id)
        monkeypatch.setattr(access_code, "generate", lambda: first.code)
        assert room.new().code == first.code

    def test_an_address_is_kept_as_personal_data(self, room: Room) -> None:
        room.new()
        entry = room.log("generation_code")[0]
        assert entry.personal == {"ip": "192.0.2.7"}
        assert entry.salt is not None


class TestQuotas:
    def test_sessions_of_yesterday_do_not_count_where_the_site_is(self, room: Room) -> None:
        person = room.person()
        for poste in room.postes:
            used = room.running(poste=poste, person=person)
            sessions.terminate(room.fleet, room.actor, used)
        assert room.refusal(room.new, person=person) == "quota_sessions_jour"
        midnight = _local_midnight(room)
        with room.tx() as tx:
            mine = update(tables.session).where(tables.session.c.utilisateur_id == person)
            tx.execute(mine.values(debut_session=midnight))
        assert room.refusal(room.new, person=person) == "quota_sessions_jour"
        with room.tx() as tx:
            tx.execute(mine.values(debut_session=midnight - timedelta(microseconds=1)))
        assert room.new(person=person).session_id

    def test_minutes_of_the_day_count_what_was_used_and_what_is_promised(self, room: Room) -> None:
        room.at_noon()
        room.rules(minutes_per_day=60, sessions_per_day=None)
        person = room.person()
        used = room.running(1800, person=person)
        room.pass_time(used, minutes=10)
        assert room.refusal(room.new, 1801, person=person) == "quota_minutes_jour"
        sessions.terminate(room.fleet, room.actor, used)
        assert room.new(49 * 60, person=person).session_id
        assert room.refusal(room.new, 51 * 60, person=person) == "quota_minutes_jour"

    def test_minutes_of_the_week_are_their_own_limit(self, room: Room) -> None:
        room.rules(minutes_per_week=30)
        assert room.refusal(room.new, 1801, person=room.person()) == "quota_minutes_semaine"

    def test_adding_time_counts_too(self, room: Room) -> None:
        room.rules(minutes_per_day=60)
        running = room.running(3000, person=room.person())
        assert room.refusal(sessions.add_time, room.fleet, room.actor, running, 601) == "quota_minutes_jour"
        assert sessions.add_time(room.fleet, room.actor, running, 600)

    def test_a_session_without_a_person_has_no_quota(self, room: Room) -> None:
        room.rules(minutes_per_day=1, sessions_per_day=1)
        for _ in range(3):
            room.new(3600)

    def test_a_quota_is_checked_again_when_the_code_is_used(self, room: Room) -> None:
        person = room.person()
        code = room.new(3600, person=person).code
        room.rules(minutes_per_day=30)
        assert room.refusal(room.type, code, room.postes[0]) == "quota_minutes_jour"


def _local_midnight(room: Room) -> datetime:
    local = datetime.now(UTC) + timedelta(hours=4)
    return local.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=4)


class TestTime:
    def test_added_time_moves_the_deadline_and_tells_the_poste(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        before, rev = room.row(running), room.wanted(poste).rev
        assert sessions.add_time(room.fleet, room.actor, running, 900) == rev + 1
        after = room.row(running)
        assert after.fin_prevue - before.fin_prevue == timedelta(seconds=900)
        assert after.temps_ajoute_ms == 900_000
        assert room.ledger(running) == [("initial", 3_600_000), ("ajout", 900_000)]
        assert room.wanted(poste).sent_rev < rev + 1
        assert _facts(room, "ajout_temps") == [{"motif": "temps_ajoute", "secondes": 900}]

    def test_time_is_added_before_the_start_and_in_a_pause_as_well(self, room: Room) -> None:
        made = room.new(600)
        assert sessions.add_time(room.fleet, room.actor, made.session_id, 60) == 0
        running = room.running()
        sessions.suspend(room.fleet, room.actor, running)
        left = room.row(running).restant_ms
        sessions.add_time(room.fleet, room.actor, running, -60)
        assert room.row(running).restant_ms == left - 60_000
        assert room.ledger(running)[-1] == ("retrait", -60_000)

    def test_too_much_is_refused_with_its_reason_and_changes_nothing(self, room: Room) -> None:
        running = room.running()
        refused = {
            4 * 3600: "duree_maximale",
            -3601: "temps_insuffisant",
            0: "valeur_invalide",
        }
        before = room.row(running)
        for seconds, reason in refused.items():
            assert room.refusal(sessions.add_time, room.fleet, room.actor, running, seconds) == reason
        assert room.row(running) == before
        assert len(room.ledger(running)) == 1

    def test_time_past_closing_is_refused(self, room: Room) -> None:
        running = room.running(600)
        room.closes_in(1800)
        assert room.refusal(sessions.add_time, room.fleet, room.actor, running, 1800) == "apres_fermeture"
        assert sessions.add_time(room.fleet, room.actor, running, 60)

    def test_a_site_that_has_closed_adds_nothing_to_a_session_that_still_runs(self, room: Room) -> None:
        running = room.running(600)
        room.hours({"0": []})
        assert room.refusal(sessions.add_time, room.fleet, room.actor, running, 60) == "apres_fermeture"
        assert sessions.add_time(room.fleet, room.actor, running, -60)

    def test_a_session_that_is_over_takes_no_time(self, room: Room) -> None:
        running = room.running()
        sessions.terminate(room.fleet, room.actor, running)
        assert room.refusal(sessions.add_time, room.fleet, room.actor, running, 60) == "transition_interdite"


class TestPausing:
    def test_a_pause_keeps_the_time_until_it_is_resumed(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=10)
        sessions.suspend(room.fleet, room.actor, running)
        paused = room.row(running)
        assert paused.statut == "suspendue"
        assert abs(paused.restant_ms - 3_000_000) < 2_000
        assert paused.fin_prevue is None
        sessions.resume(room.fleet, room.actor, running)
        again = room.row(running)
        assert (again.statut, again.boot) == ("active", "boot-1")
        assert again.confirmer_avant is not None
        assert room.wanted(poste).reason == "reprise"

    def test_a_poste_that_is_not_there_cannot_resume_nor_start(self, room: Room) -> None:
        running, waiting = room.running(), room.new(poste=room.postes[1])
        sessions.suspend(room.fleet, room.actor, running)
        for poste, online in ((room.postes[0], False), (room.postes[1], None)):
            room.presence(poste, online=online)
        assert room.refusal(sessions.resume, room.fleet, room.actor, running) == "poste_hors_ligne"
        assert room.refusal(sessions.start, room.fleet, room.actor, waiting.session_id) == "poste_hors_ligne"

    def test_nothing_resumes_while_the_site_is_closed_and_closing_cuts_what_does(self, room: Room) -> None:
        running = room.running(3600)
        sessions.suspend(room.fleet, room.actor, running)
        room.hours({"0": []})
        assert room.refusal(sessions.resume, room.fleet, room.actor, running) == "ferme"
        closing = room.closes_in(1800)
        sessions.resume(room.fleet, room.actor, running)
        row = room.row(running)
        assert row.fin_prevue <= closing
        assert row.temps_ajoute_ms == -sum(
            -amount for kind, amount in room.ledger(running) if kind == "retrait"
        )

    @pytest.mark.parametrize("action", [sessions.suspend, sessions.resume])
    def test_a_session_that_waits_has_nothing_to_pause(self, room: Room, action: Any) -> None:
        made = room.new(poste=room.postes[0])
        assert room.refusal(action, room.fleet, room.actor, made.session_id) == "transition_interdite"


class TestStartingAtTheDesk:
    def test_the_poste_of_the_session_is_told_to_run_it(self, room: Room) -> None:
        made = room.new(poste=room.postes[1])
        rev = sessions.start(room.fleet, room.actor, made.session_id)
        wanted = room.wanted(room.postes[1])
        assert wanted.session is not None
        assert (wanted.rev, wanted.session.id, wanted.session.boot) == (rev, made.session_id, "boot-1")

    def test_a_poste_that_awaits_a_technician_starts_nothing(self, room: Room) -> None:
        made = room.new(poste=room.postes[1])
        with room.tx() as tx:
            tx.execute(update(tables.desired).values(needs_care="restes"))
        reason = room.refusal(sessions.start, room.fleet, room.actor, made.session_id)
        assert reason == "poste_en_maintenance"

    def test_it_needs_a_poste_that_is_free_and_a_site_that_is_open(self, room: Room) -> None:
        assert room.refusal(sessions.start, room.fleet, room.actor, room.new().session_id) == "sans_poste"
        room.running()
        busy = room.new(poste=room.postes[0])
        assert room.refusal(sessions.start, room.fleet, room.actor, busy.session_id) == "poste_occupe"
        free = room.new(poste=room.postes[1])
        room.hours({"0": []})
        assert room.refusal(sessions.start, room.fleet, room.actor, free.session_id) == "ferme"

    def test_a_person_runs_one_session_at_a_time(self, room: Room) -> None:
        person = room.person()
        room.running(person=person)
        second = room.new(poste=room.postes[1], person=person)
        reason = room.refusal(sessions.start, room.fleet, room.actor, second.session_id)
        assert reason == "utilisateur_deja_en_session"


class TestEnding:
    def test_an_end_keeps_what_was_left_and_frees_the_poste(self, room: Room) -> None:
        running, poste = room.running(), room.postes[0]
        room.pass_time(running, minutes=10)
        sessions.terminate(room.fleet, room.actor, running)
        row = room.row(running)
        assert (row.statut, row.motif_fin) == ("terminee", "fin_operateur")
        assert abs(row.restant_ms - 3_000_000) < 2_000
        assert room.wanted(poste).session is None
        assert room.refusal(sessions.terminate, room.fleet, room.actor, running) == "transition_interdite"

    def test_a_session_that_waits_is_cancelled_and_its_code_is_wiped(self, room: Room) -> None:
        for end in (sessions.cancel, sessions.terminate):
            made = room.new()
            assert end(room.fleet, room.actor, made.session_id) == 0
            row = room.row(made.session_id)
            assert (row.statut, row.motif_fin, row.code_scelle) == ("terminee", "annulation", None)

    def test_only_a_session_that_waits_is_cancelled(self, room: Room) -> None:
        assert room.refusal(sessions.cancel, room.fleet, room.actor, room.running()) == "transition_interdite"


class TestEditing:
    def test_notes_change_at_any_time_and_the_rest_only_before_the_start(self, room: Room) -> None:
        made = room.new()
        edit = sessions.Edit(notes="près de la fenêtre", duration_s=1200, poste_id=room.postes[2])
        sessions.edit(room.fleet, room.actor, made.session_id, edit)
        row = room.row(made.session_id)
        assert (row.notes, row.duree_initiale_ms, row.poste_id) == (
            "près de la fenêtre",
            1_200_000,
            room.postes[2],
        )
        assert sum(amount for _, amount in room.ledger(made.session_id)) == 1_200_000
        room.type(made.code, room.postes[2])
        sessions.edit(room.fleet, room.actor, made.session_id, sessions.Edit(notes="x"))
        late = sessions.Edit(duration_s=600)
        reason = room.refusal(sessions.edit, room.fleet, room.actor, made.session_id, late)
        assert reason == "transition_interdite"

    @pytest.mark.parametrize(("added", "asked"), [(3 * 3600, 4 * 3600), (-3000, 60), (3 * 3600, 30)])
    def test_what_was_added_counts_when_the_duration_changes(
        self, room: Room, added: int, asked: int
    ) -> None:
        made = room.new(3600)
        sessions.add_time(room.fleet, room.actor, made.session_id, added)
        change = sessions.Edit(duration_s=asked)
        reason = room.refusal(sessions.edit, room.fleet, room.actor, made.session_id, change)
        assert reason == "duree_invalide"
        assert room.row(made.session_id).duree_initiale_ms == 3_600_000

    def test_a_session_can_be_unbound_from_its_poste(self, room: Room) -> None:
        made = room.new(poste=room.postes[0])
        sessions.edit(room.fleet, room.actor, made.session_id, sessions.Edit(any_poste=True))
        assert room.row(made.session_id).poste_id is None

    def test_a_reprint_tells_the_code_again_until_it_is_used(self, room: Room) -> None:
        made = room.new()
        assert sessions.reprint(room.fleet, room.actor, made.session_id) == made.code
        assert len(room.log("reimpression_code")) == 1
        room.type(made.code, room.postes[0])
        reason = room.refusal(sessions.reprint, room.fleet, room.actor, made.session_id)
        assert reason == "code_deja_utilise"


class TestRefusals:
    def test_a_refusal_is_in_the_audit_trail_though_nothing_else_was_kept(self, room: Room) -> None:
        running = room.running()
        room.refusal(sessions.add_time, room.fleet, room.actor, running, 5 * 3600)
        (entry,) = room.log("refus")
        assert (entry.metadata["tentative"], entry.metadata["motif"]) == ("ajout_temps", "duree_maximale")
        assert (entry.session_id, entry.poste_id) == (running, room.postes[0])

    def test_a_flood_of_refusals_is_one_entry_that_counts_the_others(
        self, room: Room, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        running = room.running()
        for _ in range(50):
            room.refusal(sessions.add_time, room.fleet, room.actor, running, 5 * 3600)
        assert len(room.log("refus")) == 1
        monkeypatch.setattr("fleet.usecases.fleet.FLOOD_S", 0.0)
        room.refusal(sessions.add_time, room.fleet, room.actor, running, 5 * 3600)
        assert [entry.metadata.get("autres_refus") for entry in room.log("refus")] == [None, 49]

    def test_each_session_keeps_its_own_refusals_with_the_address_they_came_from(self, room: Room) -> None:
        waiting = [room.new().session_id for _ in range(2)]
        for number in waiting:
            room.refusal(sessions.suspend, room.fleet, room.actor, number)
        kept = room.log("refus")
        assert [entry.session_id for entry in kept] == waiting
        assert [entry.personal["ip"] for entry in kept] == [room.actor.ip] * 2

    def test_what_does_not_exist_is_not_found_and_not_told(self, room: Room) -> None:
        for action in (
            sessions.suspend,
            sessions.terminate,
            sessions.cancel,
            sessions.start,
            sessions.reprint,
        ):
            with pytest.raises(NotFound):
                action(room.fleet, room.actor, 999_999)
        assert room.log("refus") == []

    def test_a_change_that_was_overtaken_is_refused(self, room: Room) -> None:
        running = room.running()
        with room.tx() as tx:
            found = rows.locked(tx, running).session
            rows.save(tx, found, found, notes="in time")
            with pytest.raises(Refused) as refused:
                rows.save(tx, found, found, notes="too late")
        assert refused.value.reason == "modifie_entre_temps"

    def test_the_ledger_adds_up_to_what_is_granted(self, room: Room) -> None:
        running = room.running()
        for seconds in (900, -300, 60):
            sessions.add_time(room.fleet, room.actor, running, seconds)
        row = room.row(running)
        assert sum(a for _, a in room.ledger(running)) == row.duree_initiale_ms + row.temps_ajoute_ms
        with room.fleet.database.read() as tx:
            assert tx.execute(select(func.count()).select_from(tables.session)).scalar_one() == 1
