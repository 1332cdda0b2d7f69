"""Fifty connections race for one thing: one wins, or the sums are exact; and without its guard, each race is lost.

Each planted fault takes away the guard named in its test, and shows that the race above it can fail.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from sqlalchemy import select, update

from fleet.database import tables
from fleet.database.engine import Database
from fleet.usecases import enrolment
from mosquitto.passwords import matches
from tests.support.racing import RACERS, Outcome, Race, Racers
from tests.support.rooms import Room, make_room

ROUNDS = 8


@pytest.fixture(scope="module")
def racers() -> Iterator[Racers]:
    with Racers() as ready:
        yield ready


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One of each kind for all races: the racers' statements are compiled once."""
    if request.param == "postgresql":
        template = request.getfixturevalue("postgres_template")
        name = f"races_{secrets.token_hex(4)}"  # a worker may come back to this fixture
        url = request.getfixturevalue("postgres").create_database(name, template)
    else:
        path = tmp_path_factory.mktemp("races") / "fleet.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        url = f"sqlite:///{path}"
    opened = Database(url)
    yield opened
    opened.close()


@pytest.fixture
def track(database: Database, racers: Racers) -> "Track":
    return Track(database, racers)


class Track:
    """Where races are run: a new room for each."""

    def __init__(self, database: Database, racers: Racers) -> None:
        self.database = database
        self._racers = racers

    def run(
        self, room: Room, action: str, arguments: Sequence[tuple[object, ...]], faults: Sequence[str]
    ) -> list[Outcome]:
        url = self.database.url.render_as_string(hide_password=False)
        return self._racers.run(Race(url, room.lease, action, arguments, faults))

    def room(self, postes: int = 1) -> Room:
        return make_room(self.database, postes, sessions_per_day=None, longest_session_s=86_400)

    def without(self, *guards: str) -> Sequence[str]:
        """The faults that take these guards away: on SQLite they all are one lock."""
        return guards if self.database.is_postgresql else ["SQLite begins without its lock"]

    @contextmanager
    def without_index(self, name: str) -> Iterator[None]:
        (index,) = (index for index in tables.session.indexes if index.name == name)
        with self.database.transaction() as tx:
            index.drop(tx.connection)
        yield
        with self.database.transaction() as tx:
            tx.execute(update(tables.session).values(statut="terminee"))
            index.create(tx.connection)


def one_code_at_fifty_postes(track: Track, *faults: str) -> None:
    room = track.room(RACERS)
    code = room.new().code
    outcomes = track.run(room, "type_code", [(poste, code) for poste in room.postes], faults)
    _one_winner(outcomes, "code_deja_utilise")


def fifty_codes_at_one_poste(track: Track, *faults: str) -> None:
    room = track.room()
    codes = [room.new().code for _ in range(RACERS)]
    outcomes = track.run(room, "type_code", [(room.postes[0], code) for code in codes], faults)
    _one_winner(outcomes, "poste_occupe")
    assert room.wanted(room.postes[0]).rev == 2


def one_person_at_fifty_postes(track: Track, *faults: str) -> None:
    room = track.room(RACERS)
    person = room.person()
    codes = [room.new(person=person).code for _ in range(RACERS)]
    outcomes = track.run(room, "type_code", list(zip(room.postes, codes, strict=True)), faults)
    _one_winner(outcomes, "utilisateur_deja_en_session")


def one_person_creates_past_the_quota(track: Track, *faults: str) -> None:
    room = track.room()
    room.rules(sessions_per_day=3)
    person = room.person()
    outcomes = track.run(room, "create", [(person,)] * RACERS, faults)
    assert sorted(map(str, outcomes))[3:] == ["quota_sessions_jour"] * (RACERS - 3)
    assert len([one for one in outcomes if isinstance(one, int)]) == 3


def everybody_adds_time(track: Track, *faults: str) -> None:
    room = track.room()
    running = room.running()
    deadline, rev = room.row(running).fin_prevue, room.wanted(room.postes[0]).rev
    arguments = [(running, seconds) for seconds in range(1, RACERS + 1)]
    revs = track.run(room, "add_time", arguments, faults)
    total = sum(range(1, RACERS + 1))
    row = room.row(running)
    assert row.temps_ajoute_ms == total * 1000
    assert (row.fin_prevue - deadline).total_seconds() == total
    assert sum(amount for kind, amount in room.ledger(running) if kind == "ajout") == total * 1000
    assert sorted(map(str, revs)) == sorted(str(rev + n) for n in range(1, RACERS + 1))
    assert [entry.numero for entry in room.log()] == list(range(1, RACERS + 3))


def everybody_tells_one_poste(track: Track, *faults: str) -> None:
    room = track.room()
    revs = track.run(room, "bump", [(room.postes[0],)] * RACERS, faults)
    assert sorted(map(str, revs)) == sorted(str(n) for n in range(2, RACERS + 2))


def fifty_machines_prove_one_token(track: Track, *faults: str) -> None:
    room = track.room()
    token = enrolment.open_(room.fleet, room.actor, room.postes[0]).jeton.replace("-", "")
    passwords = [f"{number:032d}" for number in range(RACERS)]
    outcomes = track.run(room, "enrol", [(token, password) for password in passwords], faults)
    _one_winner(outcomes, "enrolement_refuse")
    with room.tx() as tx:
        wanted = select(tables.identity.c.mot_de_passe).where(tables.identity.c.poste_id == room.postes[0])
        kept = tx.execute(wanted).scalar_one()
    assert matches(kept, passwords[outcomes.index(1)])


def _one_winner(outcomes: list[Outcome], others: str) -> None:
    won = [outcome for outcome in outcomes if isinstance(outcome, int)]
    assert len(won) == 1, f"{len(won)} won"
    assert [outcome for outcome in outcomes if isinstance(outcome, str)] == [others] * (RACERS - 1)


def _goes_wrong(race: Callable[..., None], track: Track, *faults: str) -> None:
    for _ in range(ROUNDS):
        try:
            race(track, *faults)
        except AssertionError:
            return
    raise AssertionError(f"the race was won {ROUNDS} times without its guard")


class TestOneWinner:
    def test_one_code_opens_one_of_fifty_postes(self, track: Track) -> None:
        one_code_at_fifty_postes(track)

    def test_one_poste_takes_one_of_fifty_codes(self, track: Track) -> None:
        fifty_codes_at_one_poste(track)

    def test_one_person_gets_one_of_fifty_postes(self, track: Track) -> None:
        one_person_at_fifty_postes(track)

    def test_one_person_gets_three_of_fifty_sessions(self, track: Track) -> None:
        one_person_creates_past_the_quota(track)

    def test_one_of_fifty_machines_is_the_poste(self, track: Track) -> None:
        fifty_machines_prove_one_token(track)

    def test_of_fifty_tokens_for_one_poste_one_is_open(self, track: Track) -> None:
        room = track.room()
        outcomes = track.run(room, "open_enrolment", [(room.postes[0],)] * RACERS, ())
        assert outcomes == [1] * RACERS
        with room.tx() as tx:
            mine = tables.enrolment.c.poste_id == room.postes[0]
            statuts = tx.execute(select(tables.enrolment.c.statut).where(mine)).scalars().all()
        assert sorted(statuts) == ["ouvert"] + ["retire"] * (RACERS - 1)


class TestExactSums:
    def test_time_added_by_fifty_is_added_up(self, track: Track) -> None:
        everybody_adds_time(track)

    def test_fifty_changes_of_one_poste_have_fifty_numbers(self, track: Track) -> None:
        everybody_tells_one_poste(track)


class TestWithoutTheGuard:
    def test_a_code_needs_the_condition_of_its_update(self, track: Track) -> None:
        """The guard is the conditional UPDATE of `save` (statut and version). The row lock only comes before it,
        so that the loser reads the session as it became; each holds the race alone, so both are taken away."""
        faults = track.without("sessions are not locked", "sessions are saved blindly")
        _goes_wrong(one_code_at_fifty_postes, track, *faults)

    def test_a_code_is_safe_with_the_condition_alone(self, track: Track) -> None:
        if track.database.is_postgresql:
            one_code_at_fifty_postes(track, "sessions are not locked")

    def test_a_poste_needs_its_unique_index(self, track: Track) -> None:
        """The guard is uq_session_poste: nothing else looks whether the poste is free."""
        with track.without_index("uq_session_poste"):
            _goes_wrong(fifty_codes_at_one_poste, track)

    def test_a_person_needs_the_unique_index(self, track: Track) -> None:
        """The guard is uq_session_utilisateur: the lock of the person orders the starts, it does not forbid them."""
        with track.without_index("uq_session_utilisateur"):
            _goes_wrong(one_person_at_fifty_postes, track)

    def test_a_quota_needs_the_lock_of_the_person(self, track: Track) -> None:
        """The guard is the row lock of the utilisateur: a count has no index to stop it."""
        _goes_wrong(one_person_creates_past_the_quota, track, *track.without("people are not locked"))

    def test_added_time_needs_the_lock_of_the_session(self, track: Track) -> None:
        """The guard is the row lock of the session. Without it the condition of the UPDATE still loses no sum,
        but refuses honest work."""
        _goes_wrong(everybody_adds_time, track, *track.without("sessions are not locked"))

    def test_added_time_is_lost_when_the_condition_is_gone_as_well(self, track: Track) -> None:
        faults = track.without("sessions are not locked", "sessions are saved blindly")
        _goes_wrong(everybody_adds_time, track, *faults)

    def test_the_numbers_of_a_poste_need_to_be_raised_in_the_row(self, track: Track) -> None:
        """The guard is `rev = rev + 1` in one UPDATE, which locks the row of the poste."""
        _goes_wrong(everybody_tells_one_poste, track, *track.without("revs are read first"))

    def test_a_token_needs_the_condition_of_its_update(self, track: Track) -> None:
        """The guard is `statut = 'ouvert'` in the UPDATE that uses it up."""
        _goes_wrong(fifty_machines_prove_one_token, track, *track.without("tokens are read first"))
