"""granted = used + remaining, to the millisecond, whatever is done to a session and in whatever order."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.domain import session as rules
from fleet.domain.errors import Refused
from fleet.domain.policy import Policy
from fleet.domain.session import Session

BEGIN = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
POLICY = Policy()
Step = tuple[str, int]

_HONEST = ("wait", "start", "add", "take", "suspend", "resume", "outage", "cap", "end")
_durations = st.integers(1, 3 * 3_600_000)
_steps = st.lists(st.tuples(st.sampled_from(_HONEST), _durations), max_size=30)


class Visit:
    """A session and the stopwatch of the poste: `used_ms` is how long it was really unlocked and before time."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.used_ms = 0
        self.session = Session(id=1, site_id=1, statut=rules.EN_ATTENTE, initial_ms=3_600_000)

    def wait(self, ms: int) -> None:
        running = self.session.statut == rules.ACTIVE and self.session.confirm_by is None
        if running:
            self.used_ms += min(ms, self.session.remaining_ms(self.now))
        self.now += timedelta(milliseconds=ms)

    def start(self, ms: int) -> None:
        self._unlock(rules.start(self.session, 1, self.now, "boot"), ms)

    def resume(self, ms: int) -> None:
        self._unlock(rules.resume(self.session, self.now), ms)

    def add(self, ms: int) -> None:
        self.session = rules.add(self.session, ms, self.now, POLICY, None)

    def take(self, ms: int) -> None:
        self.session = rules.add(self.session, -ms, self.now, POLICY, None)

    def suspend(self, _: int) -> None:
        self.session = rules.suspend(self.session, self.now, POLICY, "suspension_operateur")

    def outage(self, ms: int) -> None:
        if self.session.statut == rules.ACTIVE:
            self.now += timedelta(milliseconds=ms)
            self.session = rules.credit(self.session, ms, self.now)

    def cap(self, ms: int) -> None:
        self.session, _ = rules.cap(self.session, self.now, self.now + timedelta(milliseconds=ms))

    def end(self, _: int) -> None:
        self.session = rules.end(self.session, self.now, "fin_operateur")

    def _unlock(self, opened: Session, ms: int) -> None:
        self.session = opened
        self.wait(min(ms, 9_000))
        self.session = rules.confirm(self.session, self.session.remaining_ms(self.now), self.now)


def _try(action: Callable[[int], None], amount: int) -> None:
    try:
        action(amount)
    except Refused:
        return


@settings(max_examples=400)
@given(_steps)
def test_used_time_is_the_time_that_the_poste_was_unlocked(steps: list[Step]) -> None:
    visit = Visit()
    for name, amount in steps:
        _try(getattr(visit, name), amount)
        session, now = visit.session, visit.now
        assert session.used_ms(now) == visit.used_ms, name
        assert session.granted_ms == session.used_ms(now) + session.unspent_ms(now)
        assert 0 <= session.remaining_ms(now) <= session.granted_ms


_ANYTHING: dict[str, Callable[[Session, int, datetime], Session]] = {
    "start": lambda s, ms, now: rules.start(s, 1, now, "boot"),
    "confirm": lambda s, ms, now: rules.confirm(s, ms, now),
    "add": lambda s, ms, now: rules.add(s, ms, now, POLICY, None),
    "take": lambda s, ms, now: rules.add(s, -ms, now, POLICY, None),
    "suspend": lambda s, ms, now: rules.suspend(
        s, now, POLICY, "redemarrage", as_of=now - timedelta(milliseconds=ms)
    ),
    "resume": lambda s, ms, now: rules.resume(s, now),
    "settle": lambda s, ms, now: rules.settle(s, ms, ms // 7),
    "credit": lambda s, ms, now: rules.credit(s, ms, now),
    "cap": lambda s, ms, now: rules.cap(s, now, now + timedelta(milliseconds=ms))[0],
    "end": lambda s, ms, now: rules.end(s, now, "fin_operateur"),
    "expire": lambda s, ms, now: rules.end(s, now, "duree_ecoulee", rules.EXPIREE),
    "end_by_poste": lambda s, ms, now: rules.end_by_poste(s, ms, now, "fin_nettoyage"),
}
_hostile = st.lists(st.tuples(st.sampled_from(sorted(_ANYTHING)), _durations, _durations), max_size=30)


@settings(max_examples=400)
@given(_hostile)
def test_no_sequence_of_claims_makes_time_out_of_nothing(steps: list[tuple[str, int, int]]) -> None:
    session, now = Session(id=1, site_id=1, statut=rules.EN_ATTENTE, initial_ms=3_600_000), BEGIN
    for name, amount, pause in steps:
        now += timedelta(milliseconds=pause)
        try:
            session = _ANYTHING[name](session, amount, now)
        except Refused:
            continue
        for instant in (now, now + timedelta(milliseconds=pause)):
            assert 0 <= session.remaining_ms(instant) <= session.granted_ms, name
            assert 0 <= session.unspent_ms(instant) <= session.granted_ms, name
            assert session.used_ms(instant) + session.unspent_ms(instant) == session.granted_ms
