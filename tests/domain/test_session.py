"""A session's life: what each action makes of each statut, and what it does to the time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from fleet.domain import session as rules
from fleet.domain.errors import Invalid, Refused
from fleet.domain.policy import Policy
from fleet.domain.session import Session

NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
POLICY = Policy(longest_session_s=7200, longest_suspension_s=1800)
HOUR = 3_600_000
MINUTE = 60_000


def later(**duration: float) -> datetime:
    return NOW + timedelta(**duration)


def waiting(**changes: object) -> Session:
    fresh = Session(
        id=1, site_id=1, statut=rules.EN_ATTENTE, initial_ms=HOUR, code_expires_at=later(hours=24)
    )
    return replace(fresh, **changes)  # type: ignore[arg-type]


def started() -> Session:
    return rules.start(waiting(), 7, NOW, "boot-1")


def active() -> Session:
    return rules.confirm(started(), HOUR, NOW)


def paused() -> Session:
    return rules.suspend(active(), later(minutes=10), POLICY, "suspension_operateur")


def ended() -> Session:
    return rules.end(active(), later(minutes=10), "fin_operateur")


def expired() -> Session:
    return rules.end(active(), later(minutes=61), "duree_ecoulee", rules.EXPIREE)


STATES: dict[str, Callable[[], Session]] = {
    rules.EN_ATTENTE: waiting,
    rules.ACTIVE: active,
    rules.SUSPENDUE: paused,
    rules.TERMINEE: ended,
    rules.EXPIREE: expired,
}
ACTIONS: dict[str, Callable[[Session], Session]] = {
    "start": lambda s: rules.start(s, 7, later(minutes=20)),
    "suspend": lambda s: rules.suspend(s, later(minutes=20), POLICY, "suspension_operateur"),
    "resume": lambda s: rules.resume(s, later(minutes=20)),
    "add": lambda s: rules.add(s, MINUTE, later(minutes=20), POLICY, None),
    "credit": lambda s: rules.credit(s, MINUTE, later(minutes=20)),
    "end": lambda s: rules.end(s, later(minutes=20), "fin_operateur"),
    "expire": lambda s: rules.end(s, later(minutes=20), "duree_ecoulee", rules.EXPIREE),
}
BECOMES = {
    ("start", rules.EN_ATTENTE): rules.ACTIVE,
    ("suspend", rules.ACTIVE): rules.SUSPENDUE,
    ("resume", rules.SUSPENDUE): rules.ACTIVE,
    ("add", rules.EN_ATTENTE): rules.EN_ATTENTE,
    ("add", rules.ACTIVE): rules.ACTIVE,
    ("add", rules.SUSPENDUE): rules.SUSPENDUE,
    ("credit", rules.ACTIVE): rules.ACTIVE,
    ("credit", rules.SUSPENDUE): rules.SUSPENDUE,
    **{("end", statut): rules.TERMINEE for statut in rules.USABLE},
    **{("expire", statut): rules.EXPIREE for statut in rules.USABLE},
}


@pytest.mark.parametrize("statut", rules.STATUTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_each_action_is_allowed_where_it_has_a_meaning_and_refused_elsewhere(
    action: str, statut: str
) -> None:
    before = STATES[statut]()
    assert before.statut == statut
    if (action, statut) in BECOMES:
        assert ACTIONS[action](before).statut == BECOMES[action, statut]
        return
    with pytest.raises(Refused) as refused:
        ACTIONS[action](before)
    assert refused.value.reason == "transition_interdite"
    assert refused.value.details["statut"] == statut


@pytest.mark.parametrize("statut", rules.STATUTS)
def test_confirm_and_settle_change_nothing_where_they_have_no_meaning(statut: str) -> None:
    before = STATES[statut]()
    assert rules.confirm(before, MINUTE, later(minutes=20)) == before
    if statut in (rules.EN_ATTENTE, rules.ACTIVE):
        assert rules.settle(before, MINUTE) == before


def test_a_session_that_waits_has_all_its_time() -> None:
    assert waiting().remaining_ms(NOW) == HOUR
    assert waiting().used_ms(NOW) == 0
    assert waiting().due_at(60) == later(hours=24)


def test_time_does_not_run_before_the_poste_has_said_that_it_unlocked() -> None:
    session = started()
    assert session.remaining_ms(later(seconds=9)) == HOUR
    assert session.due_at(60) == later(seconds=rules.CONFIRM_S)


def test_time_runs_from_the_moment_that_the_poste_measured() -> None:
    session = rules.confirm(started(), HOUR - 400, later(seconds=2))
    assert session.deadline == later(seconds=2 + 3600 - 0.4)
    assert session.started_at == later(seconds=1.6)
    assert session.confirm_by is None


def test_a_poste_cannot_confirm_more_than_it_was_given() -> None:
    assert rules.confirm(started(), 2 * HOUR, NOW).remaining_ms(NOW) == HOUR


def test_a_resumed_session_keeps_its_first_beginning() -> None:
    again = rules.confirm(rules.resume(paused(), later(minutes=15)), 50 * MINUTE, later(minutes=15))
    assert again.started_at == NOW
    assert again.remaining_ms(later(minutes=15)) == 50 * MINUTE


def test_remaining_time_is_what_lies_before_the_deadline() -> None:
    session = active()
    assert session.remaining_ms(later(minutes=15)) == 45 * MINUTE
    assert session.used_ms(later(minutes=15)) == 15 * MINUTE
    assert session.due_at(60) == later(minutes=61)


def test_in_the_grace_nothing_remains_and_nothing_more_is_used() -> None:
    session = active()
    assert not session.in_grace(later(minutes=59, seconds=59))
    assert session.in_grace(later(minutes=60))
    assert session.remaining_ms(later(seconds=3630)) == 0
    assert session.used_ms(later(seconds=3630)) == HOUR


def test_time_added_in_the_grace_counts_from_now() -> None:
    session = rules.add(active(), 15 * MINUTE, later(seconds=3630), POLICY, None)
    assert session.remaining_ms(later(seconds=3630)) == 15 * MINUTE
    assert session.used_ms(later(seconds=3630)) == HOUR


def test_time_added_moves_the_deadline() -> None:
    session = rules.add(active(), 15 * MINUTE, later(minutes=10), POLICY, None)
    assert session.deadline == later(minutes=75)
    assert session.granted_ms == 75 * MINUTE


def test_time_added_before_the_poste_confirms_is_part_of_what_it_gets() -> None:
    session = rules.add(started(), 15 * MINUTE, later(seconds=3), POLICY, None)
    assert session.remaining_ms(later(seconds=4)) == 75 * MINUTE
    assert rules.confirm(session, 75 * MINUTE, later(seconds=5)).deadline == later(minutes=75, seconds=5)


def test_time_added_to_a_paused_session_is_kept_with_the_rest() -> None:
    session = rules.add(paused(), 15 * MINUTE, later(minutes=20), POLICY, None)
    assert session.remaining_ms(later(minutes=30)) == 65 * MINUTE


def test_time_can_be_taken_down_to_nothing_but_not_below() -> None:
    session = rules.add(active(), -50 * MINUTE, later(minutes=10), POLICY, None)
    assert session.remaining_ms(later(minutes=10)) == 0
    with pytest.raises(Refused) as refused:
        rules.add(active(), -50 * MINUTE - 1, later(minutes=10), POLICY, None)
    assert refused.value.reason == "temps_insuffisant"


def test_a_session_keeps_a_minute_at_least() -> None:
    assert rules.add(waiting(), MINUTE - HOUR, NOW, POLICY, None).granted_ms == MINUTE
    with pytest.raises(Refused, match="On ne peut pas retirer"):
        rules.add(waiting(), MINUTE - HOUR - 1, NOW, POLICY, None)


def test_adding_nothing_is_an_error_of_the_caller() -> None:
    with pytest.raises(Invalid):
        rules.add(active(), 0, NOW, POLICY, None)


def test_a_session_is_never_longer_than_the_site_allows() -> None:
    assert rules.add(active(), HOUR, NOW, POLICY, None).granted_ms == 2 * HOUR
    with pytest.raises(Refused) as refused:
        rules.add(active(), HOUR + 1, NOW, POLICY, None)
    assert refused.value.reason == "duree_maximale"
    assert "120" in refused.value.fr


def test_time_past_closing_is_refused_but_may_be_taken_away() -> None:
    closing = later(minutes=70)
    assert rules.add(active(), 10 * MINUTE, NOW, POLICY, closing).deadline == closing
    with pytest.raises(Refused) as refused:
        rules.add(active(), 10 * MINUTE + 1, NOW, POLICY, closing)
    assert refused.value.reason == "apres_fermeture"
    assert rules.add(active(), -MINUTE, NOW, POLICY, later(minutes=30)).granted_ms == 59 * MINUTE


def test_a_pause_keeps_the_time_and_has_its_own_end() -> None:
    session = paused()
    assert session.remaining_ms(later(hours=5)) == 50 * MINUTE
    assert session.due_at(60) == later(minutes=40)
    assert session.suspended_at == later(minutes=10)
    assert session.deadline is None


def test_a_session_can_be_paused_as_of_when_its_poste_was_last_heard() -> None:
    session = rules.suspend(active(), later(minutes=20), POLICY, "redemarrage", as_of=later(minutes=12))
    assert session.left_ms == 48 * MINUTE


def test_a_pause_never_gives_more_than_was_granted() -> None:
    before_it_began = NOW - timedelta(minutes=3)
    session = rules.suspend(active(), later(minutes=20), POLICY, "redemarrage", as_of=before_it_began)
    assert session.left_ms == HOUR
    in_the_future = rules.suspend(active(), NOW, POLICY, "redemarrage", as_of=later(minutes=12))
    assert in_the_future.left_ms == HOUR


def test_a_session_in_its_grace_has_nothing_left_to_pause() -> None:
    with pytest.raises(Refused) as refused:
        rules.suspend(active(), later(seconds=3610), POLICY, "suspension_operateur")
    assert refused.value.reason == "transition_interdite"


def test_an_unconfirmed_start_gives_all_its_time_back() -> None:
    session = rules.suspend(started(), later(seconds=10), POLICY, "demarrage_non_confirme")
    assert session.left_ms == HOUR


def test_resuming_runs_the_saved_time() -> None:
    session = rules.resume(paused(), later(minutes=15), "boot-2")
    assert (session.statut, session.boot, session.reason) == (rules.ACTIVE, "boot-2", None)
    assert session.remaining_ms(later(minutes=15)) == 50 * MINUTE
    assert session.suspended_until is None
    assert session.suspended_at is None


def test_the_poste_knows_better_what_was_left_when_it_locked() -> None:
    assert rules.settle(paused(), 49 * MINUTE).left_ms == 49 * MINUTE
    assert rules.settle(paused(), 50 * MINUTE + 9_000).left_ms == 50 * MINUTE + 9_000


def test_a_poste_cannot_save_much_more_than_was_left() -> None:
    assert rules.settle(paused(), 2 * HOUR).left_ms == 50 * MINUTE + 10_000
    unused = rules.suspend(active(), NOW, POLICY, "suspension_operateur")
    assert rules.settle(unused, 2 * HOUR).left_ms == HOUR


def test_what_was_granted_after_the_lock_is_not_lost_by_the_measure_of_the_lock() -> None:
    more = rules.add(paused(), 15 * MINUTE, later(minutes=11), POLICY, None)
    settled = rules.settle(more, 50 * MINUTE - 200, added_since_ms=15 * MINUTE)
    assert settled.left_ms == 65 * MINUTE - 200


def test_a_session_that_waits_to_run_again_runs_with_what_was_left_when_the_poste_locked() -> None:
    again = rules.resume(paused(), later(minutes=20))
    settled = rules.settle(again, 48 * MINUTE, added_since_ms=MINUTE)
    assert settled.remaining_ms(later(minutes=20)) == 49 * MINUTE
    assert settled.deadline == later(minutes=69)
    runs = rules.confirm(settled, 49 * MINUTE, later(minutes=20))
    assert rules.settle(runs, 10 * MINUTE) == runs


def test_the_clock_of_the_poste_is_believed_for_a_session_that_is_over() -> None:
    assert rules.settle(expired(), 20 * MINUTE).used_ms(NOW) == 40 * MINUTE
    assert rules.settle(ended(), 2 * HOUR).used_ms(NOW) == 0


def test_an_outage_is_given_back_without_granting_more() -> None:
    session = rules.credit(active(), 5 * MINUTE, later(minutes=20))
    assert session.remaining_ms(later(minutes=20)) == 45 * MINUTE
    assert session.granted_ms == HOUR


def test_an_outage_that_outlived_the_deadline_gives_back_only_what_ran_before_it() -> None:
    back = later(minutes=60, seconds=20)
    session = rules.credit(active(), 30_000, back)
    assert session.remaining_ms(back) == 10_000


def test_an_outage_never_gives_back_more_than_was_granted() -> None:
    assert rules.credit(active(), 10 * HOUR, later(minutes=20)).remaining_ms(later(minutes=20)) == HOUR
    assert rules.credit(paused(), 10 * HOUR, later(minutes=20)).left_ms == HOUR


def test_closing_time_cuts_a_session_in_whole_seconds() -> None:
    session, taken = rules.cap(active(), later(milliseconds=300), later(minutes=30))
    assert taken == 30 * MINUTE
    assert session.deadline == later(minutes=30)
    assert session.granted_ms == 30 * MINUTE
    odd, taken = rules.cap(rules.confirm(started(), HOUR, later(milliseconds=300)), NOW, later(minutes=30))
    assert taken % 1000 == 0
    assert odd.deadline is not None
    assert odd.deadline <= later(minutes=30)


def test_closing_time_leaves_alone_what_ends_before_it() -> None:
    assert rules.cap(active(), NOW, later(minutes=60)) == (active(), 0)
    assert rules.cap(active(), NOW, None) == (active(), 0)


def test_an_end_keeps_what_was_not_used_in_the_books() -> None:
    session = ended()
    assert (session.statut, session.reason, session.ended_at) == (
        "terminee",
        "fin_operateur",
        later(minutes=10),
    )
    assert session.unspent_ms(later(hours=9)) == 50 * MINUTE
    assert session.used_ms(later(hours=9)) == 10 * MINUTE
    assert session.remaining_ms(later(hours=9)) == 0
    assert session.due_at(60) is None


def test_a_cancelled_session_has_no_deadline_and_used_nothing() -> None:
    session = rules.end(waiting(), later(minutes=1), "annulation")
    assert session.deadline is None
    assert session.used_ms(NOW) == 0


def test_what_never_reached_a_poste_that_ended_the_session_by_itself_is_taken_back() -> None:
    more = rules.add(active(), 15 * MINUTE, later(minutes=50), POLICY, None)
    over = rules.end_by_poste(more, 15 * MINUTE, later(minutes=63), "fin_nettoyage")
    assert (over.statut, over.granted_ms, over.used_ms(NOW)) == (rules.EXPIREE, HOUR, HOUR)
